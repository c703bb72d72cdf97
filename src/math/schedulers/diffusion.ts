/** What DDPM and DDIM share: the noise schedule, the spacing of steps and the reading of predictions. */
import type { Noising } from "./schedule.ts";
import { assertCount, assertSameLength } from "./schedule.ts";

/**
 * How the variances beta_t of the forward process go, t = 0 ... T - 1:
 *
 * | schedule | beta_t | source |
 * | --- | --- | --- |
 * | `linear` | from `betaStart` to `betaEnd`, evenly | Ho et al. 2020, arXiv:2006.11239, section 4 |
 * | `scaled_linear` | squares of evenly spaced roots of the same ends | Rombach et al. 2022, arXiv:2112.10752 |
 * | `squaredcos_cap_v2` | min(1 - f((t + 1) / T) / f(t / T), 0.999), f(u) = cos²(π/2 (u + 0.008) / 1.008) | Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17 |
 */
export type BetaSchedule = "linear" | "scaled_linear" | "squaredcos_cap_v2";

/** What the network predicts: the noise, the clean sample, or v = √ᾱ noise - √(1 - ᾱ) sample. */
export type PredictionType = "epsilon" | "sample" | "v_prediction";

/**
 * Which of the T training steps a loop of N visits (Lin et al. 2023, arXiv:2305.08891, table 2), after
 * `diffusers` where that table leaves rounding open:
 *
 * | spacing | step i of N (before reversal, for the first two) |
 * | --- | --- |
 * | `leading` | i ⌊T / N⌋ + stepsOffset |
 * | `linspace` | i (T - 1) / (N - 1), rounded half to even |
 * | `trailing` | T - i T / N, rounded half to even, minus 1 |
 */
export type TimestepSpacing = "leading" | "linspace" | "trailing";

/** Names and defaults are those of `diffusers` (v0.35), so that a saved configuration means the same here. */
export interface DiffusionOptions {
  /** T. Default 1000. */
  readonly trainTimesteps?: number;
  /** Default `linear`. */
  readonly betaSchedule?: BetaSchedule;
  /** Default 0.0001. */
  readonly betaStart?: number;
  /** Default 0.02. */
  readonly betaEnd?: number;
  /** ᾱ_t themselves, T of them, instead of a schedule of betas. */
  readonly alphasCumprod?: ArrayLike<number>;
  /** Default `epsilon`. */
  readonly predictionType?: PredictionType;
  /** Clips the predicted clean sample. Default true. */
  readonly clipSample?: boolean;
  /** To [-range, range]. Default 1. */
  readonly clipSampleRange?: number;
  /** Default `leading`. */
  readonly timestepSpacing?: TimestepSpacing;
  /** Added to every step of the `leading` spacing. Default 0. */
  readonly stepsOffset?: number;
}

const BETA_SCHEDULES: readonly string[] = ["linear", "scaled_linear", "squaredcos_cap_v2"];
const PREDICTION_TYPES: readonly string[] = ["epsilon", "sample", "v_prediction"];
const SPACINGS: readonly string[] = ["leading", "linspace", "trailing"];
const MAX_TRAIN_TIMESTEPS = 100_000;

/** Checked options with defaults, and ᾱ. */
export interface Diffusion {
  readonly trainTimesteps: number;
  readonly alphasCumprod: Float64Array;
  readonly predictionType: PredictionType;
  /** Infinity where samples are not clipped. */
  readonly clip: number;
  readonly spacing: TimestepSpacing;
  readonly stepsOffset: number;
}

/** @throws {RangeError} naming the option that is wrong */
export function diffusionOf(options: DiffusionOptions): Diffusion {
  const {
    trainTimesteps = 1000,
    predictionType = "epsilon",
    clipSample = true,
    clipSampleRange = 1,
    timestepSpacing = "leading",
    stepsOffset = 0,
  } = options;
  assertCount(trainTimesteps, MAX_TRAIN_TIMESTEPS);
  assertOneOf("predictionType", predictionType, PREDICTION_TYPES);
  assertOneOf("timestepSpacing", timestepSpacing, SPACINGS);
  if (!(clipSampleRange > 0)) refuse("clipSampleRange", clipSampleRange, "a positive number");
  if (!Number.isInteger(stepsOffset) || stepsOffset < 0 || stepsOffset >= trainTimesteps) {
    refuse("stepsOffset", stepsOffset, `an integer in [0, ${trainTimesteps - 1}]`);
  }
  return {
    trainTimesteps,
    alphasCumprod: alphasCumprodOf(options, trainTimesteps),
    predictionType,
    clip: clipSample ? clipSampleRange : Infinity,
    spacing: timestepSpacing,
    stepsOffset,
  };
}

