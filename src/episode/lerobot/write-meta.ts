/** The files of a LeRobotDataset v3.0 that say what the data are. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyValue } from "hyparquet";
import type { ComponentSpec } from "../../core/index.ts";
import { elementCount } from "../../core/index.ts";
import { proprioDim } from "../dataset/spec.ts";
import type { DatasetSpec } from "../dataset/types.ts";
import { encodeJson } from "../json.ts";
import type { Column } from "./columns.ts";
import { writeColumns } from "./columns.ts";
import type { FeatureStats } from "./feature-stats.ts";
import { STATISTICS, statsOfRows } from "./feature-stats.ts";
import { BOOKKEEPING } from "./info.ts";

export interface WrittenEpisode {
  readonly length: number;
  /** Of every step. */
  readonly taskIndices: readonly number[];
  /** Its first frame among all frames. */
  readonly from: number;
  /** Of its data file. */
  readonly chunk: number;
  readonly file: number;
  /** Of `observation.state` and `action`. */
  readonly stats: Readonly<Record<string, FeatureStats>>;
}

export interface WrittenDataset {
  readonly spec: DatasetSpec;
  readonly robotType: string;
  readonly episodes: readonly WrittenEpisode[];
  /** By `task_index`. */
  readonly tasks: readonly string[];
  /** Of the whole dataset, by feature. */
  readonly images: Readonly<Record<string, FeatureStats>>;
  readonly lowDim: Readonly<Record<string, FeatureStats>>;
}

export function imageKey(camera: string): string {
  return `observation.images.${camera}`;
}

/** Columns of the data files, in the order in which rows give them. */
export function dataColumns(spec: DatasetSpec): Omit<Column, "cells">[] {
  return [
    ...spec.images.map(({ name }) => ({ name: imageKey(name), kind: "image" as const })),
    ...(proprioDim(spec) > 0
      ? [{ name: "observation.state", kind: "list of float32" as const }]
      : []),
    { name: "action", kind: "list of float32" },
    { name: "timestamp", kind: "float32" },
    ...[...BOOKKEEPING].slice(1).map((name) => ({ name, kind: "int64" as const })),
  ];
}

/** What Hugging Face's `datasets` reads of the columns. */
export function dataMetadata(spec: DatasetSpec): KeyValue[] {
  const value = (dtype: string): object => ({ dtype, _type: "Value" });
  const kinds = dataColumns(spec).map(({ name, kind }) => {
    if (kind === "image") return [name, { _type: "Image" }] as const;
    if (kind === "float32" || kind === "int64") return [name, value(kind)] as const;
    const length = name === "action" ? widthOf(spec.action.components) : proprioDim(spec);
    return [name, { feature: value("float32"), length, _type: "List" }] as const;
  });
  return [
    {
      key: "huggingface",
      value: JSON.stringify({ info: { features: Object.fromEntries(kinds) } }),
    },
  ];
}

/** Writes everything in `meta/` but `info.json`, whose text it returns. */
export async function writeMeta(folder: string, dataset: WrittenDataset): Promise<string> {
  const meta = join(folder, "meta");
  await mkdir(join(meta, "episodes", "chunk-000"), { recursive: true });
  await writeTasks(join(meta, "tasks.parquet"), dataset.tasks);
  await writeColumns(
    join(meta, "episodes", "chunk-000", "file-000.parquet"),
    episodeColumns(dataset),
  );
  await writeFile(join(meta, "stats.json"), JSON.stringify(statsJson(dataset), undefined, 4));
  return JSON.stringify(infoJson(dataset), undefined, 4);
}

/** LeRobot looks texts up in the index of this table, which only pandas' own metadata make an index. */
async function writeTasks(path: string, tasks: readonly string[]): Promise<void> {
  const index = "__index_level_0__";
  const described = (name: string | null, field: string, type: [string, string]): object => ({
    name,
    field_name: field,
    pandas_type: type[0],
    numpy_type: type[1],
    metadata: null,
  });
  const pandas = {
    index_columns: [index],
    column_indexes: [
      {
        name: null,
        field_name: null,
        pandas_type: "unicode",
        numpy_type: "object",
        metadata: { encoding: "UTF-8" },
      },
    ],
    columns: [
      described("task_index", "task_index", ["int64", "int64"]),
      described(null, index, ["unicode", "object"]),
    ],
    creator: { library: "efference", version: "0" },
    pandas_version: "2.0.0",
  };
  await writeColumns(
    path,
    [
      { name: "task_index", kind: "int64", cells: tasks.map((_, i) => BigInt(i)) },
      { name: index, kind: "text", cells: tasks },
    ],
    [{ key: "pandas", value: JSON.stringify(pandas) }],
  );
}

