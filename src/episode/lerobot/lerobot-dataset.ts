/** A folder in LeRobotDataset v3 layout as a dataset. */
import { readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { messageOf } from "../../core/index.ts";
import { FilePool } from "../dataset/file-pool.ts";
import { hashFiles } from "../dataset/hash.ts";
import type { EpisodeRows } from "../dataset/loaded-episodes.ts";
import { LoadedEpisodes } from "../dataset/loaded-episodes.ts";
import { assertCameras, assertFinite } from "../dataset/spec.ts";
import type {
  Dataset,
  DatasetEpisode,
  DatasetSpec,
  Frame,
  FrameRequest,
  FrameSource,
  InstructionChange,
  LeRobotEpisodeFrames,
  LeRobotFrames,
  SkippedEpisode,
} from "../dataset/types.ts";
import { anyNumber, copyNumbers, text, texts, wholeNumber } from "./cells.ts";
import { openLeRobotFrames } from "./frames.ts";
import type { LeRobotInfo, LeRobotLayout } from "./info.ts";
import { layoutOf, readInfo } from "./info.ts";
import type { ParquetRow } from "./parquet.ts";
import { ParquetFile } from "./parquet.ts";

export interface LeRobotDatasetOptions {
  /** Cameras to learn from, without their prefix `observation.images.`; default: all. */
  readonly cameras?: readonly string[];
  /** Only episodes of these tasks, which are their texts. */
  readonly tasks?: readonly string[];
}

/** What the metadata say of one episode. */
interface EpisodeEntry extends LeRobotEpisodeFrames {
  readonly index: number;
  readonly tasks: readonly string[];
}

/**
 * Opens a LeRobotDataset, codebase version 3.x. Features `observation.*` of numbers are proprio under their
 * names without that prefix, `action` is the action, images are cameras; the task's text is the instruction.
 * The format has no word for success: every episode is taken.
 *
 * @throws {RangeError} if it is of another version, or has no episodes, no action or not the cameras
 * @throws {SyntaxError} if a file of metadata is damaged
 */
export async function openLeRobotDataset(
  folder: string,
  options: LeRobotDatasetOptions = {},
): Promise<Dataset> {
  const info = await readInfo(folder);
  const all = layoutOf(folder, info);
  const cameras = options.cameras ?? all.cameras.map(({ spec }) => spec.name);
  assertCameras({ images: all.cameras.map(({ spec }) => spec) }, cameras);
  const layout = { ...all, cameras: all.cameras.filter(({ spec }) => cameras.includes(spec.name)) };
  const pool = new FilePool();
  try {
    const tasks = await readTasks(pool, folder);
    const entries = await readEpisodes(pool, folder, { info, layout });
    const { chosen, skipped } = choose(entries, options.tasks);
    if (chosen.length === 0) {
      throw new RangeError(
        `Cannot open dataset "${folder}": it has ${entries.length} episodes, none of them to learn from, must have`,
      );
    }
    const files = chosen.flatMap(({ data, videos }) => [
      data.path,
      ...Object.values(videos).map(({ path }) => path),
    ]);
    const hash = await hashFiles(folder, [
      join("meta", "info.json"),
      ...files.map((path) => relative(folder, path)),
    ]);
    return new LeRobotDataset({ folder, info, layout, tasks, chosen, skipped, hash }, pool);
  } catch (error) {
    await pool.close();
    throw error;
  }
}

function choose(
  entries: readonly EpisodeEntry[],
  tasks: readonly string[] | undefined,
): { chosen: EpisodeEntry[]; skipped: SkippedEpisode[] } {
  const reason = ({ length, tasks: own }: EpisodeEntry): string | undefined => {
    if (length === 0) return "no action";
    return tasks === undefined || own.some((task) => tasks.includes(task))
      ? undefined
      : `task ${own.join(", ")}`;
  };
  const chosen = entries.filter((entry) => reason(entry) === undefined);
  const skipped = entries
    .filter((entry) => reason(entry) !== undefined)
    .map((entry) => ({ source: `episode ${entry.index}`, reason: reason(entry)! }));
  return { chosen, skipped };
}

/** Texts by `task_index`. pandas keeps them as its index, under this column name. */
async function readTasks(pool: FilePool, folder: string): Promise<ReadonlyMap<number, string>> {
  const file = new ParquetFile(pool, join(folder, "meta", "tasks.parquet"));
  const columns = await file.columns();
  const name = ["__index_level_0__", "task"].find((column) => columns.includes(column));
  if (name === undefined) {
    throw new SyntaxError(
      `Cannot read "${file.path}": its columns are ${columns.join(", ")}, must have the tasks' texts as its index`,
    );
  }
  const rows = await file.rows({ columns: ["task_index", name] });
  return new Map(rows.map((row) => [wholeNumber(row, "task_index"), text(row, name)]));
}

async function readEpisodes(
  pool: FilePool,
  folder: string,
  { info, layout }: { readonly info: LeRobotInfo; readonly layout: LeRobotLayout },
): Promise<EpisodeEntry[]> {
  const videoKeys = layout.cameras.filter(({ kind }) => kind === "video").map(({ key }) => key);
  const columns = [
    "episode_index",
    "tasks",
    "length",
    "data/chunk_index",
    "data/file_index",
    "dataset_from_index",
    ...videoKeys.flatMap((key) =>
      ["chunk_index", "file_index", "from_timestamp"].map((name) => `videos/${key}/${name}`),
    ),
  ];
  const rows: ParquetRow[] = [];
  for (const path of await parquetFiles(join(folder, "meta", "episodes"))) {
    rows.push(...(await new ParquetFile(pool, path).rows({ columns })));
  }
  const entries = rows.map((row) => entryOf(row, folder, { info, layout }));
  entries.sort((a, b) => a.index - b.index);
  return withFileRows(entries);
}

async function parquetFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".parquet"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function entryOf(
  row: ParquetRow,
  folder: string,
  { info, layout }: { readonly info: LeRobotInfo; readonly layout: LeRobotLayout },
): EpisodeEntry {
  const place = (template: string, prefix: string, key = ""): string =>
    join(
      folder,
      fillPath(template, {
        chunk_index: wholeNumber(row, `${prefix}/chunk_index`),
        file_index: wholeNumber(row, `${prefix}/file_index`),
        video_key: key,
      }),
    );
  const videos = layout.cameras
    .filter(({ kind }) => kind === "video")
    .map(({ key, spec }) => {
      if (info.video_path == null) {
        throw new SyntaxError(
          `Cannot read "${folder}": meta/info.json has no video_path, must have`,
        );
      }
      const fromS = anyNumber(row, `videos/${key}/from_timestamp`);
      return [spec.name, { path: place(info.video_path, `videos/${key}`, key), fromS }] as const;
    });
  return {
    index: wholeNumber(row, "episode_index"),
    length: wholeNumber(row, "length"),
    tasks: texts(row, "tasks"),
    // Counted over the whole dataset here; `withFileRows` makes it a row of the file.
    data: { path: place(info.data_path, "data"), start: wholeNumber(row, "dataset_from_index") },
    videos: Object.fromEntries(videos),
  };
}

/** Python's `{name:03d}` and `{name}`. */
function fillPath(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/\{(\w+)(?::0(\d+)d)?\}/g, (whole, name: string, width?: string) => {
    const value = values[name];
    if (value === undefined) {
      throw new SyntaxError(
        `Cannot fill "${template}": ${whole} is unknown, must be a known field`,
      );
    }
    return String(value).padStart(Number(width ?? 0), "0");
  });
}

