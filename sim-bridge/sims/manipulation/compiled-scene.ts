import type { ImageSpec, SceneDescription } from "../../../src/core/index.ts";
import { namedParts, sha256OfParts } from "../../../src/core/index.ts";
import { parseBddl } from "./bddl.ts";
import { CameraRig, type CreateRenderer } from "./cameras.ts";
import { Physics } from "./mujoco.ts";
import { ArmController } from "./osc.ts";
import { compileGoal, PREDICATES, type Goal } from "./predicates.ts";
import { armSenses, type ArmSenses } from "./proprio.ts";
import type { CameraRendererOptions, RenderModel } from "./render/types.ts";
import { describeScene } from "./scene-description.ts";
import { sceneGraphReader, type SceneGraphReader } from "./scene-graph.ts";
import { withBoxes } from "./thing-boxes.ts";
import type { LitShape, ManipulationScene, ManipulationTask, ManipulationWorld } from "./world.ts";

/** A compiled scene with everything that reads it; shared by tasks whose MJCF is the same. */
export interface CompiledScene extends Disposable {
  /** Hex SHA-256 of the MJCF and the files it refers to. */
  readonly hash: string;
  readonly physics: Physics;
  readonly controller: ArmController;
  readonly senses: ArmSenses;
  readonly cameras: CameraRig;
  readonly description: SceneDescription;
  /** Body of every shape that is drawn: int32[shapes]. */
  readonly drawnBodies: Int32Array;
}

/** A task in its compiled scene. */
export interface TaskScene {
  readonly task: ManipulationTask;
  readonly scene: ManipulationScene;
  readonly compiled: CompiledScene;
  readonly goal: Goal;
  readonly graph: SceneGraphReader;
}

export interface SceneCacheOptions {
  readonly images: readonly ImageSpec[];
  readonly createRenderer: CreateRenderer;
  readonly renderer: Omit<CameraRendererOptions, "width" | "height">;
  /** Scenes kept compiled; the one used longest ago goes first. */
  readonly maxScenes: number;
}

/** Geom groups MuJoCo draws unless told otherwise. */
const DEFAULT_GROUPS = [0, 1, 2];

/** Compiles scenes on first use and keeps the last few. */
export class SceneCache implements Disposable {
  readonly #world: ManipulationWorld;
  readonly #options: SceneCacheOptions;
  /** In order of use, oldest first. */
  readonly #scenes = new Map<string, CompiledScene>();
  readonly #tasks = new Map<string, TaskScene>();

  constructor(world: ManipulationWorld, options: SceneCacheOptions) {
    this.#world = world;
    this.#options = options;
  }

  /**
   * The task's scene, compiled; valid until `maxScenes` others were asked for.
   * @throws {RangeError} for an unknown task, or if the world's names and its MJCF disagree
   * @throws {SyntaxError} if its MJCF or its BDDL does not parse
   */
  async open(taskName: string): Promise<TaskScene> {
    const task = this.#world.tasks.find(({ name }) => name === taskName);
    if (task === undefined) {
      throw new RangeError(
        `Cannot reset: there is no task "${taskName}" in ${this.#world.name}, must be one of its ${this.#world.tasks.length}`,
      );
    }
    // Also where its scene is compiled: whoever starts an episode asks the world for its state.
    await this.#world.prepare?.(taskName);
    let opened = this.#tasks.get(taskName);
    if (opened === undefined) {
      opened = await this.#compileTask(task);
      this.#tasks.set(taskName, opened);
    }
    this.#touch(opened.compiled);
    return opened;
  }

  [Symbol.dispose](): void {
    for (const scene of this.#scenes.values()) scene[Symbol.dispose]();
    this.#scenes.clear();
    this.#tasks.clear();
  }

  async #compileTask(task: ManipulationTask): Promise<TaskScene> {
    const scene = this.#world.buildScene(task.name);
    const { goal: atoms } = parseBddl(scene.bddl, { predicates: PREDICATES });
    const hash = await hashScene(scene);
    let compiled = this.#scenes.get(hash);
    if (compiled === undefined) {
      // Room first: the engine's memory never shrinks.
      this.#keep(this.#options.maxScenes - 1);
      compiled = await compileScene(scene, hash, this.#options);
      this.#scenes.set(hash, compiled);
    }
    const { physics, senses, drawnBodies } = compiled;
    const boxed = withBoxes(physics, scene);
    const goal = compileGoal(atoms, boxed, physics);
    const graph = sceneGraphReader(physics, boxed, { goal: atoms, senses, drawnBodies });
    return { task, scene, compiled, goal, graph };
  }

  /** Moves a scene to the end of the queue. */
  #touch(compiled: CompiledScene): void {
    this.#scenes.delete(compiled.hash);
    this.#scenes.set(compiled.hash, compiled);
  }

  /** Drops scenes at the head of the queue until there are so many. */
  #keep(count: number): void {
    while (this.#scenes.size > count) {
      const [hash, oldest] = this.#scenes.entries().next().value!;
      this.#scenes.delete(hash);
      for (const [name, task] of this.#tasks) {
        if (task.compiled === oldest) this.#tasks.delete(name);
      }
      oldest[Symbol.dispose]();
    }
  }
}

async function compileScene(
  scene: ManipulationScene,
  hash: string,
  options: SceneCacheOptions,
): Promise<CompiledScene> {
  const physics = await Physics.compile(scene.xml, scene.files);
  try {
    const { images, createRenderer, renderer } = options;
    const controller = new ArmController(physics, scene.arm);
    const { drawn, described: coarse } = modelsOf(physics, scene);
    const described = describeScene(physics, coarse, {
      visibleGroups: renderer.visibleGroups ?? DEFAULT_GROUPS,
      gripperBodyId: physics.siteBodies()[physics.id("site", scene.arm.site)]!,
    });
    const lit = scene.visuals?.lit ?? [];
    const sources = { model: withLit(drawn, lit), scene: described, lit };
    const cameras = new CameraRig(physics, sources, { images, createRenderer, renderer });
    return {
      hash,
      physics,
      controller,
      senses: armSenses(physics, scene.arm),
      cameras,
      description: described.description,
      drawnBodies: drawn.geoms.bodyId,
      [Symbol.dispose]() {
        cameras[Symbol.dispose]();
        physics[Symbol.dispose]();
      },
    };
  } catch (error) {
    physics[Symbol.dispose]();
    throw error;
  }
}

function withLit(model: RenderModel, lit: readonly LitShape[]): RenderModel {
  if (lit.length === 0) return model;
  return { ...model, geoms: { ...model.geoms, dynamicColours: lit.map(({ shape }) => shape) } };
}

/** What the cameras draw, and what the description is made of: the same shapes in the same order. */
function modelsOf(
  physics: Physics,
  { visuals }: ManipulationScene,
): { readonly drawn: RenderModel; readonly described: RenderModel } {
  if (visuals === undefined) {
    const model = physics.readRenderModel();
    return { drawn: model, described: model };
  }
  const bodies = {
    id: (name: string) => (name === "world" ? 0 : physics.id("body", name)),
    weldId: physics.bodyWelds(),
  };
  const described = visuals.described(bodies);
  return { drawn: visuals.drawn?.(bodies) ?? described, described };
}

function hashScene({ xml, files, visuals }: ManipulationScene): Promise<string> {
  const encoder = new TextEncoder();
  const seen = visuals === undefined ? [] : [encoder.encode(visuals.hash)];
  return sha256OfParts([encoder.encode(xml), ...namedParts(files), ...seen]);
}
