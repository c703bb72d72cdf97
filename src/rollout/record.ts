import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { EpisodeWriter } from "../episode/node.ts";
import { RecordingError, createEpisodeWriter } from "../episode/node.ts";
import type { EpisodeHeader } from "../episode/types.ts";
import type { RolloutListener } from "./listener.ts";

/** A recorder knows where the newest episode went. */
export interface Recorder extends RolloutListener {
  readonly path: string | undefined;
}

/**
 * Records every episode as one MCAP file in `folder`: images, proprio, actions, chunks, thoughts,
 * poses and events. A file is readable while it grows, and up to its last chunk after a kill.
 * An episode of the same name that an earlier run left there stays; the new one gets a number.
 */
export function recordTo(folder: string): Recorder {
  let writer: EpisodeWriter | undefined;
  let path: string | undefined;
  return {
    name: "recorder",
    wants: { images: "all", imagesAt: "every", poses: true },
    get path() {
      return path;
    },
    async onStart(header, first) {
      await mkdir(folder, { recursive: true });
      path = undefined;
      writer = await createNewFile(folder, header);
      ({ path } = writer);
      await writer.step({ timeStep: first });
    },
    onDecision: (step, stampNs, decision) => writer?.decision(step, stampNs, decision),
    onStep: (timeStep, action) => writer?.step({ timeStep, action }),
    onEvent: (event) => writer?.event(event),
    async onEnd(outcome) {
      await writer?.end(outcome);
      writer = undefined;
    },
  };
}

async function createNewFile(folder: string, header: EpisodeHeader): Promise<EpisodeWriter> {
  for (let copy = 1; ; copy++) {
    const name = copy === 1 ? header.episodeId : `${header.episodeId}-${copy}`;
    const path = join(folder, `${name}.mcap`);
    try {
      return await createEpisodeWriter(path, header);
    } catch (error) {
      if (error instanceof RecordingError && error.code === "EEXIST") continue;
      // What could not even begin says nothing to anybody.
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
  }
}
