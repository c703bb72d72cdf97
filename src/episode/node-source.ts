import type { FileHandle } from "node:fs/promises";
import { open, stat } from "node:fs/promises";
import { assertInside } from "./sources.ts";
import type { ByteSource } from "./types.ts";

/** After so long without a read the file is closed; the next read opens it again. */
const IDLE_MS = 1000;

export interface FileSource extends ByteSource {
  /** Closes the file now; it would close by itself a second after the last read. */
  close(): Promise<void>;
}

/**
 * Bytes of a local file that may still be growing. The file is opened by the first read.
 *
 * @throws {Error} from `size` and `read`: the system's, if the file cannot be read
 */
export function fileSource(path: string): FileSource {
  let handle: Promise<FileHandle> | undefined;
  let idle: NodeJS.Timeout | undefined;
  let reads = 0;

  const close = async (): Promise<void> => {
    clearTimeout(idle);
    const closing = handle;
    handle = undefined;
    await (await closing?.catch(() => undefined))?.close();
  };
  const rest = (): void => {
    clearTimeout(idle);
    if (reads === 0) idle = setTimeout(() => void close(), IDLE_MS).unref();
  };

  return {
    close,
    async size() {
      return (await stat(path)).size;
    },
    async read(offset, length) {
      reads++;
      try {
        handle ??= open(path, "r");
        return await readFully(await handle, offset, length);
      } catch (error) {
        // A failed open must not be remembered.
        if (reads === 1) await close();
        throw error;
      } finally {
        reads--;
        rest();
      }
    },
  };
}

async function readFully(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  if (offset < 0 || length < 0) assertInside(offset, length, 0);
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) assertInside(offset, length, offset + done);
    done += bytesRead;
  }
  return bytes;
}
