/**
 * Where a hand takes hold of a part that moves on a joint, from the boxes of its shapes: the bar on the front of a
 * drawer or a door, the lug on top of a knob. Pure geometry, world frame.
 */
import type { Cuboid, QuatWxyz, SceneEntity, Vec3 } from "../../src/core/index.ts";
import type { Pose } from "../../src/math/index.ts";
import {
  multiplyQuats,
  normalizeQuat,
  quatWxyzFromAxisAngle,
  quatWxyzFromMatrix,
  rotateVec3,
} from "../../src/math/index.ts";
import { rangeOf } from "./cloud.ts";
import { handDown } from "./motion.ts";

export type Joint = NonNullable<SceneEntity["joint"]>;

/** A bar in front of a drawer or a door. */
export interface Handle {
  readonly centre: Vec3;
  /** Unit vectors: away from the front, and across the bar, the way fingers close around it. */
  readonly outward: Vec3;
  readonly across: Vec3;
  /** Extents along `across` and along `outward`, m. */
  readonly width: number;
  readonly depth: number;
}

/** Half of the hand's width along the way the fingers close, where it is widest behind the tool centre, m. */
const HAND = { half: 0.105, thin: 0.035, behind: 0.09 } as const;
const HAND_ROOM_M = 0.01;
const TILTS_RAD = [0, 0.26, 0.52, 0.79, 1.05] as const;
/** So much of a knob's top is its lug; fingers close so far below the top, m. */
const LUG = { height: 0.014, depth: 0.012 } as const;
const LUG_YAWS = 36;
const UP: Vec3 = [0, 0, 1];

export function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** The point so far from another in a direction. */
export function along(point: Vec3, direction: Vec3, lengthM: number): Vec3 {
  return [
    point[0] + direction[0] * lengthM,
    point[1] + direction[1] * lengthM,
    point[2] + direction[2] * lengthM,
  ];
}

function scaled(v: Vec3, by: number): Vec3 {
  return [v[0] * by, v[1] * by, v[2] * by];
}

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(v: Vec3): Vec3 {
  return scaled(v, 1 / Math.max(1e-9, Math.hypot(...v)));
}

function anchorOf({ anchor }: Joint): Vec3 {
  if (anchor !== undefined) return anchor;
  throw new RangeError("Cannot turn a part: its hinge has no anchor, must have one");
}

/** Where something that is fixed to a part will be when its joint has moved by `by`, m or rad. */
export function carried(pose: Pose, joint: Joint, by: number): Pose {
  const way = scaled(joint.axis, by);
  if (joint.kind === "slide") return { ...pose, position: along(pose.position, way, 1) };
  const turn = quatWxyzFromAxisAngle(way);
  const anchor = anchorOf(joint);
  return {
    position: along(anchor, rotateVec3(turn, along(pose.position, anchor, -1)), 1),
    quatWxyz: normalizeQuat(multiplyQuats(turn, pose.quatWxyz)),
  };
}

/** Ends of a joint: where the part is shut (or off), the end nearer to 0, and where it is open (or on). */
export function endsOf({ low, high }: Joint): { readonly shut: number; readonly open: number } {
  return Math.abs(low) > Math.abs(high) ? { shut: high, open: low } : { shut: low, open: high };
}

/** The way a point of the part moves when it opens: a unit vector. */
function openingWay(joint: Joint, at: Vec3): Vec3 {
  const { shut, open } = endsOf(joint);
  const way =
    joint.kind === "slide" ? joint.axis : cross(joint.axis, along(at, anchorOf(joint), -1));
  return unit(scaled(way, Math.sign(open - shut)));
}

function axesOf({ quatWxyz, halfExtents }: Cuboid): { axis: Vec3; half: number }[] {
  const local: Vec3[] = [[1, 0, 0], [0, 1, 0], UP];
  return local.map((axis, i) => ({ axis: rotateVec3(quatWxyz, axis), half: halfExtents[i] ?? 0 }));
}

function reachOf(cuboid: Cuboid, way: Vec3): number {
  const half = axesOf(cuboid).reduce(
    (sum, each) => sum + Math.abs(dot(each.axis, way)) * each.half,
    0,
  );
  return dot(cuboid.position, way) + half;
}

function nearestAxis(cuboid: Cuboid, way: Vec3): Vec3 {
  const signed = axesOf(cuboid).map(({ axis }) => scaled(axis, Math.sign(dot(axis, way))));
  return signed.reduce((best, axis) => (dot(axis, way) > dot(best, way) ? axis : best));
}

/**
 * The bar of a part: the shape that reaches furthest out on the way that the part opens.
 * @param cuboids the part's, in the world frame
 */