/** A data file begins with its lowest episode. */
function withFileRows(entries: readonly EpisodeEntry[]): EpisodeEntry[] {
  const first = new Map<string, number>();
  for (const { data } of entries) {
    first.set(data.path, Math.min(first.get(data.path) ?? Infinity, data.start));
  }
  return entries.map((entry) => {
    const { path, start } = entry.data;
    return { ...entry, data: { path, start: start - first.get(path)! } };
  });
}

interface LeRobotParts {
  readonly folder: string;
  readonly info: LeRobotInfo;
  readonly layout: LeRobotLayout;
  readonly tasks: ReadonlyMap<number, string>;
  readonly chosen: readonly EpisodeEntry[];
  readonly skipped: readonly SkippedEpisode[];
  readonly hash: string;
}

class LeRobotDataset implements Dataset {
  readonly name: string;
  readonly spec: DatasetSpec;
  readonly hash: string;
  readonly skipped: readonly SkippedEpisode[];
  readonly episodes: readonly DatasetEpisode[];
  readonly #parts: LeRobotParts;
  readonly #pool: FilePool;
  readonly #files = new Map<string, ParquetFile>();
  readonly #loaded: LoadedEpisodes<EpisodeRows>;
  readonly #frames: FrameSource;

  constructor(parts: LeRobotParts, pool: FilePool) {
    const { folder, info, layout, chosen } = parts;
    this.name = basename(resolve(folder));
    this.spec = {
      images: layout.cameras.map(({ spec }) => spec),
      proprio: layout.proprio,
      action: layout.action,
      controlFreqHz: info.fps,
    };
    this.hash = parts.hash;
    this.skipped = parts.skipped;
    this.episodes = chosen.map(({ length, tasks, data, index: original }, index) => ({
      index,
      length,
      task: tasks[0] ?? "",
      instruction: tasks[0] ?? "",
      source: `${relative(folder, data.path)}, episode ${original}`,
    }));
    this.#parts = parts;
    this.#loaded = new LoadedEpisodes(this, (index) => this.#readRows(index));
    this.#pool = pool;
    this.#frames = openLeRobotFrames(this.#describe(layout.cameras.map(({ spec }) => spec.name)));
  }

