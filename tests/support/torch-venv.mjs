/**
 * A Python with PyTorch, for comparisons: `$EFFERENCE_TORCH_PYTHON` if it is set, else `.venv-parity/` in the
 * repository root. Needs Node alone.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const VENV = join(ROOT, ".venv-parity");
const VENV_PYTHON =
  process.platform === "win32" ? join(VENV, "Scripts", "python.exe") : join(VENV, "bin", "python");
const VERSION = "2.10.0";
const PACKAGES = [`torch==${VERSION}`, "numpy"];
const PROBE = "import torch, numpy; print(torch.__version__.split('+')[0])";

/** How to get what is missing, in one line. */
export const ADVICE = "set EFFERENCE_TORCH_PYTHON, or run npm run test:parity once";

function versionOf(python) {
  const { status, stdout, stderr, error } = spawnSync(python, ["-c", PROBE], { encoding: "utf8" });
  if (error !== undefined) return { reason: error.message };
  if (status === 0) return { version: stdout.trim() };
  return { reason: stderr.trim().split("\n").at(-1) ?? "" };
}

/**
 * The interpreter that is there already.
 * @returns {{ python?: string, version?: string, unavailable?: string }} or why there is none
 */
export function findTorch() {
  const given = process.env.EFFERENCE_TORCH_PYTHON ?? "";
  const python = given === "" ? VENV_PYTHON : given;
  if (given === "" && !existsSync(python)) return { unavailable: `no PyTorch: ${ADVICE}` };
  const { version, reason } = versionOf(python);
  if (version !== undefined) return { python, version };
  const where = given === "" ? ".venv-parity" : "EFFERENCE_TORCH_PYTHON";
  return { unavailable: `no PyTorch in ${where} (${reason})` };
}

/** Runs a program quietly. @throws with the end of its output unless it succeeds */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk) => (output = (output + chunk).slice(-4000));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(output.trim().split("\n").slice(-3).join(" ")));
    });
  });
}

/**
 * Makes the environment unless there is an interpreter already.
 * @param {{ log?: (text: string) => void }} [options]
 */
export async function ensureTorch({ log = () => {} } = {}) {
  const found = findTorch();
  const given = process.env.EFFERENCE_TORCH_PYTHON ?? "";
  if (found.python !== undefined || given !== "") return found;
  const base = process.env.EFFERENCE_BASE_PYTHON ?? "python3";
  try {
    log("PyTorch: creating .venv-parity");
    rmSync(VENV, { recursive: true, force: true });
    await run(base, ["-m", "venv", VENV]);
    log(`PyTorch: installing ${PACKAGES.join(" and ")} (some minutes)`);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    await run(VENV_PYTHON, [...pip, ...PACKAGES]);
  } catch (error) {
    return { unavailable: `the environment could not be made: ${error.message}` };
  }
  return findTorch();
}
