/**
 * What lies in the served folder: its episodes with their summaries, and `results.json` files. Files are
 * read again only when their size or time has changed, so a scan of 1,000 known episodes is a walk.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { EpisodeListCache, ListedEpisode } from "../../episode/node.ts";
import { listEpisodes } from "../../episode/node.ts";
import type { EpisodeEntry, RunResults } from "../protocol.ts";
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

const LARGEST_RESULTS_BYTES = 32e6;

export function createFolderIndex(folder: string): FolderIndex {
  const cache: EpisodeListCache = new Map<string, ListedEpisode>();
  const known = new Map<string, { listed: ListedEpisode; entry: EpisodeEntry }>();
  let resultFiles: readonly string[] = [];
  let resultsKey = "";
  let running: Promise<FolderChange> | undefined;

  const look = async (): Promise<FolderChange> => {
    const listed = await listIfThere(folder, cache);
    const changed: EpisodeEntry[] = [];
    const present = new Set<string>();
    for (const episode of listed) {
      present.add(episode.path);
      // The list hands out the same object for an unchanged file.
      if (known.get(episode.path)?.listed === episode) continue;
      const entry = entryOf(folder, episode);
      known.set(episode.path, { listed: episode, entry });
      changed.push(entry);
    }
    const removed: string[] = [];
    for (const [path, { entry }] of known) {
      if (present.has(path)) continue;
      known.delete(path);
      removed.push(entry.path);
    }
    const before = resultsKey;
    resultFiles = await findResults(folder, listed);
    resultsKey = await keyOf(resultFiles);
    return { changed, removed, resultsChanged: resultsKey !== before };
  };

  return {
    scan() {
      running ??= look().finally(() => {
        running = undefined;
      });
      return running;
    },
    entries: () => [...known.values()].map(({ entry }) => entry),
    async results() {
      const read = await Promise.all(resultFiles.map((path) => readResultsFile(folder, path)));
      return read.filter((results) => results !== undefined);
    },
  };
}

/** A folder that does not exist yet is an empty one: the run that makes it may start later. */
async function listIfThere(folder: string, cache: EpisodeListCache): Promise<ListedEpisode[]> {
  try {
    return await listEpisodes(folder, { cache });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function entryOf(folder: string, listed: ListedEpisode): EpisodeEntry {
  const { summary, error } = listed;
  return {
    path: relative(folder, listed.path).split(sep).join("/"),
    bytes: listed.sizeBytes,
    modifiedMs: listed.modifiedMs,
    ...(summary !== undefined && { summary: entrySummaryOf(summary) }),
    ...(error !== undefined && { error }),
  };
}

/** `results.json` lies beside the episodes of its run, in the folder above them, or at the top. */
async function findResults(folder: string, listed: readonly ListedEpisode[]): Promise<string[]> {
  const folders = new Set([folder]);
  for (const { path } of listed) {
    const parts = relative(folder, path).split(sep).slice(0, -1);
    for (let depth = parts.length; depth > 0; depth--) {
      folders.add(join(folder, ...parts.slice(0, depth)));
    }
  }
  // A run whose episodes are not kept still has results.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory() && !entry.name.startsWith(".")) folders.add(join(folder, entry.name));
  }
  return [...folders].sort().map((at) => join(at, "results.json"));
}

async function keyOf(paths: readonly string[]): Promise<string> {
  const keys = await Promise.all(
    paths.map(async (path) => {
      const found = await stat(path).catch(() => undefined);
      return found === undefined ? "" : `${path} ${found.size} ${found.mtimeMs}\n`;
    }),
  );
  return keys.join("");
}

async function readResultsFile(folder: string, path: string): Promise<RunResults | undefined> {
  try {
    if ((await stat(path)).size > LARGEST_RESULTS_BYTES) return undefined;
    const results = JSON.parse(await readFile(path, "utf8")) as unknown;
    return { path: relative(folder, path).split(sep).join("/"), results };
  } catch {
    // Absent, being written, or not JSON: a later scan sees it when it changes.
    return undefined;
  }
}
