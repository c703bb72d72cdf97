import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { listFiles } from "./paths.ts";

/**
 * SHA-256 of a package, as hex: over every file in the order of their paths, of
 * `path NUL size NUL sha256(content) NUL`, the last as hex. Independent of the folder's name and of
 * file times, so that the same package has the same hash everywhere.
 */
export async function hashPackage(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const path of await listFiles(folder)) {
    const { size } = await stat(join(folder, path));
    hash.update(`${path}\0${size}\0${await hashFile(join(folder, path))}\0`);
  }
  return hash.digest("hex");
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
