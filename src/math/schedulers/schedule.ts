import type { Rng } from "../../core/index.ts";

/** One step of a sampler's loop. Arrays are flat; the shape behind them does not matter. */
export interface ScheduleStep {
  /** The sample before the step; not changed. */
  readonly sample: Float32Array;
  /** What the network said of it: noise, sample or velocity, as the schedule's options say. */
  readonly prediction: Float32Array;
  /** Which step, from 0. */
  readonly index: number;
  /** How many steps the loop has. */
  readonly count: number;
  /** Draws the noise of steps that add some; a step that needs one and has none is an error. */
  readonly rng?: Pick<Rng, "normal">;
}

/** A clean sample, the noise to be mixed into it, and how far along (a timestep, as the network is told). */
export interface Noising {
  readonly original: Float32Array;
  readonly noise: Float32Array;
  readonly timestep: number;
}

/**
 * How a sample is made from noise by asking a network over and over. Holds no state and no network:
 * the loop belongs to the caller.
 *
 *     let sample = noise;
 *     const timesteps = schedule.timesteps(count);
 *     for (const [index, timestep] of timesteps.entries()) {
 *       const prediction = await network(sample, timestep);
 *       sample = schedule.step({ sample, prediction, index, count, rng });
 *     }
 */
export interface Schedule {
  /**
   * What the network is told at each of `count` steps, in the order of the loop.
   * @throws {RangeError} unless `count` is an integer in [1, `maxCount`]
   */
  timesteps(count: number): readonly number[];
  /** Most steps that a loop may have. */
  readonly maxCount: number;
  /**
   * The sample after the step, a new array. Computed in float64, rounded once.
   * @throws {RangeError} for an index outside of the loop, unequal lengths, or a missing generator
   */
  step(step: ScheduleStep): Float32Array;
  /** A training input: the clean sample with as much noise as there is at the timestep. */
  addNoise(noising: Noising): Float32Array;
}

/** @throws {RangeError} unless it is an integer in [1, most] */
export function assertCount(count: number, most: number): void {
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw new RangeError(
      `Cannot schedule ${count} steps: the count must be an integer in [1, ${most}]`,
    );
  }
}

/** @throws {RangeError} if the step is not one of the loop or its arrays do not fit each other */
export function assertStep({ sample, prediction, index, count }: ScheduleStep): void {
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new RangeError(
      `Cannot do step ${index} of ${count}: it must be an integer in [0, ${count - 1}]`,
    );
  }
  assertSameLength(sample, prediction);
}

/** @throws {RangeError} if they are not */
export function assertSameLength(sample: Float32Array, other: Float32Array): void {
  if (sample.length !== other.length) {
    throw new RangeError(
      `Cannot combine ${sample.length} and ${other.length} numbers: they must be equally many`,
    );
  }
}

/** Standard normal numbers. @throws {RangeError} without a generator */
export function normals(length: number, rng: ScheduleStep["rng"]): Float64Array {
  if (rng === undefined) {
    throw new RangeError("Cannot do a step that adds noise: there is no rng, must be one");
  }
  return Float64Array.from({ length }, () => rng.normal());
}
