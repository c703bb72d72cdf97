/**
 * Random changes of training images. Every draw comes from the place of a window in the stream, so that
 * neither threads nor an interruption change an image.
 */
import type { Rng } from "../../core/index.ts";

export interface AugmentOptions {
  /**
   * Images are moved by up to so many pixels along each axis, the edge repeating into what becomes free:
   * padding and a random crop in one (Kostrikov et al. 2020, "DrQ"; Mandlekar et al. 2021). Default 0.
   */
  readonly shiftPx?: number;
  /** All values are multiplied by a factor from [1 - b, 1 + b]; b in [0, 1]. Default 0. */
  readonly brightness?: number;
  /** Distances from the image's mean grey are multiplied by a factor from [1 - c, 1 + c]. Default 0. */
  readonly contrast?: number;
  /** Distances from a pixel's own grey are multiplied by a factor from [1 - s, 1 + s]. Default 0. */
  readonly saturation?: number;
}

/** One drawn change. */
export interface Augmentation {
  /** The image at (x, y) is what was at (x + dx, y + dy); shifts and crops alike. */
  readonly dx: number;
  readonly dy: number;
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

export const NO_AUGMENTATION: Augmentation = {
  dx: 0,
  dy: 0,
  brightness: 1,
  contrast: 1,
  saturation: 1,
};

/** Shape of one image, HWC. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export interface AugmentRequest {
  /** Of the input; as many channels as `shape`. */
  readonly from: ImageShape;
  /** Of the output. */
  readonly shape: ImageShape;
  readonly change: Augmentation;
}

/** The part of images that is kept: at a random place, or at the centre (rounded down). */
export interface CropOptions {
  readonly height: number;
  readonly width: number;
  readonly random: boolean;
}

/** @throws {RangeError} if a strength is out of range */
export function checkAugmentOptions(options: AugmentOptions): void {
  const { shiftPx = 0, ...strengths } = options;
  if (!Number.isInteger(shiftPx) || shiftPx < 0) {
    throw new RangeError(`Cannot augment: shiftPx is ${shiftPx}, must be a whole number from 0`);
  }
  for (const [name, value] of Object.entries(strengths)) {
    if (typeof value === "number" && value >= 0 && value <= 1) continue;
    throw new RangeError(`Cannot augment: ${name} is ${String(value)}, must be in [0, 1]`);
  }
}

/** Draws in a fixed order, whatever is switched on, so that one option does not change another's draws. */
export function drawAugmentation(options: AugmentOptions, rng: Rng): Augmentation {
  const { shiftPx = 0, brightness = 0, contrast = 0, saturation = 0 } = options;
  const offset = (): number => Math.floor(rng.uniform() * (2 * shiftPx + 1)) - shiftPx;
  const factor = (strength: number): number => 1 + strength * (2 * rng.uniform() - 1);
  return {
    dx: offset(),
    dy: offset(),
    brightness: factor(brightness),
    contrast: factor(contrast),
    saturation: factor(saturation),
  };
}

/** Moves the window that becomes the output; drawn after everything else, for the same reason. */
export function cropped(
  change: Augmentation,
  sizes: { readonly from: ImageShape; readonly shape: ImageShape },
  rng: Rng | undefined,
): Augmentation {
  const rows = sizes.from.height - sizes.shape.height;
  const columns = sizes.from.width - sizes.shape.width;
  if (rows === 0 && columns === 0) return change;
  const place = (free: number): number =>
    rng === undefined ? Math.floor(free / 2) : Math.floor(rng.uniform() * (free + 1));
  const dy = change.dy + place(rows);
  return { ...change, dy, dx: change.dx + place(columns) };
}

/**
 * Writes the changed image to `output`. Where a place of the output lies outside of the input, the input's
 * edge repeats. Colours change after that; they are rounded and clamped to [0, 255] once, at the end. Grey is
 * Rec. 601 luma. Alpha is never changed.
 *
 * @param input `uint8[from.height, from.width, channels]`, not changed
 * @param output `uint8[shape.height, shape.width, channels]`, another array
 */
export function augmentInto(output: Uint8Array, input: Uint8Array, request: AugmentRequest): void {
  const { from, shape, change } = request;
  const sameSize = from.height === shape.height && from.width === shape.width;
  if (sameSize && change.dx === 0 && change.dy === 0) output.set(input);
  else moveInto(output, input, request);
  const { brightness, contrast, saturation } = change;
  if (brightness === 1 && contrast === 1 && saturation === 1) return;
  if (shape.channels === 1) scaleGrey(output, change);
  else scaleColours(output, shape.channels, change);
}

function moveInto(
  output: Uint8Array,
  input: Uint8Array,
  { from, shape, change }: AugmentRequest,
): void {
  const { height, width, channels } = shape;
  const { dx, dy } = change;
  const stride = from.width * channels;
  // Columns of the output whose source lies inside the image.
  const first = Math.min(width, Math.max(0, -dx));
  const end = Math.max(first, Math.min(width, from.width - dx));
  for (let y = 0; y < height; y++) {
    const row = Math.min(from.height - 1, Math.max(0, y + dy)) * stride;
    const to = y * width * channels;
    const inner = input.subarray(row + (first + dx) * channels, row + (end + dx) * channels);
    if (end > first) output.set(inner, to + first * channels);
    for (let x = 0; x < first; x++)
      copyPixel(output, input, { to: to + x * channels, from: row, channels });
    const edge = row + stride - channels;
    for (let x = end; x < width; x++) {
      copyPixel(output, input, { to: to + x * channels, from: edge, channels });
    }
  }
}

function copyPixel(
  output: Uint8Array,
  input: Uint8Array,
  { to, from, channels }: { to: number; from: number; channels: number },
): void {
  for (let c = 0; c < channels; c++) output[to + c] = input[from + c]!;
}

/** A grey image has no saturation. */
function scaleGrey(data: Uint8Array, { brightness, contrast }: Augmentation): void {
  let sum = 0;
  for (const value of data) sum += value;
  const mean = (brightness * sum) / data.length;
  const factor = brightness * contrast;
  const offset = (1 - contrast) * mean;
  for (let i = 0; i < data.length; i++) data[i] = toByte(factor * data[i]! + offset);
}

const [RED, GREEN, BLUE] = [0.299, 0.587, 0.114];

function scaleColours(
  data: Uint8Array,
  channels: number,
  { brightness, contrast, saturation }: Augmentation,
): void {
  let sum = 0;
  for (let i = 0; i < data.length; i += channels) {
    sum += RED * data[i]! + GREEN * data[i + 1]! + BLUE * data[i + 2]!;
  }
  const mean = (brightness * sum * channels) / data.length;
  // All three are affine, so one pass does: colour * own + grey * shared + offset.
  const own = brightness * contrast * saturation;
  const shared = brightness * contrast * (1 - saturation);
  const offset = (1 - contrast) * mean;
  for (let i = 0; i < data.length; i += channels) {
    const [red, green, blue] = [data[i]!, data[i + 1]!, data[i + 2]!];
    const rest = shared * (RED * red + GREEN * green + BLUE * blue) + offset;
    data[i] = toByte(own * red + rest);
    data[i + 1] = toByte(own * green + rest);
    data[i + 2] = toByte(own * blue + rest);
  }
}

function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0;
}
