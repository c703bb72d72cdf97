import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";

/** Where a file's bytes go. An interface, so that tests can fill a disk without one. */
export interface FileSink {
  /** Appends all parts in order. @throws the system's error, after which part of it may be there */
  append(parts: readonly Uint8Array[]): Promise<void>;
  /** Cuts the file to `length` bytes. */
  truncate(length: number): Promise<void>;
  /** Returns when the bytes are on the device. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A new file. @throws EEXIST if there is one already */
export async function createFileSink(path: string): Promise<FileSink> {
  const handle = await open(path, "wx");
  return {
    append: (parts) => appendAll(handle, parts),
    truncate: (length) => handle.truncate(length),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** `writev` may write less than asked, for instance just before the disk is full. */
async function appendAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts.filter((part) => part.length > 0);
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left);
    left = dropBytes(left, bytesWritten);
  }
}

function dropBytes(parts: Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  const left: Uint8Array[] = [];
  for (const part of parts) {
    if (skip < part.length) left.push(part.subarray(skip));
    skip = Math.max(0, skip - part.length);
  }
  return left;
}
