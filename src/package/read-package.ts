import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../core/index.ts";
import { assertHash } from "./files.ts";
import { hashFile } from "./hash-package.ts";
import { readLegacyManifest } from "./legacy.ts";
import type { Manifest } from "./manifest.ts";
import { parseManifest } from "./manifest.ts";
import { resolveInside } from "./paths.ts";

/** A policy package on disk whose manifest is valid and whose files are there. */
export interface PolicyPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Absolute path of every artifact, by its name in the manifest. */
  readonly artifacts: Readonly<Record<string, string>>;
}

export interface ReadOptions {
  /** Compares the files with the hashes in the manifest, where it has any. Default true. */
  readonly verify?: boolean;
}

/**
 * Reads and checks a package; loads no model.
 * @throws {SyntaxError} if the manifest is wrong
 * @throws {RangeError} if a file is missing, outside the folder, or not the one that was packed
 */
export async function readPolicyPackage(
  folder: string,
  options: ReadOptions = {},
): Promise<PolicyPackage> {
  const manifest = await readManifest(folder);
  const artifacts: Record<string, string> = {};
  for (const [name, path] of Object.entries(manifest.model.artifacts)) {
    artifacts[name] = await resolveInside(folder, path);
  }
  if (options.verify ?? true) await verifyFiles(folder, manifest);
  return { folder, manifest, artifacts };
}

/** `manifest.json`, or what a legacy package has instead. */
async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, "manifest.json");
  if (!existsSync(path)) {
    const legacy = await readLegacyManifest(folder);
    if (legacy !== undefined) return legacy;
  }
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new Error(
      `Cannot read policy package: ${messageOf(error)}, must be a folder with a manifest.json (or, legacy, a metadata.yaml)`,
      { cause: error },
    );
  }
  return parseManifest(bytes);
}

async function verifyFiles(folder: string, manifest: Manifest): Promise<void> {
  for (const [path, expected] of Object.entries(manifest.efference?.files ?? {})) {
    const actual = await hashFile(await resolveInside(folder, path));
    assertHash(folder, { path, expected, actual });
  }
}
