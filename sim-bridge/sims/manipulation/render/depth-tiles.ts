/* eslint-disable max-params -- hot loop: positional parameters instead of an object per triangle */
import type { SampleBuffer } from "./raster.ts";

/** Tiles are squares of 2^TILE_SHIFT pixels. */
const TILE_SHIFT = 2;
const TILE_EDGE = 1 << TILE_SHIFT;

/**
 * Bounds of what is already drawn, tile by tile, so that a triangle behind all of it costs one look per
 * tile instead of one per sample.
 *
 * In a frame surfaces only come nearer, so an old bound stays true and is renewed only when it matters:
 * of each tile the sample that was farthest when last looked at is remembered, and as long as that one
 * lies behind the triangle, the triangle may be seen.
 */
export class DepthTiles {
  readonly #width: number;
  readonly #height: number;
  readonly #samples: number;
  readonly #columns: number;
  /** No sample of the tile has a smaller 1/w than this. */
  readonly #bound: Float32Array;
  /** Index of the farthest sample at the time of the last look. */
  readonly #farthest: Int32Array;
  readonly #firstSamples: Int32Array;
  #bits = new Int32Array(0);

  constructor(size: { width: number; height: number; samples: number }) {
    const { width, height, samples } = size;
    this.#width = width;
    this.#height = height;
    this.#samples = samples;
    this.#columns = Math.ceil(width / TILE_EDGE);
    const count = this.#columns * Math.ceil(height / TILE_EDGE);
    this.#bound = new Float32Array(count);
    this.#firstSamples = Int32Array.from({ length: count }, (_, tile) => {
      const line = Math.floor(tile / this.#columns) * TILE_EDGE * samples;
      return line * width + (tile % this.#columns) * TILE_EDGE;
    });
    this.#farthest = this.#firstSamples.slice();
  }

  /**
   * Forgets the last frame; to be called whenever a sample may have become farther.
   *
   * @param inverseDepth what the calls of `hides` will be about
   */
  reset(inverseDepth: SampleBuffer["inverseDepth"]): void {
    if (this.#bits.buffer !== inverseDepth.buffer) {
      this.#bits = new Int32Array(inverseDepth.buffer);
    }
    this.#bound.fill(-1);
    this.#farthest.set(this.#firstSamples);
  }

  /**
   * Whether all samples of the tiles of a rectangle are nearer than a surface.
   *
   * @param inverseDepth as given to `reset`, drawn into since
   * @param xMin,xMax,yMin,yMax pixels inside the image, all inclusive
   * @param nearest 1/w that the surface exceeds nowhere in the rectangle
   */
  hides(
    inverseDepth: SampleBuffer["inverseDepth"],
    xMin: number,
    xMax: number,
    yMin: number,
    yMax: number,
    nearest: number,
  ): boolean {
    const bound = this.#bound;
    const farthest = this.#farthest;
    const columns = this.#columns;
    const rowEnd = yMax >> TILE_SHIFT;
    for (let row = yMin >> TILE_SHIFT; row <= rowEnd; row++) {
      const end = row * columns + (xMax >> TILE_SHIFT);
      for (let tile = row * columns + (xMin >> TILE_SHIFT); tile <= end; tile++) {
        if (nearest < bound[tile]!) continue;
        if (nearest >= inverseDepth[farthest[tile]!]!) return false;
        this.#look(inverseDepth, tile);
        if (nearest >= bound[tile]!) return false;
      }
    }
    return true;
  }

  /** Renews the bound of a tile. Positive floats are in the order of their bits, which compare faster. */
  #look(inverseDepth: SampleBuffer["inverseDepth"], tile: number): void {
    const bits = this.#bits;
    const width = this.#width;
    const left = (tile % this.#columns) << TILE_SHIFT;
    const top = ((tile / this.#columns) | 0) << TILE_SHIFT;
    const columns = Math.min(TILE_EDGE, width - left);
    const lines = Math.min(TILE_EDGE, this.#height - top) * this.#samples;
    let line = this.#firstSamples[tile]!;
    let farthest = line;
    let bound = bits[line]!;
    for (const end = line + lines * width; line < end; line += width) {
      for (let sample = line; sample < line + columns; sample++) {
        if (bits[sample]! < bound) {
          bound = bits[sample]!;
          farthest = sample;
        }
      }
    }
    this.#bound[tile] = inverseDepth[farthest]!;
    this.#farthest[tile] = farthest;
  }
}
