/**
 * Optimisers as graphs: update rules that chain, on top of gradients from anywhere. Executes nothing;
 * `src/train` has the same arithmetic as WebAssembly for tensors in the process's memory.
 */
export { adamW, lion } from "./adaptive.ts";
export type { AdamWOptions, LionOptions } from "./adaptive.ts";
export { transformOf } from "./config.ts";
export type { OptimiserConfig } from "./config.ts";
export { groupParameters, matches } from "./groups.ts";
export type {
  DecayMask,
  GroupOptions,
  GroupRule,
  ParameterGroup,
  ParameterInfo,
  ParameterPredicate,
} from "./groups.ts";
export { applyUpdates, chain, readState, stateName, stateOf, updateModel } from "./transform.ts";
export type { Scalars, StateSpec, Transform, UpdateCall, UpdateResult } from "./transform.ts";
export { clipByGlobalNorm, ema, scaleBySchedule, sgd, weightDecay } from "./transforms.ts";
export type { SgdOptions } from "./transforms.ts";