function alphasCumprodOf(options: DiffusionOptions, trainTimesteps: number): Float64Array {
  if (options.alphasCumprod !== undefined) {
    const given = Float64Array.from(options.alphasCumprod);
    // 0 would be pure noise and 1 none; steps divide by both.
    const falling = given.every((a, t) => a > 0 && a < 1 && (t === 0 || a <= (given[t - 1] ?? 1)));
    if (given.length !== trainTimesteps || !falling) {
      const what = `${given.length} numbers`;
      refuse("alphasCumprod", what, `${trainTimesteps} falling numbers in (0, 1)`);
    }
    return given;
  }
  let product = 1;
  // float32, as `diffusers` keeps betas and alphas; its products run in float64 and are rounded.
  return betasOf(options, trainTimesteps).map((beta) => {
    product *= Math.fround(1 - Math.fround(beta));
    return Math.fround(product);
  });
}

function betasOf(options: DiffusionOptions, trainTimesteps: number): Float64Array {
  const { betaSchedule = "linear", betaStart = 0.0001, betaEnd = 0.02 } = options;
  assertOneOf("betaSchedule", betaSchedule, BETA_SCHEDULES);
  for (const [name, beta] of Object.entries({ betaStart, betaEnd })) {
    if (!(beta > 0 && beta < 1)) refuse(name, beta, "a number in (0, 1)");
  }
  const line = (from: number, to: number, t: number): number =>
    trainTimesteps === 1 ? from : from + ((to - from) * t) / (trainTimesteps - 1);
  const cosine = (u: number): number => Math.cos((((u + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Float64Array.from({ length: trainTimesteps }, (_, t) => {
    switch (betaSchedule) {
      case "linear":
        return line(betaStart, betaEnd, t);
      case "scaled_linear":
        return line(Math.sqrt(betaStart), Math.sqrt(betaEnd), t) ** 2;
      case "squaredcos_cap_v2":
        return Math.min(1 - cosine((t + 1) / trainTimesteps) / cosine(t / trainTimesteps), 0.999);
    }
  });
}

/** The training steps that a loop visits, from noisy to clean. @throws {RangeError} for a bad count */
export function spacedTimesteps(diffusion: Diffusion, count: number): readonly number[] {
  const { trainTimesteps: total, spacing, stepsOffset } = diffusion;
  assertCount(count, total);
  const steps = Array.from({ length: count }, (_, i) => {
    const fromEnd = count - 1 - i;
    switch (spacing) {
      case "leading":
        return fromEnd * Math.floor(total / count) + stepsOffset;
      case "linspace":
        return count === 1 ? 0 : roundHalfToEven((fromEnd * (total - 1)) / (count - 1));
      case "trailing":
        return roundHalfToEven(total - (i * total) / count) - 1;
    }
  });
  const beyond = steps.find((step) => step >= total);
  if (beyond !== undefined) {
    refuse("stepsOffset", stepsOffset, `so small that step ${beyond} is below ${total}`);
  }
  return steps;
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** ᾱ of a training step; `last` for the one after the loop's end (negative steps). */
export function alphaAt(diffusion: Diffusion, timestep: number, last = 1): number {
  if (timestep < 0) return last;
  const alpha = diffusion.alphasCumprod[timestep];
  if (alpha === undefined) {
    return refuse("timestep", timestep, `an integer in [0, ${diffusion.trainTimesteps - 1}]`);
  }
  return alpha;
}

/** One number of a prediction, read as the clean sample (clipped) and as the noise. */
export function readerOf(
  { predictionType, clip }: Diffusion,
  alpha: number,
): (sample: number, prediction: number) => { readonly original: number; readonly noise: number } {
  const [signal, noisy] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)];
  const clipped = (x: number): number => Math.min(Math.max(x, -clip), clip);
  switch (predictionType) {
    case "epsilon":
      return (x, p) => ({ original: clipped((x - noisy * p) / signal), noise: p });
    case "sample":
      return (x, p) => ({ original: clipped(p), noise: (x - signal * p) / noisy });
    case "v_prediction":
      return (x, p) => ({
        original: clipped(signal * x - noisy * p),
        noise: signal * p + noisy * x,
      });
  }
}

/** `√ᾱ original + √(1 - ᾱ) noise` (Ho et al. 2020, eq. 4). */
export function diffused(diffusion: Diffusion, noising: Noising): Float32Array {
  const { original, noise, timestep } = noising;
  assertSameLength(original, noise);
  const alpha = alphaAt(diffusion, timestep, NaN);
  if (Number.isNaN(alpha)) refuse("timestep", timestep, "0 or more");
  const [signal, noisy] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)];
  return original.map((x, i) => signal * x + noisy * (noise[i] ?? 0));
}

export function assertOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) refuse(name, JSON.stringify(value), `one of ${allowed.join(", ")}`);
}

export function refuse(name: string, value: number | string, must: string): never {
  throw new RangeError(`Cannot make a schedule: ${name} is ${value}, must be ${must}`);
}
