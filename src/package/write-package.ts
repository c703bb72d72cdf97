import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { writeNew } from "../files/index.ts";
import { assertPlainPath } from "./files.ts";
import type { Manifest, ManifestInput } from "./manifest.ts";
import { formatManifest, validateManifest } from "./manifest.ts";
import type { PolicyPackage } from "./read-package.ts";
import { readPolicyPackage } from "./read-package.ts";

export interface PackageContent {
  readonly manifest: ManifestInput;
  /** Every other file, by its path in the package. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export interface WriteOptions {
  /** Replaces a package that is there. Default false. */
  readonly overwrite?: boolean;
}

/**
 * Writes a package so that there is never half of one: into a new folder beside the target, synced,
 * then renamed. Adds the hash of every file to the manifest's `efference.files`.
 * @throws {SyntaxError} if the manifest is wrong
 * @throws {RangeError} if a path leaves the folder, or the folder exists and may not be replaced
 */
export async function writePolicyPackage(
  folder: string,
  content: PackageContent,
  options: WriteOptions = {},
): Promise<PolicyPackage> {
  const manifest = withHashes(validateManifest(content.manifest), content.files);
  const target = resolve(folder);
  if (existsSync(target) && !(options.overwrite ?? false)) {
    throw new RangeError(`Cannot write policy package: ${folder} exists, must not (or overwrite)`);
  }
  const unique = `${basename(target)}.${randomUUID()}`;
  const fresh = join(dirname(target), `.${unique}.new`);
  try {
    const json = new TextEncoder().encode(formatManifest(manifest));
    for (const [path, bytes] of Object.entries({ ...content.files, "manifest.json": json })) {
      await writeInto(fresh, path, bytes);
    }
    // Validates paths, presence and hashes of what is on the disk, before anybody sees it.
    await readPolicyPackage(fresh);
    await replaceFolder(target, { fresh, old: join(dirname(target), `.${unique}.old`) });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
  return readPolicyPackage(folder, { verify: false });
}

function withHashes(manifest: Manifest, files: PackageContent["files"]): Manifest {
  if (manifest.efference === undefined) return manifest;
  const hashes = Object.entries(files)
    .map(([path, bytes]) => [path, createHash("sha256").update(bytes).digest("hex")] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...manifest, efference: { ...manifest.efference, files: Object.fromEntries(hashes) } };
}

async function writeInto(folder: string, path: string, bytes: Uint8Array): Promise<void> {
  assertPlainPath(path, (what) => {
    throw new RangeError(`Cannot write ${JSON.stringify(path)} into a policy package: ${what}`);
  });
  const full = join(folder, path);
  await mkdir(dirname(full), { recursive: true });
  await writeNew(full, bytes);
}

/** A folder cannot be renamed over another; the old one steps aside and comes back if that fails. */
async function replaceFolder(target: string, at: { fresh: string; old: string }): Promise<void> {
  const replaces = existsSync(target);
  if (replaces) await rename(target, at.old);
  try {
    await rename(at.fresh, target);
  } catch (error) {
    if (replaces) await rename(at.old, target);
    throw error;
  }
  if (replaces) await rm(at.old, { recursive: true });
}