export function handleOf(
  { joint, position }: { readonly joint: Joint; readonly position: Vec3 },
  cuboids: readonly Cuboid[],
): Handle | undefined {
  const furthest = (way: Vec3): Cuboid | undefined =>
    [...cuboids].sort((a, b) => reachOf(b, way) - reachOf(a, way))[0];
  const front = furthest(openingWay(joint, position));
  if (front === undefined) return undefined;
  // The middle of a door does not move quite at right angles to its front: the shapes tell that direction.
  const way = nearestAxis(front, openingWay(joint, position));
  const bar = furthest(way) ?? front;
  const [out, ...sides] = axesOf(bar).sort(
    (a, b) => Math.abs(dot(b.axis, way)) - Math.abs(dot(a.axis, way)),
  );
  const [narrow] = sides.sort((a, b) => a.half - b.half);
  if (out === undefined || narrow === undefined) return undefined;
  return {
    centre: bar.position,
    outward: scaled(out.axis, Math.sign(dot(out.axis, way))),
    across: narrow.axis,
    width: 2 * narrow.half,
    depth: 2 * out.half,
  };
}

/** The orientation of a hand whose fingers point along `ahead` and close along `closing`, perpendicular to it. */
export function handAlong(ahead: Vec3, closing: Vec3): QuatWxyz {
  const [xx, xy, xz] = cross(closing, ahead);
  const [yx, yy, yz] = closing;
  const [zx, zy, zz] = ahead;
  return quatWxyzFromMatrix([xx, yx, zx, xy, yy, zy, xz, yz, zz]);
}

/** A hand in front of a handle that points at it, as level as the room above `floorZ` allows. */
export interface FrontRequest {
  readonly floorZ: number;
  /** The present orientation: of the two that look alike the nearer one is taken. */
  readonly now: QuatWxyz;
  /** Added to the tilt, rad. @default 0 */
  readonly moreTiltRad?: number;
}

/** Fingers around the bar. */
export function gripFront(handle: Handle, request: FrontRequest): Pose {
  const { position, closing, ahead } = levelled(handle, handle.across, request);
  return { position, quatWxyz: nearer(handAlong(ahead, closing), request.now) };
}

/** Closed fingers side by side before the bar. */
export function pushFront(handle: Handle, request: FrontRequest): Pose {
  const level = unit(cross(UP, handle.outward));
  const { position, closing, ahead } = levelled(handle, level, request);
  // The fingertips reach 9 mm beyond the tool centre.
  return {
    position: along(position, handle.outward, handle.depth / 2 + 0.012),
    quatWxyz: nearer(handAlong(ahead, closing), request.now),
  };
}

/**
 * Closed fingers from above before a door that stands out from everything else, near its top.
 * @param at.topZ height of the door's upper edge; `at.yawRad` the way the fingers close
 */
export function pushFromAbove(
  handle: Handle,
  at: { readonly topZ: number; readonly yawRad: number },
): Pose {
  const [x, y] = along(handle.centre, handle.outward, handle.depth / 2 + 0.02);
  return { position: [x, y, at.topZ - 0.03], quatWxyz: handDown(at.yawRad) };
}

function levelled(
  { centre, outward }: Handle,
  closing: Vec3,
  { floorZ, moreTiltRad = 0 }: FrontRequest,
): { readonly position: Vec3; readonly closing: Vec3; readonly ahead: Vec3 } {
  const upright = Math.abs(closing[2]);
  const half = upright * HAND.half + (1 - upright) * HAND.thin;
  const room = (tilt: number): number =>
    centre[2] - floorZ + HAND.behind * Math.sin(tilt) - half * Math.cos(tilt);
  const least = TILTS_RAD.find((each) => room(each) >= HAND_ROOM_M) ?? TILTS_RAD.at(-1) ?? 0;
  const tilt = Math.min(1.2, least + moreTiltRad);
  // Downwards, about the horizontal direction across the front.
  const turn = quatWxyzFromAxisAngle(scaled(unit(cross(UP, outward)), -tilt));
  return {
    position: centre,
    closing: rotateVec3(turn, closing),
    ahead: rotateVec3(turn, scaled(outward, -1)),
  };
}

/** Of two orientations of a two-finger hand that look alike, the one nearer to another. */
function nearer(hand: QuatWxyz, to: QuatWxyz): QuatWxyz {
  const turned = multiplyQuats(hand, [0, 0, 0, 1]);
  const closeness = (quat: QuatWxyz): number =>
    Math.abs(quat.reduce((sum, value, i) => sum + value * (to[i] ?? 0), 0));
  return closeness(turned) > closeness(hand) ? turned : hand;
}

/** Fingers from above around the lug of a knob: the narrow way across the top of its shapes. */
export function lugOf(points: readonly Vec3[]): {
  readonly position: Vec3;
  readonly yawRad: number;
} {
  const { high: top } = rangeOf(points, ([, , z]) => z);
  const lug = points.filter(([, , z]) => z > top - LUG.height);
  let best = { position: [0, 0, 0] as Vec3, yawRad: 0 };
  let narrowest = Infinity;
  for (let k = 0; k < LUG_YAWS; k++) {
    const yawRad = (Math.PI * k) / LUG_YAWS;
    const [c, s] = [Math.cos(yawRad), Math.sin(yawRad)];
    const u = rangeOf(lug, ([x, y]) => c * x + s * y);
    if (u.high - u.low >= narrowest) continue;
    narrowest = u.high - u.low;
    const v = rangeOf(lug, ([x, y]) => c * y - s * x);
    const [mu, mv] = [(u.low + u.high) / 2, (v.low + v.high) / 2];
    best = { position: [c * mu - s * mv, s * mu + c * mv, top - LUG.depth], yawRad };
  }
  return best;
}
