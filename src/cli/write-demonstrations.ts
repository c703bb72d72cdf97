/** Recorded demonstrations in the formats that are asked for. Nothing has its own name before it is complete. */
import { rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Dataset, DatasetEpisode, McapDatasetOptions } from "../episode/node.ts";
import {
  createLiberoFile,
  liberoAttributes,
  listEpisodes,
  openMcapDataset,
  writeLeRobotDataset,
} from "../episode/node.ts";
import type { EpisodeHeader } from "../episode/types.ts";
import { elementCount } from "../core/index.ts";
import type { DemonstrationSource } from "../../sim-bridge/sims/manipulation/demonstrations.ts";
import { EXIT, UsageError } from "./exit.ts";
import type { Progress } from "./progress.ts";
import type { RecordFormat } from "./record-formats.ts";
import { SIMULATORS, simulatorNamed } from "./registry.ts";
import type { SimSettings } from "./sim-settings.ts";

export interface DemonstrationRequest {
  /** Of the run: MCAP files are in `episodes` below it. */
  readonly folder: string;
  readonly formats: readonly RecordFormat[];
  readonly simulator: string;
  readonly settings: SimSettings;
  readonly outcomes: NonNullable<McapDatasetOptions["outcomes"]>;
  /** How many demonstrations there are. */
  readonly kept: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Where each format went. */
export type Written = Readonly<Partial<Record<RecordFormat, string | readonly string[]>>>;

/** @throws {UsageError} if demonstrations of the simulator cannot be written so */
export function assertFormats(simulator: string, formats: readonly RecordFormat[]): void {
  const able = SIMULATORS.filter((entry) => "demonstrations" in entry);
  if (!formats.includes("hdf5") || able.includes(simulatorNamed(simulator))) return;
  const names = able.map(({ name }) => name).join(", ");
  throw new UsageError(
    `Cannot write demonstrations of ${simulator} as hdf5: LIBERO's layout is of an arm's world, must be one of ${names}`,
  );
}

/**
 * Writes what was recorded. MCAP files are removed in the end unless they are among the formats.
 * @throws the signal's reason if it is aborted; what is complete by then stays
 */
export async function writeDemonstrations(request: DemonstrationRequest): Promise<Written> {
  const { folder, formats, kept, progress } = request;
  const others = formats.filter((format) => format !== "mcap");
  const episodes = join(folder, "episodes");
  if (kept === 0 && others.length > 0) {
    progress.line(`nothing is written as ${others.join(", ")}: there are no demonstrations`);
    process.exitCode = EXIT.failed;
    return {};
  }
  try {
    const written: Written = {
      ...(formats.includes("mcap") ? { mcap: episodes } : {}),
      ...(formats.includes("lerobot") ? { lerobot: await writeLeRobot(request, episodes) } : {}),
      ...(formats.includes("hdf5") ? { hdf5: await writeHdf5(request, episodes) } : {}),
    };
    if (!formats.includes("mcap")) await rm(episodes, { recursive: true, force: true });
    return written;
  } finally {
    progress.clear();
  }
}

async function writeLeRobot(request: DemonstrationRequest, episodes: string): Promise<string> {
  const { folder, simulator, outcomes, progress, signal } = request;
  const dataset = await openMcapDataset(episodes, { outcomes });
  const target = join(folder, "lerobot");
  try {
    await writeLeRobotDataset(`${target}.partial`, dataset, {
      robotType: simulator,
      onEpisode(written) {
        signal.throwIfAborted();
        progress.live(`lerobot: ${written}/${dataset.episodes.length} episodes`);
      },
    });
  } finally {
    await dataset.close();
  }
  await rename(`${target}.partial`, target);
  return target;
}

async function writeHdf5(request: DemonstrationRequest, episodes: string): Promise<string[]> {
  const { simulator, settings, outcomes } = request;
  const listed = await listEpisodes(episodes);
  const headers = new Map<string, EpisodeHeader>();
  for (const { path, summary } of listed) {
    if (summary !== undefined) headers.set(relative(episodes, path), summary.header);
  }
  await using source = await simulatorNamed(simulator).demonstrations!(settings);
  const files: string[] = [];
  const done = { count: 0 };
  // All of them, so that one without a demonstration is no error.
  const all = await openMcapDataset(episodes, { outcomes, labels: "executed" });
  try {
    for (const task of new Set(all.episodes.map((episode) => episode.task))) {
      const group = all.episodes.filter((episode) => episode.task === task);
      files.push(await writeTask(request, { dataset: all, group, headers, source, done }));
    }
  } finally {
    await all.close();
  }
  return files;
}

interface TaskEpisodes {
  readonly dataset: Dataset;
  /** Episodes of one task. */
  readonly group: readonly DatasetEpisode[];
  readonly headers: ReadonlyMap<string, EpisodeHeader>;
  readonly source: DemonstrationSource;
  readonly done: { count: number };
}

async function writeTask(request: DemonstrationRequest, at: TaskEpisodes): Promise<string> {
  const { folder, simulator, kept, progress, signal } = request;
  const { dataset, group, headers, source, done } = at;
  const [{ task, source: firstFile }] = group as [DatasetEpisode, ...DatasetEpisode[]];
  const place = `${simulator}_${headers.get(firstFile)!.suite}`;
  const base = task.split("/").at(-1)!;
  const document = await source.document(task);
  const path = join(folder, "hdf5", place, `${base}_demo.hdf5`);
  const problem = { ...document, bddlFile: `${place}/${base}.bddl` };
  const file = await createLiberoFile(path, liberoAttributes(problem, dataset.spec.images));
  try {
    for (const episode of group) {
      signal.throwIfAborted();
      progress.live(`hdf5: ${++done.count}/${kept} episodes, ${task}`);
      const header = headers.get(episode.source)!;
      const proprio = await proprioOf(dataset, episode);
      const actions = await dataset.actions(episode.index);
      const { seed, initialState } = header;
      const states = await source.states({
        ...{ task, seed, actions, proprio },
        ...(initialState === undefined ? {} : { initialState }),
      });
      const images = await imagesOf(dataset, episode);
      const { modelXml } = document;
      const success = episode.success === true;
      file.add({ actions, proprio, images, states, success, modelXml });
    }
    await file.end();
  } finally {
    await file.discard();
  }
  return path;
}

/** Components apart, `[steps, size]` each. */
async function proprioOf(
  dataset: Dataset,
  episode: DatasetEpisode,
): Promise<Record<string, Float32Array>> {
  const rows = await dataset.proprio(episode.index);
  const width = rows.length / episode.length;
  const parts: Record<string, Float32Array> = {};
  let at = 0;
  for (const { name, shape } of dataset.spec.proprio) {
    const size = elementCount(shape);
    const values = new Float32Array(episode.length * size);
    for (let t = 0; t < episode.length; t++) {
      values.set(rows.subarray(t * width + at, t * width + at + size), t * size);
    }
    parts[name] = values;
    at += size;
  }
  return parts;
}

async function imagesOf(
  dataset: Dataset,
  { index, length }: DatasetEpisode,
): Promise<Parameters<Awaited<ReturnType<typeof createLiberoFile>>["add"]>[0]["images"]> {
  const cameras = dataset.spec.images.map(({ name }) => name);
  if (cameras.length === 0) return {};
  const frames = await Promise.all(
    Array.from({ length }, (_, step) => dataset.read({ episode: index, step, cameras })),
  );
  return Object.fromEntries(
    cameras.map((camera) => [camera, frames.map(({ images }) => images[camera]!)]),
  );
}
