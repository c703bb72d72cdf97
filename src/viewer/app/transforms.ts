/**
 * The geometry of the viewer without three.js: poses, paths, projections and bounds as plain numbers,
 * so that it is tested without a GPU and allocates nothing in the frame loop.
 *
 * A pose is seven numbers `x y z qw qx qy qz` at an offset of an array; transforms read
 * target-from-source. World: metres, right-handed, z up.
 */
import type { SceneCamera, SceneDescription, SceneGeom } from "../../core/index.ts";

export const POSE_LENGTH = 7;

/** Anything indexable that holds numbers: `Float64Array`, `Float32Array`, `number[]`. */
export type Numbers = ArrayLike<number>;
export type WritableNumbers = Float64Array | Float32Array | number[];

/** Rotates `v` (3 numbers at `vAt`) by the quaternion wxyz at `q[qAt..]`; `out` may be `v`. */
export function rotateByQuatWxyz(
  out: WritableNumbers,
  outAt: number,
  args: { q: Numbers; qAt: number; v: Numbers; vAt: number },
): void {
  const { q, qAt, v, vAt } = args;
  const w = q[qAt]!;
  const x = q[qAt + 1]!;
  const y = q[qAt + 2]!;
  const z = q[qAt + 3]!;
  const a = v[vAt]!;
  const b = v[vAt + 1]!;
  const c = v[vAt + 2]!;
  // v + 2w (u x v) + 2 u x (u x v), u the vector part.
  const tx = 2 * (y * c - z * b);
  const ty = 2 * (z * a - x * c);
  const tz = 2 * (x * b - y * a);
  out[outAt] = a + w * tx + y * tz - z * ty;
  out[outAt + 1] = b + w * ty + z * tx - x * tz;
  out[outAt + 2] = c + w * tz + x * ty - y * tx;
}

/** `out = aFromB * bFromC`, poses at offsets; `out` may be neither input. */
export function composePoses(
  out: WritableNumbers,
  outAt: number,
  args: { a: Numbers; aAt: number; b: Numbers; bAt: number },
): void {
  const { a, aAt, b, bAt } = args;
  rotateByQuatWxyz(out, outAt, { q: a, qAt: aAt + 3, v: b, vAt: bAt });
  out[outAt] = out[outAt]! + a[aAt]!;
  out[outAt + 1] = out[outAt + 1]! + a[aAt + 1]!;
  out[outAt + 2] = out[outAt + 2]! + a[aAt + 2]!;
  const aw = a[aAt + 3]!;
  const ax = a[aAt + 4]!;
  const ay = a[aAt + 5]!;
  const az = a[aAt + 6]!;
  const bw = b[bAt + 3]!;
  const bx = b[bAt + 4]!;
  const by = b[bAt + 5]!;
  const bz = b[bAt + 6]!;
  out[outAt + 3] = aw * bw - ax * bx - ay * by - az * bz;
  out[outAt + 4] = aw * bx + ax * bw + ay * bz - az * by;
  out[outAt + 5] = aw * by - ax * bz + ay * bw + az * bx;
  out[outAt + 6] = aw * bz + ax * by - ay * bx + az * bw;
}

/**
 * Poses between two control steps, for smooth play only: positions linearly, rotations by
 * normalised linear interpolation along the shorter way (at most 0.1 rad apart at 20 Hz, where it
 * differs from slerp by less than 1e-4 rad).
 *
 * @param out `float64[bodies, 7]`, as long as `a` and `b`
 * @param fraction 0 gives `a`, 1 gives `b`
 */
