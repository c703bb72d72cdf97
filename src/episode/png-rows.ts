/** What reading a PNG needs besides inflating: chunks and row filters. In Node and in browsers. */
import { crc32, inflate, joinBytes } from "../core/index.ts";
import type { RasterImage } from "./png.ts";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const COLOUR_TYPE = { 1: 0, 3: 2, 4: 6 } as const;
const MAX_PIXELS = 2 ** 26;

/** A PNG whose rows are still packed (zlib) and filtered. */
export interface PackedPng extends Omit<RasterImage, "data"> {
  readonly packed: Uint8Array;
  /** Of the rows once they are inflated. */
  readonly rowBytes: number;
}

/**
 * Reads the chunks of an 8-bit grey, RGB or RGBA image without interlace.
 * @throws {SyntaxError} if the bytes are damaged, or another kind of PNG
 */
export function readChunks(png: Uint8Array): PackedPng {
  if (!SIGNATURE.every((byte, i) => png[i] === byte)) throw badPng("signature is absent");
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  let header: DataView | undefined;
  const parts: Uint8Array[] = [];
  for (let at = SIGNATURE.length; ;) {
    if (at + 12 > png.length) throw badPng("bytes end before IEND");
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end + 4 > png.length) throw badPng("bytes end within a chunk");
    if (crc32(png.subarray(at + 4, end)) !== view.getUint32(end)) throw badPng("CRC is wrong");
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (type === "IHDR" && length === 13) {
      header = new DataView(png.buffer, png.byteOffset + at + 8, length);
    } else if (type === "IDAT") parts.push(png.subarray(at + 8, end));
    else if (type === "IEND") break;
    at = end + 4;
  }
  if (header === undefined) throw badPng("IHDR is absent");
  const shape = readHeader(header);
  return {
    ...shape,
    packed: joinBytes(parts),
    rowBytes: shape.height * (shape.width * shape.channels + 1),
  };
}

/** Decodes as `decodePng` does, where there is no zlib: in a browser. */
export async function decodePngPortably(png: Uint8Array): Promise<RasterImage> {
  const image = readChunks(png);
  const { width, height, channels, packed, rowBytes } = image;
  let rows: Uint8Array;
  try {
    rows = await inflate(packed, "deflate", rowBytes);
  } catch (cause) {
    throw new SyntaxError("Cannot decode PNG: image data is damaged", { cause });
  }
  return { width, height, channels, data: unfilterRows(image, rows) };
}

function badPng(what: string): SyntaxError {
  return new SyntaxError(`Cannot decode PNG: ${what}`);
}

function readHeader(header: DataView): Omit<RasterImage, "data"> {
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  const byte = (at: number): number => header.getUint8(at);
  const channels = ([1, 3, 4] as const).find((n) => COLOUR_TYPE[n] === byte(9));
  const plain = byte(8) === 8 && byte(10) === 0 && byte(11) === 0 && byte(12) === 0;
  if (channels === undefined || !plain) {
    throw badPng("kind is unsupported, must be 8-bit grey, RGB or RGBA without interlace");
  }
  if (width < 1 || height < 1 || width * height > MAX_PIXELS) {
    throw badPng(`size is ${width} x ${height}, must have 1 to ${MAX_PIXELS} pixels`);
  }
  return { width, height, channels };
}

/**
 * Undoes the filter of every row (ISO/IEC 15948, clause 9): one tight loop per filter.
 * @throws {SyntaxError} if there are fewer or more rows than the image has, or an unknown filter
 */
export function unfilterRows(image: PackedPng, rows: Uint8Array): Uint8Array {
  if (rows.length !== image.rowBytes) {
    throw badPng(`image data is ${rows.length} bytes, must be ${image.rowBytes}`);
  }
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
