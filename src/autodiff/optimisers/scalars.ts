/**
 * The scalars of a step. They are computed in float64 from the float32 inputs and rounded once, because
 * `1 - 0.999^step` in float32 is off by 1e-5 at the first steps, and so that WebAssembly kernels, which get
 * them from JavaScript, do the very same arithmetic on tensors. Devices without float64 leave these few
 * nodes to the CPU.
 */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { GroupOptions, ParameterInfo } from "./groups.ts";
import { groupParameters } from "./groups.ts";
import type { UpdateCall } from "./transform.ts";

/** One parameter of a call. */
export interface UpdateItem {
  readonly parameter: ParameterInfo;
  readonly value: Value;
  readonly update: Value;
}

/** @throws {TypeError} unless there is a value and an update for each parameter */
export function eachParameter<T>(call: UpdateCall, each: (item: UpdateItem) => T): T[] {
  return call.parameters.map((parameter, i) => {
    const [value, update] = [call.values[i], call.updates[i]];
    if (value === undefined || update === undefined) {
      throw new TypeError(
        `Cannot build update: "${parameter.name}" lacks its value or gradient, must have both`,
      );
    }
    return each({ parameter, value, update });
  });
}

export function toFloat32(g: GraphBuilder, x: Value): Value {
  return g.cast(x, "float32");
}

/** `float64[]`: the sum of the squares of everything. */
export function squaredNorm(g: GraphBuilder, values: readonly Value[]): Value {
  return values
    .map((value) => {
      const axes = value.shape.map((_, axis) => axis);
      const sum =
        axes.length === 0
          ? g.mul(value, value)
          : g.one("ReduceSumSquare", [value, g.ints(axes)], { attributes: { keepdims: 0 } });
      return g.cast(sum, "float64");
    })
    .reduce((sum, next) => g.add(sum, next), g.scalar(0, "float64"));
}

export interface RateScalars {
  /** `float32[]`: minus the learning rate of a parameter, times `correction`. */
  readonly alpha: (parameter: ParameterInfo) => Value;
  /** An update with the weight decay of its parameter, where it has one. */
  readonly decayed: (update: Value, item: UpdateItem) => Value;
}

/** @param options with `correction`, a `float64[]` that multiplies the rate but not the decay */
export function rateOf(
  g: GraphBuilder,
  { parameters, scalars }: UpdateCall,
  options: GroupOptions & { readonly correction?: Value },
): RateScalars {
  const down = g.neg(g.cast(scalars.rate, "float64"));
  const alphas = new Map<string, Value>();
  const decays = new Map<string, Value>();
  for (const group of groupParameters(parameters, options)) {
    const rate = g.mul(down, group.rateScale);
    const { correction } = options;
    const alpha = toFloat32(g, correction === undefined ? rate : g.mul(rate, correction));
    const decay = toFloat32(g, g.mul(rate, group.weightDecay));
    for (const { name } of group.parameters) {
      alphas.set(name, alpha);
      if (group.weightDecay !== 0) decays.set(name, decay);
    }
  }
  return {
    alpha: ({ name }) => alphas.get(name) ?? toFloat32(g, down),
    decayed(update, { parameter, value }) {
      const decay = decays.get(parameter.name);
      return decay === undefined ? update : g.add(update, g.mul(value, decay));
    },
  };
}

/** @throws {RangeError} unless a memory such as `b1` or a momentum is in [0, 1) */
export function assertMemory(what: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new RangeError(`Cannot make optimiser: ${what} is ${value}, must be in [0, 1)`);
}