export function interpolatePoses(
  out: Float64Array,
  [a, b]: readonly [Float64Array, Float64Array],
  fraction: number,
): void {
  if (fraction <= 0) {
    out.set(a);
    return;
  }
  for (let at = 0; at + POSE_LENGTH <= a.length; at += POSE_LENGTH) {
    for (let i = at; i < at + 3; i++) out[i] = a[i]! + (b[i]! - a[i]!) * fraction;
    let dot = 0;
    for (let i = at + 3; i < at + 7; i++) dot += a[i]! * b[i]!;
    const sign = dot < 0 ? -1 : 1;
    let squared = 0;
    for (let i = at + 3; i < at + 7; i++) {
      const value = a[i]! + (sign * b[i]! - a[i]!) * fraction;
      out[i] = value;
      squared += value * value;
    }
    const scale = squared > 0 ? 1 / Math.sqrt(squared) : 0;
    for (let i = at + 3; i < at + 7; i++) out[i] = out[i]! * scale;
  }
}

/** Pose of a camera or geom in the world, given the poses of its scene's bodies. */
export function worldPoseOf(
  out: WritableNumbers,
  part: Pick<SceneCamera | SceneGeom, "position" | "quatWxyz">,
  body: { poses: Numbers; index: number },
): void {
  const local = [...part.position, ...part.quatWxyz];
  const { poses, index } = body;
  composePoses(out, 0, { a: poses, aAt: index * POSE_LENGTH, b: local, bAt: 0 });
}

/**
 * Where a world point appears in a camera image.
 *
 * @param out receives column and row in [0, 1], from the left and from the top
 * @param worldFromCamera pose; the camera looks along its own -z, y up
 * @returns metres in front of the camera; not positive = behind it, and `out` is meaningless
 */
export function projectToImage(
  out: WritableNumbers,
  camera: { worldFromCamera: Numbers; fovyRad: number; aspect: number },
  point: { at: Numbers; offset: number },
): number {
  const { worldFromCamera: pose, fovyRad, aspect } = camera;
  const dx = point.at[point.offset]! - pose[0]!;
  const dy = point.at[point.offset + 1]! - pose[1]!;
  const dz = point.at[point.offset + 2]! - pose[2]!;
  // The inverse rotation is the conjugate quaternion.
  const w = pose[3]!;
  const x = -pose[4]!;
  const y = -pose[5]!;
  const z = -pose[6]!;
  const tx = 2 * (y * dz - z * dy);
  const ty = 2 * (z * dx - x * dz);
  const tz = 2 * (x * dy - y * dx);
  const right = dx + w * tx + y * tz - z * ty;
  const up = dy + w * ty + z * tx - x * tz;
  const depth = -(dz + w * tz + x * ty - y * tx);
  const halfHeight = depth * Math.tan(fovyRad / 2);
  out[0] = 0.5 + right / (2 * halfHeight * aspect);
  out[1] = 0.5 - up / (2 * halfHeight);
  return depth;
}

/** Half extents of a shape along its own axes about its origin, m; `Infinity` for an unbounded plane. */
export function halfExtentsOf(shape: SceneGeom["shape"]): [number, number, number] {
  switch (shape.kind) {
    case "box":
      return [...shape.halfExtents];
    case "sphere":
      return [shape.radius, shape.radius, shape.radius];
    case "ellipsoid":
      return [...shape.radii];
    case "cylinder":
      return [shape.radius, shape.radius, shape.halfLength];
    case "capsule":
      return [shape.radius, shape.radius, shape.radius + shape.halfLength];
    case "plane": {
      const [x, y] = shape.halfExtents;
      return [x === 0 ? Infinity : x, y === 0 ? Infinity : y, 0];
    }
    case "mesh": {
      const half: [number, number, number] = [0, 0, 0];
      for (const [index, value] of shape.vertices.entries()) {
        const axis = index % 3;
        half[axis] = Math.max(half[axis]!, Math.abs(value));
      }
      return half;
    }
  }
}

/** An axis-aligned box in the world, m. */
export interface Bounds {
  readonly low: readonly [number, number, number];
  readonly high: readonly [number, number, number];
  readonly center: readonly [number, number, number];
  /** Half the diagonal; at least 0.1. */
  readonly radius: number;
  /** `[3 * n]`: the corners of the box around each thing that counts, which fill the big box loosely. */
  readonly corners: readonly number[];
}

