import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";

interface PooledFile {
  readonly handle: Promise<FileHandle>;
  users: number;
}

/**
 * Reads ranges of many files, keeping the most recently used ones open. A file in use is never closed, so
 * that there may be more than the limit for a moment.
 */
export class FilePool {
  readonly #files = new Map<string, PooledFile>();
  readonly #maxOpen: number;
  #closed = false;

  constructor(maxOpen = 128) {
    this.#maxOpen = maxOpen;
  }

  /**
   * @throws {RangeError} if the file ends before
   * @throws {Error} the system's, if it cannot be read; or that the pool is closed
   */
  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    if (this.#closed) throw new Error(`Cannot read "${path}": its dataset is closed, must be open`);
    const file = this.#take(path);
    try {
      const handle = await file.handle;
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) {
          throw new RangeError(
            `Cannot read "${path}": it ends at byte ${offset + done}, must reach ${offset + length}`,
          );
        }
        done += bytesRead;
      }
      return bytes;
    } finally {
      file.users--;
      await this.#closeUnused(this.#closed ? 0 : this.#maxOpen);
    }
  }

  /** Closes what nobody reads now; the rest follows when its last reader is done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#closeUnused(0);
  }

  #take(path: string): PooledFile {
    const file = this.#files.get(path) ?? { handle: open(path, "r"), users: 0 };
    // A failed open must not be remembered.
    file.handle.catch(() => this.#files.delete(path));
    file.users++;
    // A Map iterates in the order of insertion: the oldest use comes first.
    this.#files.delete(path);
    this.#files.set(path, file);
    return file;
  }

  async #closeUnused(limit: number): Promise<void> {
    if (this.#files.size <= limit) return;
    const closing: Promise<void>[] = [];
    for (const [path, { handle, users }] of this.#files) {
      if (this.#files.size <= limit) break;
      if (users > 0) continue;
      this.#files.delete(path);
      closing.push(
        handle.then(
          (opened) => opened.close(),
          () => undefined, // it was never open, and its reader knows why
        ),
      );
    }
    await Promise.all(closing);
  }
}
