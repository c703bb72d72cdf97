/**
 * `npm run test:libero [-- FILTER]`: compares the LIBERO of this runtime with the original Python stack, from states to
 * success. Not part of `npm test`, because the original's packages are large: they are installed in the user's cache, unless
 * `$EFFERENCE_LIBERO_PYTHON` names a Python that has them. `$EFFERENCE_LIBERO_ASSETS` names LIBERO's meshes and textures
 * (default: the package's own download). Ends with `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ensureBuilt } from "./build.mjs";
import { ROOT, createProgress, ensureInstalled } from "./setup.mjs";

await ensureInstalled();
await ensureBuilt();
const { ensureLiberoPython } = await import("../../dist/src/cli/libero-python.js");
const progress = createProgress();
let python;
let env;
try {
  ({ python, env } = await ensureLiberoPython({ log: (text) => progress.update(text) }));
} catch (error) {
  process.stderr.write(`Cannot compare with LIBERO: ${error.message}\n`);
  process.exit(1);
}
progress.done(`LIBERO's original stack: ${python}`);

// What reads files of demonstrations; the original's environments do without.
const reader = join(ROOT, ".cache", "libero-test-python");
const hasReader = spawnSync(python, ["-c", "import h5py"], {
  env: { ...process.env, PYTHONPATH: [env.PYTHONPATH, reader].filter(Boolean).join(delimiter) },
});
if (hasReader.status !== 0) {
  const pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", reader, "h5py>=3.10"];
  const installed = spawnSync(python, pip, { stdio: ["ignore", "ignore", "inherit"] });
  if (installed.status !== 0) {
    process.stderr.write("Cannot compare with LIBERO: h5py could not be installed, see above\n");
    process.exit(1);
  }
}

// Physics and pictures of all tasks, made with the original once; later runs only check it.
const data = join(ROOT, ".cache", "libero-test");
const assets = process.env.EFFERENCE_LIBERO_ASSETS ?? "";
const cli = join(ROOT, "dist", "src", "cli", "main.js");
const prepared = spawnSync(
  process.execPath,
  [...[cli, "libero", "prepare", "--data", data], ...(assets === "" ? [] : ["--assets", assets])],
  { stdio: ["ignore", "ignore", "inherit"] },
);
if (prepared.status !== 0) {
  process.stderr.write("Cannot compare with LIBERO: its tasks could not be exported, see above\n");
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "efference-libero-"));
const report = join(folder, "report.json");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const config = ["--config", join("tests", "libero", "vitest.config.ts")];
const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
const paths = [env.PYTHONPATH, reader, process.env.PYTHONPATH].filter(Boolean).join(delimiter);
const { status } = spawnSync(
  process.execPath,
  [vitest, "run", ...config, ...reporters, ...process.argv.slice(2)],
  {
    cwd: ROOT,
    stdio: "inherit",
    env: {
      ...process.env,
      EFFERENCE_LIBERO_PYTHON: python,
      EFFERENCE_LIBERO: data,
      PYTHONPATH: paths,
    },
  },
);
const results = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined;
rmSync(folder, { recursive: true });
const passed = results?.numPassedTests ?? 0;
// Tests that a failed set-up kept from running are no skips: nothing here may be left out.
const failed = (results?.numTotalTests ?? 1) - passed;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : 1;
