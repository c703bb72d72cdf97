import { malformed } from "./mcap/cursor.ts";
import type { ByteSource } from "./types.ts";

/** Small reads close to each other, served from one larger one. */
export class ByteWindow {
  readonly #source: ByteSource;
  readonly #size: number;
  readonly #ahead: number;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  /**
   * @param size bytes of the source that may be read: what was there when the caller looked
   * @param ahead bytes to read at once, beyond what was asked for
   */
  constructor(source: ByteSource, size: number, ahead = 64 * 1024) {
    this.#source = source;
    this.#size = size;
    this.#ahead = ahead;
  }

  get size(): number {
    return this.#size;
  }

  /** Like `read`, but returns what is there if the file ends before `length`. */
  async upTo(offset: number, length: number): Promise<Uint8Array> {
    return this.read(offset, Math.max(0, Math.min(length, this.#size - offset)));
  }

  /** @throws {SyntaxError} beyond the end, for offsets come from the file itself */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0);
    if (offset < 0 || offset + length > this.#size) {
      throw malformed(
        `bytes ${offset} to ${offset + length} are asked for, must be inside the file`,
      );
    }
    const from = offset - this.#start;
    if (from < 0 || from + length > this.#bytes.length) {
      const wanted = Math.min(Math.max(length, this.#ahead), this.#size - offset);
      this.#bytes = await this.#source.read(offset, wanted);
      this.#start = offset;
      if (this.#bytes.length < length)
        throw malformed("its source gave fewer bytes than asked for");
      return this.#bytes.subarray(0, length);
    }
    return this.#bytes.subarray(from, from + length);
  }
}
