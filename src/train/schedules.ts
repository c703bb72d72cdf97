import { z } from "zod";

/** The learning rate of a step; steps count from 1, as an optimiser's do. Pure. */
export type Schedule = (step: number) => number;

export function constant(rate: number): Schedule {
  assertRate("rate", rate);
  return () => rate;
}

/** Rises from `peak / steps` at step 1 to `peak` at step `steps`, and stays. */
export function linearWarmUp(peak: number, steps: number): Schedule {
  assertRate("peak", peak);
  assertSteps("warm-up", steps);
  return (step) => peak * Math.min(1, step / Math.max(1, steps));
}

export interface CosineOptions {
  readonly peak: number;
  /** Steps of linear warm-up; default 0. */
  readonly warmUp?: number;
  /** The step at which the floor is reached, warm-up included. */
  readonly total: number;
  /** The rate from then on; default 0. */
  readonly floor?: number;
}

/**
 * Warm-up to `peak`, then half a period of a cosine down to `floor` (Loshchilov & Hutter 2017,
 * arXiv:1608.03983, eq. 5, without restarts):
 *
 *     floor + (peak - floor) * (1 + cos(pi * (step - warmUp) / (total - warmUp))) / 2
 *
 * @throws {RangeError} unless `0 <= floor <= peak` and `warmUp < total`
 */
export function cosine({ peak, warmUp = 0, total, floor = 0 }: CosineOptions): Schedule {
  assertRate("peak", peak);
  assertRate("floor", floor);
  assertSteps("warm-up", warmUp);
  assertSteps("total", total);
  if (floor > peak) {
    throw new RangeError(`Cannot make schedule: floor is ${floor}, must be at most ${peak}`);
  }
  if (warmUp >= total) {
    throw new RangeError(
      `Cannot make schedule: warm-up takes ${warmUp} steps, must be fewer than ${total}`,
    );
  }
  const rise = linearWarmUp(peak, warmUp);
  return (step) => {
    if (step <= warmUp) return rise(step);
    const progress = Math.min(1, (step - warmUp) / (total - warmUp));
    return floor + ((peak - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
  };
}

/** A rate, and the step from which it counts. */
export interface SchedulePoint {
  readonly step: number;
  readonly rate: number;
}

export interface PiecewiseOptions {
  /** In order of steps. */
  readonly points: readonly SchedulePoint[];
  /** Between two points: `hold` the first's rate (default), or go to the second's in a straight `line`. */
  readonly between?: "hold" | "line";
}

/**
 * Before the first point its rate, after the last one that one's.
 * @throws {RangeError} if there is no point, or their steps do not rise
 */
export function piecewise({ points, between = "hold" }: PiecewiseOptions): Schedule {
  const [first] = points;
  if (first === undefined) {
    throw new RangeError("Cannot make schedule: there is no point, must be at least one");
  }
  for (const [i, { step, rate }] of points.entries()) {
    assertRate("rate", rate);
    const before = points[i - 1]?.step ?? -Infinity;
    if (step > before) continue;
    throw new RangeError(
      `Cannot make schedule: step ${step} comes after ${before}, steps must rise`,
    );
  }
  return (step) => {
    const next = points.findIndex((point) => point.step > step);
    const [from = first, to] = next < 0 ? points.slice(-1) : points.slice(Math.max(0, next - 1));
    if (between === "hold" || next <= 0 || to === undefined) return from.rate;
    return from.rate + ((to.rate - from.rate) * (step - from.step)) / (to.step - from.step);
  };
}

const rate = z.number().nonnegative();
const steps = z.number().int().nonnegative();

/** A schedule as people write it into files. */
export const scheduleSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("constant"), rate }),
  z.strictObject({ kind: z.literal("warm-up"), peak: rate, steps }),
  z.strictObject({
    kind: z.literal("cosine"),
    peak: rate,
    warmUp: steps.default(0),
    total: steps,
    floor: rate.default(0),
  }),
  z.strictObject({
    kind: z.literal("piecewise"),
    points: z.array(z.strictObject({ step: steps, rate })).min(1),
    between: z.enum(["hold", "line"]).default("hold"),
  }),
]);

export type ScheduleConfig = z.output<typeof scheduleSchema>;

/** @throws {RangeError} as the schedule itself */
export function scheduleOf(config: ScheduleConfig): Schedule {
  switch (config.kind) {
    case "constant":
      return constant(config.rate);
    case "warm-up":
      return linearWarmUp(config.peak, config.steps);
    case "cosine":
      return cosine(config);
    case "piecewise":
      return piecewise(config);
  }
}

function assertRate(what: string, value: number): void {
  if (value >= 0 && Number.isFinite(value)) return;
  throw new RangeError(`Cannot make schedule: ${what} is ${value}, must be a finite number >= 0`);
}

function assertSteps(what: string, value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new RangeError(`Cannot make schedule: ${what} is ${value}, must be a whole number >= 0`);
}
