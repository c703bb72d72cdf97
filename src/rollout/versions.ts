import { readFileSync } from "node:fs";

let cached: Readonly<Record<string, string>> | undefined;

/** Versions of this package and of Node, recorded with every episode and result. */
export function runtimeVersions(): Readonly<Record<string, string>> {
  cached ??= { efference: ownVersion(), node: process.versions.node };
  return cached;
}

/** The package's version: two folders up from the sources, three from `dist/`. */
function ownVersion(): string {
  for (const up of ["../../package.json", "../../../package.json"]) {
    try {
      const parsed: unknown = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8"));
      if (isPackage(parsed) && parsed.name === "efference") return parsed.version;
    } catch {
      // Not at this depth; the other one is tried next.
    }
  }
  return "unknown";
}

function isPackage(value: unknown): value is { name: string; version: string } {
  return typeof value === "object" && value !== null && "name" in value && "version" in value;
}
