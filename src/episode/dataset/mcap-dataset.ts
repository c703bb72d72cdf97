/** A folder of recorded episodes as a dataset. */
import { basename, join, relative, resolve } from "node:path";
import { SpecMismatchError } from "../../core/index.ts";
import { listEpisodes } from "../list.ts";
import type { ListedEpisode } from "../list.ts";
import type { EpisodeSummary } from "../types.ts";
import { hashFiles } from "./hash.ts";
import { LoadedEpisodes } from "./loaded-episodes.ts";
import type { ActionLabels, LoadedEpisode } from "./mcap-episode.ts";
import { loadMcapEpisode } from "./mcap-episode.ts";
import { readMcapFrames } from "./mcap-frames.ts";
import { assertCameras, compareDatasetSpecs } from "./spec.ts";
import type {
  Dataset,
  DatasetEpisode,
  DatasetSpec,
  Frame,
  FrameRequest,
  FrameSource,
  InstructionChange,
  McapEpisodeFrames,
  McapFrames,
  SkippedEpisode,
} from "./types.ts";

export interface McapDatasetOptions {
  /** Cameras to learn from; every episode must have them. Default: all that the first episode has. */
  readonly cameras?: readonly string[];
  /** Default `successful`; `finished` takes failures too. Crashes are never taken. */
  readonly outcomes?: "successful" | "finished";
  /** Only episodes of these tasks. */
  readonly tasks?: readonly string[];
  /** Which actions are learned; default `decided`. */
  readonly labels?: ActionLabels;
  /** What becomes of files without an end, cut off or still being written: default `refuse`. */
  readonly unfinished?: "refuse" | "skip";
  /** Only these files, relative to the folder; default: every `.mcap` below it. */
  readonly files?: readonly string[];
}

/** A file that will be learned from. */
interface Chosen {
  readonly path: string;
  readonly source: string;
  readonly summary: EpisodeSummary;
}

/**
 * Opens a folder of MCAP episodes, as `efference record` and `efference eval` write them. Here the heads
 * and tails of the files are read; the rest of an episode when it is asked for.
 *
 * The action of step s is the one that was decided (or executed: `labels`) after its observation.
 *
 * @throws {RangeError} if there are no episodes, a file is unreadable or unfinished, or a camera is missing
 * @throws {SpecMismatchError} if an episode differs from the first in images, proprio, actions or rate
 */
export async function openMcapDataset(
  folder: string,
  options: McapDatasetOptions = {},
): Promise<Dataset> {
  const listed = await listEpisodes(folder);
  const { chosen, skipped } = choose(folder, pickFiles(folder, listed, options.files), options);
  if (chosen.length === 0) throw noEpisodes(folder, listed.length, skipped);
  const spec = commonSpec(folder, chosen, options.cameras);
  const hash = await hashFiles(
    folder,
    chosen.map(({ source }) => source),
  );
  const labels = options.labels ?? "decided";
  return new McapDataset({ name: basename(resolve(folder)), spec, hash, skipped, labels }, chosen);
}

function pickFiles(
  folder: string,
  listed: readonly ListedEpisode[],
  files: readonly string[] | undefined,
): readonly ListedEpisode[] {
  if (files === undefined) return listed;
  return files.map((file) => {
    const found = listed.find(({ path }) => relative(folder, path) === join(file));
    if (found !== undefined) return found;
    throw new RangeError(`Cannot open dataset "${folder}": there is no file "${file}", must be`);
  });
}

function choose(
  folder: string,
  listed: readonly ListedEpisode[],
  options: McapDatasetOptions,
): { chosen: Chosen[]; skipped: SkippedEpisode[] } {
  const chosen: Chosen[] = [];
  const skipped: SkippedEpisode[] = [];
  for (const { path, summary, error } of listed) {
    const source = relative(folder, path);
    if (summary === undefined) {
      if (options.unfinished !== "skip") {
        throw new RangeError(
          `Cannot open dataset "${folder}": "${source}" is unreadable: ${error}`,
        );
      }
      skipped.push({ source, reason: `unreadable: ${error}` });
      continue;
    }
    const reason = reasonToSkip(summary, options);
    if (reason === "unfinished" && options.unfinished !== "skip") {
      throw new RangeError(
        `Cannot open dataset "${folder}": "${source}" is unfinished (cut off, or still being written), must have an end; remove it, or skip unfinished episodes`,
      );
    }
    if (reason === undefined) chosen.push({ path, source, summary });
    else skipped.push({ source, reason });
  }
  return { chosen, skipped };
}

