/**
 * The training runs below the served folder. Every scan walks the folders; a configuration is read again only
 * when its size or time has changed, and of metrics only the last kilobytes, when they have.
 */
import type { Dirent } from "node:fs";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { TrainingRun } from "../protocol.ts";
import { METRICS_NAME, comparePaths } from "../protocol.ts";

export interface TrainingChange {
  readonly changed: readonly TrainingRun[];
  readonly removed: readonly string[];
}

export interface TrainingIndex {
  /** Looks again. Calls while one runs share it. */
  scan(): Promise<void>;
  /** As the last scan found them, in the order of people; what has not changed is the same object. */
  runs(): readonly TrainingRun[];
}

const CONFIG_NAME = "config.json";
const LARGEST_CONFIG_BYTES = 256e3;
/** More than one line of metrics has; the newest whole line is looked for in so many bytes. */
const TAIL_BYTES = 16_384;
/** Folders of a run that hold no other run, but thousands of files. */
const CLOSED_FOLDERS: ReadonlySet<string> = new Set(["checkpoints", "packages", "evaluations"]);

/** What a folder was like at the last look. */
interface Known {
  readonly configKey: string;
  /** Undefined where the configuration is none of a training run. */
  readonly config: Readonly<Record<string, unknown>> | undefined;
  readonly run: TrainingRun | undefined;
}

export function createTrainingIndex(folder: string): TrainingIndex {
  let known = new Map<string, Known>();
  let running: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    const next = new Map<string, Known>();
    const found = await findConfigs(folder);
    await Promise.all(
      found.map(async (at) => {
        const path = relative(folder, at).split(sep).join("/") || ".";
        const one = await describe({ at, path }, known.get(path));
        if (one !== undefined) next.set(path, one);
      }),
    );
    known = next;
  };

  return {
    scan() {
      running ??= look().finally(() => {
        running = undefined;
      });
      return running;
    },
    runs: () =>
      [...known.values()]
        .flatMap(({ run }) => (run === undefined ? [] : [run]))
        .sort((a, b) => comparePaths(a.path, b.path)),
  };
}

/** Scans, and says what differs from the last call of the same function. */
export function watchTraining(index: TrainingIndex): () => Promise<TrainingChange> {
  let told = new Map<string, TrainingRun>();
  return async () => {
    await index.scan();
    const before = told;
    told = new Map(index.runs().map((run) => [run.path, run]));
    return {
      changed: [...told.values()].filter((run) => run !== before.get(run.path)),
      removed: [...before.keys()].filter((path) => !told.has(path)),
    };
  };
}

/** Folders with a `config.json`. Hidden folders and links are passed over, as the list of episodes does. */
async function findConfigs(folder: string): Promise<string[]> {
  // A folder may not exist yet, or be removed while it is walked.
  const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  const here = entries.some((entry) => entry.isFile() && entry.name === CONFIG_NAME);
  const below = entries.filter(
    (entry) =>
      entry.isDirectory() &&
      !entry.name.startsWith(".") &&
      !(here && CLOSED_FOLDERS.has(entry.name)),
  );
  const nested = await Promise.all(below.map(({ name }) => findConfigs(join(folder, name))));
  return [...(here ? [folder] : []), ...nested.flat()];
}

async function describe(
  { at, path }: { readonly at: string; readonly path: string },
  before: Known | undefined,
): Promise<Known | undefined> {
  const file = join(at, CONFIG_NAME);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return undefined;
  const configKey = `${found.size} ${found.mtimeMs}`;
  const same = before?.configKey === configKey;
  const config = same ? before.config : await readConfig(file, found.size);
  if (config === undefined) return { configKey, config, run: undefined };
  const metrics = await stat(join(at, METRICS_NAME)).catch(() => undefined);
  const { size: bytes, mtimeMs: modifiedMs } = metrics ?? { size: 0, mtimeMs: found.mtimeMs };
  const { run } = before ?? {};
  if (same && run?.bytes === bytes && run.modifiedMs === modifiedMs) return before;
  const step = await lastStep(join(at, METRICS_NAME), bytes);
  return { configKey, config, run: { path, config, bytes, modifiedMs, step } };
}

async function readConfig(
  file: string,
  size: number,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (size > LARGEST_CONFIG_BYTES) return undefined;
  try {
    const json: unknown = JSON.parse(await readFile(file, "utf8"));
    const isRun =
      typeof json === "object" && json !== null && "policy" in json && "optimiser" in json;
    return isRun ? { ...json } : undefined;
  } catch {
    // Being written, or not JSON: it is read again when it changes.
    return undefined;
  }
}

/** `step` of the newest whole line; 0 where there is none. */
async function lastStep(file: string, bytes: number): Promise<number> {
  const length = Math.min(bytes, TAIL_BYTES);
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined || length === 0) {
    await handle?.close();
    return 0;
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), {
      position: bytes - length,
    });
    const lines = buffer.subarray(0, bytesRead).toString("utf8").split("\n").slice(0, -1);
    for (const line of lines.reverse()) {
      const step = stepOf(line);
      if (step !== undefined) return step;
    }
    return 0;
  } finally {
    await handle.close();
  }
}

function stepOf(line: string): number | undefined {
  try {
    const row: unknown = JSON.parse(line);
    const has = typeof row === "object" && row !== null && "step" in row;
    return has && typeof row.step === "number" ? row.step : undefined;
  } catch {
    return undefined;
  }
}
