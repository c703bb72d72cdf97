/**
 * Thin tubes along paths, written into preallocated arrays: WebGL draws lines one pixel wide, and a
 * tube has a thickness in metres, is lit from no side and costs nothing to update in the frame loop.
 */

export const TUBE_SIDES = 6;

/** Triangle indices of a tube through `points` points; the first k segments are the first `k * 36` indices. */
export function tubeIndices(points: number): Uint32Array {
  const indices = new Uint32Array(Math.max(0, points - 1) * TUBE_SIDES * 6);
  let at = 0;
  for (let ring = 0; ring + 1 < points; ring++) {
    for (let side = 0; side < TUBE_SIDES; side++) {
      const next = (side + 1) % TUBE_SIDES;
      const a = ring * TUBE_SIDES + side;
      const b = ring * TUBE_SIDES + next;
      indices.set([a, b, a + TUBE_SIDES, b, b + TUBE_SIDES, a + TUBE_SIDES], at);
      at += 6;
    }
  }
  return indices;
}

export const INDICES_PER_SEGMENT = TUBE_SIDES * 6;

const normal = new Float64Array(3);
const tangent = new Float64Array(3);

/**
 * Writes the rings of a tube. The ring's frame is carried along the path, so that it does not twist.
 *
 * @param out `float32[>= count * TUBE_SIDES, 3]`
 * @param path `float[>= count, 3]`
 * @param radiusOf radius at a point, m
 */
export function writeTube(
  out: Float32Array,
  args: { path: ArrayLike<number>; count: number; radiusOf: (point: number) => number },
): void {
  const { path, count, radiusOf } = args;
  normal.fill(0);
  for (let point = 0; point < count; point++) {
    writeTangent(path, point, count);
    carryNormal();
    const radius = radiusOf(point);
    for (let side = 0; side < TUBE_SIDES; side++) {
      const angle = (side / TUBE_SIDES) * 2 * Math.PI;
      const cos = Math.cos(angle) * radius;
      const sin = Math.sin(angle) * radius;
      const at = (point * TUBE_SIDES + side) * 3;
      for (let axis = 0; axis < 3; axis++) {
        const binormal =
          tangent[(axis + 1) % 3]! * normal[(axis + 2) % 3]! -
          tangent[(axis + 2) % 3]! * normal[(axis + 1) % 3]!;
        out[at + axis] = path[point * 3 + axis]! + cos * normal[axis]! + sin * binormal;
      }
    }
  }
}

/** The direction of the path at a point; keeps the last one where the path stands still. */
function writeTangent(path: ArrayLike<number>, point: number, count: number): void {
  const from = Math.max(0, point - 1) * 3;
  const to = Math.min(count - 1, point + 1) * 3;
  const x = path[to]! - path[from]!;
  const y = path[to + 1]! - path[from + 1]!;
  const z = path[to + 2]! - path[from + 2]!;
  const length = Math.hypot(x, y, z);
  if (length < 1e-9) {
    if (point === 0) tangent.set(UP);
    return;
  }
  tangent[0] = x / length;
  tangent[1] = y / length;
  tangent[2] = z / length;
}

const UP = new Float64Array([0, 0, 1]);

/** Makes the carried normal perpendicular to the tangent again. */
function carryNormal(): void {
  let dot = normal[0]! * tangent[0]! + normal[1]! * tangent[1]! + normal[2]! * tangent[2]!;
  let squared = 0;
  for (let axis = 0; axis < 3; axis++) {
    normal[axis] = normal[axis]! - dot * tangent[axis]!;
    squared += normal[axis]! ** 2;
  }
  if (squared < 1e-6) {
    // No usable normal yet: start from the world axis that is least along the tangent.
    const start = Math.abs(tangent[2]!) < 0.9 ? 2 : 0;
    dot = tangent[start]!;
    squared = 0;
    for (let axis = 0; axis < 3; axis++) {
      normal[axis] = (axis === start ? 1 : 0) - dot * tangent[axis]!;
      squared += normal[axis]! ** 2;
    }
  }
  const scale = 1 / Math.sqrt(squared);
  for (let axis = 0; axis < 3; axis++) normal[axis] = normal[axis]! * scale;
}
