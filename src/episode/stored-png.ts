/** PNG without compression, where there is no zlib: in a browser, and equal bytes everywhere. */
import { crc32, joinBytes } from "../core/index.ts";
import type { RasterImage } from "./png.ts";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const COLOUR_TYPE = { 1: 0, 3: 2, 4: 6 } as const;
/** Of a stored block (RFC 1951, 3.2.4). */
const MAX_BLOCK = 0xffff;

/**
 * Encodes with stored deflate blocks (ISO/IEC 15948, RFC 1950, RFC 1951): larger than `encodePng`'s, the same
 * picture.
 * @throws {TypeError} if `data` does not have the size that the dimensions say
 */
export function encodeStoredPng({ width, height, channels, data }: RasterImage): Uint8Array {
  const stride = width * channels;
  if (!(width >= 1 && height >= 1) || data.length !== stride * height) {
    throw new TypeError(
      `Cannot encode PNG: image is uint8[${data.length}], must be uint8[${height}, ${width}, ${channels}]`,
    );
  }
  // Each row begins with the number of its filter: 0, none.
  const rows = new Uint8Array(height * (stride + 1));
  for (let y = 0; y < height; y++) {
    rows.set(data.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, COLOUR_TYPE[channels]], 8);
  return joinBytes([
    SIGNATURE,
    chunk("IHDR", header),
    chunk("IDAT", storedZlib(rows)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

function storedZlib(bytes: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let at = 0; at < bytes.length; at += MAX_BLOCK) {
    const part = bytes.subarray(at, at + MAX_BLOCK);
    const isLast = at + part.length === bytes.length;
    const size = [part.length & 255, part.length >> 8];
    blocks.push(Uint8Array.of(isLast ? 1 : 0, ...size, ...size.map((byte) => ~byte & 255)), part);
  }
  return joinBytes([...blocks, bigEndian(adler32(bytes))]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = joinBytes([Uint8Array.from(type, (letter) => letter.charCodeAt(0)), data]);
  return joinBytes([bigEndian(data.length), named, bigEndian(crc32(named))]);
}

function bigEndian(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** RFC 1950, 9. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}
