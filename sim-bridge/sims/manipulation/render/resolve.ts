/* eslint-disable max-params -- hot loop: positional parameters instead of an object per pixel */
import type { Extent } from "./raster.ts";
import type { RasterSize, SampleBuffer } from "./raster-memory.ts";
import { writePacked } from "./shade.ts";
import type { PlainShader, Shader } from "./shade.ts";

/** Colours where nothing is drawn. */
export interface Backdrop {
  /** Whether all are 0. */
  readonly isBlack: boolean;
  /** Packed 0x00BBGGRR. */
  shadePixel(column: number, row: number): number;
}

/** A finished picture of what never moves, seen by a camera that never moves. */
export interface BakedColours {
  /** uint8[height, width, 3]. */
  readonly rgb: Uint8Array;
  /** int32[height * samples, width]: colour of each sample, packed, to mix with what moves. */
  readonly samples: Int32Array;
  /** Triangles up to this number belong to the picture. */
  readonly triangleCount: number;
}

/** Turns a visibility buffer into colours. */
export interface Resolver {
  /** Colours every pixel of `rgb`. */
  resolveAll(buffer: SampleBuffer, rgb: Uint8Array): void;
  /**
   * Colours the pixels of `rgb` that show a triangle newer than the baked ones; the others must hold
   * the baked picture already.
   *
   * @param options.extent pixels outside are not looked at
   * @param options.baked without it, every pixel of the extent is coloured
   */
  resolve(
    buffer: SampleBuffer,
    rgb: Uint8Array,
    options: { extent: Extent; baked?: BakedColours },
  ): void;
  /** Colour of each sample by itself, for baking. */
  sampleColours(buffer: SampleBuffer): Int32Array;
}

/** Red and blue of packed colours; four sums of 8 bits fit between them. */
const RED_BLUE = 0xff00ff;
const HALF_RED_BLUE = 0x020002;

/** Mean of four packed colours, rounded, as resolving four 8-bit samples gives. */
export function mean4(a: number, b: number, c: number, d: number): number {
  const redBlue = (a & RED_BLUE) + (b & RED_BLUE) + (c & RED_BLUE) + (d & RED_BLUE) + HALF_RED_BLUE;
  const green = ((a >> 8) & 255) + ((b >> 8) & 255) + ((c >> 8) & 255) + ((d >> 8) & 255) + 2;
  return ((redBlue >> 2) & RED_BLUE) | ((green >> 2) << 8);
}

/** All pixels of a picture. */
export function wholeOf({ width, height }: RasterSize): Extent {
  return { xMin: 0, yMin: 0, xMax: width, yMax: height };
}

/** `int32[height * samples, width]`: the colour of each sample by itself, packed 0x00BBGGRR. */
export function sampleColours(
  { triangle: ids }: SampleBuffer,
  { width, height, samples }: RasterSize,
  { shader, sky }: { readonly shader: Shader; readonly sky: Backdrop },
): Int32Array {
  const colours = new Int32Array(ids.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const first = row * samples * width + column;
      for (let k = 0; k < samples; k++) {
        const at = first + k * width;
        const id = ids[at]!;
        // Samples of one triangle have one colour: mostly that of the sample above.
        if (k > 0 && id === ids[at - width]) colours[at] = colours[at - width]!;
        else if (id === 0) colours[at] = sky.shadePixel(column, row);
        else colours[at] = shader.shadePixel(id, column, row);
      }
    }
  }
  return colours;
}

/**
 * The definition of all pictures, in JavaScript.
 *
 * Each triangle is shaded once per pixel it appears in, at the pixel's centre, and a pixel is the mean
 * of its samples (OpenGL multisampling). Unless it must be exact, where all samples are of one smooth
 * surface, the triangle with most of them is shaded for all; OpenGL would shade each. Their colours meet at their border, so few
 * pixels differ by more than a grey level. Neighbouring pixels inside one triangle are shaded as a run.
 */
export class PlainResolver implements Resolver {
  readonly #size: RasterSize;
  readonly #width: number;
  readonly #samples: 1 | 4;
  readonly #isExact: boolean;
  readonly #shader: PlainShader;
  readonly #sky: Backdrop;

  constructor(size: RasterSize, sources: { shader: PlainShader; sky: Backdrop; isExact: boolean }) {
    this.#size = size;
    this.#width = size.width;
    this.#samples = size.samples;
    this.#isExact = sources.isExact;
    this.#shader = sources.shader;
    this.#sky = sources.sky;
  }

