import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = `${ROOT}tests/bench`;
const LOAD_ALL = `
import { listBenchmarks, loadBenchmark } from ${JSON.stringify(pathToFileURL(`${ROOT}src/bootstrap/benchmarks.mjs`).href)};
const titles = {};
for (const name of listBenchmarks(process.argv[1])) {
  titles[name] = (await loadBenchmark(process.argv[1], name)).title;
}
process.stdout.write(JSON.stringify(titles));
`;

it("every benchmark can be loaded, without measuring or printing anything", async () => {
  const args = ["--input-type=module", "--eval", LOAD_ALL, FOLDER];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const titles = JSON.parse(stdout) as Record<string, string>;
  const files = readdirSync(FOLDER).filter((name) => /^[^_].*\.mjs$/.test(name));
  expect(Object.keys(titles).map((name) => `${name}.mjs`)).toEqual(files);
  expect(files.length).toBeGreaterThan(10);
  expect(new Set(Object.values(titles)).size).toBe(files.length);
});
