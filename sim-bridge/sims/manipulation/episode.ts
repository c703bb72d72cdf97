import type { TimeStep, Want } from "../../../src/core/index.ts";
import { monotonicNs } from "../../../src/core/index.ts";
import { NO_PICTURES, type BodyFrames } from "./cameras.ts";
import type { TaskScene } from "./compiled-scene.ts";
import { encodeSnapshot, type SnapshotHeader, type SnapshotNumbers } from "./snapshot.ts";
import type { InitialState } from "./world.ts";

export interface EpisodeLimits {
  readonly controlFreqHz: number;
  readonly maxSteps: number;
  /** Consecutive control steps for which the goal must hold. */
  readonly successHoldSteps: number;
  /** Sensors and cameras look one substep before a control step ends. */
  readonly observesEarly: boolean;
}

/** What sensors and cameras saw, where that is not the present. */
interface Seen extends BodyFrames {
  readonly proprio: TimeStep["observation"]["proprio"];
}

/** One episode in a compiled scene: the mechanics of stepping, and where it stands. */
export class Episode {
  readonly #opened: TaskScene;
  readonly #limits: EpisodeLimits;
  readonly #substeps: number;
  /** The state before the last substep, which poses and contacts still show. */
  readonly #lagging: Float64Array;
  /** The state before that one; empty where nobody looks early. */
  readonly #earlier: Float64Array;
  #seen: Seen | undefined;
  #step = 0;
  #heldSteps = 0;
  #ended: SnapshotHeader["ended"] = "no";
  /** An exception in the middle of a step leaves no state to go on from. */
  #isBroken = false;

  constructor(opened: TaskScene, limits: EpisodeLimits) {
    const { timestepS, stateSize } = opened.compiled.physics;
    const substeps = 1 / (limits.controlFreqHz * timestepS);
    if (Math.abs(substeps - Math.round(substeps)) > 1e-9) {
      throw new RangeError(
        `Cannot start an episode: the physics' step is ${timestepS} s, must divide ${1 / limits.controlFreqHz} s`,
      );
    }
    this.#opened = opened;
    this.#limits = limits;
    this.#substeps = Math.round(substeps);
    this.#lagging = new Float64Array(stateSize);
    this.#earlier = new Float64Array(limits.observesEarly ? stateSize : 0);
  }

  get hasEnded(): boolean {
    return this.#ended !== "no" || this.#isBroken;
  }

