/* eslint-disable max-params -- hot loop: positional parameters instead of an object per triangle */
import type { SampleBuffer } from "./raster.ts";

/** Tiles are squares of 2^TILE_SHIFT pixels. */
const TILE_SHIFT = 2;

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
  /** No sample of the tile has a smaller 1/w than this; one of a stale bound's may have a larger one. */
  readonly #bound: Float32Array;
  /** Index of the farthest sample at the time of the last look. */
  readonly #farthest: Int32Array;
  readonly #firstSamples: Int32Array;

  constructor(size: { width: number; height: number; samples: number }) {
    const { width, height, samples } = size;
    this.#width = width;
    this.#height = height;
    this.#samples = samples;
    const edge = 1 << TILE_SHIFT;
    this.#columns = Math.ceil(width / edge);
    const count = this.#columns * Math.ceil(height / edge);
    this.#bound = new Float32Array(count);
    this.#firstSamples = Int32Array.from({ length: count }, (_, tile) => {
      const line = Math.floor(tile / this.#columns) * edge * samples;
      return line * width + (tile % this.#columns) * edge;
    });
    this.#farthest = this.#firstSamples.slice();
  }

  /** Forgets the last frame; to be called whenever a sample may have become farther. */
  reset(): void {
    this.#bound.fill(-1);
    this.#farthest.set(this.#firstSamples);
  }

  /**
   * Whether all samples of the tiles of a rectangle are nearer than a surface.
   *
   * @param inverseDepth of the buffer since the last reset
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

  /** Renews the bound of a tile. */
  #look(inverseDepth: SampleBuffer["inverseDepth"], tile: number): void {
    const width = this.#width;
    const edge = 1 << TILE_SHIFT;
    const left = (tile % this.#columns) << TILE_SHIFT;
    const top = Math.floor(tile / this.#columns) << TILE_SHIFT;
    const columns = Math.min(edge, width - left);
    const lines = Math.min(edge, this.#height - top) * this.#samples;
    let index = this.#firstSamples[tile]!;
    let farthest = index;
    let bound = inverseDepth[index]!;
    for (let line = 0; line < lines; line++, index += width) {
      for (let sample = index; sample < index + columns; sample++) {
        if (inverseDepth[sample]! < bound) {
          bound = inverseDepth[sample]!;
          farthest = sample;
        }
      }
    }
    this.#bound[tile] = bound;
    this.#farthest[tile] = farthest;
  }
}
