/**
 * `npm test`: sets up everything a fresh machine needs (packages, build, a Python environment for the
 * peers, a browser), runs every check and suite, and ends with `N passed, N failed, N skipped`.
 *
 * What the machine cannot give is skipped with its reason. Arguments select vitest files or names
 * (`npm test -- tests/unit/rollout`); static checks and Python's own tests then stay out.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ensureBuilt } from "./build.mjs";
import { ROOT, createProgress, ensureInstalled } from "./setup.mjs";

const args = process.argv.slice(2);
const progress = createProgress();
const log = (text) => progress.update(text);

await ensureInstalled();
await ensureBuilt();
const { ensureVenv } = await import("../../tests/support/python-venv.mjs");
const { ensureChromium } = await import("../../tests/support/browser.mjs");
const { findSoftwareGpu } = await import("../../tests/support/software-gpu.mjs");
const venv = await ensureVenv({ log });
const browser = await ensureChromium({ log });
progress.done("set-up done");

const unavailable = [
  ["Python peers", venv.unavailable],
  ["browser", browser.unavailable],
  ["software GPU", findSoftwareGpu().unavailable],
].filter(([, reason]) => reason !== undefined);
for (const [what, reason] of unavailable)
  process.stdout.write(`not available: ${what}: ${reason}\n`);

const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const skips = [];

/** Runs a program with its output on ours. @returns exit code and, when asked for, what it printed */
function run(command, commandArgs, { env = {}, capture = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, commandArgs, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", capture ? "pipe" : "inherit", capture ? "pipe" : "inherit"],
    });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** A check that either holds or does not counts as one test. */
async function check(name, command, commandArgs) {
  const { code, output } = await run(command, commandArgs, { capture: true });
  if (code === 0) totals.passed++;
  else {
    totals.failed++;
    failures.push(name);
    process.stdout.write(`${name} failed:\n${output}\n`);
  }
}

async function runStaticChecks() {
  const bin = (path) => join(ROOT, "node_modules", path);
  await check("types", process.execPath, [
    bin("typescript/bin/tsc"),
    "--noEmit",
    "-p",
    "tsconfig.json",
  ]);
  await check("lint", process.execPath, [bin("eslint/bin/eslint.js"), "."]);
  await check("format", process.execPath, [
    bin("prettier/bin/prettier.cjs"),
    "--check",
    "--log-level",
    "warn",
    ".",
  ]);
}

async function runVitest() {
  const folder = mkdtempSync(join(tmpdir(), "efference-test-"));
  const report = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { code } = await run(
    process.execPath,
    [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", ...reporters, ...args],
    {
      env: {
        EFFERENCE_PYTHON: venv.python ?? "",
        EFFERENCE_CHROMIUM: browser.executablePath ?? "",
      },
    },
  );
  if (!existsSync(report)) {
    totals.failed++;
    failures.push(`vitest ended with ${code} and no report`);
    return;
  }
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  rmSync(folder, { recursive: true });
  let counted = 0;
  for (const file of testResults) {
    const name = relative(ROOT, file.name);
    // A file that fails to load has a message and no assertions.
    if (file.assertionResults.length === 0 && file.status === "failed") {
      totals.failed++;
      failures.push(`${name}: ${file.message}`);
    }
    for (const { status, fullName } of file.assertionResults) {
      counted++;
      if (status === "passed") totals.passed++;
      else if (status === "failed") {
        totals.failed++;
        failures.push(`${name}: ${fullName}`);
      } else {
        totals.skipped++;
        skips.push(`${name}: ${fullName}`);
      }
    }
  }
  if (code !== 0 && failures.length === 0) {
    totals.failed++;
    failures.push(
      `vitest ended with ${code} after ${counted} tests (an unhandled error, see above)`,
    );
  }
}

async function runPytest() {
  if (venv.python === undefined) {
    totals.skipped++;
    skips.push(`sim-bridge/python/tests: ${venv.unavailable}`);
    return;
  }
  const { output } = await run(venv.python, ["-m", "pytest", "-q", "sim-bridge/python/tests"], {
    capture: true,
  });
  process.stdout.write(output);
  const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(output)?.[1] ?? 0);
  const failed = count("failed") + count("error") + count("errors");
  totals.passed += count("passed");
  totals.skipped += count("skipped");
  totals.failed += failed;
  if (count("skipped") > 0) skips.push("sim-bridge/python/tests (pytest)");
  if (failed > 0 || count("passed") === 0) failures.push("sim-bridge/python/tests (pytest)");
  if (failed === 0 && count("passed") === 0) totals.failed++;
}

if (args.length === 0) await runStaticChecks();
await runVitest();
if (args.length === 0) await runPytest();

for (const skip of skips) process.stdout.write(`skipped: ${skip}\n`);
for (const failure of failures) process.stdout.write(`FAILED: ${failure}\n`);
process.stdout.write(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ""}\n`,
);
process.exitCode = totals.failed > 0 ? 1 : 0;
