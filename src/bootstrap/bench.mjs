/**
 * `npm run bench [-- NAME ...]`: runs the benchmarks of `tests/bench/`, all or the named ones. Each
 * prints its figures and a ratio to a peer or a floor measured in the same run.
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
const wanted = process.argv.slice(2).filter((name) => !name.startsWith("-"));
for (const name of wanted) {
  if (known.includes(name)) continue;
  process.stderr.write(`Cannot run benchmark "${name}": must be one of ${known.join(", ")}\n`);
  process.exit(2);
}
const print = (line = "") => process.stdout.write(`${line}\n`);
let failed = false;
for (const name of wanted.length > 0 ? wanted : known) {
  const { default: bench } = await import(pathToFileURL(join(folder, `${name}.mjs`)).href);
  print(`\n== ${bench.title ?? name}`);
  try {
    await bench.run(print);
  } catch (error) {
    failed = true;
    print(`${name} failed: ${error instanceof Error ? error.stack : error}`);
  }
}
process.exit(failed ? 1 : 0);
