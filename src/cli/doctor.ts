import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { arch, cpus, platform, totalmem } from "node:os";
import { promisify } from "node:util";
import { messageOf } from "../core/index.ts";
import { formatTable } from "../rollout/results.ts";
import type { DevicePart, DeviceReport } from "../session/index.ts";
import { EXIT } from "./exit.ts";

const run = promisify(execFile);

interface Check {
  readonly name: string;
  readonly status: "ok" | "missing" | "broken";
  readonly found: string;
  /** What to do about it; absent when ok. */
  readonly advice?: string;
  /** Only needed for tests or extras: does not make the doctor fail. */
  readonly optional?: boolean;
}

/** `efference doctor`: what works here, what does not, and what to do about it. */
export async function doctorCommand(options: { gpu?: boolean; json?: boolean }): Promise<void> {
  const checks = (
    await Promise.all<Check | Check[]>([
      checkNode(),
      checkModule("zeromq", { advice: "npm install zeromq" }),
      checkModule("@mujoco/mujoco", { advice: "npm install @mujoco/mujoco" }),
      checkEngine(),
      checkPython(),
      checkBrowser(),
      ...(options.gpu === true ? [gpuChecks()] : []),
    ])
  ).flat();
  const machine = `${platform()} ${arch()}, ${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ machine, checks })}\n`);
  } else {
    const rows = checks.map((check) => [check.name, check.status, check.found]);
    process.stdout.write(`${machine}\n\n${formatTable([["what", "state", "found"], ...rows])}`);
    for (const { name, advice } of checks) {
      if (advice !== undefined)
        process.stdout.write(`\n${name}:\n${advice.replaceAll(/^/gm, "  ")}\n`);
    }
  }
  if (checks.some(({ status, optional }) => status !== "ok" && optional !== true)) {
    process.exitCode = EXIT.failed;
  }
}

function checkNode(): Promise<Check> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return Promise.resolve({
    name: "Node",
    status: ok ? "ok" : "broken",
    found: process.versions.node,
    ...(ok ? {} : { advice: "install Node 20.19 or newer" }),
  });
}

async function checkModule(name: string, options: { advice: string }): Promise<Check> {
  try {
    await import(name);
    return { name, status: "ok", found: moduleVersion(name) };
  } catch (error) {
    const found = messageOf(error).split("\n")[0] ?? "";
    const missing =
      error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    return { name, status: missing ? "missing" : "broken", found, advice: options.advice };
  }
}

/** Reads the version beside the module's entry; packages rarely export their package.json. */
function moduleVersion(name: string): string {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const parsed: unknown = require(`${folder}/${name}/package.json`);
      if (typeof parsed === "object" && parsed !== null && "version" in parsed)
        return String(parsed.version);
    } catch {
      // Not installed at this level; the next folder up is tried.
    }
  }
  return "unknown version";
}

let devices: Promise<readonly DeviceReport[]> | undefined;

/** Every device is tried once, whoever asks. */
function devicesOnce(): Promise<readonly DeviceReport[]> {
  devices ??= import("../session/index.ts").then(({ listDevices }) => listDevices());
  return devices;
}

async function checkEngine(): Promise<Check> {
  const name = "onnxruntime-node";
  const { ENGINE_VERSION, findEngine } = await import("../session/index.ts");
  const found = findEngine();
  if (found === undefined) {
    const advice = `ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@${ENGINE_VERSION}\n(or start a learned policy once: it is then fetched to the cache)`;
    return { name, status: "missing", found: "not installed", advice };
  }
  const devices = await devicesOnce();
  const cpu = devices.find(({ device }) => device === "cpu");
  const usable = devices.filter((device) => device.usable).map(({ device }) => device);
  if (cpu?.usable === true) {
    return { name, status: "ok", found: `${ENGINE_VERSION}, runs on ${usable.join(", ")}` };
  }
  return { name, status: "broken", found: cpu?.reason ?? "", advice: "reinstall onnxruntime-node" };
}

async function checkPython(): Promise<Check> {
  const name = "Python (for Python simulators and their tests)";
  try {
    const { stdout } = await run("python3", [
      "-c",
      "import sys, venv; print(sys.version.split()[0])",
    ]);
    return { name, status: "ok", found: stdout.trim(), optional: true };
  } catch (error) {
    const advice =
      "install Python 3.9 or newer with its venv module (Debian: apt-get install python3-venv)";
    return {
      name,
      status: "missing",
      found: messageOf(error).split("\n")[0] ?? "",
      advice,
      optional: true,
    };
  }
}

const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

async function checkBrowser(): Promise<Check> {
  const name = "Chromium (for the viewer's tests)";
  for (const browser of [process.env["CHROMIUM"], ...BROWSERS]) {
    if (browser === undefined) continue;
    try {
      const { stdout } = await run(browser, ["--version"]);
      return { name, status: "ok", found: stdout.trim(), optional: true };
    } catch {
      // Not this one.
    }
  }
  const advice = "install Chromium (Debian: apt-get install chromium) or set CHROMIUM to its path";
  return {
    name,
    status: "missing",
    found: `none of ${BROWSERS.join(", ")}`,
    advice,
    optional: true,
  };
}

/** What each GPU device says of itself, then the parts that CUDA is made of. */
async function gpuChecks(): Promise<Check[]> {
  const { listCudaParts } = await import("../session/index.ts");
  const devices = (await devicesOnce()).filter(({ device }) => device !== "cpu");
  const parts = listCudaParts();
  return [
    ...devices.map(({ device, usable, reason }): Check => {
      const name = `device ${device}`;
      if (usable) return { name, status: "ok", found: "a graph ran on it", optional: true };
      // What the parts below say need not be said twice.
      const told = device === "cuda" && parts.some((part) => !part.usable);
      const advice = told ? "get the parts below, in their order" : reason;
      return { name, status: "missing", found: "no graph runs on it", advice, optional: true };
    }),
    ...(await Promise.all(parts.map(partCheck))),
  ];
}

async function partCheck({ name, usable, found, advice }: DevicePart): Promise<Check> {
  if (!usable) return { name, status: "missing", found, advice, optional: true };
  const card = name === "NVIDIA driver" ? await nvidiaCards() : undefined;
  return { name, status: "ok", found: card ?? found, optional: true };
}

/** Names and driver version, where NVIDIA's program is there to say them. */
async function nvidiaCards(): Promise<string | undefined> {
  try {
    const query = ["--query-gpu=name,driver_version", "--format=csv,noheader"];
    return (await run("nvidia-smi", query)).stdout.trim().replaceAll("\n", "; ");
  } catch {
    return undefined;
  }
}
