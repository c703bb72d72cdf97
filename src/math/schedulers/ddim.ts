import type { DiffusionSchedule } from "./ddpm.ts";
import type { DiffusionOptions } from "./diffusion.ts";
import { alphaAt, diffused, diffusionOf, readerOf, refuse, spacedTimesteps } from "./diffusion.ts";
import type { ScheduleStep } from "./schedule.ts";
import { assertStep, normals } from "./schedule.ts";

export interface DdimOptions extends DiffusionOptions {
  /** Share of DDPM's noise that a step adds, in [0, 1]: 0 is deterministic. Default 0. */
  readonly eta?: number;
  /** Whether ᾱ after the last step is 1 or that of step 0. Default true. */
  readonly setAlphaToOne?: boolean;
}

/**
 * Denoising diffusion implicit models (Song et al. 2021, arXiv:2010.02502, eq. 12 and 16). Follows
 * `diffusers.DDIMScheduler` (v0.35): a step goes ⌊T / N⌋ training steps back, whatever the spacing, and the
 * noise is that of the prediction even where the clean sample was clipped.
 * @throws {RangeError} naming the option that is wrong
 */
export function ddim(options: DdimOptions = {}): DiffusionSchedule {
  const { eta = 0, setAlphaToOne = true } = options;
  if (!(eta >= 0 && eta <= 1)) refuse("eta", eta, "a number in [0, 1]");
  const diffusion = diffusionOf(options);
  const last = setAlphaToOne ? 1 : alphaAt(diffusion, 0);
  const step = (now: ScheduleStep): Float32Array => {
    const timesteps = spacedTimesteps(diffusion, now.count);
    assertStep(now);
    const { sample, prediction, index, count } = now;
    const timestep = timesteps[index] ?? -1;
    const alpha = alphaAt(diffusion, timestep);
    const back = timestep - Math.floor(diffusion.trainTimesteps / count);
    const next = alphaAt(diffusion, back, last);
    const read = readerOf(diffusion, alpha);
    const variance = ((1 - next) / (1 - alpha)) * (1 - alpha / next);
    const deviation = eta * Math.sqrt(variance);
    const signal = Math.sqrt(next);
    const direction = Math.sqrt(1 - next - deviation ** 2);
    const fresh = eta > 0 ? normals(sample.length, now.rng) : undefined;
    return sample.map((x, i) => {
      const { original, noise } = read(x, prediction[i] ?? 0);
      return signal * original + direction * noise + deviation * (fresh?.[i] ?? 0);
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
