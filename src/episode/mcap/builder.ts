const utf8 = new TextEncoder();

/** A growing buffer of little-endian values and MCAP records. */
export class RecordBuilder {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was built so far: a view, valid until the next call. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  // In all of these the buffer grows first: growing replaces the view.
  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u32(value: number): this {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
    return this;
  }

  u64(value: bigint | number): this {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value), true);
    return this;
  }

  raw(bytes: Uint8Array): this {
    // Grown first: growing replaces the buffer.
    const start = this.#grow(bytes.length);
    this.#bytes.set(bytes, start);
    return this;
  }

  string(text: string): this {
    const bytes = utf8.encode(text);
    return this.u32(bytes.length).raw(bytes);
  }

  stringMap(map: Iterable<readonly [string, string]>): this {
    return this.block(() => {
      for (const [key, value] of map) this.string(key).string(value);
    });
  }

  /** Whatever `fill` appends, prefixed by its length as u32. */
  block(fill: () => void): this {
    const start = this.#grow(4);
    fill();
    this.#view.setUint32(start, this.#length - start - 4, true);
    return this;
  }

  /** A record whose body is whatever `fill` appends. @returns its length, prefix included */
  record(opcode: number, fill: () => void): number {
    const start = this.#length;
    this.u8(opcode);
    const lengthAt = this.#grow(8);
    fill();
    this.#view.setBigUint64(lengthAt, BigInt(this.#length - lengthAt - 8), true);
    return this.#length - start;
  }

  #grow(by: number): number {
    const start = this.#length;
    this.#length += by;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, start));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return start;
  }
}
