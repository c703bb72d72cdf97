import type { Camera } from "./camera.ts";
import type { VertexBuffer } from "./vertices.ts";

/** A plane of clipping: which vertices it keeps, and the new vertex of an edge that it cuts. */
interface Cut {
  keeps(vertex: number): boolean;
  /** @returns the vertex where the edge from `kept` to `dropped` meets the plane */
  cross(kept: number, dropped: number): number;
}

/**
 * What is left of a convex polygon, in its own sense of rotation; empty or at most one corner more.
 *
 * A new vertex is always computed from the end of its edge that is kept, so neighbours that share the
 * edge get the identical point and no gap opens between them.
 */
function clipPolygon(polygon: readonly number[], cut: Cut): readonly number[] {
  const rest: number[] = [];
  polygon.forEach((here, corner) => {
    const next = polygon[(corner + 1) % polygon.length]!;
    const isIn = cut.keeps(here);
    const isNextIn = cut.keeps(next);
    if (isIn) rest.push(here);
    if (isIn && !isNextIn) rest.push(cut.cross(here, next));
    if (!isIn && isNextIn) rest.push(cut.cross(next, here));
  });
  return rest;
}

/**
 * Cuts a polygon at the near plane. The other planes of the frustum need no clipping: spans are cut at
 * the border of the image.
 */
export function clipAtNear(
  vertices: VertexBuffer,
  camera: Camera,
  polygon: readonly number[],
): readonly number[] {
  return clipPolygon(polygon, {
    keeps: (vertex) => vertices.inverseW[vertex]! > 0,
    cross: (kept, dropped) => vertices.addAtNear(camera, kept, dropped),
  });
}

/**
 * Cuts a triangle at a plane and then at the near plane.
 *
 * @param plane what is kept: `plane[0] x + plane[1] y + plane[2] w + plane[3] >= 0` in camera coordinates
 */
export function clipAtPlane(
  vertices: VertexBuffer,
  { camera, plane }: { camera: Camera; plane: Float64Array },
  corners: readonly number[],
): readonly number[] {
  const rest = clipPolygon(corners, {
    keeps: (vertex) => vertices.height(vertex, plane) >= 0,
    cross: (kept, dropped) => {
      const above = vertices.height(kept, plane);
      const fraction = above / (above - vertices.height(dropped, plane));
      return vertices.addBetween(camera, { kept, dropped, fraction });
    },
  });
  return clipAtNear(vertices, camera, rest);
}
