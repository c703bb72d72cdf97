/** The data of a run: datasets opened, split, counted, and made into batches. */
import { seeded } from "../core/index.ts";
import type { Dataset, DatasetSpec } from "../episode/node.ts";
import { computeStatistics, openDataset, withoutIdle } from "../episode/node.ts";
import type { TrainConfig } from "./config.ts";
import type {
  AugmentOptions,
  Batch,
  BatchLoader,
  LoaderDataset,
  PlanPosition,
} from "./data/index.ts";
import { openBatchLoader } from "./data/index.ts";
import type { BatchNeeds, EpisodeNumbers, ImageSize, TrainingData } from "./trainable.ts";

/** Open datasets with their split; close them when the run is over. */
export interface RunData {
  readonly datasets: readonly Dataset[];
  /** Indexes of the episodes that are learned from and held out, by dataset. */
  readonly training: readonly (readonly number[])[];
  readonly heldOut: readonly (readonly number[])[];
  /** Left out of the datasets (`data.idle`). */
  readonly idleSteps: number;
  readonly about: TrainingData;
  close(): Promise<void>;
}

/**
 * Opens every folder. Which episodes are held out depends on the seed and their number alone. Statistics are
 * over the episodes that are learned from.
 */
export async function openRunData(config: TrainConfig): Promise<RunData> {
  const datasets: Dataset[] = [];
  const close = async (): Promise<void> => {
    for (const dataset of datasets) await dataset.close();
  };
  try {
    let idleSteps = 0;
    for (const folder of config.data.folders) {
      const { tasks, labels, idle } = config.data;
      const whole = await openDataset(folder, {
        labels,
        ...(tasks === undefined ? {} : { tasks }),
      });
      const at = datasets.push(whole) - 1;
      if (idle === undefined) continue;
      // Closing it closes the whole.
      const busy = (datasets[at] = await withoutIdle(whole, idle));
      idleSteps += stepsOf(whole) - stepsOf(busy);
    }
    const splits = datasets.map((dataset, i) => split(dataset, i, config));
    const training = splits.map((part) => part.training);
    return {
      datasets,
      training,
      heldOut: splits.map((part) => part.heldOut),
      idleSteps,
      about: await describe(datasets, training, config),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function stepsOf({ episodes }: Dataset): number {
  return episodes.reduce((sum, { length }) => sum + length, 0);
}

function split(
  { episodes }: Dataset,
  dataset: number,
  { seed, data: { validation } }: TrainConfig,
): { training: number[]; heldOut: number[] } {
  const rng = seeded(seed).split("held out").split(dataset);
  const order = episodes.map(({ index }) => index);
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  const count = validation === 0 ? 0 : Math.max(1, Math.round(validation * order.length));
  // A single episode is learned from.
  const held = Math.min(count, order.length - 1);
  const ascending = (list: number[]): number[] => list.sort((a, b) => a - b);
  return { heldOut: ascending(order.slice(0, held)), training: ascending(order.slice(held)) };
}

async function describe(
  datasets: readonly Dataset[],
  training: RunData["training"],
  { data: { resize, crop } }: TrainConfig,
): Promise<TrainingData> {
  const [first] = datasets;
  if (first === undefined) throw new RangeError("Cannot train: there are no datasets, must be one");
  const parts = datasets.map((dataset, i) => ({
    spec: dataset.spec,
    episodes: dataset.episodes.filter(({ index }) => training[i]?.includes(index) === true),
    actions: dataset.actions.bind(dataset),
    proprio: dataset.proprio.bind(dataset),
  }));
  const instructions = parts.flatMap(({ episodes }) => episodes.map((e) => e.instruction));
  return {
    spec: withImageSize(first.spec, crop ?? resize),
    images: first.spec.images,
    view: { ...(resize === undefined ? {} : { resize }), ...(crop === undefined ? {} : { crop }) },
    statistics: await computeStatistics(parts),
    episodes: await numbersOf(parts),
    instructions: [...new Set(instructions)].sort(),
  };
}

/** No copy where a dataset keeps what it has read, as those of files do. */
async function numbersOf(
  parts: readonly Pick<Dataset, "episodes" | "actions" | "proprio">[],
): Promise<EpisodeNumbers[]> {
  const all: EpisodeNumbers[] = [];
  for (const { episodes, ...dataset } of parts) {
    for (const { index } of episodes) {
      all.push({ actions: await dataset.actions(index), proprio: await dataset.proprio(index) });
    }
  }
  return all;
}

function withImageSize(spec: DatasetSpec, size: ImageSize | undefined): DatasetSpec {
  if (size === undefined) return spec;
  return { ...spec, images: spec.images.map((image) => ({ ...image, ...size })) };
}

interface LoaderRequest {
  readonly needs: BatchNeeds;
  readonly episodes: RunData["training"];
  /** Whether crops are. */
  readonly random: boolean;
}

function loaderOptions(
  config: TrainConfig,
  { datasets }: RunData,
  { needs, episodes, random }: LoaderRequest,
): Omit<Parameters<typeof openBatchLoader>[0], "seed"> {
  const { weights, resize, crop } = config.data;
  const { cameras, predictHorizon, observeHorizon, observeStride, proprio } = needs;
  const parts = datasets.map((dataset, i): LoaderDataset => {
    const weight = weights?.[i];
    const only = episodes[i] ?? [];
    return { dataset, episodes: only, ...(weight === undefined ? {} : { weight }) };
  });
  return {
    datasets: parts.filter((part) => (part.episodes?.length ?? 0) > 0),
    batchSize: config.batchSize,
    predictHorizon,
    cameras,
    ...(observeHorizon === undefined ? {} : { observeHorizon }),
    ...(observeStride === undefined ? {} : { observeStride }),
    ...(proprio === undefined ? {} : { proprio }),
    ...(resize === undefined ? {} : { resize }),
    ...(crop === undefined ? {} : { crop: { ...crop, random } }),
  };
}

/** The endless stream that is learned from. */
export function openTrainingLoader(
  config: TrainConfig,
  data: RunData,
  { needs, start }: { readonly needs: BatchNeeds; readonly start: PlanPosition },
): Promise<BatchLoader> {
  const { augment, threads, cacheMiB } = config.data;
  return openBatchLoader({
    ...loaderOptions(config, data, { needs, episodes: data.training, random: true }),
    seed: config.seed,
    start,
    threads,
    cacheBytes: cacheMiB * 2 ** 20,
    ...(augment === undefined ? {} : { augment: augment as AugmentOptions }),
  });
}

/** A fixed sample of what is held out, without augmentation; empty if nothing is. */
export async function heldOutBatches(
  config: TrainConfig,
  data: RunData,
  needs: BatchNeeds,
): Promise<Batch[]> {
  if (data.heldOut.every((list) => list.length === 0)) return [];
  const loader = await openBatchLoader({
    ...loaderOptions(config, data, { needs, episodes: data.heldOut, random: false }),
    seed: `${config.seed}/held out`,
    threads: 0,
    cacheBytes: 0,
  });
  try {
    const count = Math.min(
      config.validate.batches,
      Math.max(1, Math.floor(loader.epochLength / config.batchSize)),
    );
    const batches: Batch[] = [];
    while (batches.length < count) batches.push(await loader.next());
    return batches;
  } finally {
    await loader.close();
  }
}