/** Walls and floors that reach further than this are no part of a scene's extent. */
const BACKDROP_M = 1.5;
/** Things that reach further than this (a table and its legs) need not be seen whole at first. */
const FURNITURE_M = 0.3;

/** The box around everything that is seen and is not a backdrop. */
export function sceneBounds(scene: SceneDescription, poses: Numbers): Bounds {
  return boundsWithin(scene, poses, BACKDROP_M) ?? emptyBounds();
}

/** The box around what an episode is about: the robot and the things, without the furniture they stand on. */
export function focusBounds(scene: SceneDescription, poses: Numbers): Bounds {
  return boundsWithin(scene, poses, FURNITURE_M) ?? sceneBounds(scene, poses);
}

function boundsWithin(
  scene: SceneDescription,
  poses: Numbers,
  largestM: number,
): Bounds | undefined {
  const corners: number[] = [];
  const pose = new Float64Array(POSE_LENGTH);
  for (const geom of scene.geoms) {
    const index = scene.bodies.indexOf(geom.body);
    const half = halfExtentsOf(geom.shape);
    if (index < 0 || Math.max(...half) > largestM || geom.rgba[3] === 0) continue;
    worldPoseOf(pose, geom, { poses, index });
    pushCorners(corners, pose, half);
  }
  return corners.length === 0 ? undefined : boundsOf(corners);
}

function emptyBounds(): Bounds {
  const corners: number[] = [];
  pushCorners(corners, [0, 0, 0.3, 1, 0, 0, 0], [0.5, 0.5, 0.3]);
  return boundsOf(corners);
}

/** Appends the eight corners of a box at a pose. */
function pushCorners(corners: number[], pose: Numbers, half: readonly number[]): void {
  const turned = [0, 0, 0];
  for (let corner = 0; corner < 8; corner++) {
    const local = half.map((reach, axis) => (((corner >> axis) & 1) === 0 ? -reach : reach));
    rotateByQuatWxyz(turned, 0, { q: pose, qAt: 3, v: local, vAt: 0 });
    for (let axis = 0; axis < 3; axis++) corners.push(turned[axis]! + pose[axis]!);
  }
}

function boundsOf(corners: readonly number[]): Bounds {
  const low: [number, number, number] = [Infinity, Infinity, Infinity];
  const high: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  for (const [index, value] of corners.entries()) {
    const axis = index % 3;
    low[axis] = Math.min(low[axis]!, value);
    high[axis] = Math.max(high[axis]!, value);
  }
  const middle = (axis: number): number => (low[axis]! + high[axis]!) / 2;
  const half = [0, 1, 2].map((axis) => (high[axis]! - low[axis]!) / 2);
  const center = [middle(0), middle(1), middle(2)] as const;
  return { low, high, center, radius: Math.max(0.1, Math.hypot(...half)), corners };
}

/** Orbit camera in words: where it looks, from which side, how far away. */
export interface OrbitView {
  readonly target: readonly [number, number, number];
  /** About world z from +x, rad. */
  readonly azimuthRad: number;
  /** Above the horizon, rad. */
  readonly elevationRad: number;
  readonly distance: number;
}

/** Position of the eye of an orbit view, m. */
export function eyeOf(view: OrbitView): [number, number, number] {
  const { target, azimuthRad, elevationRad, distance } = view;
  const flat = distance * Math.cos(elevationRad);
  return [
    target[0] + flat * Math.cos(azimuthRad),
    target[1] + flat * Math.sin(azimuthRad),
    target[2] + distance * Math.sin(elevationRad),
  ];
}

/** The inverse of `eyeOf`: the view that looks at `target` from `eye`. */
export function viewFrom(eye: Numbers, target: Numbers): OrbitView {
  const dx = eye[0]! - target[0]!;
  const dy = eye[1]! - target[1]!;
  const dz = eye[2]! - target[2]!;
  return {
    target: [target[0]!, target[1]!, target[2]!],
    azimuthRad: Math.atan2(dy, dx),
    elevationRad: Math.atan2(dz, Math.hypot(dx, dy)),
    distance: Math.hypot(dx, dy, dz),
  };
}

