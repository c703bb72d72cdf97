/**
 * The runtime of arm-on-a-table worlds: takes a world (MJCF text, tasks in BDDL, initial states) and
 * is an `Environment`. Knows physics, control and goals; no particular world, policy or transport.
 *
 * One control step is 1/20 s: `set goal, 25 x (step1, controller, step2)` at LIBERO's 2 ms. Observations
 * and goals are read without another forward pass, so poses and contacts lag by one substep, exactly
 * as in robosuite. The same seed gives the same bits in every process and on every machine with the
 * same engine: nothing here draws random numbers; initial states are the world's.
 */
import type {
  ActionChunk,
  Environment,
  EnvironmentIdentity,
  EnvironmentSpec,
  ImageSpec,
  ResetRequest,
  ResetResult,
  TimeStep,
  Want,
} from "../../../src/core/index.ts";
import { monotonicNs } from "../../../src/core/index.ts";
import { panda } from "../../../robots/panda/spec.ts";
import { softwareRenderer, wantedImages, type CreateRenderer } from "./cameras.ts";
import { SceneCache } from "./compiled-scene.ts";
import { Episode } from "./episode.ts";
import { loadMujoco } from "./mujoco.ts";
import { ACTION_SIZE } from "./osc.ts";
import type { CameraRendererOptions } from "./render/types.ts";
import { decodeSnapshot } from "./snapshot.ts";
import type { ManipulationWorld } from "./world.ts";

export interface ManipulationOptions {
  /** Camera images by MJCF camera name; default the world's. */
  readonly images?: readonly ImageSpec[];
  /** Scenes kept compiled (about 20 MB each with pictures); default 4. */
  readonly maxCompiledScenes?: number;
  /** Default: the software rasteriser. */
  readonly createRenderer?: CreateRenderer;
  /** Settings of the renderer besides the size; default its own. */
  readonly renderer?: Omit<CameraRendererOptions, "width" | "height">;
  /**
   * What the controller's first substep after a reset looks at. "fresh" (default): the present state.
   * "held": the arm at its initial pose, as robosuite does after LIBERO's `set_init_state`; following
   * LIBERO's published evaluations to the digit needs it.
   */
  readonly firstSubstep?: "fresh" | "held";
  /**
   * When within a control step sensors and cameras look. "end" (default): at its end. "early": one substep before, which
   * is when robosuite samples its observables; success is read at the end either way.
   */
  readonly observes?: "end" | "early";
}

/**
 * Makes an environment of a world. Scenes are compiled at the first reset that needs them.
 * @throws {RangeError} if `maxCompiledScenes` is not a whole number >= 1
 */
export async function createManipulationEnvironment(
  world: ManipulationWorld,
  options: ManipulationOptions = {},
): Promise<Environment> {
  const mujoco = await loadMujoco();
  const versions = { ...world.versions, mujoco: mujoco.mj_versionString() };
  return new ManipulationEnvironment(world, options, versions);
}

