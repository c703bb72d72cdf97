import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../core/index.ts";
import { fileSource } from "./node-source.ts";
import { readSummary } from "./summary.ts";
import type { ByteSource, EpisodeSummary } from "./types.ts";

/** One `.mcap` file of a folder: its summary, or why it has none. */
export interface ListedEpisode {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly summary?: EpisodeSummary;
  readonly error?: string;
}

/** Remembers files by path; one whose size and time are unchanged is not read again. */
export type EpisodeListCache = Map<string, ListedEpisode>;

export interface ListEpisodesOptions {
  /** Kept by the caller between calls; default: nothing is remembered. */
  readonly cache?: EpisodeListCache;
  /** Files read at once; default 16. */
  readonly concurrency?: number;
}

/** All episodes below a folder, by path. Hidden folders and links are passed over. */
export async function listEpisodes(
  folder: string,
  options: ListEpisodesOptions = {},
): Promise<ListedEpisode[]> {
  const cache: EpisodeListCache = options.cache ?? new Map<string, ListedEpisode>();
  const paths = (await findFiles(folder)).sort();
  const listed = new Array<ListedEpisode | undefined>(paths.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < paths.length; i = next++) {
      listed[i] = await describe(paths[i]!, cache);
    }
  };
  const workers = Math.min(options.concurrency ?? 16, paths.length);
  await Promise.all(Array.from({ length: workers }, worker));
  const present = new Set(paths);
  for (const path of cache.keys()) {
    if (path.startsWith(folder) && !present.has(path)) cache.delete(path);
  }
  return listed.filter((episode) => episode !== undefined);
}

async function findFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const nested = entries.map(async (entry): Promise<string[]> => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".")) return [];
    // A folder may be removed while it is being walked.
    if (entry.isDirectory()) return findFiles(path).catch(() => []);
    return entry.isFile() && entry.name.endsWith(".mcap") ? [path] : [];
  });
  return (await Promise.all(nested)).flat();
}

async function describe(path: string, cache: EpisodeListCache): Promise<ListedEpisode | undefined> {
  const source = fileSource(path);
  try {
    const { size: sizeBytes, mtimeMs: modifiedMs } = await stat(path);
    const known = cache.get(path);
    if (known?.sizeBytes === sizeBytes && known.modifiedMs === modifiedMs) return known;
    // The size is known, so that it is not asked for again.
    const sized = { ...source, size: () => Promise.resolve(sizeBytes) };
    const episode = { path, sizeBytes, modifiedMs, ...(await summaryOrError(path, sized)) };
    cache.set(path, episode);
    return episode;
  } catch {
    return undefined; // deleted since it was listed
  } finally {
    await source.close();
  }
}

async function summaryOrError(
  path: string,
  source: ByteSource,
): Promise<{ summary: EpisodeSummary } | { error: string }> {
  try {
    return { summary: await readSummary(source) };
  } catch (error) {
    await stat(path); // throws if it is gone, which is no error of the episode
    return { error: messageOf(error) };
  }
}
