/** Which push comes next, and the way to where it begins. */
import type { Pose, Vec2 } from "./tee.ts";
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
  /** Undefined where it begins at once, from where the pusher is. */
  readonly start: Vec2 | undefined;
  readonly direction: Vec2;
  /** How far from the start it is to go, by the model. */
  readonly depth: number;
}

const CLEARANCE = PUSHER_RADIUS + 4;
/** Few, so that who learns from this has few ways to tell apart: with a berth every 7 units and three directions from each, episodes are a third shorter. */
const RING = berths(CLEARANCE, 15);
/** A pusher this near can push at once. */
const NEAR = CLEARANCE + 3;
/** Berths at corners lie farther away: there it is enough to be as near to one. */
const ARRIVED = 4;
/** A push that has less than this left to do is over. */
const DONE = 0.4;
/** Where the pusher's centre may be: within the walls. */
const LOW = 24;
const HIGH = 488;
/** Radius, in the workspace's unit, that makes turning and moving comparable: roughly that of gyration. */
const ANGLE_WEIGHT = 50;
const LONGEST_PUSH = 90;
/** Pushes that are not begun yet are looked at in so long steps. */
const COARSE = 3;
/** For comparing pushes: units a control step, on the way and while pushing, and steps that every push costs. */
const TRAVEL_PER_STEP = 22;
const PUSH_PER_STEP = 9;
const STEPS_PER_PUSH = 8;
/** Of a push that goes on, or begins where the pusher is. */
const STEPS_TO_GO_ON = 1;
/** Misplacements below this are as good as none. */
const LEAST_LEFT = 0.3;
/** Clearance on the way: less than that of the ring. */
const MARGIN = 2;

/** How far a pose is from another, roughly as the mean distance of the T's points. */
export function misplacement(pose: Pose, goal: Pose): number {
  return Math.hypot(pose.x - goal.x, pose.y - goal.y, ANGLE_WEIGHT * (pose.angle - goal.angle));
}

/** The depth after which the T is nearest to the goal, when the pusher goes straight from `from`. */
export function bestDepth(
  pose: Pose,
  about: {
    readonly from: Vec2;
    readonly direction: Vec2;
    readonly goal: Pose;
    /** Between depths that are looked at. Default: 1. */
    readonly step?: number;
  },
): { readonly depth: number; readonly left: number } {
  const { from, direction, goal, step = 1 } = about;
  let best = { depth: 0, left: misplacement(pose, goal) };
  let now = pose;
  for (let depth = step; depth <= LONGEST_PUSH; depth += step) {
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
  const ring = ringAround(pose);
  const at = nearestBerth(ring, pusher);
  let chosen: { readonly push: Push; readonly score: number } | undefined;
  const judge = (push: Push, left: number, steps: number): void => {
    const score = Math.log(here / Math.max(left, LEAST_LEFT)) / steps;
    if (score > (chosen?.score ?? 0)) chosen = { push, score };
  };
  if (distance(ring[at]!, pusher) < ARRIVED || distanceTo(pose, pusher) < NEAR) {
    const direction = turned(RING[at]!.inwards, pose.angle);
    const { depth, left } = bestDepth(pose, { from: pusher, direction, goal });
    const steps = depth / PUSH_PER_STEP + STEPS_TO_GO_ON;
    if (depth >= DONE) judge({ start: undefined, direction, depth }, left, steps);
  }
  for (const { to, length } of ways(ring, { from: at, pusher })) {
    const before = length / TRAVEL_PER_STEP + STEPS_PER_PUSH;
    // What begins later can only be worse than this.
    if (highestScore(here, before) <= (chosen?.score ?? 0)) break;
    const start = ring[to]!;
    const direction = turned(RING[to]!.inwards, pose.angle);
    const { depth, left } = bestDepth(pose, { from: start, direction, goal, step: COARSE });
    if (depth > 0) judge({ start, direction, depth }, left, before + depth / PUSH_PER_STEP);
  }
  return chosen?.push;
}

/** Of pushes that begin after so many steps: a pusher brings the T nearer by no more than it goes itself. */
function highestScore(here: number, before: number): number {
  let highest = 0;
  for (let depth = COARSE; depth <= LONGEST_PUSH; depth += COARSE) {
    const gained = Math.log(here / Math.max(here - depth, LEAST_LEFT));
    highest = Math.max(highest, gained / (before + depth / PUSH_PER_STEP));
  }
  return highest;
}

/** Berths in the workspace. */
type Ring = readonly Vec2[];

function ringAround(pose: Pose): Ring {
  return RING.map(({ place }) => toWorld(pose, place));
}

/** The berths from one on, one way round and the other, each as far as the walls allow. */
function walks(ring: Ring, from: number): readonly (readonly number[])[] {
  return [1, -1].map((sense) => {
    const way = ring.map((_, k) => (from + sense * k + ring.length) % ring.length);
    const end = way.findIndex((i) => !isInside(ring[i]!));
    return end === -1 ? way : way.slice(0, end);
  });
}

/** Berths that can be reached along the ring within the walls, the nearest first, with the length of the way. */
function ways(
  ring: Ring,
  { from, pusher }: { readonly from: number; readonly pusher: Vec2 },
): readonly { readonly to: number; readonly length: number }[] {
  const lengths = new Map<number, number>();
  for (const walk of walks(ring, from)) {
    let length = 0;
    let before = pusher;
    for (const to of walk) {
      const place = ring[to]!;
      length += distance(before, place);
      before = place;
      lengths.set(to, Math.min(length, lengths.get(to) ?? Infinity));
    }
  }
  return Array.from(lengths, ([to, length]) => ({ to, length })).sort(
    (a, b) => a.length - b.length,
  );
}

/** The next point to make for on the way round the T to `to`; as far along as can be seen from here. */
export function nextOnWay(
  pose: Pose,
  { from, to }: { readonly from: Vec2; readonly to: Vec2 },
): Vec2 {
  if (isClear(pose, from, to)) return to;
  const ring = ringAround(pose);
  const way = wayAlongRing(ring, { from: nearestBerth(ring, from), to: nearestBerth(ring, to) });
  if (way === undefined) return to;
  const seen = way.filter((point) => isClear(pose, from, point));
  return seen.at(-1) ?? way[0] ?? to;
}

/** Among those within the walls. */
function nearestBerth(ring: Ring, point: Vec2): number {
  let best = 0;
  let least = Infinity;
  for (const [i, place] of ring.entries()) {
    const gap = distance(place, point);
    if (gap < least && isInside(place)) [best, least] = [i, gap];
  }
  return best;
}

/** The shorter way round that stays within the walls; undefined if neither does. */
function wayAlongRing(
  ring: Ring,
  { from, to }: { readonly from: number; readonly to: number },
): readonly Vec2[] | undefined {
  const both = walks(ring, from).flatMap((walk) => {
    const end = walk.indexOf(to);
    return end === -1 ? [] : [walk.slice(0, end + 1).map((i) => ring[i]!)];
  });
  return both.sort((a, b) => lengthOf(a) - lengthOf(b))[0];
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
