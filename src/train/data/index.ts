/** Training data: which windows come when, and batches of them made in the background. */
export * from "./types.ts";
export { openBatchLoader } from "./loader.ts";
export { BatchPlan } from "./plan.ts";
export type { PlannedBatch, PlannedWindow, PlanOptions, PlanPart, PlanPosition } from "./plan.ts";
export type { AugmentOptions, CropOptions } from "./augment.ts";
