import type { ActionSpec, Rng } from "../core/index.ts";
import { elementCount, seeded } from "../core/index.ts";
import type { Controller } from "./controller.ts";

/** How executed actions differ from decided ones. Both in the action's own units. */
export interface Perturbation {
  /** Standard deviation of Gaussian noise on every step's translation; the rotation gets a third of it. Default 0. */
  readonly noise?: number;
  /** Chance per step that the arm is pushed off its way for 2 to 6 steps, in [0, 1]. Default 0. */
  readonly pushes?: number;
  /**
   * Share of both that remains while something is held, which is once the gripper has been told to close for 16 steps, in [0, 1].
   * Default 0: a push may tear what is held out of the fingers. Without it nothing shows the way back on the way to where a thing goes.
   */
  readonly held?: number;
  /** Default 0; every episode gets a child by its seed. */
  readonly seed?: number;
}

/** Standard deviation of a push's offset: 0.4 of the full translation command. */
const PUSH_SIGMA = 0.4;
/** Steps of closing after which a thing is held. */
const GRASP_STEPS = 16;

/**
 * Executes something else than what was decided, while the decision stays what it was: demonstrations
 * recorded so show the way back from where a learner may end up, with clean labels (noise injection,
 * Laskey et al. 2017, "DART", arXiv:1703.09327; its noise is white, pushes last some steps as a learner's
 * errors do). Nothing is disturbed while the fingers close: a push there makes the grasp fail rather than teach anything.
 *
 * @throws {RangeError} if a strength is negative, or a chance or share above 1
 */
export function perturbed(controller: Controller, perturbation: Perturbation): Controller {
  const { noise = 0, pushes = 0, held = 0, seed = 0 } = perturbation;
  if (!(noise >= 0) || !(pushes >= 0 && pushes <= 1)) {
    throw new RangeError(
      `Cannot perturb actions: noise is ${noise} and pushes ${pushes}, must be 0 or more and in [0, 1]`,
    );
  }
  if (!(held >= 0 && held <= 1)) {
    throw new RangeError(`Cannot perturb actions: held is ${held}, must be in [0, 1]`);
  }
  if (noise === 0 && pushes === 0) return controller;
  let disturb: (row: Float32Array) => void = () => undefined;
  return {
    ...controller,
    async reset(start) {
      const rng = seeded(seed).split("perturb").split(start.seed);
      disturb = disturber(start.spec.action, { rng, noise, pushes, held });
      await controller.reset(start);
    },
    async next(observation) {
      const command = await controller.next(observation);
      const { data, horizon, actionDim } = command.chunk;
      const executed = Float32Array.from(data);
      for (let row = 0; row < horizon; row++) {
        disturb(executed.subarray(row * actionDim, (row + 1) * actionDim));
      }
      return { ...command, chunk: { data: executed, horizon, actionDim } };
    },
  };
}

interface Layout {
  readonly position: readonly number[];
  readonly rotation: readonly number[];
  /** Entry of the gripper command and the sign that closes it. */
  readonly gripper?: { readonly at: number; readonly closes: number };
}

/** @throws {RangeError} for an action that has no translation to disturb */
export function assertPerturbable(spec: ActionSpec): void {
  layoutOf(spec);
}

function layoutOf(spec: ActionSpec): Layout {
  const position: number[] = [];
  const rotation: number[] = [];
  let gripper: Layout["gripper"];
  let at = 0;
  for (const { format, shape } of spec.components) {
    const entries = Array.from({ length: elementCount(shape) }, (_, i) => at + i);
    if (format === "delta_position") position.push(...entries);
    if (format === "delta_axis_angle") rotation.push(...entries);
    if (format === "gripper_close_positive") gripper = { at, closes: 1 };
    if (format === "gripper_open_positive") gripper = { at, closes: -1 };
    at += entries.length;
  }
  if (position.length === 0) {
    const formats = spec.components.map(({ format }) => format).join(", ");
    throw new RangeError(`Cannot perturb actions: they are ${formats}, must have a delta_position`);
  }
  return { position, rotation, ...(gripper === undefined ? {} : { gripper }) };
}

function disturber(
  spec: ActionSpec,
  strength: { rng: Rng; noise: number; pushes: number; held: number },
): (row: Float32Array) => void {
  const { rng, noise, pushes, held } = strength;
  const { position, rotation, gripper } = layoutOf(spec);
  let left = 0;
  let push: number[] = [];
  let closing = 0;
  const add = (row: Float32Array, i: number, offset: number): void => {
    row[i] = Math.max(-1, Math.min(1, (row[i] ?? 0) + offset));
  };
  return (row) => {
    const isClosing = gripper !== undefined && (row[gripper.at] ?? 0) * gripper.closes > 0;
    closing = isClosing ? closing + 1 : 0;
    const share = closing === 0 ? 1 : closing > GRASP_STEPS ? held : 0;
    if (share === 0) return;
    if (pushes > 0 && left === 0 && rng.uniform() < pushes) {
      left = 2 + rng.int(5);
      push = position.map(() => PUSH_SIGMA * rng.normal());
    }
    if (left > 0) {
      left--;
      position.forEach((entry, i) => add(row, entry, share * (push[i] ?? 0)));
    }
    if (noise === 0) return;
    for (const entry of position) add(row, entry, share * noise * rng.normal());
    for (const entry of rotation) add(row, entry, share * (noise / 3) * rng.normal());
  };
}
