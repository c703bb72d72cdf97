import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Policy } from "../core/index.ts";
import type { Device } from "../session/index.ts";
import { openSession } from "../session/index.ts";
import type { AssembleOptions } from "./assemble-policy.ts";
import { assemblePolicy } from "./assemble-policy.ts";
import { externalOf } from "./files.ts";
import { packageFolder, resolveInside } from "./paths.ts";
import { readPolicyPackage } from "./read-package.ts";

export interface LoadPolicyOptions extends AssembleOptions {
  /** Default `cpu`; a device that is missing is an error. */
  readonly device?: Device;
  /** Threads of one inference; default 1. */
  readonly threads?: number;
}

/**
 * Loads a policy package: opens its graphs in worker threads and returns a `Policy` that binds
 * observations, preprocesses, runs, denormalises and checks. Close it to free the threads.
 *
 * Which shapes of packages there are, and what each becomes: README.md in this folder.
 * @throws {SyntaxError} if the manifest, a graph or a tokeniser is wrong
 * @throws {RangeError} if a file leaves the folder or a step is not known
 * @throws {TypeError} if graphs, bindings and spec contradict each other
 */
export async function loadPolicy(folder: string, options: LoadPolicyOptions = {}): Promise<Policy> {
  const { manifest } = await readPolicyPackage(folder);
  const { device = "cpu", threads = 1 } = options;
  const openGraph = async (path: string) =>
    openSession(await readGraphOf(folder, path), { device, threads });
  return assemblePolicy({ manifest, files: packageFolder(folder), openGraph }, options);
}

/** The graph's bytes, or its path where it has external data; checked either way. */
async function readGraphOf(folder: string, relative: string): Promise<Uint8Array | string> {
  const path = await resolveInside(folder, relative);
  const bytes = await readFile(path);
  const external = externalOf(bytes);
  // Locations count from the model's own folder.
  for (const location of external) await resolveInside(dirname(path), location);
  return external.length > 0 ? path : bytes;
}
