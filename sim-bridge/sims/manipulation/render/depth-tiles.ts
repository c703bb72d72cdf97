/* eslint-disable max-params -- hot loop: positional parameters instead of an object per triangle */
import { TILE_SHIFT } from "./raster-memory.ts";
import type { RasterMemory, SampleBuffer } from "./raster-memory.ts";

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
  /** Tiles in a row of them. */
  readonly columns: number;
  /** No sample of the tile has a smaller 1/w than this. */
  readonly bound: Float32Array;
  /** Index of the farthest sample at the time of the last look. */
  readonly farthest: Int32Array;
  readonly #width: number;
  readonly #height: number;
  readonly #samples: number;
  readonly #firstSamples: Int32Array;

  constructor(memory: RasterMemory) {
    const { width, height, samples } = memory.size;
    this.#width = width;
    this.#height = height;
    this.#samples = samples;
    const columns = Math.ceil(width / TILE_EDGE);
    const count = columns * Math.ceil(height / TILE_EDGE);
    this.columns = columns;
    this.bound = memory.float32(count);
    this.#firstSamples = Int32Array.from({ length: count }, (_, tile) => {
      const line = Math.floor(tile / columns) * TILE_EDGE * samples;
      return line * width + (tile % columns) * TILE_EDGE;
    });
    this.farthest = memory.int32(count);
    this.reset();
  }

  /** Forgets the last frame; to be called whenever a sample may have become farther. */
  reset(): void {
    this.bound.fill(-1);
    this.farthest.set(this.#firstSamples);
  }

  /**
   * Whether all samples of the tiles of a rectangle are nearer than a surface.
   *
   * @param inverseDepth as at the time of `reset`, drawn into since
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
    const bound = this.bound;
    const farthest = this.farthest;
    const columns = this.columns;
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
    const left = (tile % this.columns) << TILE_SHIFT;
    const top = ((tile / this.columns) | 0) << TILE_SHIFT;
    const columns = Math.min(TILE_EDGE, width - left);
    const lines = Math.min(TILE_EDGE, this.#height - top) * this.#samples;
    let line = this.#firstSamples[tile]!;
    let farthest = line;
    for (const end = line + lines * width; line < end; line += width) {
      for (let sample = line; sample < line + columns; sample++) {
        if (inverseDepth[sample]! < inverseDepth[farthest]!) farthest = sample;
      }
    }
    this.bound[tile] = inverseDepth[farthest]!;
    this.farthest[tile] = farthest;
  }
}