  resolveAll(buffer: SampleBuffer, rgb: Uint8Array): void {
    this.resolve(buffer, rgb, { extent: wholeOf(this.#size) });
  }

  resolve(
    buffer: SampleBuffer,
    rgb: Uint8Array,
    options: { extent: Extent; baked?: BakedColours },
  ): void {
    const { extent, baked } = options;
    const ids = buffer.triangle;
    const width = this.#width;
    const samples = this.#samples;
    const oldest = baked === undefined ? -1 : baked.triangleCount;
    for (let row = extent.yMin; row < extent.yMax; row++) {
      let column = extent.xMin;
      while (column < extent.xMax) {
        const sample = row * samples * width + column;
        const id = ids[sample]!;
        if (this.#isUniform(ids, sample)) {
          const end = this.#endOfRun(ids, sample, extent.xMax - column) + column;
          if (id > oldest) this.#colourRun(id, row, column, end, rgb);
          column = end;
          continue;
        }
        this.#colourMixed(ids, sample, column, row, rgb, baked);
        column++;
      }
    }
  }

  sampleColours(buffer: SampleBuffer): Int32Array {
    return sampleColours(buffer, this.#size, { shader: this.#shader, sky: this.#sky });
  }

  #colour(id: number, column: number, row: number): number {
    return id === 0 ? this.#sky.shadePixel(column, row) : this.#shader.shadePixel(id, column, row);
  }

  #isUniform(ids: Int32Array, sample: number): boolean {
    if (this.#samples === 1) return true;
    const width = this.#width;
    const id = ids[sample];
    return (
      id === ids[sample + width] && id === ids[sample + 2 * width] && id === ids[sample + 3 * width]
    );
  }

  /** How many pixels, at most `limit`, from `sample` on are wholly of its triangle. */
  #endOfRun(ids: Int32Array, sample: number, limit: number): number {
    const id = ids[sample];
    const width = this.#width;
    let count = 1;
    if (this.#samples === 1) {
      while (count < limit && ids[sample + count] === id) count++;
      return count;
    }
    for (let at = sample + 1; count < limit; at++, count++) {
      if (
        ids[at] !== id ||
        ids[at + width] !== id ||
        ids[at + 2 * width] !== id ||
        ids[at + 3 * width] !== id
      ) {
        break;
      }
    }
    return count;
  }

  #colourRun(
    id: number,
    row: number,
    start: number,
    end: number,
    rgb: Uint8Array, // positional here and below: called for every pixel or run
  ): void {
    let byte = 3 * (row * this.#width + start);
    if (id === 0) {
      for (let column = start; column < end; column++, byte += 3) {
        writePacked(rgb, byte, this.#sky.shadePixel(column, row));
      }
      return;
    }
    this.#shader.shadeRun(id, row, start, end, rgb, byte);
  }

  /** A pixel whose samples are not all of one triangle. */
  #colourMixed(
    ids: Int32Array,
    sample: number,
    column: number,
    row: number,
    rgb: Uint8Array,
    baked: BakedColours | undefined,
  ): void {
    const width = this.#width;
    const i0 = ids[sample]!;
    const i1 = ids[sample + width]!;
    const i2 = ids[sample + 2 * width]!;
    const i3 = ids[sample + 3 * width]!;
    const oldest = baked === undefined ? 0 : baked.triangleCount;
    const hasNone = i0 <= oldest && i1 <= oldest && i2 <= oldest && i3 <= oldest;
    if (hasNone) return; // the baked picture shows
    const byte = 3 * (row * width + column);
    const hasAll = i0 > oldest && i1 > oldest && i2 > oldest && i3 > oldest;
    const frequent = hasAll && !this.#isExact ? this.#frequentOfOneSurface(i0, i1, i2, i3) : 0;
    if (frequent > 0) {
      writePacked(rgb, byte, this.#shader.shadePixel(frequent, column, row));
      return;
    }
    // Each triangle is shaded once; samples of the baked picture keep their colour.
    const old = baked?.samples;
    const at = sample;
    const c0 = this.#isOld(i0, old, oldest) ? old![at]! : this.#colour(i0, column, row);
    let c1 = c0;
    if (this.#isOld(i1, old, oldest)) c1 = old![at + width]!;
    else if (i1 !== i0) c1 = this.#colour(i1, column, row);
    let c2 = i2 === i1 ? c1 : c0;
    if (this.#isOld(i2, old, oldest)) c2 = old![at + 2 * width]!;
    else if (i2 !== i1 && i2 !== i0) c2 = this.#colour(i2, column, row);
    let c3 = i3 === i2 ? c2 : i3 === i1 ? c1 : c0;
    if (this.#isOld(i3, old, oldest)) c3 = old![at + 3 * width]!;
    else if (i3 !== i2 && i3 !== i1 && i3 !== i0) c3 = this.#colour(i3, column, row);
    writePacked(rgb, byte, mean4(c0, c1, c2, c3));
  }

  #isOld(id: number, old: Int32Array | undefined, oldest: number): boolean {
    return old !== undefined && id <= oldest;
  }

  /** If all four are of one smooth surface, the one with at least two samples; else 0. */
  #frequentOfOneSurface(i0: number, i1: number, i2: number, i3: number): number {
    const shader = this.#shader;
    const surface = shader.surfaceOf(i0);
    if (
      (i1 !== i0 && shader.surfaceOf(i1) !== surface) ||
      (i2 !== i0 && shader.surfaceOf(i2) !== surface) ||
      (i3 !== i0 && shader.surfaceOf(i3) !== surface)
    ) {
      return 0;
    }
    if (i0 === i1 || i0 === i2 || i0 === i3) return i0;
    if (i1 === i2 || i1 === i3) return i1;
    return i2 === i3 ? i2 : 0;
  }
}
