/** Which push comes next, and the way to where it begins. */
import type { Berth, Pose, Vec2 } from "./tee.ts";
import {
  PUSHER_RADIUS,
  berths,
  distance,
  distanceTo,
  mix,
  pushedBy,
  toWorld,
  turned,
} from "./tee.ts";

/** A straight push, in the workspace. */
export interface Push {
  readonly start: Vec2;
  readonly direction: Vec2;
  /** How far from the start it is to go, by the model. */
  readonly depth: number;
}

const CLEARANCE = PUSHER_RADIUS + 4;
const RING = berths(CLEARANCE, 7);
const ANGLES = [0, -0.4, 0.4] as const;
/** Where the pusher's centre may be: within the walls. */
const LOW = 24;
const HIGH = 488;
/** Radius, in the workspace's unit, that makes turning and moving comparable: roughly that of gyration. */
const ANGLE_WEIGHT = 50;
const LONGEST_PUSH = 90;
/** For comparing pushes: units a control step, on the way and while pushing, and steps that every push costs. */
const TRAVEL_PER_STEP = 22;
const PUSH_PER_STEP = 9;
const STEPS_PER_PUSH = 8;
/** Clearance on the way: less than that of the ring. */
const MARGIN = 2;

/** How far a pose is from another, roughly as the mean distance of the T's points. */
export function misplacement(pose: Pose, goal: Pose): number {
  return Math.hypot(pose.x - goal.x, pose.y - goal.y, ANGLE_WEIGHT * (pose.angle - goal.angle));
}

/** The depth after which the T is nearest to the goal, when the pusher goes straight from `from`. */
export function bestDepth(
  pose: Pose,
  { from, direction, goal }: { readonly from: Vec2; readonly direction: Vec2; readonly goal: Pose },
): { readonly depth: number; readonly left: number } {
  let best = { depth: 0, left: misplacement(pose, goal) };
  let now = pose;
  for (let depth = 1; depth <= LONGEST_PUSH; depth++) {
    const pusher = { x: from.x + depth * direction.x, y: from.y + depth * direction.y };
    if (!isInside(pusher)) break;
    now = pushedBy(now, pusher);
    const left = misplacement(now, goal);
    if (left < best.left - 1e-9) best = { depth, left };
    else if (left > best.left + 25) break;
  }
  return best;
}

/** The push that brings the T nearer fastest: the logarithm of what is left, over the steps it takes. */
export function choosePush(
  pose: Pose,
  { pusher, goal }: { readonly pusher: Vec2; readonly goal: Pose },
): Push | undefined {
  const here = misplacement(pose, goal);
  const at = nearestBerth(pose, pusher);
  let chosen: { readonly push: Push; readonly score: number } | undefined;
  for (const [i, berth] of RING.entries()) {
    const start = toWorld(pose, berth.place);
    if (!isInside(start)) continue;
    const way = wayAlongRing(pose, { from: at, to: i });
    if (way === undefined) continue;
    const travel = lengthOf([pusher, ...way]) / TRAVEL_PER_STEP;
    for (const angle of ANGLES) {
      const direction = turned(berth.inwards, pose.angle + angle);
      const { depth, left } = bestDepth(pose, { from: start, direction, goal });
      if (depth === 0) continue;
      const steps = travel + depth / PUSH_PER_STEP + STEPS_PER_PUSH;
      const score = Math.log(here / Math.max(left, 0.3)) / steps;
      if (score > (chosen?.score ?? 0)) chosen = { push: { start, direction, depth }, score };
    }
  }
  return chosen?.push;
}

/** The next point to make for on the way round the T to `to`; as far along as can be seen from here. */
export function nextOnWay(
  pose: Pose,
  { from, to }: { readonly from: Vec2; readonly to: Vec2 },
): Vec2 {
  if (isClear(pose, from, to)) return to;
  const at = nearestBerth(pose, from);
  const way = wayAlongRing(pose, { from: at, to: nearestBerth(pose, to) });
  if (way === undefined) return to;
  const seen = way.filter((point) => isClear(pose, from, point));
  return seen.at(-1) ?? way[0] ?? to;
}

/** Among those within the walls. */
function nearestBerth(pose: Pose, point: Vec2): number {
  let best = 0;
  let least = Infinity;
  for (const [i, berth] of RING.entries()) {
    const place = toWorld(pose, berth.place);
    const gap = distance(place, point);
    if (gap < least && isInside(place)) [best, least] = [i, gap];
  }
  return best;
}

/** The shorter way round that stays within the walls; undefined if neither does. */
function wayAlongRing(
  pose: Pose,
  { from, to }: { readonly from: number; readonly to: number },
): readonly Vec2[] | undefined {
  const ways = [1, -1].flatMap((sense) => {
    const count = ((((to - from) * sense) % RING.length) + RING.length) % RING.length;
    const places = Array.from({ length: count + 1 }, (_, k) => {
      const index = (((from + k * sense) % RING.length) + RING.length) % RING.length;
      return toWorld(pose, (RING[index] as Berth).place);
    });
    return places.every(isInside) ? [places] : [];
  });
  return ways.sort((a, b) => lengthOf(a) - lengthOf(b))[0];
}

function lengthOf(points: readonly Vec2[]): number {
  let sum = 0;
  for (let i = 1; i < points.length; i++) sum += distance(points[i - 1]!, points[i]!);
  return sum;
}

/** Whether the pusher can go straight there without touching; it may leave where it touches now. */
function isClear(pose: Pose, from: Vec2, to: Vec2): boolean {
  const length = distance(from, to);
  const now = distanceTo(pose, from);
  for (let gone = 3; gone < length + 3; gone += 3) {
    const gap = distanceTo(pose, mix(from, to, Math.min(1, gone / length)));
    if (gap < PUSHER_RADIUS + MARGIN && gap < now + 1) return false;
  }
  return true;
}

function isInside({ x, y }: Vec2): boolean {
  return x >= LOW && x <= HIGH && y >= LOW && y <= HIGH;
}
