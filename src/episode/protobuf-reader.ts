import { decodeText, malformed } from "./mcap/cursor.ts";

/**
 * Reads the protobuf wire format field by field. By hand rather than by a library, because a page with a
 * strict content security policy may not generate code, and because its bytes come from strangers.
 *
 *     const reader = new ProtobufReader(bytes);
 *     while (reader.next()) {
 *       if (reader.field === 1) text = reader.string();
 *       else reader.skip();
 *     }
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  /** Of the current field. */
  field = 0;
  #wire = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves to the next field; false at the end. Its value must then be read or skipped. */
  next(): boolean {
    if (this.#at >= this.#bytes.length) return false;
    const tag = this.uint();
    this.field = Math.floor(tag / 8);
    this.#wire = tag % 8;
    if (this.field === 0) throw malformed("a message has field number 0");
    return true;
  }

  /** A varint below 2^53; larger ones lose their last bits. */
  uint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw malformed("a message ends within a number");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw malformed("a number in a message is longer than 10 bytes");
  }

  /** A varint as the 64 bits that it holds. */
  uint64(): bigint {
    let low = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw malformed("a message ends within a number");
      low |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, low);
    }
    throw malformed("a number in a message is longer than 10 bytes");
  }

  bool(): boolean {
    return this.uint() !== 0;
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  float(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    if (this.#wire !== 2) throw malformed(`field ${this.field} of a message has the wrong type`);
    const length = this.uint();
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  string(): string {
    return decodeText(this.bytes());
  }

  /** A nested message. */
  message(): ProtobufReader {
    return new ProtobufReader(this.bytes());
  }

  /** Repeated doubles, packed or one by one, appended to `into`. */
  doubles(into: number[]): void {
    this.#repeated(into, (reader) => reader.double());
  }

  floats(into: number[]): void {
    this.#repeated(into, (reader) => reader.float());
  }

  /** Repeated 64-bit varints as numbers; beyond 2^53 the last bits are lost. */
  integers(into: number[], sign: "signed" | "unsigned"): void {
    this.#repeated(into, (reader) => {
      const bits = reader.uint64();
      return Number(sign === "signed" ? BigInt.asIntN(64, bits) : bits);
    });
  }

  skip(): void {
    if (this.#wire === 0) this.uint64();
    else if (this.#wire === 1) this.#advance(8);
    else if (this.#wire === 2) this.bytes();
    else if (this.#wire === 5) this.#advance(4);
    else throw malformed(`a message has wire type ${this.#wire}, must be 0, 1, 2 or 5`);
  }

  #repeated(into: number[], read: (reader: ProtobufReader) => number): void {
    if (this.#wire !== 2) {
      into.push(read(this));
      return;
    }
    const packed = new ProtobufReader(this.bytes());
    while (packed.#at < packed.#bytes.length) into.push(read(packed));
  }

  #advance(length: number): number {
    if (length > this.#bytes.length - this.#at) throw malformed("a message ends within a value");
    const start = this.#at;
    this.#at += length;
    return start;
  }
}
