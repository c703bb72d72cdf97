import { actionDim } from "../../core/index.ts";
import { proprioDim } from "../dataset/spec.ts";
import type { Dataset, DatasetEpisode } from "../dataset/types.ts";
import type { LeRobotStep, LeRobotWriterOptions } from "./writer.ts";
import { createLeRobotWriter } from "./writer.ts";

/**
 * Writes a dataset, for instance a folder of MCAP episodes, in LeRobotDataset v3.0 layout. The task of a
 * step is the instruction in force, or the name of the episode's task where there is none.
 *
 * @throws what `createLeRobotWriter` and its writer throw
 */
export async function writeLeRobotDataset(
  folder: string,
  dataset: Dataset,
  options: Omit<LeRobotWriterOptions, "spec"> & {
    /** Called after each episode with how many are written; what it throws stops the work. */
    readonly onEpisode?: (written: number) => void;
  } = {},
): Promise<void> {
  const { onEpisode, ...rest } = options;
  const writer = await createLeRobotWriter(folder, { ...rest, spec: dataset.spec });
  for (const episode of dataset.episodes) {
    const { instruction, task } = episode;
    await writer.episode(instruction === "" ? task : instruction, stepsOf(dataset, episode));
    onEpisode?.(episode.index + 1);
  }
  await writer.end();
}

async function* stepsOf(dataset: Dataset, episode: DatasetEpisode): AsyncGenerator<LeRobotStep> {
  const { spec } = dataset;
  const cameras = spec.images.map(({ name }) => name);
  const [actions, proprio] = [
    await dataset.actions(episode.index),
    await dataset.proprio(episode.index),
  ];
  const [width, dims] = [proprioDim(spec), actionDim(spec.action)];
  for (let step = 0; step < episode.length; step++) {
    const { images, instruction } = await dataset.read({ episode: episode.index, step, cameras });
    yield {
      images,
      proprio: proprio.subarray(step * width, (step + 1) * width),
      action: actions.subarray(step * dims, (step + 1) * dims),
      ...(instruction === "" ? {} : { task: instruction }),
    };
  }
}
