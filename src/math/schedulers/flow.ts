import { refuse } from "./diffusion.ts";
import type { Noising, Schedule, ScheduleStep } from "./schedule.ts";
import { assertCount, assertSameLength, assertStep } from "./schedule.ts";

export interface FlowOptions {
  /**
   * At which end of time the noise is. 1: the sample is `t noise + (1 - t) data` and the network predicts
   * `noise - data` (pi0, pi0.5, SmolVLA). 0: it is `(1 - t) noise + t data` and the network predicts
   * `data - noise` (GR00T, Lipman et al.). Default 1.
   */
  readonly noiseAt?: 0 | 1;
  /**
   * What the network is told of the time: absent, t itself; a number B, the integer ⌊t B⌋ (GR00T tells
   * one of 1000 buckets).
   */
  readonly buckets?: number;
}

const MAX_STEPS = 100_000;

/**
 * Flow matching with straight paths (Lipman et al. 2023, arXiv:2210.02747), integrated by Euler in equal
 * steps from noise to data (Black et al. 2024, arXiv:2410.24164, section IV). Time is `1 - i / N` or
 * `i / N`, not a running sum in float32.
 * @throws {RangeError} naming the option that is wrong
 */
export function flowEuler(options: FlowOptions = {}): Schedule {
  const { noiseAt = 1, buckets } = options;
  // Options of a package come from a file.
  if (![0, 1].includes(noiseAt)) refuse("noiseAt", noiseAt, "0 or 1");
  if (buckets !== undefined && (!Number.isInteger(buckets) || buckets < 1)) {
    refuse("buckets", buckets, "an integer of 1 or more");
  }
  const told = (time: number): number =>
    buckets === undefined ? time : Math.floor(time * buckets);
  return {
    maxCount: MAX_STEPS,
    timesteps(count) {
      assertCount(count, MAX_STEPS);
      return Array.from({ length: count }, (_, i) => told((noiseAt === 1 ? count - i : i) / count));
    },
    step(now: ScheduleStep) {
      assertCount(now.count, MAX_STEPS);
      assertStep(now);
      const { sample, prediction, count } = now;
      const length = (noiseAt === 1 ? -1 : 1) / count;
      return sample.map((x, i) => x + length * (prediction[i] ?? 0));
    },
    addNoise({ original, noise, timestep }: Noising) {
      assertSameLength(original, noise);
      const time = buckets === undefined ? timestep : timestep / buckets;
      if (!(time >= 0 && time <= 1)) refuse("timestep", timestep, `in [0, ${buckets ?? 1}]`);
      const share = noiseAt === 1 ? time : 1 - time;
      return original.map((x, i) => (1 - share) * x + share * (noise[i] ?? 0));
    },
  };
}
