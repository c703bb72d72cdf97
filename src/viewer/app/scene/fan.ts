/**
 * The candidates of the decision in force as a fan of thin paths, coloured by their energy, that closes to the chunk
 * that was chosen: the thick path, which is not drawn here.
 */
import {
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  Group,
  Mesh,
  MeshBasicMaterial,
} from "three";
import type { Candidate } from "../candidates.ts";
import { candidatesOf } from "../candidates.ts";
import type { MotionModel } from "../chunk-path.ts";
import { motionModelOf, writeChunkPath } from "../chunk-path.ts";
import { rampColor } from "../ramp.ts";
import type { Theme } from "../theme.ts";
import type { ExtensionFactory, SceneContext, SceneExtension, SceneFrame } from "./extension.ts";
import { INDICES_PER_SEGMENT, TUBE_SIDES, tubeIndices, writeTube } from "./tube.ts";

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
  readonly #positions = new BufferAttribute(new Float32Array(MOST_CANDIDATES * PER_PATH * 3), 3);
  readonly #colors = new BufferAttribute(new Float32Array(MOST_CANDIDATES * PER_PATH * 4), 4);
  readonly #geometry = new BufferGeometry();
  /** Seen through things faintly, and in front of them fully. */
  readonly #meshes: readonly Mesh<BufferGeometry, MeshBasicMaterial>[];
  #theme: Theme;
  #model: MotionModel | undefined;
  #shown = -2;

  constructor(context: SceneContext) {
    this.#context = context;
    this.#theme = context.theme;
    this.#model = motionModelOf(context.reader);
    this.#radius = 0.0022 * context.bounds.radius + 0.001;
    this.#positions.setUsage(DynamicDrawUsage);
    this.#colors.setUsage(DynamicDrawUsage);
    this.#geometry.setAttribute("position", this.#positions);
    this.#geometry.setAttribute("color", this.#colors);
    this.#geometry.setIndex(new BufferAttribute(fanIndices(), 1));
    this.#meshes = [
      { opacity: 0.25, depthTest: false },
      { opacity: 1, depthTest: true },
    ].map((look) => {
      const rest = { vertexColors: true, transparent: true, depthWrite: false };
      const mesh = new Mesh(this.#geometry, new MeshBasicMaterial({ ...rest, ...look }));
      mesh.frustumCulled = false;
      // Before the chosen path, which lies over it.
      mesh.renderOrder = 1;
      return mesh;
    });
    this.object = new Group().add(...this.#meshes);
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
    this.#positions.needsUpdate = true;
    this.#colors.needsUpdate = true;
    this.#geometry.setDrawRange(0, candidates.length * (MOST_POINTS - 1) * INDICES_PER_SEGMENT);
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
    this.#geometry.dispose();
    for (const { material } of this.#meshes) material.dispose();
  }

  #write(
    { share }: Candidate,
    { slot, along, count }: { slot: number; along: number; count: number },
  ): void {
    // A shorter path stands still at its end.
    for (let at = count * 3; at < this.#path.length; at++) this.#path[at] = this.#path[at - 3]!;
    const positions = this.#positions.array as Float32Array;
    const own = positions.subarray(slot * PER_PATH * 3, (slot + 1) * PER_PATH * 3);
    writeTube(own, { path: this.#path, count: MOST_POINTS, radiusOf: () => this.#radius });
    const opacity = FIRST_OPACITY + (LAST_OPACITY - FIRST_OPACITY) * along;
    const color = [...linear(rampColor(this.#theme, share)), opacity];
    const colors = this.#colors.array as Float32Array;
    for (let vertex = 0; vertex < PER_PATH; vertex++) {
      colors.set(color, (slot * PER_PATH + vertex) * 4);
    }
  }
}

/** Vertex colours are linear where the theme's are sRGB (IEC 61966-2-1). */
function linear(color: readonly number[]): number[] {
  return color.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
}

/** Of all paths, one after the other. */
function fanIndices(): Uint32Array {
  const one = tubeIndices(MOST_POINTS);
  const all = new Uint32Array(one.length * MOST_CANDIDATES);
  for (let slot = 0; slot < MOST_CANDIDATES; slot++) {
    all.set(
      one.map((index) => index + slot * PER_PATH),
      slot * one.length,
    );
  }
  return all;
}
