import type { Dtype } from "../core/index.ts";
import { elementTypeCode } from "./element-type.ts";
import type { Value } from "./graph-core.ts";
import { GraphCore } from "./graph-core.ts";
import type { StaticDim } from "./rules/rule.ts";

/** A value, or a number that becomes a scalar constant of the other operand's dtype. */
export type ValueLike = Value | number;

export interface WindowOptions {
  readonly strides?: readonly number[];
  /** Begin of every spatial axis, then end of every spatial axis. */
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
}

/**
 * Builds an ONNX graph by calls that read like the maths:
 *
 *     const g = new GraphBuilder("mlp");
 *     const x = g.input("x", "float32", ["batch", 9]);
 *     const hidden = g.tanh(g.add(g.matmul(x, g.parameter("w", w)), g.parameter("b", b)));
 *     g.output("y", g.matmul(hidden, g.parameter("v", v)));
 *     const bytes = writeModel(g.build());
 *
 * Every call checks dtypes and shapes at once, so a mistake fails at its own line. Dimensions are
 * numbers or names (`"batch"`) that are known at run time.
 */
export class GraphBuilder extends GraphCore {
  #operands(a: ValueLike, b: ValueLike): [Value, Value] {
    const typed = typeof a !== "number" ? a : typeof b !== "number" ? b : undefined;
    const dtype = typed?.elementType ?? "float32";
    const value = (x: ValueLike): Value => (typeof x === "number" ? this.scalar(x, dtype) : x);
    return [value(a), value(b)];
  }

  #two(opType: string, a: ValueLike, b: ValueLike): Value {
    return this.one(opType, this.#operands(a, b));
  }

  // ---- elementwise ------------------------------------------------------------------------------

  add(a: ValueLike, b: ValueLike): Value {
    return this.#two("Add", a, b);
  }
  sub(a: ValueLike, b: ValueLike): Value {
    return this.#two("Sub", a, b);
  }
  mul(a: ValueLike, b: ValueLike): Value {
    return this.#two("Mul", a, b);
  }
  div(a: ValueLike, b: ValueLike): Value {
    return this.#two("Div", a, b);
  }
  pow(a: ValueLike, b: ValueLike): Value {
    return this.#two("Pow", a, b);
  }
  min(a: ValueLike, b: ValueLike): Value {
    return this.#two("Min", a, b);
  }
  max(a: ValueLike, b: ValueLike): Value {
    return this.#two("Max", a, b);
  }
  equal(a: ValueLike, b: ValueLike): Value {
    return this.#two("Equal", a, b);
  }
  greater(a: ValueLike, b: ValueLike): Value {
    return this.#two("Greater", a, b);
  }
  less(a: ValueLike, b: ValueLike): Value {
    return this.#two("Less", a, b);
  }
  and(a: Value, b: Value): Value {
    return this.one("And", [a, b]);
  }
  or(a: Value, b: Value): Value {
    return this.one("Or", [a, b]);
  }
  not(x: Value): Value {
    return this.one("Not", [x]);
  }
  neg(x: Value): Value {
    return this.one("Neg", [x]);
  }
  abs(x: Value): Value {
    return this.one("Abs", [x]);
  }
  exp(x: Value): Value {
    return this.one("Exp", [x]);
  }
  log(x: Value): Value {
    return this.one("Log", [x]);
  }
  sqrt(x: Value): Value {
    return this.one("Sqrt", [x]);
  }
  reciprocal(x: Value): Value {
    return this.one("Reciprocal", [x]);
  }
  sin(x: Value): Value {
    return this.one("Sin", [x]);
  }
  cos(x: Value): Value {
    return this.one("Cos", [x]);
  }
  relu(x: Value): Value {
    return this.one("Relu", [x]);
  }
  tanh(x: Value): Value {
    return this.one("Tanh", [x]);
  }
  sigmoid(x: Value): Value {
    return this.one("Sigmoid", [x]);
  }
  softplus(x: Value): Value {
    return this.one("Softplus", [x]);
  }
  erf(x: Value): Value {
    return this.one("Erf", [x]);
  }
  gelu(x: Value): Value {
    return this.one("Gelu", [x]);
  }
  silu(x: Value): Value {
    return this.mul(x, this.sigmoid(x));
  }

  where(condition: Value, yes: ValueLike, no: ValueLike): Value {
    return this.one("Where", [condition, ...this.#operands(yes, no)]);
  }

  cast(x: Value, to: Dtype): Value {
    if (x.elementType === to) return x;
    return this.one("Cast", [x], { attributes: { to: elementTypeCode(to) } });
  }

  clip(x: Value, low: number, high: number): Value {
    const { elementType } = x;
    return this.one("Clip", [x, this.scalar(low, elementType), this.scalar(high, elementType)]);
  }

  // ---- layout -----------------------------------------------------------------------------------

  /** A name in `shape` copies the input's dimension of that name, or takes what is left over. */
  reshape(x: Value, shape: readonly StaticDim[]): Value {
    const target = shape.map((dim, i) =>
      typeof dim === "number" ? dim : x.shape[i] === dim ? 0 : -1,
    );
    return this.one("Reshape", [x, this.ints(target)]);
  }

  flatten(x: Value, axis = 1): Value {
    return this.one("Flatten", [x], { attributes: { axis } });
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.one("Transpose", [x], { attributes: { perm } });
  }

  concat(values: readonly Value[], axis: number): Value {
    return this.one("Concat", values, { attributes: { axis } });
  }

  squeeze(x: Value, axes: readonly number[]): Value {
    return this.one("Squeeze", [x, this.ints(axes)]);
  }

  unsqueeze(x: Value, axes: readonly number[]): Value {
    return this.one("Unsqueeze", [x, this.ints(axes)]);
  }

  /** Elements `start` up to `end` (exclusive, negative = from the end) of one axis. */
  slice(x: Value, axis: number, range: { start: number; end: number; step?: number }): Value {
    const { start, end, step = 1 } = range;
    const inputs = [start, end, axis, step].map((value) => this.ints([value]));
    return this.one("Slice", [x, ...inputs]);
  }

  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    const options = { attributes: { axis }, outputCount: sizes.length };
    return this.op("Split", [x, this.ints(sizes)], options);
  }

  gather(data: Value, indices: Value, axis = 0): Value {
    return this.one("Gather", [data, indices], { attributes: { axis } });
  }

  // ---- reductions -------------------------------------------------------------------------------

  reduceSum(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceSum", x, { axes, keep });
  }
  reduceMean(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceMean", x, { axes, keep });
  }
  reduceMax(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceMax", x, { axes, keep });
  }
  reduceMin(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceMin", x, { axes, keep });
  }

  #reduce(
    opType: string,
    x: Value,
    { axes, keep }: { axes: readonly number[]; keep: boolean },
  ): Value {
    return this.one(opType, [x, this.ints(axes)], { attributes: { keepdims: keep ? 1 : 0 } });
  }

  softmax(x: Value, axis = -1): Value {
    return this.one("Softmax", [x], { attributes: { axis } });
  }
  logSoftmax(x: Value, axis = -1): Value {
    return this.one("LogSoftmax", [x], { attributes: { axis } });
  }
  argMax(x: Value, axis: number, keep = false): Value {
    return this.one("ArgMax", [x], { attributes: { axis, keepdims: keep ? 1 : 0 } });
  }

  // ---- products, convolution, normalisation -----------------------------------------------------

  matmul(a: Value, b: Value): Value {
    return this.one("MatMul", [a, b]);
  }

  /** `x @ w + b`, for matrices. */
  linear(x: Value, w: Value, b?: Value): Value {
    return this.one("Gemm", [x, w, b]);
  }

  /** `x[batch, channels, ...]`, `w[filters, channels / group, ...]`, `bias[filters]`. */
  conv(x: Value, w: Value, options: WindowOptions & { bias?: Value; group?: number } = {}): Value {
    const { bias, group = 1, ...window } = options;
    return this.one("Conv", bias === undefined ? [x, w] : [x, w, bias], {
      attributes: { group, ...window },
    });
  }

  maxPool(x: Value, kernel: readonly number[], window: WindowOptions = {}): Value {
    return this.one("MaxPool", [x], { attributes: { kernel_shape: kernel, ...window } });
  }

  averagePool(x: Value, kernel: readonly number[], window: WindowOptions = {}): Value {
    return this.one("AveragePool", [x], { attributes: { kernel_shape: kernel, ...window } });
  }

  globalAveragePool(x: Value): Value {
    return this.one("GlobalAveragePool", [x]);
  }

  layerNorm(
    x: Value,
    scale: Value,
    options: { bias?: Value; axis?: number; epsilon?: number } = {},
  ): Value {
    const { bias, axis = -1, epsilon = 1e-5 } = options;
    const attributes = { axis, epsilon: { kind: "float", value: epsilon } as const };
    return this.one("LayerNormalization", bias === undefined ? [x, scale] : [x, scale, bias], {
      attributes,
    });
  }
}
