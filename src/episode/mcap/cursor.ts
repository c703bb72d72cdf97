const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The one error of bytes that are not what they must be. */
export function malformed(what: string): SyntaxError {
  return new SyntaxError(`Cannot read episode: ${what}`);
}

/** Reads little-endian values one after another; never beyond its bytes. */
export class ByteCursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
    this.end = end;
  }

  get left(): number {
    return this.end - this.position;
  }

  /** Moves on by `length` bytes and returns where they began. @throws {SyntaxError} */
  advance(length: number): number {
    if (length > this.left) {
      throw malformed(`a value of ${length} bytes has only ${this.left} left, must fit its record`);
    }
    const start = this.position;
    this.position += length;
    return start;
  }

  u8(): number {
    return this.#view.getUint8(this.advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.advance(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.advance(8), true);
  }

  /** A u64 that counts bytes of a file, and therefore is a safe integer. @throws {SyntaxError} */
  size(): number {
    const start = this.advance(8);
    const value =
      this.#view.getUint32(start + 4, true) * 2 ** 32 + this.#view.getUint32(start, true);
    if (!Number.isSafeInteger(value)) throw malformed(`a size is ${value}, must be below 2^53`);
    return value;
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  string(): string {
    return decodeText(this.take(this.u32()));
  }

  /** `string -> string`, prefixed by its length in bytes. */
  stringMap(): Map<string, string> {
    const inner = this.block();
    const map = new Map<string, string>();
    while (inner.left > 0) map.set(inner.string(), inner.string());
    return map;
  }

  /** A cursor over the next u32-prefixed block. */
  block(): ByteCursor {
    const length = this.u32();
    const start = this.advance(length);
    return new ByteCursor(this.bytes, start, start + length);
  }
}

/** @throws {SyntaxError} if the bytes are not UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed("a text is not UTF-8, must be");
  }
}
