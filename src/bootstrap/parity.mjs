/**
 * `npm run test:parity`: trains models here and in PyTorch and compares every gradient and loss. Not part of
 * `npm test`, because PyTorch is large: it is installed into `.venv-parity/`, unless
 * `$EFFERENCE_TORCH_PYTHON` names a Python that has it. Ends with `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, createProgress, ensureInstalled } from "./setup.mjs";

await ensureInstalled();
const { ensureTorch } = await import("../../tests/support/torch-venv.mjs");
const progress = createProgress();
const { python, version, unavailable } = await ensureTorch({
  log: (text) => progress.update(text),
});
if (python === undefined) {
  process.stderr.write(`Cannot compare with PyTorch: ${unavailable}\n`);
  process.exit(1);
}
progress.done(`PyTorch ${version}`);

const folder = mkdtempSync(join(tmpdir(), "efference-parity-"));
const report = join(folder, "report.json");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
const config = ["--config", join("tests", "parity", "vitest.config.ts")];
const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
const { status } = spawnSync(
  process.execPath,
  [vitest, "run", ...config, ...reporters, ...process.argv.slice(2)],
  { cwd: ROOT, stdio: "inherit", env: { ...process.env, EFFERENCE_TORCH_PYTHON: python } },
);
const results = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined;
rmSync(folder, { recursive: true });
const passed = results?.numPassedTests ?? 0;
// Tests that a failed set-up kept from running are no skips: nothing here may be left out.
const failed = (results?.numTotalTests ?? 1) - passed;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : 1;
