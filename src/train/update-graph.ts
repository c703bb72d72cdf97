/** Loss, gradient and optimiser as one graph, for devices that do all of an update. */
import type { ParameterInfo, Transform } from "../autodiff/index.ts";
import { applyUpdates, grad, stateName, transformOf } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import type { GraphBuilder, Model, Value } from "../onnx/index.ts";
import type { ParameterStore } from "../onnx/layers/index.ts";
import { declareScalars, parameterInfos, startOf } from "./loss-scalars.ts";
import type { Trainable } from "./trainable.ts";
import type { StepSettings } from "./updater.ts";

export interface UpdateGraph {
  /**
   * Inputs: the loss's own, `rate`, `step`, and everything in `start`. Outputs: the scalars, `SUM_OF_SQUARES`
   * (of the gradient), and `nextName(name)` for everything in `start`.
   */
  readonly model: Model;
  readonly parameters: readonly ParameterInfo[];
  /** Parameters and the optimiser's state before the first update, by input name. */
  readonly start: Readonly<Record<string, NdArray>>;
  readonly scalars: readonly string[];
  /** Whether a moving average of the parameters is among the state. */
  readonly average: boolean;
}

export const SUM_OF_SQUARES = "sum_of_squares";

export function nextName(name: string): string {
  return `next/${name}`;
}

/**
 * If several updates are one run, what comes after an update whose loss or gradient is not finite is what was.
 * @throws {UnsupportedOpError} if something on the way to the loss has no gradient rule
 */
export function updateGraph(
  trainable: Trainable,
  store: ParameterStore,
  { batchSize, objectives, optimiser, updatesPerRun = 1 }: StepSettings,
): UpdateGraph {
  // Nobody looks at the numbers between the updates of one run.
  const guarded = updatesPerRun > 1;
  const made = trainable.lossGraph({ batchSize, parameters: store });
  const parameters = parameterInfos(made.g);
  const weights = startOf(made.g);
  const scalars = declareScalars(made, objectives);
  const transform = transformOf(optimiser);
  declareUpdate(made.g, scalars.loss, { parameters, transform, guarded });
  const state = transform.state(parameters).map(({ kind, parameter, initial }) => {
    const from = weights[parameter.name] as NdArray;
    const data = initial === "zeros" ? new Float32Array(from.data.length) : from.data.slice();
    return [stateName(kind, parameter.name), { ...from, data }] as const;
  });
  return {
    model: made.g.build({ parameters: "fed" }),
    parameters,
    start: { ...weights, ...Object.fromEntries(state) },
    scalars: scalars.names,
    average: optimiser.emaDecay !== undefined,
  };
}

interface UpdateParts {
  readonly parameters: readonly ParameterInfo[];
  readonly transform: Transform;
  readonly guarded: boolean;
}

function declareUpdate(
  g: GraphBuilder,
  loss: Value,
  { parameters, transform, guarded }: UpdateParts,
): void {
  const values = parameters.map(({ name }) => g.parameters.get(name) as Value);
  const gradients = grad(g, loss, values);
  const state = Object.fromEntries(
    transform.state(parameters).map(({ kind, parameter }) => {
      const name = stateName(kind, parameter.name);
      return [name, g.input(name, "float32", parameter.shape)];
    }),
  );
  const scalars = { rate: g.input("rate", "float32", []), step: g.input("step", "float32", []) };
  const call = { parameters, values, updates: gradients, state, scalars };
  const result = transform.update(g, call);
  const next = applyUpdates(g, values, result.updates);
  const squares = sumOfSquares(g, gradients);
  g.output(SUM_OF_SQUARES, squares);
  const finite = guarded ? isFinite(g, g.add(loss, squares)) : undefined;
  const declare = (name: string, after: Value, before: Value): void => {
    g.output(nextName(name), finite === undefined ? after : g.where(finite, after, before));
  };
  for (const [i, { name }] of parameters.entries()) {
    declare(name, next[i] as Value, values[i] as Value);
  }
  for (const [name, value] of Object.entries(result.state)) {
    declare(name, value, state[name] as Value);
  }
}

/** The difference of a number to itself is 0, unless it is infinite or NaN. */
function isFinite(g: GraphBuilder, x: Value): Value {
  return g.equal(g.sub(x, x), 0);
}

function sumOfSquares(g: GraphBuilder, gradients: readonly Value[]): Value {
  const squares = gradients.map((d) =>
    g.reduceSum(
      g.mul(d, d),
      d.shape.map((_, axis) => axis),
    ),
  );
  const [first, ...rest] = squares;
  if (first === undefined) throw new RangeError("Cannot train: there is no parameter, must be one");
  return rest.reduce((sum, square) => g.add(sum, square), first);
}
