/**
 * Training: optimisers that work in place on WebAssembly memory, learning rate schedules. Knows graphs, but
 * no policy and no simulator.
 */
export { ParameterArena } from "./arena.ts";
export type { ArenaKind, ArenaLayout, ByteRange } from "./arena.ts";
export { createOptimiser, layoutFor } from "./optimiser.ts";
export type { Optimiser, StepOptions, StepResult } from "./optimiser.ts";
export { optimiserSchema } from "./optimiser-schema.ts";
export {
  constant,
  cosine,
  linearWarmUp,
  piecewise,
  scheduleOf,
  scheduleSchema,
} from "./schedules.ts";
export type {
  CosineOptions,
  PiecewiseOptions,
  Schedule,
  ScheduleConfig,
  SchedulePoint,
} from "./schedules.ts";
