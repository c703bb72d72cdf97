import { existsSync, readFileSync } from "node:fs";

/** The version of this package, told to every peer. */
export const BRIDGE_VERSION = readVersion();

/** `package.json` is one folder up in the sources and two in `dist`. */
function readVersion(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    const url = new URL(path, import.meta.url);
    if (!existsSync(url)) continue;
    const { version } = JSON.parse(readFileSync(url, "utf8")) as { version?: unknown };
    if (typeof version === "string") return version;
  }
  return "unknown";
}
