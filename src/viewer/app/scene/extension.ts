/** The contract of a part of the 3D scene: it owns its objects, moves them, and frees them. */
import type { Object3D } from "three";
import type { SceneDescription } from "../../../core/index.ts";
import type { EpisodeReader } from "../../../episode/types.ts";
import type { Theme } from "../theme.ts";
import type { Bounds } from "../transforms.ts";

/** The moment to draw. One object, reused for every frame. */
export interface SceneFrame {
  step: number;
  /** Index of the decision in force; -1 = none. */
  decision: number;
  /** `float64[bodies, 7]`, interpolated between steps while playing. */
  readonly poses: Float64Array;
}

export interface SceneExtension {
  /** Added to the scene by the stage, and removed by it. */
  readonly object: Object3D;
  /** Moves the objects; called every frame and must not allocate. */
  update(frame: SceneFrame): void;
  /** Takes over what was appended to a live episode. */
  refresh?(): void;
  setTheme?(theme: Theme): void;
  /** False while things move on a machine that draws slowly: then nothing shows a shadow. */
  setFine?(fine: boolean): void;
  /** Frees geometries, materials and textures. */
  dispose(): void;
}

/** What an extension is made from. */
export interface SceneContext {
  readonly reader: EpisodeReader;
  readonly scene: SceneDescription;
  readonly bounds: Bounds;
  readonly theme: Theme;
}

/** Makes an extension, or nothing where the episode has nothing for it. */
export type ExtensionFactory = (context: SceneContext) => SceneExtension | undefined;
