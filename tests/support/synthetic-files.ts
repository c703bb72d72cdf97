/** Synthetic episodes as files, written by the real recorder. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { EpisodeWriter } from "../../src/episode/node.ts";
import { createEpisodeWriter } from "../../src/episode/node.ts";
import type { SyntheticEpisode, SyntheticOptions } from "./synthetic-episode.ts";
import { synthesiseEpisode } from "./synthetic-episode.ts";

/** Writes a whole episode. */
export async function writeSyntheticEpisode(
  path: string,
  options: SyntheticOptions = {},
): Promise<SyntheticEpisode> {
  const episode = synthesiseEpisode(options);
  const writer = await startSyntheticEpisode(path, episode);
  await writeSteps(writer, episode, { from: 0, to: episode.timeSteps.length });
  await writer.end(episode.outcome);
  return episode;
}

export async function startSyntheticEpisode(
  path: string,
  episode: SyntheticEpisode,
): Promise<EpisodeWriter> {
  await mkdir(dirname(path), { recursive: true });
  return createEpisodeWriter(path, episode.header);
}

/** Writes the steps `from` to `to - 1` with what belongs to them, as a rollout would. */
export async function writeSteps(
  writer: EpisodeWriter,
  episode: SyntheticEpisode,
  { from, to }: { from: number; to: number },
): Promise<void> {
  for (let step = from; step < to; step++) {
    await writer.step({ timeStep: episode.timeSteps[step]!, action: episode.actions[step - 1] });
    for (const event of episode.events) if (event.step === step) await writer.event(event);
    for (const made of episode.decisions) {
      if (made.step === step) await writer.decision(step, made.stampNs, made.decision);
    }
  }
}
