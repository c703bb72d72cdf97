/**
 * Trains policies: data into batches, batches into updates, updates into checkpoints and packages. Knows no
 * concrete policy, simulator or robot: policies hand in a `Trainable`, evaluations a function.
 */
export * from "./arena.ts";
export * from "./checkpoint.ts";
export * from "./config.ts";
export * from "./data/index.ts";
export { ELAPSED, METRICS_FILE } from "./metrics.ts";
export type { MetricsRow } from "./metrics.ts";
export * from "./optimiser.ts";
export { optimiserSchema } from "./optimiser-schema.ts";
export { RecurrentStep } from "./recurrent-step.ts";
export type { RecurrentGradient, RecurrentModel } from "./recurrent-step.ts";
export * from "./run-folder.ts";
export * from "./schedules.ts";
export { DeviceTrainingStep } from "./device-step.ts";
export { openUpdater, stepSettings } from "./open-updater.ts";
export { TrainingStep } from "./step.ts";
export type { StepSettings, UpdateRequest, Updater, UpdateResult } from "./updater.ts";
export { NonFiniteLossError, train } from "./train.ts";
export type { TrainEvent, TrainOptions, TrainResult } from "./train.ts";
export type * from "./trainable.ts";
