/**
 * Ways to take hold from above of things of any shape, from points on their surfaces: pinches across the body,
 * and grasps of a rim's wall.
 */
import type { Vec3 } from "../../src/core/index.ts";
import { rangeOf } from "./cloud.ts";
import type { GraspCandidate } from "./grasp.ts";
import { nearestYawRad } from "./motion.ts";

/** Widest body that open fingers (80 mm) go around with room on both sides. */
const MAX_WIDTH_M = 0.07;
/** Fingers reach so far below a tall thing's top, and so far above what any thing stands on. */
const DEPTH_M = 0.035;
const TALL_M = 0.03;
const FLOOR_M = 0.016;
const FLAT_FLOOR_M = 0.01;
/** Half of the slab in which the fingers close. */
const SLAB_M = 0.014;
const PINCH_YAWS = 12;

const RIM_DIRECTIONS = 24;
const RIM_BAND_M = 0.012;
const RIM_ANGLE_RAD = 0.22;
const RIM_DEPTH_M = 0.022;
/** Fingers that close drag a light thing along: the hand may stand off from a wall to keep clear of others. */
const RIM_OFFSETS_M = [0, 0.022] as const;
/** Nearer to the middle there is no wall, but a body. */
const RIM_LEAST_RADIUS_M = 0.02;
/** A rim is taken where nothing can be pinched. */
const RIM_PENALTY = 10;

/** Open fingers as posts at this distance from the tool centre, this thick; the palm is above them. */
const FINGER = { offset: 0.047, half: 0.016 } as const;
const PALM = { along: 0.1, across: 0.035, above: 0.05 } as const;
const HIT_PENALTY = 0.5;
const MOST_HITS = 6;

export interface ShapeGraspRequest {
  /** Points of the thing itself, and of all others, world frame. */
  readonly own: readonly Vec3[];
  readonly others: readonly Vec3[];
  /** Direction that the fingers close along now. */
  readonly yawRad: number;
  /** How far the thing is moved afterwards, and the points of what is beside it there. */
  readonly then?: { readonly by: Vec3; readonly others: readonly Vec3[] };
}

/** The best first; empty if there is no way that fits. */
export function shapeGrasps(request: ShapeGraspRequest): GraspCandidate[] {
  if (request.own.length === 0) return [];
  const pinches = pinchGrasps(request);
  const rims = rimGrasps(request).map((rim) => ({
    ...rim,
    penalty: rim.penalty + (pinches.length > 0 ? RIM_PENALTY : 0),
  }));
  return [...pinches, ...rims].sort((a, b) => a.penalty - b.penalty);
}

function pinchGrasps(request: ShapeGraspRequest): GraspCandidate[] {
  const { own, yawRad } = request;
  const { low: bottom, high: top } = rangeOf(own, ([, , z]) => z);
  const isTall = top - bottom > TALL_M;
  const z = isTall
    ? Math.max(bottom + FLOOR_M, top - DEPTH_M)
    : Math.max(bottom + FLAT_FLOOR_M, top - FLAT_FLOOR_M);
  const slab = own.filter((point) => Math.abs(point[2] - z) < SLAB_M);
  const closing = slab.length > 8 ? slab : own;
  const above = own.filter((point) => point[2] > z - SLAB_M);
  const found: GraspCandidate[] = [];
  for (let k = 0; k < PINCH_YAWS; k++) {
    const yaw = (Math.PI * k) / PINCH_YAWS;
    const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
    const along = ([x, y]: Vec3): number => c * x + s * y;
    const across = ([x, y]: Vec3): number => c * y - s * x;
    const u = rangeOf(closing, along);
    const whole = rangeOf(above, along);
    const width = Math.max(u.high - u.low, whole.high - whole.low);
    if (width > MAX_WIDTH_M) continue;
    const v = rangeOf(closing, across);
    const [mu, mv] = [(u.low + u.high) / 2, (v.low + v.high) / 2];
    const position: Vec3 = [c * mu - s * mv, s * mu + c * mv, z];
    const turned = nearestYawRad(yaw, yawRad);
    const penalty =
      6 * width + 0.15 * Math.abs(turned - yawRad) + crowdingOf(request, { position, yaw });
    found.push({ position, closingYawRad: turned, penalty });
  }
  return found;
}

function rimGrasps(request: ShapeGraspRequest): GraspCandidate[] {
  const { own, yawRad } = request;
  const { low: bottom, high: top } = rangeOf(own, ([, , z]) => z);
  const x = rangeOf(own, (point) => point[0]);
  const y = rangeOf(own, (point) => point[1]);
  const centre = [(x.low + x.high) / 2, (y.low + y.high) / 2] as const;
  const band = own.filter((point) => point[2] > top - RIM_BAND_M);
  const z = Math.max(bottom + FLOOR_M, top - RIM_DEPTH_M);
  const found: GraspCandidate[] = [];
  for (let k = 0; k < RIM_DIRECTIONS; k++) {
    const yaw = (2 * Math.PI * k) / RIM_DIRECTIONS;
    const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
    const radii = band.flatMap((point) => {
      const [dx, dy] = [point[0] - centre[0], point[1] - centre[1]];
      const [along, across] = [c * dx + s * dy, c * dy - s * dx];
      return along > 0 && Math.abs(Math.atan2(across, along)) < RIM_ANGLE_RAD ? [along] : [];
    });
    if (radii.length === 0) continue;
    const radius = wallRadius(radii);
    if (radius < RIM_LEAST_RADIUS_M) continue;
    const turned = nearestYawRad(yaw, yawRad);
    for (const further of RIM_OFFSETS_M) {
      const at = radius + further;
      const position: Vec3 = [centre[0] + c * at, centre[1] + s * at, z];
      const penalty =
        0.15 * Math.abs(turned - yawRad) + 8 * further + crowdingOf(request, { position, yaw });
      found.push({ position, closingYawRad: turned, penalty });
    }
  }
  return found;
}

/** The middle of a wall; of a wide one, just inside its outer edge. */
function wallRadius(radii: readonly number[]): number {
  const [low, high] = [Math.min(...radii), Math.max(...radii)];
  if (high - low > 0.035) return high - 0.006;
  return radii.reduce((sum, radius) => sum + radius, 0) / radii.length;
}

interface HandAt {
  readonly position: Vec3;
  readonly yaw: number;
}

/** How much is in the hand's way, now and where the thing is put down. */
function crowdingOf({ others, then }: ShapeGraspRequest, hand: HandAt): number {
  const now = crowding(others, hand);
  if (then === undefined) return now;
  const [x, y, z] = hand.position;
  const position: Vec3 = [x + then.by[0], y + then.by[1], z + then.by[2]];
  return now + crowding(then.others, { ...hand, position });
}

/** How much of other things stands where the open fingers and the palm come down. */
function crowding(others: readonly Vec3[], { position, yaw }: HandAt): number {
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  let fingers = 0;
  let palm = 0;
  for (const [x, y, z] of others) {
    const height = z - position[2];
    if (height < -FLOOR_M) continue;
    const [dx, dy] = [x - position[0], y - position[1]];
    const along = Math.abs(c * dx + s * dy);
    const across = Math.abs(c * dy - s * dx);
    const onFinger = Math.abs(along - FINGER.offset) < FINGER.half && across < FINGER.half;
    if (onFinger || (along < FINGER.offset && across < FINGER.half)) fingers++;
    if (along < PALM.along && across < PALM.across && height > PALM.above) palm++;
  }
  return HIT_PENALTY * (Math.min(fingers, MOST_HITS) + Math.min(palm, MOST_HITS));
}
