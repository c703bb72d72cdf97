export interface GoldenScene {
  readonly name: string;
  readonly xml: string;
  readonly cameras: readonly string[];
  /** Joint positions of each frame; those left out stay at their defaults. */
  readonly frames: readonly (readonly number[])[];
}
export const GOLDEN_SCENES: readonly GoldenScene[];
