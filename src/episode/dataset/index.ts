/** Datasets: episodes to learn from, out of folders of MCAP files. Needs a disk; readers of files only. */
export * from "./types.ts";
export { openMcapDataset } from "./mcap-dataset.ts";
export type { ActionLabels } from "./mcap-episode.ts";
export type { McapDatasetOptions } from "./mcap-dataset.ts";
export { openFrameSource } from "./frame-source.ts";
export { withoutIdle } from "./idle.ts";
export type { IdleOptions } from "./idle.ts";
export { assertImageShape } from "./mcap-frames.ts";
export { assertCameras, compareDatasetSpecs, instructionAt, proprioDim } from "./spec.ts";
export {
  computeStatistics,
  joinStatistics,
  RunningMoments,
  RunningStatistics,
  statisticsTensors,
} from "./statistics.ts";
export type { ColumnStatistics, DatasetStatistics } from "./statistics.ts";
export { openDataset } from "./open-dataset.ts";
export type { DatasetOptions } from "./open-dataset.ts";
