/**
 * The candidates of the decision in force as a fan of thin paths, coloured by their energy, that closes to the chunk
 * that was chosen: the thick path, which is not drawn here.
 */
import { Group } from "three";
import type { Candidate } from "../candidates.ts";
import { candidatesOf } from "../candidates.ts";
import type { MotionModel } from "../chunk-path.ts";
import { motionModelOf, writeChunkPath } from "../chunk-path.ts";
import { rampColor } from "../ramp.ts";
import type { Theme } from "../theme.ts";
import type { ExtensionFactory, SceneContext, SceneExtension, SceneFrame } from "./extension.ts";
import { TUBE_SIDES } from "./tube.ts";
import { TubeMesh } from "./tube-mesh.ts";

/** Points of one path at most, the gripper's own place with them. */
const MOST_POINTS = 65;
/** Candidates at most: as many as are recorded, and where they began. */
const MOST_CANDIDATES = 17;
/** Of the first candidate and of the one before the chosen. */
const [FIRST_OPACITY, LAST_OPACITY] = [0.6, 0.9];
const PER_PATH = MOST_POINTS * TUBE_SIDES;

export const createFan: ExtensionFactory = (context) => {
  const thinks = context.reader.decisions.some((decision) => candidatesOf(decision).length > 0);
  // A live episode may begin before its first decision.
  return thinks || !context.reader.complete ? new Fan(context) : undefined;
};

class Fan implements SceneExtension {
  readonly object: Group;
  readonly #context: SceneContext;
  readonly #radius: number;
  readonly #path = new Float64Array(MOST_POINTS * 3);
  readonly #tubes = new TubeMesh({
    points: MOST_POINTS,
    tubes: MOST_CANDIDATES,
    hiddenOpacity: 0.25,
    // Before the chosen path, which lies over it.
    renderOrder: 1,
  });
  #theme: Theme;
  #model: MotionModel | undefined;
  #shown = -2;

  constructor(context: SceneContext) {
    this.#context = context;
    this.#theme = context.theme;
    this.#model = motionModelOf(context.reader);
    this.#radius = 0.0022 * context.bounds.radius + 0.001;
    this.object = new Group().add(...this.#tubes.meshes);
  }

  update({ decision }: SceneFrame): void {
    if (decision === this.#shown) return;
    this.#shown = decision;
    const { reader } = this.#context;
    const made = reader.decisions[decision];
    const poses = made === undefined ? undefined : reader.poses(made.step);
    const model = this.#model;
    const candidates = candidatesOf(made).slice(-MOST_CANDIDATES);
    this.object.visible = model !== undefined && poses !== undefined && candidates.length > 0;
    if (model === undefined || poses === undefined) return;
    for (const [i, candidate] of candidates.entries()) {
      const count = writeChunkPath(this.#path, model, { chunk: candidate.chunk, poses });
      this.#write(candidate, { slot: i, along: (i + 1) / candidates.length, count });
    }
    this.#tubes.show(candidates.length * (MOST_POINTS - 1));
  }

  refresh(): void {
    this.#model ??= motionModelOf(this.#context.reader);
    this.#shown = -2;
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#shown = -2;
  }

  dispose(): void {
    this.#tubes.dispose();
  }

  #write(
    { share }: Candidate,
    { slot, along, count }: { slot: number; along: number; count: number },
  ): void {
    // A shorter path stands still at its end.
    for (let at = count * 3; at < this.#path.length; at++) this.#path[at] = this.#path[at - 3]!;
    const rings = { path: this.#path, count: MOST_POINTS, radiusOf: () => this.#radius };
    this.#tubes.write(slot, rings);
    const opacity = FIRST_OPACITY + (LAST_OPACITY - FIRST_OPACITY) * along;
    const color = [...linear(rampColor(this.#theme, share)), opacity];
    for (let vertex = 0; vertex < PER_PATH; vertex++) {
      this.#tubes.colors.set(color, (slot * PER_PATH + vertex) * 4);
    }
  }
}

/** Vertex colours are linear where the theme's are sRGB (IEC 61966-2-1). */
function linear(color: readonly number[]): number[] {
  return color.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
}
