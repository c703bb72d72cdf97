import type { SampleBuffer } from "./raster.ts";
import { PLANE_STRIDE } from "./triangles.ts";
import type { TriangleList } from "./triangles.ts";

/** Where labels and depths come from. */
export interface LabelSource {
  readonly width: number;
  readonly height: number;
  readonly samples: 1 | 4;
  readonly buffer: SampleBuffer;
  readonly triangles: TriangleList;
}

/**
 * The triangle that stands for each pixel: one of the geom with the most samples, the uppermost of
 * equals.
 *
 * @returns int32[height, width], 0 = nothing
 */
export function dominantTriangles(source: LabelSource): Int32Array {
  const { width, height, samples } = source;
  const ids = source.buffer.triangle;
  if (samples === 1) return ids;
  const { geom } = source.triangles;
  const geomOf = (id: number): number => (id === 0 ? -1 : geom[id]!);
  const dominant = new Int32Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const sample = row * samples * width + column;
      const i0 = ids[sample]!;
      const i1 = ids[sample + width]!;
      const i2 = ids[sample + 2 * width]!;
      const i3 = ids[sample + 3 * width]!;
      let choice = i0;
      if (i0 !== i1 || i0 !== i2 || i0 !== i3) {
        const [g0, g1, g2, g3] = [geomOf(i0), geomOf(i1), geomOf(i2), geomOf(i3)];
        if (g0 !== g1 && g0 !== g2 && g0 !== g3) {
          if (g1 === g2 || g1 === g3) choice = i1;
          else if (g2 === g3) choice = i2;
        }
      }
      dominant[row * width + column] = choice;
    }
  }
  return dominant;
}

/**
 * Depth along the optical axis of each pixel's triangle, at the pixel's centre.
 *
 * Where the centre lies outside the triangle its plane is extended by less than a pixel, but never
 * beyond the nearest and farthest of the samples seen.
 *
 * @param dominant as `dominantTriangles` gives it
 * @returns float32[height, width], m; `far` where nothing is
 */
export function depthImage(source: LabelSource, dominant: Int32Array, far: number): Float32Array {
  const { width, height, triangles } = source;
  const { planes } = triangles;
  const depth = new Float32Array(width * height);
  for (let row = 0, pixel = 0; row < height; row++) {
    for (let column = 0; column < width; column++, pixel++) {
      const id = dominant[pixel]!;
      if (id === 0) {
        depth[pixel] = far;
        continue;
      }
      const p = PLANE_STRIDE * id;
      const inverse = planes[p]! + planes[p + 1]! * (column + 0.5) + planes[p + 2]! * (row + 0.5);
      depth[pixel] = 1 / boundedInverse(source, id, inverse, row * source.samples * width + column);
    }
  }
  return depth;
}

/** Keeps 1/w at the centre within what a steep triangle can span in one pixel around its samples. */
function boundedInverse(source: LabelSource, id: number, inverse: number, sample: number): number {
  const { samples, width, buffer } = source;
  if (samples === 1) return inverse;
  let low = Infinity;
  let high = 0;
  for (let k = 0; k < samples; k++) {
    if (buffer.triangle[sample + k * width] !== id) continue;
    const value = buffer.inverseDepth[sample + k * width]!;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  // Whole pixel of one triangle: the centre is between the samples, nothing to bound.
  return inverse < low ? low : inverse > high ? high : inverse;
}

/**
 * Geom of each pixel.
 *
 * @param geomIds geom id per row of the scene's geoms
 * @returns uint16[height, width]: 0 = background, else 1 + geom id
 */
export function segmentationImage(
  source: LabelSource,
  dominant: Int32Array,
  geomIds: ArrayLike<number>,
): Uint16Array {
  const { geom } = source.triangles;
  const labels = new Uint16Array(dominant.length);
  for (let pixel = 0; pixel < dominant.length; pixel++) {
    const id = dominant[pixel]!;
    if (id !== 0) labels[pixel] = 1 + geomIds[geom[id]!]!;
  }
  return labels;
}
