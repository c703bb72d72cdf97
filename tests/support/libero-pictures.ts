/** Pictures of the original's own renderer, as tests/libero/pictures.py writes them, and how near others come to them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface OriginalPicture {
  readonly task: string;
  readonly state: number;
  readonly camera: string;
  readonly size: number;
  /** Names of the bodies, row by row. */
  readonly bodies: readonly string[];
  /** float64[bodies, 3], and float64[bodies, 9]. */
  readonly xpos: Float64Array;
  readonly xmat: Float64Array;
  /** uint8[size, size, 3], row 0 at the top. */
  readonly rgb: Uint8Array;
  /** uint16[size, size]: 1 + row of the shape in `visual.json`, 0 = none, 65,535 = unknown. */
  readonly labels: Uint16Array;
}

export function readPictures(folder: string): readonly OriginalPicture[] {
  const lines = JSON.parse(readFileSync(join(folder, "pictures.json"), "utf8")) as Omit<
    OriginalPicture,
    "xpos" | "xmat" | "rgb" | "labels"
  >[];
  const bytes = new Uint8Array(readFileSync(join(folder, "pictures.bin")));
  let at = 0;
  const take = (length: number): ArrayBuffer => bytes.slice(at, (at += length)).buffer;
  return lines.map((line) => {
    const poses = new Float64Array(take(96 * line.bodies.length));
    const rows = (columns: number, from: number): Float64Array =>
      Float64Array.from(
        { length: columns * line.bodies.length },
        (_, i) => poses[12 * Math.floor(i / columns) + from + (i % columns)]!,
      );
    const rgb = new Uint8Array(take(3 * line.size * line.size));
    const labels = new Uint16Array(take(2 * line.size * line.size));
    return { ...line, xpos: rows(3, 0), xmat: rows(9, 3), rgb, labels };
  });
}

/** Peak signal-to-noise ratio of 8-bit images, dB. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return 10 * Math.log10((255 * 255 * a.length) / Math.max(sum, 1e-9));
}

const WINDOW = 8;
const STRIDE = 2;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/**
 * Structural similarity of the luma of two square RGB images (Wang et al. 2004), over uniform windows of 8 x 8 at every
 * second pixel.
 */
export function ssim(a: Uint8Array, b: Uint8Array, size: number): number {
  const [x, y] = [luma(a), luma(b)];
  let [sum, count] = [0, 0];
  for (let row = 0; row + WINDOW <= size; row += STRIDE) {
    for (let column = 0; column + WINDOW <= size; column += STRIDE) {
      sum += windowSsim(x, y, { start: row * size + column, size });
      count++;
    }
  }
  return sum / count;
}

function windowSsim(
  x: Float64Array,
  y: Float64Array,
  { start, size }: { start: number; size: number },
): number {
  let [sx, sy, sxx, syy, sxy] = [0, 0, 0, 0, 0];
  for (let row = 0; row < WINDOW; row++) {
    for (let i = start + row * size; i < start + row * size + WINDOW; i++) {
      sx += x[i]!;
      sy += y[i]!;
      sxx += x[i]! * x[i]!;
      syy += y[i]! * y[i]!;
      sxy += x[i]! * y[i]!;
    }
  }
  const n = WINDOW * WINDOW;
  const [mx, my] = [sx / n, sy / n];
  const [vx, vy, cov] = [sxx / n - mx * mx, syy / n - my * my, sxy / n - mx * my];
  return ((2 * mx * my + C1) * (2 * cov + C2)) / ((mx * mx + my * my + C1) * (vx + vy + C2));
}

function luma(rgb: Uint8Array): Float64Array {
  return Float64Array.from(
    { length: rgb.length / 3 },
    (_, i) => 0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!,
  );
}

const UNKNOWN = 0xffff;

/** Share of pixels whose label is the same, of those where the original's is known. */
export function sameLabels(ours: Uint16Array, original: Uint16Array): number {
  let [same, known] = [0, 0];
  for (let i = 0; i < ours.length; i++) {
    if (original[i] === UNKNOWN) continue;
    known++;
    if (ours[i] === original[i]) same++;
  }
  return same / known;
}
