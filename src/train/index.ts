/**
 * Training: optimisers that work in place on WebAssembly memory, learning rate schedules. Knows sessions and
 * graphs, but no policy and no simulator.
 */
export { ParameterArena } from "./arena.ts";
export type { ArenaKind, ArenaLayout, ByteRange } from "./arena.ts";
export { createOptimiser, layoutFor } from "./optimiser.ts";
export type { Optimiser, StepOptions, StepResult } from "./optimiser.ts";
