/** Writes datasets with images in LeRobotDataset v3.0 layout. */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { actionDim } from "../../core/index.ts";
import { assertImageShape } from "../dataset/mcap-frames.ts";
import { proprioDim } from "../dataset/spec.ts";
import type { DatasetSpec } from "../dataset/types.ts";
import type { RasterImage } from "../png.ts";
import { encodePngAsync } from "../png.ts";
import { ColumnFile } from "./columns.ts";
import type { FeatureStats } from "./feature-stats.ts";
import { ImageHistogram, statsOfRows } from "./feature-stats.ts";
import type { WrittenEpisode } from "./write-meta.ts";
import { dataColumns, dataMetadata, imageKey, writeMeta } from "./write-meta.ts";

/** One step to be written. */
export interface LeRobotStep {
  /** By camera name; all of the spec's. */
  readonly images: Readonly<Record<string, RasterImage>>;
  /** `float32[proprioDim]`. */
  readonly proprio: Float32Array;
  /** `float32[actionDim]`, executed after this observation. */
  readonly action: Float32Array;
  /** Where it is another one than the episode's. */
  readonly task?: string;
}

export interface LeRobotWriterOptions {
  readonly spec: DatasetSpec;
  /** For people; default `unknown`. */
  readonly robotType?: string;
  /** A data file that has grown beyond this is followed by another; default 100 MiB. */
  readonly dataFileBytes?: number;
}

export interface LeRobotWriter {
  /**
   * Adds an episode. Steps are taken one by one, and one episode is in memory at a time.
   *
   * @throws {RangeError} if there are no steps, or a number is not finite
   * @throws {TypeError} if a row or image has another size than the spec says
   */
  episode(task: string, steps: AsyncIterable<LeRobotStep> | Iterable<LeRobotStep>): Promise<void>;
  /** Writes the metadata, without which the folder is no dataset. @throws {RangeError} without episodes */
  end(): Promise<void>;
}

const CHUNK_FILES = 1000;

/** @throws {RangeError} if the folder is not empty, or the rate is no whole number */
export async function createLeRobotWriter(
  folder: string,
  options: LeRobotWriterOptions,
): Promise<LeRobotWriter> {
  const { controlFreqHz } = options.spec;
  if (!Number.isInteger(controlFreqHz) || controlFreqHz < 1) {
    throw new RangeError(
      `Cannot write dataset "${folder}": its rate is ${controlFreqHz} Hz, must be a whole number, as the format demands`,
    );
  }
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new RangeError(`Cannot write dataset "${folder}": the folder has files, must be empty`);
  }
  return new Writer(folder, options);
}

/** The rows of one episode, column by column. */
interface EpisodeColumns {
  readonly images: { bytes: Uint8Array; path: null }[][];
  readonly proprio: number[][];
  readonly actions: number[][];
  /** Index of every step's task. */
  readonly tasks: number[];
}

class Writer implements LeRobotWriter {
  readonly #folder: string;
  readonly #options: LeRobotWriterOptions;
  readonly #episodes: WrittenEpisode[] = [];
  readonly #tasks = new Map<string, number>();
  readonly #histograms: readonly ImageHistogram[];
  /** All rows so far, for the statistics of the whole. */
  readonly #rows = { proprio: [] as number[][], actions: [] as number[][] };
  #file: ColumnFile | undefined;
  #fileNumber = 0;
  #frames = 0;

  constructor(folder: string, options: LeRobotWriterOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#histograms = options.spec.images.map(({ channels }) => new ImageHistogram(channels));
  }

