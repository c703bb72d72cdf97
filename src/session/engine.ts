import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Engine } from "./engine-api.ts";

/** The release of onnxruntime-node this is written for and tested with; the same as in package.json. */
export const ENGINE_VERSION = "1.30.0";

/**
 * Where the engine is kept when the installation of this package had to go without it: its own install
 * script fails where NuGet is out of reach, and npm then leaves an optional dependency out.
 */
export function engineCacheFolder(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(cache, "efference", `onnxruntime-node-${ENGINE_VERSION}`);
}

/** The engine's entry file: as a dependency, else from the cache; `undefined` = not installed. */
export function findEngine(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve("onnxruntime-node");
  } catch {
    const kept = join(engineCacheFolder(), "node_modules", "onnxruntime-node", "dist", "index.js");
    return existsSync(kept) ? kept : undefined;
  }
}

/** @throws {Error} with what to install */
export function engineMain(): string {
  const found = findEngine();
  if (found !== undefined) return found;
  throw new Error(
    "Cannot open session: onnxruntime-node is not installed, must be " +
      `(ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node@${ENGINE_VERSION}; ` +
      "the variable leaves only the CUDA libraries out)",
  );
}

/** The folder with the engine's native libraries. */
export function engineFolder(): string {
  return join(dirname(engineMain()), "..", "bin", "napi-v6", process.platform, process.arch);
}

let loaded: Engine | undefined;

/** Loads the engine into this thread. @throws {Error} with what to install */
export function loadEngine(): Engine {
  if (loaded === undefined) {
    loaded = createRequire(import.meta.url)(engineMain()) as Engine;
    // Failures reach the caller as errors; the engine's own lines on stderr would only repeat them.
    loaded.env.logLevel = "fatal";
  }
  return loaded;
}
