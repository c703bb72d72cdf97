/**
 * Finds a Chromium for the browser tests: `$CHROMIUM`, an installed one, playwright's own download, or,
 * where this user may, Debian's package. Says why where there is none; never fails by itself.
 */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);

/** Names under which distributions install it, and where macOS keeps it. */
const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "microsoft-edge",
];
const MAC_APPS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** WebGL by software, the same on every machine; no sandbox, which containers as root do not have. */
export const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--force-color-profile=srgb",
];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @returns {string | undefined} the path of an installed Chromium */
export function findChromium() {
  const chosen = process.env.CHROMIUM;
  if (chosen !== undefined && chosen !== "") return isExecutable(chosen) ? chosen : undefined;
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = [
    ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...MAC_APPS,
    join(homedir(), "Applications/Chromium.app/Contents/MacOS/Chromium"),
    chromium.executablePath(),
  ];
  return candidates.find((path) => existsSync(path) && isExecutable(path));
}

/**
 * Like `findChromium`, and installs Debian's package where this is Debian, we are root, and
 * `$EFFERENCE_NO_INSTALL` is not set.
 *
 * @param {{ log?: (line: string) => void }} [options]
 * @returns {Promise<{ executablePath: string } | { unavailable: string }>}
 */
export async function ensureChromium({ log = () => {} } = {}) {
  const found = findChromium();
  if (found !== undefined) return { executablePath: found };
  if (process.env.CHROMIUM) {
    return { unavailable: `$CHROMIUM is ${process.env.CHROMIUM}, must be an executable` };
  }
  if (!isExecutable("/usr/bin/apt-get")) {
    return { unavailable: "no Chromium is installed; install one or name it in $CHROMIUM" };
  }
  if (process.getuid?.() !== 0 || process.env.EFFERENCE_NO_INSTALL) {
    return { unavailable: 'no Chromium is installed; run "apt-get install chromium" as root' };
  }
  log("installing Chromium (Debian's package, about 270 MB)");
  try {
    await install(log);
  } catch (error) {
    const line = String(error.stderr ?? error.message)
      .trim()
      .split("\n")
      .at(-1);
    return { unavailable: `Chromium could not be installed: ${line}` };
  }
  const installed = findChromium();
  return installed === undefined
    ? { unavailable: "Debian's package chromium has no executable in the PATH" }
    : { executablePath: installed };
}

async function install(log) {
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 64e6,
    timeout: 600_000,
  };
  const wait = ["-o", "DPkg::Lock::Timeout=120"];
  const packages = [
    "install",
    "-y",
    "--no-install-recommends",
    ...wait,
    "chromium",
    "fonts-dejavu-core",
  ];
  try {
    await run("apt-get", packages, options);
  } catch {
    log("refreshing the package lists");
    await run("apt-get", ["update", ...wait], options);
    await run("apt-get", packages, options);
  }
}

/** Starts it; `unavailable` says why not. The caller closes the browser. */
export async function launchChromium({ log } = {}) {
  const found = await ensureChromium({ log });
  if ("unavailable" in found) return found;
  const { executablePath } = found;
  return { browser: await chromium.launch({ executablePath, args: CHROMIUM_ARGS }) };
}
