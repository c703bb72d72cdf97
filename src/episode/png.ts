/**
 * PNG (ISO/IEC 15948:2004) for camera frames: 8-bit grey, RGB or RGBA, no interlace. Rows are filtered
 * with "Up", which suits rendered scenes: of the filters and zlib levels tried it had the best size per
 * millisecond (`npm run bench -- recording` prints the measurement).
 */
import { promisify } from "node:util";
import { constants, crc32, deflate, deflateSync, inflateSync } from "node:zlib";
import { readChunks, unfilterRows } from "./png-rows.ts";

/** `uint8[height, width, channels]`, row 0 at the top. */
export interface RasterImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const COLOUR_TYPE = { 1: 0, 3: 2, 4: 6 } as const;
const FILTER_UP = 2;

export interface PngOptions {
  /** zlib level, 0-9; default 1, the fastest that compresses. */
  readonly level?: number;
}

/** @throws {TypeError} if `data` does not have the size that the dimensions say */
export function encodePng(image: RasterImage, options: PngOptions = {}): Uint8Array {
  return assemble(image, deflateSync(filterRows(image), deflateOptions(options)));
}

const deflateAsync = promisify<Uint8Array, { level: number }, Buffer>(deflate);

/**
 * Like `encodePng`, but compresses on the thread pool. The image is read before this returns, so the
 * caller may reuse its buffer at once.
 */
export function encodePngAsync(image: RasterImage, options: PngOptions = {}): Promise<Uint8Array> {
  const rows = filterRows(image);
  return deflateAsync(rows, deflateOptions(options)).then((data) => assemble(image, data));
}

function deflateOptions({ level = 1 }: PngOptions): { level: number; strategy: number } {
  // Filtered rows are small numbers with a random look, which is what Z_FILTERED is for.
  return { level, strategy: constants.Z_FILTERED };
}

function filterRows(image: RasterImage): Buffer {
  const { width, height, channels, data } = image;
  const stride = width * channels;
  if (!(width >= 1 && height >= 1) || data.length !== stride * height) {
    throw new TypeError(
      `Cannot encode PNG: image is uint8[${data.length}], must be uint8[${height}, ${width}, ${channels}]`,
    );
  }
  const rows = Buffer.allocUnsafe(height * (stride + 1));
  rows[0] = FILTER_UP;
  rows.set(data.subarray(0, stride), 1);
  for (let y = 1, at = stride + 1; y < height; y++) {
    rows[at++] = FILTER_UP;
    const start = y * stride;
    for (let i = start; i < start + stride; i++) rows[at++] = data[i]! - data[i - stride]!;
  }
  return rows;
}

function assemble(image: RasterImage, compressed: Uint8Array): Uint8Array {
  const { width, height, channels } = image;
  const png = Buffer.allocUnsafe(SIGNATURE.length + 25 + (12 + compressed.length) + 12);
  png.set(SIGNATURE, 0);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = COLOUR_TYPE[channels];
  let at = putChunk(png, SIGNATURE.length, { type: "IHDR", data: header });
  at = putChunk(png, at, { type: "IDAT", data: compressed });
  putChunk(png, at, { type: "IEND", data: new Uint8Array(0) });
  return png;
}

function putChunk(png: Buffer, at: number, chunk: { type: string; data: Uint8Array }): number {
  png.writeUInt32BE(chunk.data.length, at);
  png.write(chunk.type, at + 4, "latin1");
  png.set(chunk.data, at + 8);
  const end = at + 8 + chunk.data.length;
  png.writeUInt32BE(crc32(png.subarray(at + 4, end)), end);
  return end + 4;
}

/**
 * Decodes 8-bit grey, RGB and RGBA without interlace.
 *
 * @throws {SyntaxError} if the bytes are damaged, or another kind of PNG
 */
export function decodePng(png: Uint8Array): RasterImage {
  const { packed, rowBytes, ...shape } = readChunks(png);
  let rows: Buffer;
  try {
    rows = inflateSync(packed, { maxOutputLength: rowBytes });
  } catch (cause) {
    throw new SyntaxError("Cannot decode PNG: image data is damaged", { cause });
  }
  return { ...shape, data: unfilterRows({ ...shape, packed, rowBytes }, rows) };
}
