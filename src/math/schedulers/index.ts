/**
 * How samples are made from noise: DDPM, DDIM and flow matching by Euler steps. Pure functions on
 * `Float32Array`; knows no network, no session and no package.
 */
export { ddim } from "./ddim.ts";
export type { DdimOptions } from "./ddim.ts";
export { ddpm } from "./ddpm.ts";
export type { DdpmOptions, DiffusionSchedule, VarianceType } from "./ddpm.ts";
export type {
  BetaSchedule,
  DiffusionOptions,
  PredictionType,
  TimestepSpacing,
} from "./diffusion.ts";
export { flowEuler } from "./flow.ts";
export type { FlowOptions } from "./flow.ts";
export type { Noising, Schedule, ScheduleStep } from "./schedule.ts";
