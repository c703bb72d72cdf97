/**
 * `npm run test:node24`: the unit, numerics, conformance and integration suites on Node 24, whose binary npm
 * carries. Zero set-up besides that; uses the same installed packages and the same build.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensureBuilt } from "./build.mjs";
import { ROOT, ensureInstalled, runQuietly } from "./setup.mjs";

const name = `node-${process.platform}-${process.arch}`;
const prefix = join(ROOT, ".cache", "node24");
const binary = join(prefix, "node_modules", name, "bin", "node");

await ensureInstalled();
await ensureBuilt();
if (!existsSync(binary)) {
  process.stderr.write(`fetching ${name}@24\n`);
  await runQuietly("npm", ["install", "--prefix", prefix, "--no-save", "--no-audit", `${name}@24`]);
}
const { stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
process.stdout.write(`Node ${stdout}`);
const args = process.argv.slice(2);
const projects = ["unit", "numerics", "conformance", "integration"].flatMap((p) => [
  "--project",
  p,
]);
const { status } = spawnSync(
  binary,
  [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", ...(args.length > 0 ? args : projects)],
  { cwd: ROOT, stdio: "inherit" },
);
process.exit(status ?? 1);
