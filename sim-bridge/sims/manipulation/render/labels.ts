import type { SampleBuffer } from "./raster-memory.ts";
import type { TriangleList } from "./triangles.ts";

/**
 * Depth along the optical axis.
 *
 * @param buffer drawn with one sample per pixel, at its centre
 * @returns float32[height, width], m; the far plane's depth where nothing is
 */
export function depthImage(buffer: SampleBuffer): Float32Array {
  return buffer.inverseDepth.map((inverse) => 1 / inverse);
}

/**
 * Geom of each pixel.
 *
 * @param buffer drawn with one sample per pixel, at its centre
 * @param geomIds geom id per row of the scene's geoms
 * @returns uint16[height, width]: 0 = background, else 1 + geom id
 */
export function segmentationImage(
  buffer: SampleBuffer,
  triangles: TriangleList,
  geomIds: ArrayLike<number>,
): Uint16Array {
  const { geom } = triangles;
  const ids = buffer.triangle;
  const labels = new Uint16Array(ids.length);
  for (let pixel = 0; pixel < ids.length; pixel++) {
    const id = ids[pixel]!;
    if (id !== 0) labels[pixel] = 1 + geomIds[geom[id]!]!;
  }
  return labels;
}
