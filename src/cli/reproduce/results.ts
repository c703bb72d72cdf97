/** What a cell leaves behind, as `result.json`. */
import type { Cell } from "./study.ts";

/** How an episode ended. Crashes are no failures. */
export type Ending = "success" | "failure" | "crash";

export interface Acted {
  readonly sampler: string;
  /** Of every fixed initial state, in order. */
  readonly endings: readonly Ending[];
  /** Which way each episode went; null = none. */
  readonly modes: readonly (string | null)[];
  /** Milliseconds of one decision, and steps that it took: median, mean. */
  readonly decisionMs: number;
  readonly meanSteps: number;
  /** How many decisions took 0, 1, 2 ... steps; only where the policy says how many it takes. */
  readonly stepCounts?: readonly number[];
  /** Mean over episodes of the highest reward; only where rewards tell more than success. */
  readonly score?: number;
}

export interface CurvePoint {
  readonly updates: number;
  /** Training alone: updates times the median time of one. */
  readonly seconds: number;
  readonly successes: number;
  readonly episodes: number;
}

/** Chunks from the same starts and different noise. */
export interface ModeCoverage {
  readonly starts: number;
  readonly samples: number;
  /** Mean over starts of the share of the rarer mode. */
  readonly minority: number;
  /** Share of the starts from which both modes came. */
  readonly both: number;
}

/**
 * `moved`: length of a descent's last step; `disagreement`: between chunks from other noise; `replanned`: from what the decision before
 * meant to do at the same steps.
 */
export type Signal = "energy" | "moved" | "disagreement" | "replanned";

/** How well a number that is known at a decision tells failures from successes, among episodes alive then. */
export interface Uncertainty {
  readonly signal: Signal;
  /** Control step of the decision. */
  readonly step: number;
  /** Null without failures or without successes. */
  readonly auroc: number | null;
  readonly failures: number;
  readonly episodes: number;
}

/** How well a number that is known at a decision tells whether what was seen is corrupted. */
export interface Detection {
  readonly signal: Signal;
  /** Control step of the decision. */
  readonly step: number;
  /** Of the decision from the corrupted observation against the one from what was there. */
  readonly auroc: number | null;
  readonly episodes: number;
}

export interface CellResult extends Cell {
  readonly command: string;
  /** SHA-256 of the training configuration and the demonstrations. */
  readonly hash: string;
  readonly weightsHash: string;
  readonly parameters: number;
  readonly updates: number;
  /** Of the processor, all threads: the median. */
  readonly secondsPerUpdate: number;
  readonly trainingS: number;
  readonly curve: readonly CurvePoint[];
  readonly acted: readonly Acted[];
  /** Null where nothing disturbs the world. */
  readonly disturbed: Acted | null;
  /** Null where a chunk does not tell which way it goes. */
  readonly coverage: ModeCoverage | null;
  readonly uncertainty: readonly Uncertainty[];
  /** Absent in cells that were made before it was measured. */
  readonly corruption?: readonly Detection[];
  readonly versions: Readonly<Record<string, string>>;
}
