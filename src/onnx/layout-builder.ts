import { ElementwiseBuilder } from "./elementwise-builder.ts";
import type { Value } from "./graph-core.ts";
import type { StaticDim } from "./rules/rule.ts";

/** The part of `GraphBuilder` that moves elements and joins them along axes. */
export class LayoutBuilder extends ElementwiseBuilder {
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

  /** Repeats `x` to a shape it broadcasts to: an int64 tensor, or numbers. */
  expand(x: Value, shape: Value | readonly number[]): Value {
    return this.one("Expand", [x, "name" in shape ? shape : this.ints(shape)]);
  }

  /** The shape as an int64 tensor, at run time. */
  shapeOf(x: Value): Value {
    return this.one("Shape", [x]);
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

  /** `mode` says what stands around: one number, mirrored elements, the last one again, or the other end. */
  pad(
    x: Value,
    amounts: { before: readonly number[]; after: readonly number[] },
    options: { mode?: "constant" | "reflect" | "edge" | "wrap"; value?: number } = {},
  ): Value {
    const { mode = "constant", value } = options;
    const pads = this.ints([...amounts.before, ...amounts.after]);
    const fill = value === undefined ? [] : [this.scalar(value, x.elementType)];
    return this.one("Pad", [x, pads, ...fill], { attributes: { mode } });
  }

  /** Repeats `x` side by side, `repeats[axis]` times along each axis. */
  tile(x: Value, repeats: readonly number[]): Value {
    return this.one("Tile", [x, this.ints(repeats)]);
  }

  /** Zeroes what is below (`upper`) or above (`lower`) the `k`-th diagonal of the last two axes. */
  triangle(x: Value, keep: "upper" | "lower", k = 0): Value {
    const attributes = { upper: keep === "upper" ? 1 : 0 };
    return this.one("Trilu", [x, this.scalar(k, "int64")], { attributes });
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

  reduceProd(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceProd", x, { axes, keep });
  }
  reduceL1(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceL1", x, { axes, keep });
  }
  reduceL2(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceL2", x, { axes, keep });
  }
  reduceSumSquare(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceSumSquare", x, { axes, keep });
  }
  reduceLogSumExp(x: Value, axes: readonly number[], keep = false): Value {
    return this.#reduce("ReduceLogSumExp", x, { axes, keep });
  }

  /** Sums from the first element on (from the last, `reverse`), each with itself or up to it (`exclusive`). */
  cumSum(x: Value, axis: number, options: { exclusive?: boolean; reverse?: boolean } = {}): Value {
    const { exclusive = false, reverse = false } = options;
    const attributes = { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 };
    return this.one("CumSum", [x, this.scalar(axis, "int64")], { attributes });
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
}
