/** Which ways an image is turned around. */
export interface FlipAxes {
  /** The last row becomes the first. */
  readonly rows?: boolean;
  /** The last column becomes the first. */
  readonly columns?: boolean;
}

/**
 * An image turned upside down, mirrored, or both (which is half a turn). Into a new array.
 *
 * @param pixels `uint8[height, width, channels]`
 * @throws {TypeError} if there are not that many pixels
 */
export function flipImage(
  pixels: Uint8Array,
  [height, width, channels]: readonly [height: number, width: number, channels: number],
  { rows = false, columns = false }: FlipAxes,
): Uint8Array {
  const rowBytes = width * channels;
  if (pixels.length !== height * rowBytes) {
    throw new TypeError(
      `Cannot flip an image: it has ${pixels.length} bytes, must have ${height} x ${width} x ${channels}`,
    );
  }
  const flipped = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    const from = (rows ? height - 1 - y : y) * rowBytes;
    const row = pixels.subarray(from, from + rowBytes);
    const into = flipped.subarray(y * rowBytes, (y + 1) * rowBytes);
    if (columns) mirrorRow(row, into, channels);
    else into.set(row);
  }
  return flipped;
}

function mirrorRow(row: Uint8Array, into: Uint8Array, channels: number): void {
  const last = row.length - channels;
  for (let at = 0; at <= last; at += channels) {
    for (let c = 0; c < channels; c++) into[last - at + c] = row[at + c]!;
  }
}
