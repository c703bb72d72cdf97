import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isRunning } from "./is-running.ts";

/** A Python that runs `efference_sim.libero`, and the environment variables that it needs. */
export interface LiberoPython {
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface LiberoPythonOptions {
  /** Told what is going on, a few words at a time. */
  readonly log?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** MuJoCo 3.14.0 has no wheels below; above, the old packages are untested. The export is the same on all four. */
const OLDEST = [3, 10] as const;
const NEWEST = [3, 13] as const;
const CANDIDATES = ["python3.11", "python3.12", "python3.10", "python3.13", "python3", "python"];
const PROBE = [
  "import sys, platform, venv, ensurepip",
  "print(*sys.version_info[:2], sys.executable, platform.machine(), sep='\\n')",
].join("\n");
const VENV_PYTHON = process.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"];
const LOCK_WAIT_MS = 1_800_000;
const OWN_VARIABLE = "EFFERENCE_LIBERO_PYTHON";

/**
 * The Python environment with LIBERO's original stack: `$EFFERENCE_LIBERO_PYTHON`, else one of our own in the user's
 * cache, made the first time (about 1.3 GB).
 *
 * @throws {Error} if there is no suitable Python, or a package cannot be installed
 */
export async function ensureLiberoPython(options: LiberoPythonOptions = {}): Promise<LiberoPython> {
  const peer = peerFolder();
  const env = { PYTHONPATH: peer };
  const given = process.env[OWN_VARIABLE] ?? "";
  if (given !== "") {
    await assertHasPackages(given, env);
    return { python: given, env };
  }
  const folder = join(cacheFolder(), "libero-python");
  const python = join(folder, ...VENV_PYTHON);
  const lists = ["requirements.txt", "packages.txt"].map((name) =>
    join(peer, "efference_sim", "libero", name),
  );
  const hash = createHash("sha256");
  for (const list of lists) hash.update(await readFile(list));
  const base = findPython();
  const wanted = hash.update(base.identity).digest("hex");
  if (await isCurrent(folder, wanted)) return { python, env };
  await locked(join(cacheFolder(), "libero-python.lock"), async () => {
    if (await isCurrent(folder, wanted)) return;
    options.log?.(`making a Python environment in ${folder}`);
    await rm(folder, { recursive: true, force: true });
    await run(base.command, ["-m", "venv", folder], options);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    const [requirements = "", packages = ""] = lists;
    options.log?.("installing MuJoCo and what LIBERO needs (a minute or two, about 1.3 GB)");
    await run(python, [...pip, "--requirement", requirements], options);
    options.log?.("installing robosuite and LIBERO");
    await run(python, [...pip, "--no-deps", "--requirement", packages], options);
    await writeFile(join(folder, STAMP), wanted);
  });
  return { python, env };
}

const STAMP = ".efference-stamp";

async function isCurrent(folder: string, wanted: string): Promise<boolean> {
  if (!existsSync(join(folder, ...VENV_PYTHON))) return false;
  const stamp = await readFile(join(folder, STAMP), "utf8").catch(() => "");
  return stamp === wanted;
}

function cacheFolder(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "efference");
}

/** `sim-bridge/python`, seen from the sources and from `dist/`. */
function peerFolder(): string {
  const found = ["../../sim-bridge/python", "../../../sim-bridge/python"]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(join(path, "efference_sim", "libero", "export.py")));
  if (found !== undefined) return found;
  throw new Error(
    "Cannot find the Python peer: sim-bridge/python is not part of this installation, must be",
  );
}

interface BasePython {
  readonly command: string;
  /** Changes when the environment must be made anew. */
  readonly identity: string;
}

function findPython(): BasePython {
  const reasons: string[] = [];
  for (const command of [process.env["EFFERENCE_BASE_PYTHON"] ?? "", ...CANDIDATES]) {
    if (command === "") continue;
    const { error, status, stdout, stderr } = spawnSync(command, ["-c", PROBE], {
      encoding: "utf8",
    });
    if (error !== undefined) continue;
    if (status !== 0) {
      const missing = /No module named '(venv|ensurepip)'/.test(stderr);
      const last = stderr.trim().split("\n").at(-1) ?? "";
      reasons.push(`${command}: ${missing ? "has no venv module" : last}`);
      continue;
    }
    const [major = 0, minor = 0] = stdout.split(/\s+/, 2).map(Number);
    if (major === OLDEST[0] && minor >= OLDEST[1] && minor <= NEWEST[1]) {
      return { command, identity: stdout };
    }
    reasons.push(`${command}: is ${major}.${minor}`);
  }
  const found = reasons.length === 0 ? "none is on the PATH" : reasons.join("; ");
  throw new Error(
    `Cannot make LIBERO's Python environment: ${found}; must be Python ${OLDEST.join(".")} to ${NEWEST.join(".")} ` +
      `with its venv module (Debian: apt-get install python3.11-venv; or set EFFERENCE_BASE_PYTHON, ` +
      `or ${OWN_VARIABLE} to one that has the packages)`,
  );
}

async function assertHasPackages(
  python: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const probe = "from efference_sim.libero.original import import_stack; import_stack()";
  try {
    await run(python, ["-c", probe], { env });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot use ${OWN_VARIABLE}=${python}: ${reason}`, { cause: error });
  }
}

/** Holds the lock file while `work` runs; waits for another process that holds it and still lives. */
async function locked(path: string, work: () => Promise<void>): Promise<void> {
  const waitUntil = Date.now() + LOCK_WAIT_MS;
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    } catch (error) {
      const taken = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (!taken || Date.now() > waitUntil) throw error;
      if (await holderIsGone(path)) await rm(path, { force: true });
      else await sleep(200);
    }
  }
  try {
    await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function holderIsGone(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, "utf8").catch(() => "0"));
  // Empty while its owner is about to write; that takes no time worth waiting for twice.
  if (pid === 0) {
    await sleep(200);
    return Number(await readFile(path, "utf8").catch(() => "0")) === 0;
  }
  return !isRunning(pid);
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Runs a program quietly. @throws {Error} with what it said went wrong, unless it ends well */
function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const { env, signal } = options;
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      ...(signal === undefined ? {} : { signal }),
    });
    let output = "";
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-8000));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(reasonIn(output) || `${command} ended with ${code}`));
    });
  });
}

/** The lines that say what went wrong, or the last ones. */
function reasonIn(output: string): string {
  const lines = output.trim().split("\n");
  const errors = lines.filter((line) => /^\s*(ERROR|[\w.]*Error):/.test(line));
  return (errors.length > 0 ? errors : lines).slice(-3).join(" ");
}
