/**
 * The Python environment of the tests: `.venv/` in the repository root, with the peer package
 * installed in place and everything else pinned by `python-requirements.txt`. Needs Node alone.
 *
 *     node tests/support/python-venv.mjs       makes it and prints the interpreter's path
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const VENV = join(ROOT, ".venv");
const LOCK = join(ROOT, ".cache", "python-venv.lock");
const STAMP = join(VENV, ".efference-stamp");
const REQUIREMENTS = join(ROOT, "tests", "support", "python-requirements.txt");
const PACKAGE = join(ROOT, "sim-bridge", "python");
const WINDOWS = process.platform === "win32";
const VENV_PYTHON = WINDOWS ? join(VENV, "Scripts", "python.exe") : join(VENV, "bin", "python");
const LOCK_WAIT_MS = 600_000;

/** Prints version and implementation, and fails where `venv` cannot make a usable environment. */
const PROBE = [
  "import sys, platform, venv, ensurepip",
  "assert sys.version_info >= (3, 9), 'Python is ' + platform.python_version() + ', must be 3.9 or newer'",
  "print(sys.executable, platform.python_version(), platform.machine())",
].join("\n");

/** The first interpreter that can make an environment, or why there is none. */
function findPython() {
  const names = [process.env.EFFERENCE_BASE_PYTHON, "python3", "python"].filter(Boolean);
  let reason = "no python3 on the PATH";
  for (const name of names) {
    const { error, status, stdout, stderr } = spawnSync(name, ["-c", PROBE], { encoding: "utf8" });
    if (error !== undefined) continue;
    if (status === 0) return { command: name, identity: stdout.trim() };
    const last = stderr.trim().split("\n").at(-1) ?? "";
    reason = /No module named '(venv|ensurepip)'/.test(last)
      ? `${name} has no venv module (on Debian: apt install python3-venv)`
      : `${name}: ${last}`;
  }
  return { reason };
}

function fingerprint(identity) {
  const hash = createHash("sha256");
  for (const path of [REQUIREMENTS, join(PACKAGE, "pyproject.toml")]) {
    hash.update(readFileSync(path));
  }
  return hash.update(`${ROOT}\n${identity}`).digest("hex");
}

function isCurrent(wanted) {
  return existsSync(VENV_PYTHON) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted;
}

/** The lines of pip's output that say what went wrong, or its last ones. */
function reasonIn(output) {
  const lines = output.trim().split("\n");
  const errors = lines.filter((line) => /^\s*(ERROR|OSError|\w*Error):/.test(line));
  return (errors.length > 0 ? errors : lines).slice(-3).join(" ");
}

/** Runs a program quietly. @throws with the end of its output unless it succeeds */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk) => (output = (output + chunk).slice(-8000));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(reasonIn(output) || `${command} ended with ${code}`));
    });
  });
}

async function install(log) {
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
  const requirements = readFileSync(REQUIREMENTS, "utf8");
  log("Python environment: installing packages");
  try {
    await run(VENV_PYTHON, [...pip, "-r", REQUIREMENTS]);
  } catch (error) {
    // An old interpreter has no wheels of the pinned releases; any release our package allows will do.
    if (!/No matching distribution|Requires-Python/.test(error.message)) throw error;
    const names = requirements.matchAll(/^([A-Za-z0-9_.-]+)==/gm);
    await run(VENV_PYTHON, [...pip, ...Array.from(names, ([, name]) => name)]);
  }
  log("Python environment: installing the peer package");
  await run(VENV_PYTHON, [...pip, "-e", PACKAGE]);
}

/** Holds the lock file while `work` runs; waits for another process that holds it and still lives. */
async function locked(work) {
  const waitUntil = Date.now() + LOCK_WAIT_MS;
  mkdirSync(dirname(LOCK), { recursive: true });
  for (;;) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST" || Date.now() > waitUntil) throw error;
      if (!holderLives()) rmSync(LOCK, { force: true });
      else await sleep(200);
    }
  }
  try {
    return await work();
  } finally {
    unlinkSync(LOCK);
  }
}

function holderLives() {
  try {
    const pid = Number(readFileSync(LOCK, "utf8"));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * Makes the environment unless it is there already.
 * @param {{ log?: (text: string) => void }} [options]
 * @returns {Promise<{ python?: string, unavailable?: string }>} the interpreter, or why there is none
 */
export async function ensureVenv({ log = () => {} } = {}) {
  const base = findPython();
  if (base.reason !== undefined) return { unavailable: base.reason };
  const wanted = fingerprint(base.identity);
  if (isCurrent(wanted)) return { python: VENV_PYTHON };
  try {
    return await locked(async () => {
      if (isCurrent(wanted)) return { python: VENV_PYTHON };
      log("Python environment: creating .venv");
      rmSync(VENV, { recursive: true, force: true });
      await run(base.command, ["-m", "venv", VENV]);
      await install(log);
      writeFileSync(STAMP, wanted);
      return { python: VENV_PYTHON };
    });
  } catch (error) {
    return { unavailable: `the Python environment could not be made: ${error.message}` };
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { python, unavailable } = await ensureVenv({
    log: (text) => process.stderr.write(`${text}\n`),
  });
  process.stdout.write(`${python ?? `unavailable: ${unavailable}`}\n`);
  process.exitCode = python === undefined ? 1 : 0;
}
