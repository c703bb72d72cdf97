/**
 * Set-up for a fresh clone: needs Node alone, no installed package. Installs the locked dependencies
 * and says so while it lasts; a second call finds its stamp and returns at once.
 *
 * onnxruntime-node's own install script fetches CUDA libraries from NuGet and fails the whole
 * installation where NuGet is out of reach. The CPU and WebGPU providers ship inside the npm package,
 * so we always skip that script; `efference doctor --gpu` says how to add CUDA.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const STAMP = join(ROOT, "node_modules", ".efference-installed");
const MIN_NODE = [20, 19];

/** One live line on a terminal; one line per change elsewhere. Always on stderr: stdout is for results. */
export function createProgress() {
  const live = process.stderr.isTTY === true;
  let last = "";
  return {
    update(text) {
      if (text === last) return;
      last = text;
      process.stderr.write(live ? `\r\x1b[2K${text}` : `${text}\n`);
    },
    done(text) {
      process.stderr.write(live ? `\r\x1b[2K${text}\n` : `${text}\n`);
      last = "";
    },
  };
}

export function assertNodeVersion() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
    process.stderr.write(
      `Cannot start: Node is ${process.versions.node}, must be ${MIN_NODE.join(".")} or newer\n`,
    );
    process.exit(1);
  }
}

function installFingerprint() {
  const hash = createHash("sha256");
  hash.update(readFileSync(join(ROOT, "package-lock.json")));
  hash.update(`${process.platform} ${process.arch} ${process.versions.modules}`);
  return hash.digest("hex");
}

function countInstalled() {
  const folder = join(ROOT, "node_modules");
  if (!existsSync(folder)) return 0;
  let count = 0;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(".")) continue;
    count += name.startsWith("@") ? readdirSync(join(folder, name)).length : 1;
  }
  return count;
}

/** Runs a command, hides its output unless it fails, and reports through `onTick` every second. */
export function runQuietly(command, args, { env = {}, onTick = () => {}, cwd = ROOT } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env } });
    let output = "";
    const keep = (chunk) => (output = (output + chunk).slice(-20_000));
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const started = Date.now();
    const timer = setInterval(() => onTick(Math.round((Date.now() - started) / 1000)), 1000);
    const stop = () => child.kill("SIGTERM");
    process.once("SIGINT", stop);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(timer);
      process.removeListener("SIGINT", stop);
      if (code === 0) resolve(output);
      else
        reject(new Error(`${command} ${args.join(" ")} ended with ${signal ?? code}:\n${output}`));
    });
  });
}

/** Installs what package-lock.json says, unless that was done before. */
export async function ensureInstalled() {
  assertNodeVersion();
  const fingerprint = installFingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === fingerprint) return;
  const locked = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const total = Object.keys(locked.packages).filter((path) =>
    path.startsWith("node_modules/"),
  ).length;
  const progress = createProgress();
  const live = process.stderr.isTTY === true;
  progress.update(`installing ${total} locked packages (first time only)`);
  const started = Date.now();
  await runQuietly("npm", ["ci", "--no-audit", "--no-fund"], {
    env: { ONNXRUNTIME_NODE_INSTALL: "skip" },
    onTick: (seconds) => {
      if (live || seconds % 5 === 0) {
        progress.update(`installing packages: ${countInstalled()} of ~${total}, ${seconds} s`);
      }
    },
  });
  writeFileSync(STAMP, fingerprint);
  progress.done(`installed ${total} packages in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
