/** Everything that fitting determines; `model.ts` turns it into a graph, `reference.ts` computes with it. */
import type { FittedConfig } from "./config.ts";

export interface PerceptionParameters {
  /** `float64[colours, 4]` in the space of `colourOf`. */
  readonly palette: Float64Array;
  /** Products of two palette maps (twice the same = the map squared). */
  readonly maps: readonly (readonly [number, number])[];
  /** `float64[maps * 5 + 1, targets * 2]`: from the maps' centroids to world x, y (m) per target. */
  readonly weights: Float64Array;
}

export interface ActionParameters {
  /** Mean and inverse standard deviation of every state entry, `float64[STATE_DIM]`. */
  readonly offset: Float64Array;
  readonly scale: Float64Array;
  /** `float64[STATE_DIM, features]` and `float64[features]`: frequencies and phases, drawn, not fitted. */
  readonly frequencies: Float64Array;
  readonly phases: Float64Array;
  /** `float64[STATE_DIM + features + 1, horizon * 7]` */
  readonly weights: Float64Array;
}

export interface FittedParameters {
  readonly config: FittedConfig;
  /** The word of an instruction that names the target, one per target. */
  readonly words: readonly string[];
  /** Height (m) of the tool centre when it takes hold, per target. */
  readonly graspHeights: Float64Array;
  readonly perception: PerceptionParameters;
  readonly action: ActionParameters;
}
