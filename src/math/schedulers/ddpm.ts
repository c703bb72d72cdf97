import type { DiffusionOptions } from "./diffusion.ts";
import {
  alphaAt,
  assertOneOf,
  diffused,
  diffusionOf,
  readerOf,
  spacedTimesteps,
} from "./diffusion.ts";
import type { Schedule, ScheduleStep } from "./schedule.ts";
import { assertStep, normals } from "./schedule.ts";

export interface DdpmOptions extends DiffusionOptions {
  /**
   * Variance of the noise that a step adds: the posterior's (`fixed_small`, also under its name
   * `fixed_small_log`) or beta_t (`fixed_large`). Default `fixed_small`.
   */
  readonly varianceType?: VarianceType;
}

export type VarianceType = "fixed_small" | "fixed_small_log" | "fixed_large";

const VARIANCE_TYPES: readonly string[] = ["fixed_small", "fixed_small_log", "fixed_large"];

/** A schedule whose ᾱ_t can be read, as training needs them. */
export interface DiffusionSchedule extends Schedule {
  /** ᾱ_t, `float64[trainTimesteps]`; changing it changes nothing. */
  readonly alphasCumprod: Float64Array;
}

/**
 * Denoising diffusion (Ho et al. 2020, arXiv:2006.11239, algorithm 2 with eq. 7), over any subset of the
 * training steps: a step goes to the next one of the loop, with the beta between those two. Follows
 * `diffusers.DDPMScheduler` (v0.35), which adds noise at every step but timestep 0, so with `trailing`
 * spacing the last step adds noise, too (of standard deviation 1e-10 with `fixed_small`).
 * @throws {RangeError} naming the option that is wrong
 */
export function ddpm(options: DdpmOptions = {}): DiffusionSchedule {
  const { varianceType = "fixed_small" } = options;
  assertOneOf("varianceType", varianceType, VARIANCE_TYPES);
  const diffusion = diffusionOf(options);
  const step = (now: ScheduleStep): Float32Array => {
    const timesteps = spacedTimesteps(diffusion, now.count);
    assertStep(now);
    const { sample, prediction, index } = now;
    const timestep = timesteps[index] ?? -1;
    const alpha = alphaAt(diffusion, timestep);
    const next = alphaAt(diffusion, timesteps[index + 1] ?? -1);
    const beta = 1 - alpha / next;
    const read = readerOf(diffusion, alpha);
    const ofOriginal = (Math.sqrt(next) * beta) / (1 - alpha);
    const ofSample = (Math.sqrt(alpha / next) * (1 - next)) / (1 - alpha);
    const posterior = Math.max(((1 - next) / (1 - alpha)) * beta, 1e-20);
    const deviation = Math.sqrt(varianceType === "fixed_large" ? beta : posterior);
    const noise = timestep > 0 ? normals(sample.length, now.rng) : undefined;
    return sample.map((x, i) => {
      const { original } = read(x, prediction[i] ?? 0);
      return ofOriginal * original + ofSample * x + deviation * (noise?.[i] ?? 0);
    });
  };
  return {
    alphasCumprod: diffusion.alphasCumprod.slice(),
    maxCount: diffusion.trainTimesteps,
    timesteps: (count) => spacedTimesteps(diffusion, count),
    step,
    addNoise: (noising) => diffused(diffusion, noising),
  };
}
