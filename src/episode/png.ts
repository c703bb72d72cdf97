/**
 * PNG (ISO/IEC 15948:2004) for camera frames: 8-bit grey, RGB or RGBA, no interlace. Rows are filtered
 * with "Up", which suits rendered scenes: of the filters and zlib levels tried it had the best size per
 * millisecond (`npm run bench -- recording` prints the measurement).
 */
import { promisify } from "node:util";
import { constants, crc32, deflate, deflateSync, inflateSync } from "node:zlib";

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
const MAX_PIXELS = 2 ** 26;

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
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const bad = (what: string): SyntaxError => new SyntaxError(`Cannot decode PNG: ${what}`);
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) throw bad("signature is absent");
  let header: Buffer | undefined;
  const parts: Buffer[] = [];
  for (let at = SIGNATURE.length; ;) {
    if (at + 12 > bytes.length) throw bad("bytes end before IEND");
    const length = bytes.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw bad("bytes end within a chunk");
    if (crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) throw bad("CRC is wrong");
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "IHDR" && length === 13) header = bytes.subarray(at + 8, end);
    else if (type === "IDAT") parts.push(bytes.subarray(at + 8, end));
    else if (type === "IEND") break;
    at = end + 4;
  }
  if (header === undefined) throw bad("IHDR is absent");
  const image = parseHeader(header, bad);
  return { ...image, data: unfilterRows(image, inflateRows(image, parts, bad)) };
}

type Shape = Omit<RasterImage, "data">;
type Complain = (what: string) => SyntaxError;

function parseHeader(header: Buffer, bad: Complain): Shape {
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const channels = ([1, 3, 4] as const).find((n) => COLOUR_TYPE[n] === header[9]);
  const plain = header[8] === 8 && header[10] === 0 && header[11] === 0 && header[12] === 0;
  if (channels === undefined || !plain) {
    throw bad("kind is unsupported, must be 8-bit grey, RGB or RGBA without interlace");
  }
  if (width < 1 || height < 1 || width * height > MAX_PIXELS) {
    throw bad(`size is ${width} x ${height}, must have 1 to ${MAX_PIXELS} pixels`);
  }
  return { width, height, channels };
}

function inflateRows(image: Shape, parts: Buffer[], bad: Complain): Buffer {
  const length = image.height * (image.width * image.channels + 1);
  let rows: Buffer;
  try {
    rows = inflateSync(Buffer.concat(parts), { maxOutputLength: length });
  } catch (cause) {
    throw new SyntaxError("Cannot decode PNG: image data is damaged", { cause });
  }
  if (rows.length !== length) throw bad(`image data is ${rows.length} bytes, must be ${length}`);
  return rows;
}

/** Undoes the filter of every row (ISO/IEC 15948, clause 9): one tight loop per filter. */
function unfilterRows(image: Shape, rows: Buffer): Uint8Array {
  const { height, channels } = image;
  const stride = image.width * channels;
  const data = new Uint8Array(height * stride);
  // What stands above the first row.
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const at = y * (stride + 1);
    const row = data.subarray(y * stride, (y + 1) * stride);
    row.set(rows.subarray(at + 1, at + 1 + stride));
    unfilterRow(row, { above, channels, filter: rows[at]! });
    above = row;
  }
  return data;
}

function unfilterRow(
  row: Uint8Array,
  { above, channels, filter }: { above: Uint8Array; channels: number; filter: number },
): void {
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = channels; i < row.length; i++) row[i] = row[i]! + row[i - channels]!;
      return;
    case 2:
      for (let i = 0; i < row.length; i++) row[i] = row[i]! + above[i]!;
      return;
    case 3:
      for (let i = 0; i < channels; i++) row[i] = row[i]! + (above[i]! >> 1);
      for (let i = channels; i < row.length; i++) {
        row[i] = row[i]! + ((row[i - channels]! + above[i]!) >> 1);
      }
      return;
    case 4:
      // Left of the row there is nothing, and the nearest neighbour is the one above.
      for (let i = 0; i < channels; i++) row[i] = row[i]! + above[i]!;
      for (let i = channels; i < row.length; i++) {
        row[i] = row[i]! + paeth(row[i - channels]!, above[i]!, above[i - channels]!);
      }
      return;
    default:
      throw new SyntaxError(`Cannot decode PNG: filter is ${filter}, must be 0 to 4`);
  }
}

/** The neighbour nearest to left + up - upLeft. */
function paeth(left: number, up: number, upLeft: number): number {
  const toLeft = Math.abs(up - upLeft);
  const toUp = Math.abs(left - upLeft);
  const toUpLeft = Math.abs(left + up - 2 * upLeft);
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}
