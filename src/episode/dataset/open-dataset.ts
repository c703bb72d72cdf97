import { stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../core/index.ts";
import { openLeRobotDataset } from "../lerobot/lerobot-dataset.ts";
import type { ActionLabels } from "./mcap-episode.ts";
import { openMcapDataset } from "./mcap-dataset.ts";
import type { Dataset } from "./types.ts";

/** What both kinds of datasets understand. */
export interface DatasetOptions {
  /** Cameras to learn from; default: all. */
  readonly cameras?: readonly string[];
  /** Only episodes of these tasks. */
  readonly tasks?: readonly string[];
  /** Of MCAP episodes: which actions are learned; default `decided`. LeRobot datasets have only one kind. */
  readonly labels?: ActionLabels;
}

/**
 * Opens a folder as what it is: LeRobot's if it has `meta/info.json`, else MCAP episodes.
 *
 * @throws {RangeError} if there is no such folder, and what `openLeRobotDataset` and `openMcapDataset` throw
 */
export async function openDataset(folder: string, options: DatasetOptions = {}): Promise<Dataset> {
  const found = await stat(folder).catch((cause: unknown) => {
    throw new RangeError(`Cannot open dataset "${folder}": ${messageOf(cause)}`, { cause });
  });
  if (!found.isDirectory()) {
    throw new RangeError(`Cannot open dataset "${folder}": it is a file, must be a folder`);
  }
  const isLeRobot = await stat(join(folder, "meta", "info.json")).then(
    () => true,
    () => false,
  );
  const { labels: _, ...lerobot } = options;
  return isLeRobot ? openLeRobotDataset(folder, lerobot) : openMcapDataset(folder, options);
}
