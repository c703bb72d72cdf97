/** Fits what to do: ridge regression from random Fourier features of the state to a chunk of actions. */
import type { Rng } from "../../src/core/index.ts";
import type { FittedConfig } from "./config.ts";
import { ACTION_DIM } from "./config.ts";
import type { Demonstration } from "./demonstrations.ts";
import type { ActionParameters } from "./parameters.ts";
import { actionFeatures, STATE_DIM, stateOf } from "./reference.ts";
import { ridgeProblem } from "./ridge.ts";

/** A demonstration with where the policy would have believed the target to be. */
export interface Located {
  readonly demonstration: Demonstration;
  readonly x: number;
  readonly y: number;
  readonly graspHeight: number;
}

export interface ActionFit {
  readonly action: ActionParameters;
  readonly examples: number;
  /** Root mean square error on the examples, in action units. */
  readonly trainError: number;
}

export function fitAction(
  located: readonly Located[],
  options: { readonly config: FittedConfig; readonly rng: Rng },
): ActionFit {
  const { config, rng } = options;
  const examples = located.flatMap((entry) => examplesOf(entry, config.horizon));
  const scaling = standardise(examples.map(({ state }) => state));
  const count = config.fourierFeatures;
  const frequencies = Float64Array.from(
    { length: STATE_DIM * count },
    () => config.fourierScale * rng.normal(),
  );
  const phases = Float64Array.from({ length: count }, () => 2 * Math.PI * rng.uniform());
  const features = { ...scaling, frequencies, phases };
  const problem = ridgeProblem(STATE_DIM + count + 1, config.horizon * ACTION_DIM);
  for (const { state, chunk } of examples) problem.add(actionFeatures(state, features), chunk);
  const weights = problem.solve(config.actionRidge);
  const action = { ...features, weights };
  return { action, examples: examples.length, trainError: errorOn(examples, action) };
}

interface Example {
  readonly state: Float64Array;
  readonly chunk: Float64Array;
}

/** One example per step: the state as the policy will see it, and the actions of the steps to come. */
function examplesOf({ demonstration, x, y, graspHeight }: Located, horizon: number): Example[] {
  const { steps } = demonstration;
  return steps.map(({ proprio }, t) => {
    const previous = steps[Math.max(0, t - horizon)]!.proprio;
    const chunk = new Float64Array(horizon * ACTION_DIM);
    for (let row = 0; row < horizon; row++) {
      // Past the end the last action goes on: the thing is held and rising.
      chunk.set(steps[Math.min(steps.length - 1, t + row)]!.action, row * ACTION_DIM);
    }
    return { state: stateOf(proprio, { x, y, graspHeight }, previous.at(-1)!), chunk };
  });
}

function standardise(states: readonly Float64Array[]): Pick<ActionParameters, "offset" | "scale"> {
  const offset = new Float64Array(STATE_DIM);
  const scale = new Float64Array(STATE_DIM);
  for (let i = 0; i < STATE_DIM; i++) {
    const mean = states.reduce((sum, state) => sum + state[i]!, 0) / states.length;
    const variance =
      states.reduce((sum, state) => sum + (state[i]! - mean) ** 2, 0) / states.length;
    offset[i] = mean;
    scale[i] = 1 / Math.max(1e-3, Math.sqrt(variance));
  }
  return { offset, scale };
}

function errorOn(examples: readonly Example[], action: ActionParameters): number {
  let [sum, count] = [0, 0];
  for (const { state, chunk } of examples) {
    const features = actionFeatures(state, action);
    for (let k = 0; k < chunk.length; k++) {
      let predicted = 0;
      for (let i = 0; i < features.length; i++)
        predicted += features[i]! * action.weights[i * chunk.length + k]!;
      sum += (predicted - chunk[k]!) ** 2;
      count++;
    }
  }
  return Math.sqrt(sum / Math.max(1, count));
}
