/**
 * What lies in the served folder: its episodes with their summaries, and `results.json` files. Files are
 * read again only when their size or time has changed, so a scan of 1,000 known episodes is a walk.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { messageOf } from "../../core/index.ts";
import { fileSource, readSummary } from "../../episode/node.ts";
import type { EpisodeEntry, EntrySummary, RunResults } from "../protocol.ts";
import { entrySummaryOf } from "../protocol.ts";

export interface FolderChange {
  readonly changed: readonly EpisodeEntry[];
  readonly removed: readonly string[];
  readonly resultsChanged: boolean;
}

export interface FolderIndex {
  /** Looks again and says what differs from the last look. Calls while one runs share it. */
  scan(): Promise<FolderChange>;
  entries(): readonly EpisodeEntry[];
  results(): Promise<readonly RunResults[]>;
}

interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

const DEEPEST_FOLDER = 8;
const FILES_AT_ONCE = 16;
const LARGEST_RESULTS_BYTES = 32e6;

export function createFolderIndex(folder: string): FolderIndex {
  const known = new Map<string, EpisodeEntry>();
  let resultFiles: readonly FoundFile[] = [];
  let running: Promise<FolderChange> | undefined;

  const look = async (): Promise<FolderChange> => {
    const found = await findFiles(folder);
    const episodes = found.filter(({ path }) => path.endsWith(".mcap"));
    const stale = episodes.filter((file) => !isSame(known.get(file.path), file));
    const changed = await mapLimited(stale, FILES_AT_ONCE, (file) => readEntry(folder, file));
    for (const entry of changed) known.set(entry.path, entry);
    const present = new Set(episodes.map(({ path }) => path));
    const removed = [...known.keys()].filter((path) => !present.has(path));
    for (const path of removed) known.delete(path);
    const results = found.filter(({ path }) => !path.endsWith(".mcap"));
    const resultsChanged = JSON.stringify(results) !== JSON.stringify(resultFiles);
    resultFiles = results;
    return { changed, removed, resultsChanged };
  };

  return {
    scan() {
      running ??= look().finally(() => {
        running = undefined;
      });
      return running;
    },
    entries: () => [...known.values()],
    async results() {
      const read = await mapLimited(resultFiles, FILES_AT_ONCE, (file) =>
        readResultsFile(folder, file),
      );
      return read.filter((results) => results !== undefined);
    },
  };
}

function isSame(entry: EpisodeEntry | undefined, file: FoundFile): boolean {
  return entry?.bytes === file.bytes && entry.modifiedMs === file.modifiedMs;
}

/** All `.mcap` and `results.json` files below the folder; hidden folders and links are passed over. */
async function findFiles(folder: string): Promise<FoundFile[]> {
  const paths: string[] = [];
  const walk = async (at: string, depth: number): Promise<void> => {
    const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < DEEPEST_FOLDER) await walk(path, depth + 1);
      else if (entry.isFile() && isWanted(entry.name)) paths.push(path);
    }
  };
  await walk(folder, 0);
  const files = await mapLimited(paths, FILES_AT_ONCE, async (path) => {
    try {
      const { size, mtimeMs } = await stat(path);
      const name = relative(folder, path).split(sep).join("/");
      return { path: name, bytes: size, modifiedMs: mtimeMs };
    } catch {
      // Deleted since it was listed.
      return undefined;
    }
  });
  return files.filter((file) => file !== undefined);
}

function isWanted(name: string): boolean {
  return name.endsWith(".mcap") || name === "results.json";
}

async function readEntry(folder: string, file: FoundFile): Promise<EpisodeEntry> {
  try {
    return { ...file, summary: await readEntrySummary(join(folder, file.path)) };
  } catch (error) {
    return { ...file, error: messageOf(error) };
  }
}

async function readEntrySummary(path: string): Promise<EntrySummary> {
  const source = await fileSource(path);
  try {
    return entrySummaryOf(await readSummary(source));
  } finally {
    await source.close();
  }
}

async function readResultsFile(folder: string, file: FoundFile): Promise<RunResults | undefined> {
  if (file.bytes > LARGEST_RESULTS_BYTES) return undefined;
  try {
    const text = await readFile(join(folder, file.path), "utf8");
    return { path: file.path, results: JSON.parse(text) as unknown };
  } catch {
    // Being written, deleted, or not JSON: a later scan sees it again when it changes.
    return undefined;
  }
}

/** Runs `work` on every item, at most `limit` at a time; results in the order of the items. */
async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array<Result>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
