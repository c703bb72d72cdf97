/** Small folders of recorded episodes to learn from, made of arithmetic. */
import { join } from "node:path";
import type { SyntheticEpisode, SyntheticOptions } from "./synthetic-episode.ts";
import { writeSyntheticEpisode } from "./synthetic-files.ts";

/** Writes `lengths.length` episodes, `episode-000.mcap` and so on, the i-th of `lengths[i]` actions. */
export async function writeDemonstrations(
  folder: string,
  lengths: readonly number[],
  options: SyntheticOptions = {},
): Promise<SyntheticEpisode[]> {
  const episodes: SyntheticEpisode[] = [];
  for (const [i, steps] of lengths.entries()) {
    const name = `episode-${String(i).padStart(3, "0")}`;
    const episode = { imagePx: 16, seed: 3 + i, ...options, steps, episodeId: name };
    episodes.push(await writeSyntheticEpisode(join(folder, `${name}.mcap`), episode));
  }
  return episodes;
}
