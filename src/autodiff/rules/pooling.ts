/** Operators that join what lies under a window. */
import type { GraphBuilder, SlidingWindow, Value } from "../../onnx/index.ts";
import { allocate, slidingWindow, spatialDims } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, expandTo, fullLike, inputOf, intOf, intsOf, outputOf } from "./rule.ts";
import { productOf, refuseVjp, reshapeLike } from "./rule.ts";

export type PoolingOp = "MaxPool" | "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool";

function windowOf(call: VjpCall): SlidingWindow {
  const { shape } = inputOf(call, 0);
  const sizes = {
    input: spatialDims(call.node, shape),
    kernel: intsOf(call, "kernel_shape") ?? [],
  };
  return slidingWindow(call.node, sizes);
}

/**
 * A maximum sends its cotangent to where it was found; windows that overlap may find the same place, so what
 * arrives there is added. The engine adds in order, whatever its threads.
 */
const maxPool: VjpRule = (g, call) => {
  const [x, y, dy] = [inputOf(call, 0), outputOf(call, 0), cotangentOf(call)];
  if (intOf(call, "storage_order", 0) !== 0) {
    refuseVjp(call, "the indices count columns first", "must count rows first");
  }
  const { elementType, shape } = y;
  const types = [
    { elementType, shape },
    { elementType: "int64" as const, shape },
  ];
  const indices = g.moreOutputs(call.node, types)[1] ?? refuseVjp(call, "no indices", "must be");
  const window = windowOf(call);
  const apart = window.kernel.every(
    (size, i) => (window.strides[i] ?? 1) > (size - 1) * (window.dilations[i] ?? 1),
  );
  return [scatterToPlaces(g, { x, indices, dy, reduction: apart ? "none" : "add" })];
};

interface Scatter {
  readonly x: Value;
  /** Flat places in `x`, in the shape of `dy`. */
  readonly indices: Value;
  readonly dy: Value;
  readonly reduction: "none" | "add";
}

function scatterToPlaces(g: GraphBuilder, { x, indices, dy, reduction }: Scatter): Value {
  const flat = (value: Value): Value => {
    const { elementType, shape } = value;
    return reshapeLike(g, value, { elementType, shape: [productOf(shape)] });
  };
  const put = { indices: flat(indices), updates: flat(dy) };
  return reshapeLike(g, g.scatterElements(flat(fullLike(g, x, 0)), put, { reduction }), x);
}

/**
 * A mean over boxes is one mean along each axis, `y = A x Bᵀ` in two dimensions, and its adjoint the transposed
 * matrices: small, exact for every padding and overlap, and of any dtype.
 */
const averagePool: VjpRule = (g, call) => {
  const [x, dy] = [inputOf(call, 0), cotangentOf(call)];
  const window = windowOf(call);
  const countPads = intOf(call, "count_include_pad", 0) === 1;
  const dx = window.input.reduce((value, length, i) => {
    const positions = window.output[i] ?? 1;
    const data = allocate(x.elementType, length * positions);
    for (let p = 0; p < positions; p++) {
      const { seen, count } = taps(window, { axis: i, position: p, countPads });
      for (const at of seen) data[at * positions + p] = 1 / count;
    }
    return g.mapAxis(value, i + 2, { dtype: x.elementType, shape: [length, positions], data });
  }, dy);
  return [dx];
};

/** The elements that a position of the window sees along one axis, and how many count in the mean. */
function taps(
  window: SlidingWindow,
  { axis, position, countPads }: { axis: number; position: number; countPads: boolean },
): { seen: number[]; count: number } {
  const begin = window.begins[axis] ?? 0;
  const length = window.input[axis] ?? 0;
  const start = position * (window.strides[axis] ?? 1) - begin;
  const all = Array.from(
    { length: window.kernel[axis] ?? 1 },
    (_, k) => start + k * (window.dilations[axis] ?? 1),
  );
  const seen = all.filter((at) => at >= 0 && at < length);
  const within = all.filter((at) => at >= -begin && at < length + (window.ends[axis] ?? 0));
  return { seen, count: countPads ? within.length : seen.length };
}

const globalAveragePool: VjpRule = (g, call) => {
  const x = inputOf(call, 0);
  const count = spatialDims(call.node, x.shape).reduce((total, dim) => total * dim, 1);
  return [expandTo(g, g.mul(cotangentOf(call), 1 / count), x)];
};

/** Elements that share the maximum share the cotangent. */
const globalMaxPool: VjpRule = (g, call) => {
  const [x, y] = [inputOf(call, 0), outputOf(call, 0)];
  const found = g.cast(g.equal(x, y), x.elementType);
  const axes = x.shape.map((_, axis) => axis).slice(2);
  return [g.mul(found, g.div(cotangentOf(call), g.reduceSum(found, axes, true)))];
};

export const POOLING_VJPS: Readonly<Record<PoolingOp, VjpRule>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
};