function episodeColumns({ episodes, tasks }: WrittenDataset): Column[] {
  const whole = (name: string, of: (episode: WrittenEpisode, i: number) => number): Column => ({
    name,
    kind: "int64",
    cells: episodes.map((episode, i) => BigInt(of(episode, i))),
  });
  // In the order of their first steps.
  const textsOf = ({ taskIndices }: WrittenEpisode): string[] =>
    [...new Set(taskIndices)].map((index) => tasks[index]!);
  const stats = Object.keys(episodes[0]!.stats).flatMap((feature): Column[] => [
    ...STATISTICS.map((name): Column => ({
      name: `stats/${feature}/${name}`,
      kind: "list of float64",
      cells: episodes.map((episode) => episode.stats[feature]![name]),
    })),
    {
      name: `stats/${feature}/count`,
      kind: "list of int64",
      cells: episodes.map(({ length }) => [BigInt(length)]),
    },
  ]);
  return [
    whole("episode_index", (_, i) => i),
    { name: "tasks", kind: "list of text", cells: episodes.map(textsOf) },
    whole("length", ({ length }) => length),
    whole("data/chunk_index", ({ chunk }) => chunk),
    whole("data/file_index", ({ file }) => file),
    whole("dataset_from_index", ({ from }) => from),
    whole("dataset_to_index", ({ from, length }) => from + length),
    whole("meta/episodes/chunk_index", () => 0),
    whole("meta/episodes/file_index", () => 0),
    ...stats,
  ];
}

function statsJson(dataset: WrittenDataset): object {
  const { spec, episodes } = dataset;
  const frames = episodes.flatMap(({ from, taskIndices }, index) =>
    taskIndices.map((taskIndex, step) => [
      Math.fround(step / spec.controlFreqHz),
      step,
      index,
      from + step,
      taskIndex,
    ]),
  );
  const bookkeeping = [...BOOKKEEPING].map((name, i) => [
    name,
    statsOfRows(frames.map((frame) => [frame[i]!])),
  ]);
  // Channels first, so that they broadcast over rows and columns of pixels.
  const images = Object.entries(dataset.images).map(([key, stats]) => {
    const nested = STATISTICS.map((name) => [name, stats[name].map((value) => [[value]])] as const);
    return [key, { ...Object.fromEntries(nested), count: stats.count }] as const;
  });
  return {
    ...(Object.fromEntries(images) as object),
    ...dataset.lowDim,
    ...(Object.fromEntries(bookkeeping) as object),
  };
}

function infoJson({ spec, robotType, episodes, tasks }: WrittenDataset): object {
  const scalar = (dtype: string): object => ({ dtype, shape: [1], names: null });
  const vector = (components: readonly ComponentSpec[]): object => ({
    dtype: "float32",
    shape: [widthOf(components)],
    names: components.flatMap(({ name, shape }) => {
      const count = elementCount(shape);
      return count === 1 ? [name] : Array.from({ length: count }, (_, i) => `${name}.${i}`);
    }),
  });
  const images = spec.images.map(({ name, height, width, channels }) => [
    imageKey(name),
    { dtype: "image", shape: [height, width, channels], names: ["height", "width", "channels"] },
  ]);
  return {
    codebase_version: "v3.0",
    robot_type: robotType,
    total_episodes: episodes.length,
    total_frames: episodes.reduce((sum, { length }) => sum + length, 0),
    total_tasks: tasks.length,
    chunks_size: 1000,
    data_files_size_in_mb: 100,
    video_files_size_in_mb: 200,
    fps: spec.controlFreqHz,
    splits: { train: `0:${episodes.length}` },
    data_path: "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
    video_path: null,
    features: {
      ...(Object.fromEntries(images) as object),
      ...(proprioDim(spec) > 0 ? { "observation.state": vector(spec.proprio) } : {}),
      action: vector(spec.action.components),
      timestamp: scalar("float32"),
      ...Object.fromEntries([...BOOKKEEPING].slice(1).map((name) => [name, scalar("int64")])),
    },
    // Formats, units and frames of the components, which the format has no words for.
    efference: {
      components: encodeJson({ proprio: spec.proprio, action: spec.action.components }),
    },
  };
}

function widthOf(components: readonly ComponentSpec[]): number {
  return components.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}
