/** A point that goes round a disc to a target. Lengths in metres, x to the right, y ahead. */
import type { Rng } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";

/** Metres that one unit of action moves the point in a step. */
export const REACH_PER_STEP_M = 0.05;
/** The point must not come nearer to the disc's centre. */
export const DISC_RADIUS_M = 0.3;
/** The target is reached where the point is this near for `HOLD_STEPS` steps. */
export const TARGET_RADIUS_M = 0.03;
export const HOLD_STEPS = 3;
/** Half the side of the square that the point cannot leave. */
export const HALF_SIDE_M = 1.2;
/** Fixed initial states. */
export const INITIAL_STATES = 200;

/** After this step a disturbed episode moves the point, so far, to a place clear of the disc by the margin. */
export const DISTURBED_AFTER_STEP = 24;
const DISTURBED_BY_M = 0.3;
const DISTURBED_MARGIN_M = 0.06;

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Start {
  readonly point: Point;
  readonly disc: Point;
  readonly target: Point;
}

/** Which side of the disc the point passed at, seen along y; `undefined` before. */
export type Side = "left" | "right";

export interface DetourState extends Start {
  readonly step: number;
  /** Steps in a row at the target. */
  readonly held: number;
  readonly side?: Side;
  readonly touched: boolean;
  readonly reached: boolean;
}

export function drawStart(rng: Rng): Start {
  const between = (low: number, high: number): number => low + rng.uniform() * (high - low);
  return {
    point: { x: between(-0.35, 0.35), y: between(-0.9, -0.7) },
    disc: { x: between(-0.15, 0.15), y: between(-0.1, 0.1) },
    target: { x: between(-0.5, 0.5), y: between(0.65, 0.85) },
  };
}

export function initialStart(index: number): Start {
  return drawStart(seeded("detour/initial-state").split(index));
}

export function begin(start: Start): DetourState {
  return { ...start, step: 0, held: 0, touched: false, reached: false };
}

/**
 * One step; action entries beyond [-1, 1] count as the bound.
 * @param disturbance where a disturbed episode draws its direction from; absent = nothing disturbs
 */
export function advance(
  state: DetourState,
  action: readonly [number, number],
  disturbance?: Rng,
): DetourState {
  const step = state.step + 1;
  const moved = {
    x: within(state.point.x + REACH_PER_STEP_M * unit(action[0])),
    y: within(state.point.y + REACH_PER_STEP_M * unit(action[1])),
  };
  const touches = distance(moved, state.disc) < DISC_RADIUS_M;
  const isDisturbed = disturbance !== undefined && step === DISTURBED_AFTER_STEP && !touches;
  const point = isDisturbed ? displaced(moved, state.disc, disturbance) : moved;
  const held = distance(point, state.target) < TARGET_RADIUS_M ? state.held + 1 : 0;
  const side = state.side ?? passedAt(point, state.disc);
  const touched = state.touched || touches;
  return {
    ...state,
    point,
    step,
    held,
    ...(side === undefined ? {} : { side }),
    touched,
    reached: !touched && held >= HOLD_STEPS,
  };
}

export function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function passedAt(point: Point, disc: Point): Side | undefined {
  if (point.y <= disc.y) return undefined;
  return point.x < disc.x ? "left" : "right";
}

/** Directions are drawn until one leads clear of the disc; within 0.36 m of its centre there always is one. */
function displaced(point: Point, disc: Point, rng: Rng): Point {
  for (;;) {
    const direction = 2 * Math.PI * rng.uniform();
    const to = {
      x: within(point.x + DISTURBED_BY_M * Math.cos(direction)),
      y: within(point.y + DISTURBED_BY_M * Math.sin(direction)),
    };
    if (distance(to, disc) > DISC_RADIUS_M + DISTURBED_MARGIN_M) return to;
  }
}

function unit(value: number): number {
  return Math.min(1, Math.max(-1, value));
}

function within(value: number): number {
  return Math.min(HALF_SIDE_M, Math.max(-HALF_SIDE_M, value));
}
