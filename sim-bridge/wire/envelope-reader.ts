import protobuf from "protobufjs";

const CACHED_STRINGS = 512;
const LONGEST_CACHED = 64;

interface CachedString {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * protobufjs' reader, quicker at what envelopes are full of: the same few names in every message, and
 * 64-bit integers that fit a double. It accepts and refuses exactly what protobufjs' own does.
 */
class EnvelopeReader extends protobuf.BufferReader {
  /** Direct-mapped, so that no peer can make it grow. */
  static readonly #strings: (CachedString | undefined)[] = new Array<undefined>(CACHED_STRINGS);

  override uint64(): protobuf.Long {
    const { buf, pos, len } = this;
    let value = 0;
    let scale = 1;
    // Seven bytes hold 49 bits: below 2^53, and exact as a double.
    for (let i = 0; i < 7 && pos + i < len; i++) {
      const byte = buf[pos + i] as number;
      value += (byte & 127) * scale;
      if (byte < 128) {
        this.pos = pos + i + 1;
        // protobufjs takes numbers wherever it takes Longs; only its types do not say so.
        return value as unknown as protobuf.Long;
      }
      scale *= 128;
    }
    return super.uint64();
  }

  /** Text that must be UTF-8: every string of proto3. */
  override stringVerify(): string {
    const start = this.pos;
    const length = this.size();
    const from = this.pos;
    const to = from + length;
    if (length === 0 || length > LONGEST_CACHED || to > this.len) return this.#verify(start);
    const { buf } = this;
    const first = buf[from] as number;
    const last = buf[to - 1] as number;
    const middle = buf[from + (length >> 1)] as number;
    const slot = (length * 31 + first * 7 + last * 131 + middle * 17) % CACHED_STRINGS;
    const cached = EnvelopeReader.#strings[slot];
    if (cached?.bytes.length === length && isAt(cached.bytes, buf, from)) {
      this.pos = to;
      return cached.text;
    }
    const text = this.#verify(start);
    EnvelopeReader.#strings[slot] = { bytes: Uint8Array.prototype.slice.call(buf, from, to), text };
    return text;
  }

  #verify(start: number): string {
    this.pos = start;
    return super.stringVerify();
  }
}

function isAt(bytes: Uint8Array, buffer: Uint8Array, offset: number): boolean {
  const { length } = bytes;
  for (let i = 0; i < length; i++) if (bytes[i] !== buffer[offset + i]) return false;
  return true;
}

export function envelopeReader(header: Uint8Array): protobuf.Reader {
  const { buffer, byteOffset, byteLength } = header;
  return new EnvelopeReader(
    Buffer.isBuffer(header) ? header : Buffer.from(buffer, byteOffset, byteLength),
  );
}