function reasonToSkip(
  { header, outcome, steps, complete }: EpisodeSummary,
  { outcomes = "successful", tasks }: McapDatasetOptions,
): string | undefined {
  if (tasks?.includes(header.task) === false) return `task ${header.task}`;
  if (outcome === undefined || !complete) return "unfinished";
  if (outcome.kind === "crash") return "crash";
  if (outcome.kind === "failure" && outcomes === "successful") return `failure: ${outcome.reason}`;
  return steps < 2 ? "no action" : undefined;
}

function noEpisodes(folder: string, files: number, skipped: readonly SkippedEpisode[]): RangeError {
  const reasons = new Map<string, number>();
  for (const { reason } of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const why = [...reasons].map(([reason, count]) => `${count} x ${reason}`).join(", ");
  const found = files === 0 ? "no .mcap file" : `${files} files, but none to learn from (${why})`;
  return new RangeError(`Cannot open dataset "${folder}": it has ${found}, must have episodes`);
}

/** What the first episode is, if all others are it too. */
function commonSpec(
  folder: string,
  chosen: readonly Chosen[],
  cameras: readonly string[] | undefined,
): DatasetSpec {
  const [first, ...others] = chosen as [Chosen, ...Chosen[]];
  const spec = specOf(first.summary, cameras);
  if (cameras !== undefined) assertHasCameras(first, spec, cameras);
  for (const other of others) {
    const differences = compareDatasetSpecs(spec, specOf(other.summary, cameras));
    if (differences.length > 0) {
      throw new SpecMismatchError(
        `open dataset "${folder}": "${other.source}" is not like "${first.source}"`,
        differences,
      );
    }
  }
  return spec;
}

function assertHasCameras(
  { source }: Chosen,
  { images }: DatasetSpec,
  cameras: readonly string[],
): void {
  const missing = cameras.find((camera) => !images.some(({ name }) => name === camera));
  if (missing === undefined) return;
  const names = images.map(({ name }) => `"${name}"`).join(", ");
  throw new RangeError(
    `Cannot open dataset: "${source}" has no images "${missing}"${names === "" ? "" : ` (only ${names})`}, must have`,
  );
}

/** Only cameras of which there are images: a recording need not have those of its world. */
function specOf(
  { header, cameras: recorded }: EpisodeSummary,
  wanted: readonly string[] | undefined,
): DatasetSpec {
  const { observation, action, controlFreqHz } = header.spec;
  const images = observation.images.filter(
    ({ name }) => recorded.includes(name) && (wanted?.includes(name) ?? true),
  );
  return { images, proprio: observation.proprio, action, controlFreqHz };
}

class McapDataset implements Dataset {
  readonly name: string;
  readonly spec: DatasetSpec;
  readonly hash: string;
  readonly skipped: readonly SkippedEpisode[];
  readonly episodes: readonly DatasetEpisode[];
  readonly #chosen: readonly Chosen[];
  readonly #loaded: LoadedEpisodes<LoadedEpisode>;
  readonly #frames: FrameSource;
  readonly #labels: ActionLabels;

  constructor(
    what: Pick<Dataset, "name" | "spec" | "hash" | "skipped"> & { readonly labels: ActionLabels },
    chosen: readonly Chosen[],
  ) {
    this.name = what.name;
    this.spec = what.spec;
    this.hash = what.hash;
    this.skipped = what.skipped;
    this.#labels = what.labels;
    this.#chosen = chosen;
    this.#frames = readMcapFrames((index) => this.#framesOf(index));
    this.episodes = chosen.map(({ source, summary: { header, outcome, steps } }, index) => ({
      index,
      length: steps - 1,
      task: header.task,
      instruction: header.instruction,
      source,
      success: outcome?.kind === "success",
    }));
    this.#loaded = new LoadedEpisodes(this, (index) => this.#readRows(index));
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

  async frameSource(cameras: readonly string[]): Promise<McapFrames> {
    assertCameras(this.spec, cameras);
    const episodes: McapEpisodeFrames[] = [];
    for (const index of this.episodes.keys()) {
      const { path, places } = await this.#framesOf(index);
      const wanted = cameras.map((camera) => [camera, places[camera]] as const);
      episodes.push({ path, places: Object.fromEntries(wanted) });
    }
    return { kind: "mcap", episodes };
  }

  async close(): Promise<void> {
    await this.#frames.close();
    this.#loaded.clear();
  }

  async #framesOf(index: number): Promise<McapEpisodeFrames> {
    const { places } = await this.#loaded.load(index);
    return { path: this.#chosen[index]!.path, places };
  }

  #readRows(index: number): Promise<LoadedEpisode> {
    const { length, source } = this.episodes[index]!;
    const { path } = this.#chosen[index]!;
    return loadMcapEpisode({ path, source, length, labels: this.#labels }, this.spec);
  }
}