const DEFAULT_AZIMUTH_RAD = -0.62;
const DEFAULT_ELEVATION_RAD = 0.42;
/** Of the picture's half that the scene may reach. */
const FILL = 0.94;
const FITTING_ROUNDS = 4;

/**
 * The view from the front left, a little from above, that is as near as shows all of `bounds`.
 * @param lens vertical field of view, rad, and width over height
 */
export function defaultView(
  bounds: Bounds,
  lens: { readonly fovyRad: number; readonly aspect: number },
): OrbitView {
  const angles = { azimuthRad: DEFAULT_AZIMUTH_RAD, elevationRad: DEFAULT_ELEVATION_RAD };
  const back = eyeOf({ target: [0, 0, 0], ...angles, distance: 1 });
  const right = [-Math.sin(angles.azimuthRad), Math.cos(angles.azimuthRad), 0] as const;
  const up = [
    back[1] * right[2] - back[2] * right[1],
    back[2] * right[0] - back[0] * right[2],
    back[0] * right[1] - back[1] * right[0],
  ] as const;
  const tanY = Math.tan(lens.fovyRad / 2) * FILL;
  const axes = [
    { axis: right, tan: tanY * lens.aspect },
    { axis: up, tan: tanY },
  ];
  const target: [number, number, number] = [...bounds.center];
  let distance = bounds.radius;
  // The nearest and the farthest side need different room, so the middle depends on the distance: a few
  // rounds settle both.
  for (let round = 0; round < FITTING_ROUNDS; round++) {
    for (const { axis } of axes) {
      const shift = imbalance(bounds.corners, { target, axis, back, distance });
      for (let i = 0; i < 3; i++) target[i] = target[i]! + axis[i]! * shift;
    }
    distance = Math.max(...axes.map((side) => roomFor(bounds.corners, { ...side, target, back })));
  }
  return { target, ...angles, distance };
}

type Direction = readonly [number, number, number];

/** Of a corner from the target, the part along an axis. */
function along(
  corner: { of: readonly number[]; at: number },
  target: Direction,
  axis: Direction,
): number {
  let sum = 0;
  for (let i = 0; i < 3; i++) sum += (corner.of[corner.at + i]! - target[i]!) * axis[i]!;
  return sum;
}

/** How far the target must move along `axis` for the picture to be as full on one side as on the other. */
function imbalance(
  corners: readonly number[],
  view: { target: Direction; axis: Direction; back: Direction; distance: number },
): number {
  let low = Infinity;
  let high = -Infinity;
  for (let at = 0; at < corners.length; at += 3) {
    const depth = view.distance - along({ of: corners, at }, view.target, view.back);
    const slope = along({ of: corners, at }, view.target, view.axis) / Math.max(0.01, depth);
    low = Math.min(low, slope);
    high = Math.max(high, slope);
  }
  return ((low + high) / 2) * view.distance;
}

/** The distance at which every corner is within `tan` of the middle along `axis`. */
function roomFor(
  corners: readonly number[],
  view: { target: Direction; axis: Direction; back: Direction; tan: number },
): number {
  let distance = 0.1;
  for (let at = 0; at < corners.length; at += 3) {
    const aside = Math.abs(along({ of: corners, at }, view.target, view.axis));
    distance = Math.max(
      distance,
      along({ of: corners, at }, view.target, view.back) + aside / view.tan,
    );
  }
  return distance;
}

/** The apex and the four corners of a camera's pyramid in its own frame, `[5 * 3]`, `depth` m long. */
export function frustumCorners(fovyRad: number, aspect: number, depth: number): number[] {
  const y = depth * Math.tan(fovyRad / 2);
  const x = y * aspect;
  return [0, 0, 0, -x, -y, -depth, x, -y, -depth, x, y, -depth, -x, y, -depth];
}
