/**
 * `npm run bench [-- NAME [CASE ...] ...] [--json]`: runs the benchmarks of `tests/bench/`, all or the named
 * ones, of those that have cases all or the named ones. Each prints its figures and a ratio to a peer or a
 * floor measured in the same run. `--json` prints what the benchmarks return, and words to standard error.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt } from "./build.mjs";
import { ROOT, ensureInstalled } from "./setup.mjs";

await ensureInstalled();
await ensureBuilt();

const folder = join(ROOT, "tests", "bench");
const known = readdirSync(folder)
  .filter((file) => file.endsWith(".mjs") && !file.startsWith("_"))
  .map((file) => file.slice(0, -".mjs".length));
const json = process.argv.includes("--json");
const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));

function refuse(what, must) {
  process.stderr.write(`Cannot run benchmark "${what}": must be ${must}\n`);
  process.exit(2);
}

/** The benchmarks that are asked for, each with its module and its cases. */
async function wantedOf() {
  const wanted = [];
  for (const word of words.length > 0 ? words : known) {
    const last = wanted.at(-1);
    if (known.includes(word)) {
      const module = await import(pathToFileURL(join(folder, `${word}.mjs`)).href);
      wanted.push({ name: word, bench: module.default, cases: [] });
    } else if (last?.bench.cases?.includes(word)) last.cases.push(word);
    else {
      const cases =
        last?.bench.cases === undefined ? [] : [`of "${last.name}"`, ...last.bench.cases];
      refuse(word, `one of ${[...known, ...cases].join(", ")}`);
    }
  }
  return wanted;
}

const out = json ? process.stderr : process.stdout;
const print = (line = "") => out.write(`${line}\n`);
const results = {};
let failed = false;
for (const { name, bench, cases } of await wantedOf()) {
  print(`\n== ${bench.title ?? name}`);
  try {
    results[name] = await bench.run(print, cases.length > 0 ? { cases } : {});
  } catch (error) {
    failed = true;
    print(`${name} failed: ${error instanceof Error ? error.stack : error}`);
  }
}
if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
process.exit(failed ? 1 : 0);
