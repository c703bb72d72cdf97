/** Images made smaller by the average over areas. */
import type { RasterImage } from "../../episode/node.ts";

/** For every output place along one axis: the input places it covers, and how much of each. */
interface Coverage {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `taps[i * most + k]` is the share of input `first[i] + k`; the shares of one output sum to 1. */
  readonly taps: Float64Array;
  readonly most: number;
}

/** Makes images of one size into images of another, which must not be larger. */
export interface Resizer {
  readonly height: number;
  readonly width: number;
  resize(image: RasterImage): RasterImage;
}

/**
 * Every output pixel is the mean of the area it covers, pixels at the border counting by the part that is
 * covered; rounded to the nearest integer once, at the end.
 *
 * @throws {RangeError} if the output is larger than the input
 */
export function createResizer(
  input: { readonly height: number; readonly width: number },
  output: { readonly height: number; readonly width: number },
): Resizer {
  const { height, width } = output;
  const whole = Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0;
  if (!whole || height > input.height || width > input.width) {
    throw new RangeError(
      `Cannot resize ${input.height} x ${input.width} to ${height} x ${width}: must be whole numbers and not larger`,
    );
  }
  if (height === input.height && width === input.width) {
    return { height, width, resize: (image) => image };
  }
  const [rows, columns] = [coverage(input.height, height), coverage(input.width, width)];
  return { height, width, resize: (image) => average(image, rows, columns) };
}

function coverage(from: number, to: number): Coverage {
  const scale = from / to;
  const most = Math.ceil(scale) + 1;
  const [first, count] = [new Int32Array(to), new Int32Array(to)];
  const taps = new Float64Array(to * most);
  for (let i = 0; i < to; i++) {
    const [low, high] = [i * scale, Math.min(from, (i + 1) * scale)];
    first[i] = Math.floor(low);
    const end = Math.min(from, Math.ceil(high));
    count[i] = end - first[i]!;
    for (let k = 0; k < count[i]!; k++) {
      const at = first[i]! + k;
      taps[i * most + k] = (Math.min(high, at + 1) - Math.max(low, at)) / (high - low);
    }
  }
  return { first, count, taps, most };
}

function average(image: RasterImage, rows: Coverage, columns: Coverage): RasterImage {
  const { channels, data } = image;
  const [height, width] = [rows.first.length, columns.first.length];
  const stride = image.width * channels;
  const result = new Uint8Array(height * width * channels);
  const sums = new Float64Array(stride);
  for (let y = 0, at = 0; y < height; y++) {
    sums.fill(0);
    for (let k = 0; k < rows.count[y]!; k++) {
      const share = rows.taps[y * rows.most + k]!;
      const start = (rows.first[y]! + k) * stride;
      for (let i = 0; i < stride; i++) sums[i]! += share * data[start + i]!;
    }
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < columns.count[x]!; k++) {
          sum +=
            columns.taps[x * columns.most + k]! * sums[(columns.first[x]! + k) * channels + c]!;
        }
        result[at++] = Math.floor(sum + 0.5);
      }
    }
  }
  return { height, width, channels, data: result };
}
