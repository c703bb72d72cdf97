/**
 * The benchmarks of a folder: every `NAME.mjs` that does not begin with `_`. Each exports by default
 * `{ title, cases?, needs?(given), run(print, given) }` with `given = { cases? }`: `run` prints figures, each with a ratio
 * to a peer or a floor measured in the same run, and returns them; `needs` answers what the machine lacks for that, in
 * words, or nothing.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

export function listBenchmarks(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".mjs") && !file.startsWith("_"))
    .map((file) => file.slice(0, -".mjs".length));
}

/** @throws {TypeError} if the file does not export a benchmark; whatever importing it throws */
export async function loadBenchmark(folder, name) {
  const path = join(folder, `${name}.mjs`);
  const { default: bench } = await import(pathToFileURL(path).href);
  const lacking = [
    ["title", "string"],
    ["run", "function"],
  ].filter(([key, type]) => typeof bench?.[key] !== type);
  if (lacking.length === 0) return bench;
  const keys = lacking.map(([key]) => `"${key}"`).join(" and ");
  throw new TypeError(
    `Cannot run benchmark "${name}": the default export of ${path} has no ${keys}, must be { title, run }`,
  );
}

/**
 * Runs benchmarks one after the other. One that fails does not stop the others, one that needs what the machine lacks is
 * left out, and both are told.
 * @param wanted of `{ name, load, cases }`, where `load` answers the benchmark and no cases are all
 * @returns what the benchmarks returned, and the names of those that failed and that were left out
 */
export async function runBenchmarks(wanted, print) {
  const results = {};
  const [failed, leftOut] = [[], []];
  for (const { name, load, cases } of wanted) {
    try {
      const bench = await load();
      print(`\n== ${bench.title}`);
      const given = cases.length > 0 ? { cases } : {};
      const needed = await bench.needs?.(given);
      if (needed === undefined) results[name] = await bench.run(print, given);
      else {
        leftOut.push(name);
        print(`left out: ${name} needs ${needed}`);
      }
    } catch (error) {
      failed.push(name);
      print(`${name} failed: ${error instanceof Error ? error.stack : error}`);
    }
  }
  return { results, failed, leftOut };
}