  /** @throws {RangeError} if the state is of another model */
  start(initial: InitialState, holdsFirstSubstep: boolean): void {
    const { compiled, scene, goal } = this.#opened;
    const { physics, controller } = compiled;
    const { qpos, qvel } = initial;
    if (qpos.length !== physics.nq || qvel.length !== physics.nv) {
      throw new RangeError(
        `Cannot reset: the initial state has ${qpos.length} positions and ${qvel.length} velocities, must have ${physics.nq} and ${physics.nv}`,
      );
    }
    for (const [what, numbers] of [["qpos", qpos] as const, ["qvel", qvel] as const]) {
      const bad = numbers.findIndex((value) => !Number.isFinite(value));
      if (bad < 0) continue;
      throw new RangeError(
        `Cannot reset: ${what}[${bad}] of the initial state is ${numbers[bad]}, must be finite`,
      );
    }
    physics.reset();
    if (holdsFirstSubstep) {
      // What robosuite's controller has seen by now: the arm at its initial pose, all else at qpos0.
      scene.arm.joints.forEach((joint, index) => {
        physics.views.qpos[physics.joint(joint).qposAddress] = scene.arm.initialQpos[index]!;
      });
      physics.place();
      controller.reset({ holdState: true });
      physics.reset();
    }
    physics.views.qpos.set(qpos);
    physics.views.qvel.set(qvel);
    physics.forward();
    physics.assertHealthy(0, 0);
    if (!holdsFirstSubstep) controller.reset({ holdState: false });
    physics.saveState(this.#lagging);
    if (this.#limits.observesEarly) physics.saveState(this.#earlier);
    goal.start();
  }

  /** Executes an action some times before the episode begins: no step is counted, no goal is reached. */
  settle({ steps, action }: { readonly steps: number; readonly action: Float32Array }): void {
    for (let step = 0; step < steps; step++) this.#execute(action);
    this.#opened.goal.start();
  }

  /**
   * Executes one action.
   * @param action float32[7], finite
   * @throws {Error} if the physics diverges; the episode is then over
   */
  advance(action: Float32Array): void {
    this.#execute(action);
    this.#step++;
    this.#heldSteps = this.#opened.goal.holds() ? this.#heldSteps + 1 : 0;
    if (this.#succeeded) this.#ended = "terminated";
    else if (this.#step >= this.#limits.maxSteps) this.#ended = "truncated";
  }

  #execute(action: Float32Array): void {
    const { physics, controller } = this.#opened.compiled;
    const startTime = physics.time;
    this.#isBroken = true;
    const { observesEarly } = this.#limits;
    for (let substep = 0; substep < this.#substeps; substep++) {
      if (observesEarly && substep === this.#substeps - 2) physics.saveState(this.#earlier);
      if (substep === this.#substeps - 1) {
        physics.saveState(this.#lagging);
        if (observesEarly) this.#seen = this.#look();
      }
      physics.step1();
      controller.apply(action, substep === 0);
      physics.step2();
    }
    physics.assertHealthy(startTime, this.#substeps);
    this.#isBroken = false;
  }

  observe(want: Want, startedNs: bigint): TimeStep {
    const { task, compiled, graph, goal } = this.#opened;
    const { physics, senses, cameras, hash } = compiled;
    const pictures = want.images === "none" ? NO_PICTURES : cameras.draw(want, this.#seen);
    const { images, depth, segmentation } = pictures;
    const isFirst = this.#step === 0;
    const success = this.#succeeded;
    return {
      kind: isFirst ? "first" : this.hasEnded ? "last" : "mid",
      observation: {
        images,
        proprio: this.#seen?.proprio ?? senses.read(),
        texts: {},
        instruction: task.instruction,
        step: this.#step,
        stampNs: (BigInt(this.#step) * 1_000_000_000n) / BigInt(this.#limits.controlFreqHz),
        ...(want.privileged ? { privileged: graph.read(pictures.views, { shapes: isFirst }) } : {}),
        ...(depth === undefined ? {} : { depth }),
        ...(segmentation === undefined ? {} : { segmentation }),
      },
      reward: success ? 1 : 0,
      terminated: this.#ended === "terminated",
      truncated: this.#ended === "truncated",
      success,
      busyNs: monotonicNs() - startedNs,
      ...(want.poses ? { poses: bodyPoses(physics.views) } : {}),
      ...(isFirst ? { info: { scene_sha256: hash } } : {}),
      ...(this.hasEnded ? { info: { goal: goal.evaluate() } } : {}),
    };
  }

  /** @throws {RangeError} if a step failed half-way: what is there then is no state */
  save(): Uint8Array {
    if (this.#isBroken) {
      throw new RangeError("Cannot take a snapshot: the last step failed, reset must come first");
    }
    const { task, compiled, goal } = this.#opened;
    return encodeSnapshot(
      {
        task: task.name,
        sceneHash: compiled.hash,
        maxSteps: this.#limits.maxSteps,
        step: this.#step,
        heldSteps: this.#heldSteps,
        ended: this.#ended,
      },
      {
        earlier: this.#earlier,
        lagging: this.#lagging,
        state: compiled.physics.saveState(),
        controller: compiled.controller.saveState(),
        goalStart: goal.saveStart(),
      },
    );
  }

  /** @throws {RangeError} if the numbers are of another scene or goal */
  restore(header: SnapshotHeader, numbers: SnapshotNumbers): void {
    const { compiled, goal } = this.#opened;
    const { physics, controller } = compiled;
    controller.restoreState(numbers.controller);
    goal.restoreStart(numbers.goalStart);
    // Poses and contacts are made again from the state they were made of, then the newer one put over.
    physics.reset();
    this.#seen = undefined;
    if (this.#limits.observesEarly) {
      physics.restoreState(numbers.earlier);
      physics.forward();
      physics.restoreState(numbers.lagging);
      this.#earlier.set(numbers.earlier);
      if (header.step > 0) this.#seen = this.#look();
    }
    physics.restoreState(numbers.lagging);
    physics.forward();
    physics.restoreState(numbers.state);
    this.#lagging.set(numbers.lagging);
    this.#step = header.step;
    this.#heldSteps = header.heldSteps;
    this.#ended = header.ended;
  }

  /** Like everything that is read after a substep, poses are those at its beginning. */
  #look(): Seen {
    const { physics, senses } = this.#opened.compiled;
    const { xpos, xmat } = physics.views;
    return { proprio: senses.read(), xpos: xpos.slice(), xmat: xmat.slice() };
  }

  get #succeeded(): boolean {
    return this.#step > 0 && this.#heldSteps >= this.#limits.successHoldSteps;
  }
}

/** float64[bodies, 7]: x y z (m), qw qx qy qz. */
function bodyPoses({
  xpos,
  xquat,
}: {
  readonly xpos: Float64Array;
  readonly xquat: Float64Array;
}): Float64Array {
  const bodies = xpos.length / 3;
  const poses = new Float64Array(7 * bodies);
  for (let body = 0; body < bodies; body++) {
    for (let i = 0; i < 3; i++) poses[7 * body + i] = xpos[3 * body + i]!;
    for (let i = 0; i < 4; i++) poses[7 * body + 3 + i] = xquat[4 * body + i]!;
  }
  return poses;
}
