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
}
