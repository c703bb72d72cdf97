/** The scheduler of a manifest's runner, in the words of `src/math/schedulers`. */
import { z } from "zod";
import type { DiffusionOptions, Schedule } from "../math/index.ts";
import { ddim, ddpm, flowEuler } from "../math/index.ts";
import { messageOf } from "../core/index.ts";
import { wrongManifest } from "./manifest.ts";

const count = z.int().min(1).max(100_000);
const unit = z.number().gt(0).lt(1);

/**
 * Fields of a runner that describe its scheduler, with the defaults of LeRobot's export
 * (github.com/huggingface/lerobot, pull request 3493): `euler` from t = 1 to t = 0, cosine betas.
 */
export const scheduleFields = {
  scheduler: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(["euler", "ddpm", "ddim"]))
    .default("euler"),
  /** `euler`: time at the beginning and the end, `[1, 0]` or `[0, 1]`. The others know it themselves. */
  timestep_range: z.tuple([z.number(), z.number()]).optional(),
  /** `euler`: the network is told `floor(t * buckets)`. */
  num_timestep_buckets: count.optional(),
  num_train_timesteps: count.default(1000),
  beta_start: unit.default(0.0001),
  beta_end: unit.default(0.02),
  beta_schedule: z
    .enum(["linear", "scaled_linear", "squaredcos_cap_v2"])
    .default("squaredcos_cap_v2"),
  alphas_cumprod: z.array(unit).min(1).max(100_000).optional(),
  prediction_type: z.enum(["epsilon", "sample", "v_prediction"]).default("epsilon"),
  clip_sample: z.boolean().default(true),
  clip_sample_range: z.number().positive().default(1),
  timestep_spacing: z.enum(["leading", "trailing", "linspace", "linear"]).default("leading"),
  steps_offset: z.int().min(0).max(100_000).default(0),
  variance_type: z.enum(["fixed_small", "fixed_small_log", "fixed_large"]).default("fixed_small"),
  eta: z.number().min(0).max(1).default(0),
  set_alpha_to_one: z.boolean().default(true),
  thresholding: z.literal(false, "must be false: dynamic thresholding is not supported").optional(),
  rescale_betas_zero_snr: z
    .literal(false, "must be false: rescaled betas are not supported (give alphas_cumprod)")
    .optional(),
};

export type ScheduleFields = z.infer<z.ZodObject<typeof scheduleFields>>;

/** @throws {SyntaxError} naming the field of the runner that is wrong */
export function scheduleOf(fields: ScheduleFields, at: string): Schedule {
  try {
    switch (fields.scheduler) {
      case "euler":
        return eulerOf(fields, at);
      case "ddpm":
        return ddpm({ ...diffusionOptions(fields, at), varianceType: fields.variance_type });
      case "ddim": {
        const { eta, set_alpha_to_one: setAlphaToOne } = fields;
        return ddim({ ...diffusionOptions(fields, at), eta, setAlphaToOne });
      }
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw error;
    return wrongManifest(`${at}: ${messageOf(error)}`, error);
  }
}

function eulerOf(
  { timestep_range: range, num_timestep_buckets: buckets }: ScheduleFields,
  at: string,
) {
  const [from, to] = range ?? [1, 0];
  if (!(from === 1 && to === 0) && !(from === 0 && to === 1)) {
    wrongManifest(`${at}.timestep_range: it is [${from}, ${to}], must be [1, 0] or [0, 1]`);
  }
  return flowEuler({ noiseAt: from, ...(buckets === undefined ? {} : { buckets }) });
}

function diffusionOptions(fields: ScheduleFields, at: string): DiffusionOptions {
  const { timestep_spacing: spacing } = fields;
  // What exporters write for Euler's steps; it says nothing about training steps.
  if (spacing === "linear") {
    wrongManifest(`${at}.timestep_spacing: it is linear, must be leading, trailing or linspace`);
  }
  return {
    trainTimesteps: fields.num_train_timesteps,
    betaStart: fields.beta_start,
    betaEnd: fields.beta_end,
    betaSchedule: fields.beta_schedule,
    ...(fields.alphas_cumprod === undefined ? {} : { alphasCumprod: fields.alphas_cumprod }),
    predictionType: fields.prediction_type,
    clipSample: fields.clip_sample,
    clipSampleRange: fields.clip_sample_range,
    timestepSpacing: spacing,
    stepsOffset: fields.steps_offset,
  };
}
