/** A push in the middle of an episode: for some steps the arm is driven aside, whatever it is told. */
import type { ActionChunk, Environment } from "../../core/index.ts";
import { seeded } from "../../core/index.ts";
import { around } from "./around.ts";

export interface Push {
  /** First control step that is pushed, and how many are. */
  readonly from: number;
  readonly steps: number;
  /** Action units per step along the push, which is horizontal; turning stops, the gripper is left as it is told. */
  readonly units: number;
  /** Of the episodes that are pushed at all, drawn from their seeds; in [0, 1], default 1. */
  readonly share?: number;
}

/**
 * A world in which the tool centre is pushed. The direction follows from the seed of the episode alone, so that every policy
 * is pushed alike. What the arm does is what its controller makes of the command: nothing is moved by hand.
 *
 * @throws {TypeError} for actions that do not begin with `delta_position`, 3 numbers, and `delta_rotation`, 3 numbers
 * @throws {RangeError} unless steps are whole numbers, the push is finite and the share in [0, 1]
 */
export function withPush(env: Environment, push: Push): Environment {
  assertPush(push);
  const [position, rotation] = env.spec.action.components;
  if (position?.format !== "delta_position" || rotation?.format !== "delta_axis_angle") {
    throw new TypeError(
      `Cannot push: actions begin with ${position?.format ?? "nothing"}, ${rotation?.format ?? "nothing"}, must be delta_position, delta_axis_angle`,
    );
  }
  const { share = 1 } = push;
  let step = 0;
  let way: readonly [number, number] | undefined;
  return around(env, {
    reset(request) {
      step = 0;
      const rng = seeded("reproduce/push").split(request.seed);
      const angle = 2 * Math.PI * rng.uniform();
      const isPushed = rng.uniform() < share;
      way = isPushed ? [push.units * Math.cos(angle), push.units * Math.sin(angle)] : undefined;
      return env.reset(request);
    },
    async step(chunk, want) {
      const executed = way === undefined ? chunk : pushedChunk(chunk, { push, step, way });
      const steps = await env.step(executed, want);
      step += steps.length;
      return steps;
    },
  });
}

function pushedChunk(
  { data, horizon, actionDim }: ActionChunk,
  at: { readonly push: Push; readonly step: number; readonly way: readonly [number, number] },
): ActionChunk {
  const { push, step, way } = at;
  const executed = data.slice();
  for (let row = 0; row < horizon; row++) {
    const isPushed = step + row >= push.from && step + row < push.from + push.steps;
    if (isPushed) executed.set([...way, 0, 0, 0, 0], row * actionDim);
  }
  return { data: executed, horizon, actionDim };
}

function assertPush({ from, steps, units, share = 1 }: Push): void {
  if (Number.isInteger(from) && from >= 0 && Number.isInteger(steps) && steps >= 1) {
    if (Number.isFinite(units) && share >= 0 && share <= 1) return;
  }
  throw new RangeError(
    `Cannot push: ${units} units from step ${from} for ${steps} steps in a share ${share} of episodes, must be a finite number of units, a step of at least 0, at least 1 step and a share in [0, 1]`,
  );
}
