/** What training needs of every policy that imitates chunks, but its objective. */
import type { NdArray, Rng } from "../core/index.ts";
import type { Trainable } from "../train/index.ts";
import type { Imitated } from "./observed.ts";
import { demonstrated, needsOf, observationFeeds } from "./observed.ts";

/** The demonstrated chunks of a batch, `float32[batch, horizon, actionDim]`, normalised. */
export interface DemonstratedChunks {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** What a policy adds. */
export interface ChunkObjective extends Pick<Trainable, "lossGraph" | "toPackage"> {
  /** The loss's inputs beside the observation's and `action_mask`. */
  draw(chunks: DemonstratedChunks, rng: Rng): Readonly<Record<string, NdArray>>;
}

export function imitationTrainable(imitated: Imitated, objective: ChunkObjective): Trainable {
  return {
    name: imitated.kind,
    needs: needsOf(imitated),
    lossGraph: (request) => objective.lossGraph(request),
    feeds: (batch, rng) => ({
      ...observationFeeds(imitated, batch),
      ...objective.draw({ data: demonstrated(imitated, batch), shape: batch.actions.shape }, rng),
      action_mask: batch.actionMask,
    }),
    toPackage: (parameters, provenance) => objective.toPackage(parameters, provenance),
  };
}
