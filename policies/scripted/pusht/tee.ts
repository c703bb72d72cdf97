/**
 * The T of PushT and how a disc pushes it. Lengths in the workspace's unit (pixels of 512), y down, angles in radians.
 * Everything that stops when nothing pushes it moves, while it is pushed without friction, along the contact's normal only:
 * quasi-static pushing with the inertia as the measure of motion.
 */

export interface Vec2 {
  readonly x: number;
  readonly y: number;
}

/** Where the T is: its centre of gravity and its angle, not wrapped. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

export const PUSHER_RADIUS = 15;
/** From the T's origin to its centre of gravity, in its own frame. */
const CENTRE: Vec2 = { x: 0, y: 45 };
/** Squared radius of gyration: inertia over mass. */
const GYRATION_2 = 3000;
/** Bar and stem about the centre of gravity: middle and half sizes. */
const BOXES = [
  { x: 0, y: 15 - CENTRE.y, halfWidth: 60, halfHeight: 15 },
  { x: 0, y: 75 - CENTRE.y, halfWidth: 15, halfHeight: 45 },
] as const;
type Box = (typeof BOXES)[number];

/** The outline about the centre of gravity, with the directions in which its corners move outwards. */
const CORNERS = [
  [-60, 0, -1, -1],
  [60, 0, 1, -1],
  [60, 30, 1, 1],
  [15, 30, 1, 1],
  [15, 120, 1, 1],
  [-15, 120, -1, 1],
  [-15, 30, -1, 1],
  [-60, 30, -1, 1],
] as const;

/** From the pose of the T's frame, as observations tell it. */
export function poseOf(origin: Vec2, angle: number): Pose {
  const offset = turned(CENTRE, angle);
  return { x: origin.x + offset.x, y: origin.y + offset.y, angle };
}

export const GOAL: Pose = poseOf({ x: 256, y: 256 }, Math.PI / 4);

/** A place around the T, in its frame: at a distance from an edge, with the direction towards that edge. */
export interface Berth {
  readonly place: Vec2;
  readonly inwards: Vec2;
}

/** Places around the T, in order, all `clearance` from its outline. */
export function berths(clearance: number, spacing: number): readonly Berth[] {
  const ring = CORNERS.map(([x, y, outX, outY]) => ({
    x: x + clearance * outX - CENTRE.x,
    y: y + clearance * outY - CENTRE.y,
  }));
  return ring.flatMap((from, i) => {
    const to = ring[(i + 1) % ring.length]!;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    const count = Math.max(1, Math.round(length / spacing));
    const along = { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
    // The outline is followed with its inside on the right of the y-up, that is, the left of the y-down plane.
    const inwards = { x: -along.y, y: along.x };
    return Array.from({ length: count }, (_, k) => ({
      place: mix(from, to, k / count),
      inwards,
    }));
  });
}

/** How far a point is from the T's outline; below 0 inside. */
export function distanceTo(pose: Pose, point: Vec2): number {
  const local = toLocal(pose, point);
  return Math.min(...BOXES.map((box) => gapTo(box, local).gap));
}

/** Where the T is after a disc has come to `pusher`, having touched it a little before. */
export function pushedBy(pose: Pose, pusher: Vec2): Pose {
  let moved = pose;
  // Between bar and stem the disc touches both: each in turn, until neither overlaps.
  for (let pass = 0; pass < 4; pass++) {
    let overlaps = false;
    for (const box of BOXES) {
      const local = toLocal(moved, pusher);
      if (isBeyond(box, local)) continue;
      const { gap, normal, contact } = gapTo(box, local);
      const depth = PUSHER_RADIUS - gap;
      if (depth <= 1e-6) continue;
      overlaps = true;
      moved = yielded(moved, { depth, normal, contact });
    }
    if (!overlaps) break;
  }
  return moved;
}

/** Whether a disc there certainly does not touch the box. */
function isBeyond(box: Box, { x, y }: Vec2): boolean {
  return (
    Math.abs(x - box.x) >= box.halfWidth + PUSHER_RADIUS ||
    Math.abs(y - box.y) >= box.halfHeight + PUSHER_RADIUS
  );
}

interface Gap {
  readonly gap: number;
  /** Outwards at the nearest point, and that point; in the T's frame. */
  readonly normal: Vec2;
  readonly contact: Vec2;
}

function gapTo(box: Box, local: Vec2): Gap {
  const x = local.x - box.x;
  const y = local.y - box.y;
  const nearX = clamp(x, box.halfWidth);
  const nearY = clamp(y, box.halfHeight);
  const gap = Math.hypot(x - nearX, y - nearY);
  if (gap > 0) {
    const normal = { x: (x - nearX) / gap, y: (y - nearY) / gap };
    return { gap, normal, contact: { x: nearX + box.x, y: nearY + box.y } };
  }
  const outX = box.halfWidth - Math.abs(x);
  const outY = box.halfHeight - Math.abs(y);
  if (outX < outY) {
    const sign = x < 0 ? -1 : 1;
    const contact = { x: sign * box.halfWidth + box.x, y: local.y };
    return { gap: -outX, normal: { x: sign, y: 0 }, contact };
  }
  const sign = y < 0 ? -1 : 1;
  const contact = { x: local.x, y: sign * box.halfHeight + box.y };
  return { gap: -outY, normal: { x: 0, y: sign }, contact };
}

/** Gives way along the normal by `depth` at the contact: the motion of least kinetic energy that does. */
function yielded(
  pose: Pose,
  {
    depth,
    normal,
    contact,
  }: { readonly depth: number; readonly normal: Vec2; readonly contact: Vec2 },
): Pose {
  const force = { x: -normal.x, y: -normal.y };
  const lever = contact.x * force.y - contact.y * force.x;
  const impulse = depth / (1 + lever ** 2 / GYRATION_2);
  const shift = turned({ x: impulse * force.x, y: impulse * force.y }, pose.angle);
  return {
    x: pose.x + shift.x,
    y: pose.y + shift.y,
    angle: pose.angle + (impulse * lever) / GYRATION_2,
  };
}

export function toWorld(pose: Pose, local: Vec2): Vec2 {
  const { x, y } = turned(local, pose.angle);
  return { x: pose.x + x, y: pose.y + y };
}

function toLocal(pose: Pose, point: Vec2): Vec2 {
  return turned({ x: point.x - pose.x, y: point.y - pose.y }, -pose.angle);
}

export function turned({ x, y }: Vec2, angle: number): Vec2 {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return { x: cos * x - sin * y, y: sin * x + cos * y };
}

export function mix(a: Vec2, b: Vec2, t: number): Vec2 {
  return { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
}

export function distance(a: Vec2, b: Vec2): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function clamp(value: number, bound: number): number {
  return Math.min(bound, Math.max(-bound, value));
}
