import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { EpisodeWriter } from "../episode/node.ts";
import { createEpisodeWriter } from "../episode/node.ts";
import type { RolloutListener } from "./listener.ts";

/** A recorder knows where the newest episode went. */
export interface Recorder extends RolloutListener {
  readonly path: string | undefined;
}

/**
 * Records every episode as one MCAP file in `folder`: images, proprio, actions, chunks, thoughts,
 * poses and events. A file is readable while it grows, and up to its last chunk after a kill.
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
      path = join(folder, `${header.episodeId}.mcap`);
      writer = await createEpisodeWriter(path, header);
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
