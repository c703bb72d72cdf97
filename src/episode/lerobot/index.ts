/** LeRobotDataset v3: reading, and writing of datasets with images. */
export { openLeRobotDataset } from "./lerobot-dataset.ts";
export type { LeRobotDatasetOptions } from "./lerobot-dataset.ts";
export { createLeRobotWriter } from "./writer.ts";
export type { LeRobotStep, LeRobotWriter, LeRobotWriterOptions } from "./writer.ts";
export { writeLeRobotDataset } from "./convert.ts";
