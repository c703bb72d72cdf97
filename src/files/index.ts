/**
 * Files that are there whole or not at all, however the process or the machine ends. Node only; knows no
 * format. Folders that appear at once are made of these files and renamed by whoever makes them.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface WriteWholeOptions {
  /**
   * Waits until the file is on the disk, so that a power cut, too, leaves the old or the new one. False is for many files
   * whose contents are checked before they are used: a power cut may leave half of one. Default true.
   */
  readonly forced?: boolean;
}

/**
 * Writes a file beside its place and renames it, so that a reader, and a kill at any moment, finds the old file or the
 * new one. Makes the folder where there is none; what was written is removed where that fails.
 */
export async function writeWhole(
  path: string,
  content: Uint8Array | string,
  { forced = true }: WriteWholeOptions = {},
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const part = join(folder, `.${basename(path)}.${randomUUID()}.part`);
  try {
    await writeNew(part, content, { forced });
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  if (forced) await syncFolder(folder);
}

/**
 * Writes a file that must not be there yet, and waits until it is on the disk unless told otherwise. Half of it stays where
 * that fails: it is for folders that are renamed when they are complete.
 */
export async function writeNew(
  path: string,
  content: Uint8Array | string,
  { forced = true }: WriteWholeOptions = {},
): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(content);
    if (forced) await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits until what was renamed in a folder is on the disk, too. Does nothing on Windows, which cannot. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
