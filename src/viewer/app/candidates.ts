/** The candidates that a decision's chunk was made from, step by step, with what each is coloured by. */
import type { Thought } from "../../core/index.ts";
import type { RecordedDecision } from "../../episode/types.ts";
import type { PathChunk } from "./chunk-path.ts";
import { sharesOf } from "./ramp.ts";

export type Refinement = Extract<Thought, { kind: "refinement" }>;

export interface Candidate {
  readonly chunk: PathChunk;
  /** Steps that had been done. */
  readonly step: number;
  /** 0: the lowest energy of all candidates, 1: the highest. Without energies: 1 first, 0 last. */
  readonly share: number;
}

/** In the order they were made, without the one that was chosen; none if the policy told of none. */
export function candidatesOf(decision: RecordedDecision | undefined): readonly Candidate[] {
  const refinement = decision?.thoughts.find((thought) => thought.kind === "refinement");
  if (refinement === undefined || refinement.chunks.length < 2) return [];
  const { horizon, actionDim } = refinement;
  const earlier = refinement.chunks.slice(0, -1);
  const shares = sharesOfSteps(refinement);
  return earlier.map((data, i) => ({
    chunk: { data, horizon, actionDim },
    step: refinement.steps[i] ?? 0,
    share: shares[i] ?? 1,
  }));
}

/**
 * The energies of a descent are those that steps began with, so that the chunk after step k has entry k. That of the
 * last chunk is not known: nothing was asked of it.
 */
function sharesOfSteps({ steps, values }: Refinement): number[] {
  const energies = values["energy"];
  const last = steps.at(-1) ?? 1;
  if (energies === undefined) return steps.map((step) => 1 - step / last);
  const all = sharesOf(energies);
  return steps.map((step) => all[step] ?? 0);
}