class ManipulationEnvironment implements Environment {
  readonly spec: EnvironmentSpec;
  readonly tasks: ManipulationWorld["tasks"];
  readonly identity: EnvironmentIdentity;
  readonly #world: ManipulationWorld;
  readonly #scenes: SceneCache;
  readonly #holdsFirstSubstep: boolean;
  readonly #observesEarly: boolean;
  #episode: Episode | undefined;
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    world: ManipulationWorld,
    options: ManipulationOptions,
    versions: Readonly<Record<string, string>>,
  ) {
    const { images = world.images, maxCompiledScenes = 4 } = options;
    if (!Number.isInteger(maxCompiledScenes) || maxCompiledScenes < 1) {
      throw new RangeError(
        `Cannot create the environment: maxCompiledScenes is ${maxCompiledScenes}, must be a whole number >= 1`,
      );
    }
    const body = panda();
    this.spec = {
      observation: { images, proprio: body.proprio, texts: [] },
      action: { components: body.action },
      controlFreqHz: body.controlFreqHz,
      maxSteps: world.maxSteps,
      privileged: true,
      snapshot: true,
    };
    this.tasks = world.tasks;
    this.identity = { name: world.name, version: world.version, versions };
    this.#world = world;
    this.#holdsFirstSubstep = options.firstSubstep === "held";
    this.#observesEarly = options.observes === "early";
    this.#scenes = new SceneCache(world, {
      images,
      createRenderer: options.createRenderer ?? softwareRenderer,
      renderer: options.renderer ?? {},
      maxScenes: maxCompiledScenes,
    });
  }

  reset(request: ResetRequest): Promise<ResetResult> {
    return this.#inTurn(() => this.#begin(request));
  }

  step(chunk: ActionChunk, want: Want): Promise<readonly TimeStep[]> {
    return this.#inTurn(() => this.#advance(chunk, want));
  }

  snapshot(): Promise<Uint8Array> {
    return this.#inTurn(() => {
      this.#assertOpen("take a snapshot");
      if (this.#episode !== undefined) return this.#episode.save();
      throw new RangeError("Cannot take a snapshot: there is no episode, reset must come first");
    });
  }

  restore(snapshot: Uint8Array, want: Want): Promise<TimeStep> {
    return this.#inTurn(() => this.#resume(snapshot, want));
  }

  close(): Promise<void> {
    return this.#inTurn(() => {
      this.#isClosed = true;
      this.#episode = undefined;
      this.#scenes[Symbol.dispose]();
    });
  }

  /** Calls run one after the other, in the order they were made. What they throw rejects. */
  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #begin(request: ResetRequest): Promise<ResetResult> {
    const startedNs = monotonicNs();
    this.#assertOpen("reset");
    wantedImages(this.spec.observation.images, request.want);
    this.#episode = undefined;
    const opened = await this.#scenes.open(request.task);
    const { task, compiled } = opened;
    const { initialState: index, seed } = request;
    const state = this.#world.initialState(task.name, index === undefined ? { seed } : { index });
    const episode = new Episode(opened, {
      controlFreqHz: this.spec.controlFreqHz,
      maxSteps: checkMaxSteps(request.maxSteps ?? task.maxSteps ?? this.spec.maxSteps),
      successHoldSteps: this.#world.successHoldSteps ?? 1,
      observesEarly: this.#observesEarly,
    });
    episode.start(state, this.#holdsFirstSubstep);
    if (this.#world.settle !== undefined) episode.settle(this.#world.settle);
    this.#episode = episode;
    return {
      first: episode.observe(request.want, startedNs),
      scene: compiled.description,
      instruction: task.instruction,
    };
  }

  async #resume(snapshot: Uint8Array, want: Want): Promise<TimeStep> {
    const startedNs = monotonicNs();
    this.#assertOpen("restore");
    wantedImages(this.spec.observation.images, want);
    const { header, numbers } = decodeSnapshot(snapshot);
    this.#episode = undefined;
    const opened = await this.#scenes.open(header.task);
    if (opened.compiled.hash !== header.sceneHash) {
      throw new RangeError(
        `Cannot restore a snapshot: its scene of "${header.task}" has hash ${header.sceneHash}, must be ${opened.compiled.hash}`,
      );
    }
    const episode = new Episode(opened, {
      controlFreqHz: this.spec.controlFreqHz,
      maxSteps: checkMaxSteps(header.maxSteps),
      successHoldSteps: this.#world.successHoldSteps ?? 1,
      observesEarly: this.#observesEarly,
    });
    episode.restore(header, numbers);
    this.#episode = episode;
    return episode.observe(want, startedNs);
  }

  #advance(chunk: ActionChunk, want: Want): readonly TimeStep[] {
    const episode = this.#running("step");
    checkChunk(chunk);
    wantedImages(this.spec.observation.images, want);
    const steps: TimeStep[] = [];
    for (let row = 0; row < chunk.horizon && !episode.hasEnded; row++) {
      const startedNs = monotonicNs();
      episode.advance(chunk.data.subarray(row * ACTION_SIZE, (row + 1) * ACTION_SIZE));
      const isLast = row === chunk.horizon - 1 || episode.hasEnded;
      const draws = isLast || want.imagesAt === "every";
      steps.push(episode.observe(draws ? want : { ...want, images: "none" }, startedNs));
    }
    return steps;
  }

  #assertOpen(action: string): void {
    if (this.#isClosed) throw new RangeError(`Cannot ${action}: the environment is closed`);
  }

  #running(action: string): Episode {
    this.#assertOpen(action);
    if (this.#episode === undefined || this.#episode.hasEnded) {
      const state = this.#episode === undefined ? "not begun" : "ended";
      throw new RangeError(`Cannot ${action}: the episode has ${state}, reset must come first`);
    }
    return this.#episode;
  }
}

function checkMaxSteps(maxSteps: number): number {
  if (Number.isInteger(maxSteps) && maxSteps >= 1) return maxSteps;
  throw new RangeError(`Cannot reset: maxSteps is ${maxSteps}, must be a whole number >= 1`);
}

/** Every row is looked at before the first one moves anything. */
function checkChunk({ data, horizon, actionDim }: ActionChunk): void {
  if (actionDim !== ACTION_SIZE || horizon < 1 || data.length !== horizon * actionDim) {
    throw new TypeError(
      `Cannot step: the chunk is float32[${horizon}, ${actionDim}] with ${data.length} numbers, must be float32[horizon >= 1, ${ACTION_SIZE}]`,
    );
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot step: number ${bad % ACTION_SIZE} of row ${Math.floor(bad / ACTION_SIZE)} is ${data[bad]}, must be finite`,
    );
  }
}
