import type { Camera } from "./camera.ts";
import type { VertexBuffer } from "./vertices.ts";

/**
 * Cuts a triangle at the near plane: the corners of what lies in front, in the triangle's own sense
 * of rotation; none, three or four.
 *
 * A new vertex is always computed from the end of its edge that lies in front, so neighbours that
 * share the edge get the identical point and no gap opens between them. The other planes of the
 * frustum need no clipping: spans are cut at the border of the image.
 */
export function clipTriangle(
  vertices: VertexBuffer,
  camera: Camera,
  corners: readonly [number, number, number],
): readonly number[] {
  const polygon: number[] = [];
  for (let corner = 0; corner < 3; corner++) {
    const here = corners[corner]!;
    const next = corners[(corner + 1) % 3]!;
    const isIn = vertices.inverseW[here]! > 0;
    const isNextIn = vertices.inverseW[next]! > 0;
    if (isIn) polygon.push(here);
    if (isIn && !isNextIn) polygon.push(vertices.addClipped(camera, here, next));
    if (!isIn && isNextIn) polygon.push(vertices.addClipped(camera, next, here));
  }
  return polygon;
}
