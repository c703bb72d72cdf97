/**
 * `npm run bench [-- NAME [CASE ...] ...] [--json]`: runs the benchmarks of `tests/bench/`, all or the named
 * ones, of those that have cases all or the named ones. Each prints its figures and a ratio to a peer or a
 * floor measured in the same run. `--json` prints what the benchmarks return, and words to standard error.
 * One that fails does not stop the others; the exit code is then 1, as where one is named that cannot run here.
 */
import { join } from "node:path";
import { listBenchmarks, loadBenchmark, runBenchmarks } from "./benchmarks.mjs";
import { ensureBuilt } from "./build.mjs";
import { ROOT, ensureInstalled } from "./setup.mjs";

await ensureInstalled();
await ensureBuilt();

const folder = join(ROOT, "tests", "bench");
const known = listBenchmarks(folder);
const json = process.argv.includes("--json");
const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));

function refuse(what, must) {
  process.stderr.write(`Cannot run benchmark "${what}": must be ${must}\n`);
  process.exit(2);
}

/** The benchmarks that are asked for, each with its cases. */
async function wantedOf() {
  const wanted = [];
  for (const word of words.length > 0 ? words : known) {
    if (known.includes(word)) {
      wanted.push({ name: word, load: () => loadBenchmark(folder, word), cases: [] });
      continue;
    }
    const last = wanted.at(-1);
    const { cases = [] } = (await last?.load().catch(() => undefined)) ?? {};
    if (cases.includes(word)) last.cases.push(word);
    else {
      const more = cases.length === 0 ? [] : [`of "${last.name}"`, ...cases];
      refuse(word, `one of ${[...known, ...more].join(", ")}`);
    }
  }
  return wanted;
}

const out = json ? process.stderr : process.stdout;
const print = (line = "") => out.write(`${line}\n`);
const { results, failed, leftOut } = await runBenchmarks(await wantedOf(), print);
if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
const isLacking = words.length > 0 && leftOut.length > 0;
process.exit(failed.length > 0 || isLacking ? 1 : 0);