  async episode(
    task: string,
    steps: AsyncIterable<LeRobotStep> | Iterable<LeRobotStep>,
  ): Promise<void> {
    const { spec } = this.#options;
    const columns: EpisodeColumns = {
      images: spec.images.map(() => []),
      proprio: [],
      actions: [],
      tasks: [],
    };
    for await (const step of steps) {
      await this.#addStep(step, columns);
      columns.tasks.push(this.#taskIndex(step.task ?? task));
    }
    const length = columns.actions.length;
    if (length === 0) {
      throw new RangeError(`Cannot write an episode of "${task}": it has no steps, must have`);
    }
    const episode: WrittenEpisode = {
      length,
      taskIndices: columns.tasks,
      from: this.#frames,
      chunk: Math.floor(this.#fileNumber / CHUNK_FILES),
      file: this.#fileNumber % CHUNK_FILES,
      stats: this.#lowDimStats(columns),
    };
    await this.#addRows(episode, columns);
    this.#rows.proprio.push(...columns.proprio);
    this.#rows.actions.push(...columns.actions);
    this.#episodes.push(episode);
    this.#frames += length;
  }

  async end(): Promise<void> {
    await this.#endFile();
    if (this.#episodes.length === 0) {
      throw new RangeError(`Cannot end dataset "${this.#folder}": it has no episodes, must have`);
    }
    const { spec, robotType = "unknown" } = this.#options;
    const images = spec.images.map(
      ({ name }, i) => [imageKey(name), this.#histograms[i]!.stats()] as const,
    );
    const info = await writeMeta(this.#folder, {
      spec,
      robotType,
      episodes: this.#episodes,
      tasks: [...this.#tasks.keys()],
      images: Object.fromEntries(images),
      lowDim: this.#lowDimStats(this.#rows),
    });
    // Last: a folder without it is no dataset.
    await writeFile(join(this.#folder, "meta", "info.json"), info);
  }

  async #addStep(step: LeRobotStep, columns: EpisodeColumns): Promise<void> {
    const { spec } = this.#options;
    assertRow(step.proprio, proprioDim(spec), "proprio");
    assertRow(step.action, actionDim(spec.action), "action");
    columns.proprio.push([...step.proprio]);
    columns.actions.push([...step.action]);
    const encoded = spec.images.map(async (image, i) => {
      const raster = step.images[image.name];
      if (raster === undefined) {
        throw new TypeError(`Cannot write a step: it has no image "${image.name}", must have`);
      }
      assertImageShape(raster, image);
      this.#histograms[i]!.add(raster);
      return { bytes: await encodePngAsync(raster, { level: 6 }), path: null };
    });
    for (const [i, image] of (await Promise.all(encoded)).entries()) columns.images[i]!.push(image);
  }

  #taskIndex(task: string): number {
    const index = this.#tasks.get(task) ?? this.#tasks.size;
    this.#tasks.set(task, index);
    return index;
  }

  #lowDimStats({
    proprio,
    actions,
  }: Pick<EpisodeColumns, "proprio" | "actions">): Record<string, FeatureStats> {
    const state = proprioDim(this.#options.spec) > 0;
    return {
      ...(state ? { "observation.state": statsOfRows(proprio) } : {}),
      action: statsOfRows(actions),
    };
  }

  async #addRows(episode: WrittenEpisode, columns: EpisodeColumns): Promise<void> {
    const { spec, dataFileBytes = 100 * 2 ** 20 } = this.#options;
    const steps = Array.from({ length: episode.length }, (_, step) => step);
    const index = BigInt(this.#episodes.length);
    const state = proprioDim(spec) > 0 ? [columns.proprio] : [];
    this.#file ??= await this.#startFile(episode);
    await this.#file.add([
      ...columns.images,
      ...state,
      columns.actions,
      steps.map((step) => Math.fround(step / spec.controlFreqHz)),
      steps.map(BigInt),
      steps.map(() => index),
      steps.map((step) => BigInt(episode.from + step)),
      columns.tasks.map(BigInt),
    ]);
    if (this.#file.bytes > dataFileBytes) await this.#endFile();
  }

  async #startFile({ chunk, file }: WrittenEpisode): Promise<ColumnFile> {
    const { spec } = this.#options;
    const path = join(
      this.#folder,
      "data",
      numbered("chunk", chunk),
      `${numbered("file", file)}.parquet`,
    );
    await mkdir(dirname(path), { recursive: true });
    return new ColumnFile(path, { columns: dataColumns(spec), metadata: dataMetadata(spec) });
  }

  async #endFile(): Promise<void> {
    if (this.#file === undefined) return;
    await this.#file.end();
    this.#file = undefined;
    this.#fileNumber++;
  }
}

function numbered(word: string, number: number): string {
  return `${word}-${String(number).padStart(3, "0")}`;
}

function assertRow(row: Float32Array, width: number, what: string): void {
  if (row.length !== width) {
    throw new TypeError(
      `Cannot write a step: its ${what} has ${row.length} values, must have ${width}`,
    );
  }
  const at = row.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw new RangeError(
      `Cannot write a step: entry ${at} of its ${what} is ${row[at]}, must be finite`,
    );
  }
}