  read(request: FrameRequest): Promise<Frame> {
    return this.#loaded.frame(request, this.#frames);
  }

  async actions(episode: number): Promise<Float32Array> {
    return (await this.#loaded.load(episode)).actions.slice();
  }

  async proprio(episode: number): Promise<Float32Array> {
    return (await this.#loaded.load(episode)).proprio.slice();
  }

  async instructionChanges(episode: number): Promise<readonly InstructionChange[]> {
    return (await this.#loaded.load(episode)).instructionChanges;
  }

  frameSource(cameras: readonly string[]): Promise<LeRobotFrames> {
    return Promise.resolve().then(() => {
      assertCameras(this.spec, cameras);
      return this.#describe(cameras);
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#frames.close(), this.#pool.close()]);
    this.#loaded.clear();
  }

  #describe(names: readonly string[]): LeRobotFrames {
    const { info, layout, chosen } = this.#parts;
    const cameras = layout.cameras.filter(({ spec }) => names.includes(spec.name));
    return {
      kind: "lerobot",
      fps: info.fps,
      cameras: Object.fromEntries(cameras.map((camera) => [camera.spec.name, camera])),
      episodes: chosen.map(({ length, data, videos }) => ({ length, data, videos })),
    };
  }

  async #readRows(index: number): Promise<EpisodeRows> {
    const { layout, chosen } = this.#parts;
    const { data, length, index: original } = chosen[index]!;
    const { source } = this.episodes[index]!;
    const keys = layout.stateKeys.map(({ key }) => key);
    const file = this.#files.get(data.path) ?? new ParquetFile(this.#pool, data.path);
    this.#files.set(data.path, file);
    const rows = await file.rows({
      columns: ["episode_index", "frame_index", "task_index", "action", ...keys],
      start: data.start,
      end: data.start + length,
    });
    try {
      assertRows(rows, original, length);
      const loaded = { ...numbersOf(rows, layout), instructionChanges: this.#changes(rows, index) };
      assertFinite(loaded.actions, { source, what: "action", width: layout.actionDim });
      const width = loaded.proprio.length / length;
      assertFinite(loaded.proprio, { source, what: "proprio", width });
      return loaded;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new SyntaxError(`Cannot use "${source}": ${messageOf(error)}`, { cause: error });
    }
  }

  #changes(rows: readonly ParquetRow[], index: number): InstructionChange[] {
    const changes: InstructionChange[] = [];
    let current = this.episodes[index]!.instruction;
    for (const [step, row] of rows.entries()) {
      const task = wholeNumber(row, "task_index");
      const instruction = this.#parts.tasks.get(task);
      if (instruction === undefined)
        throw new SyntaxError(`task ${task} has no text, must have one`);
      if (instruction !== current) changes.push({ step, instruction });
      current = instruction;
    }
    return changes;
  }
}

function assertRows(rows: readonly ParquetRow[], episode: number, length: number): void {
  const wrong = rows.findIndex(
    (row, step) =>
      wholeNumber(row, "episode_index") !== episode || wholeNumber(row, "frame_index") !== step,
  );
  if (rows.length === length && wrong < 0) return;
  const found = wrong < 0 ? `${rows.length} rows` : `another step in row ${wrong}`;
  throw new SyntaxError(`there are ${found}, must be its ${length} steps in order`);
}

function numbersOf(
  rows: readonly ParquetRow[],
  { stateKeys, actionDim }: LeRobotLayout,
): { actions: Float32Array; proprio: Float32Array } {
  const width = stateKeys.reduce((sum, state) => sum + state.width, 0);
  const actions = new Float32Array(rows.length * actionDim);
  const proprio = new Float32Array(rows.length * width);
  let at = 0;
  for (const [step, row] of rows.entries()) {
    copyNumbers(row, "action", actions.subarray(step * actionDim, (step + 1) * actionDim));
    for (const state of stateKeys) {
      copyNumbers(row, state.key, proprio.subarray(at, at + state.width));
      at += state.width;
    }
  }
  return { actions, proprio };
}
