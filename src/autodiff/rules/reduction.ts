/** Operators that join elements along axes. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { constantInts, cotangentOf, expandTo, inputOf, intOf, outputOf } from "./rule.ts";
import { refuseVjp, reshapeLike, resolvedAxis } from "./rule.ts";

export type ReductionOp =
  | "ReduceSum"
  | "ReduceMean"
  | "ReduceMax"
  | "ReduceMin"
  | "ReduceProd"
  | "ReduceL1"
  | "ReduceL2"
  | "ReduceLogSum"
  | "ReduceLogSumExp"
  | "ReduceSumSquare"
  | "CumSum";

/** The axes a reduction joins, in `[0, rank)`. */
export function reducedAxes(call: VjpCall): number[] {
  const { shape } = inputOf(call, 0);
  const axes = constantInts(call, 1) ?? [];
  if (axes.length === 0) {
    return intOf(call, "noop_with_empty_axes", 0) === 1 ? [] : shape.map((_, axis) => axis);
  }
  return axes.map((axis) => resolvedAxis(axis, shape.length));
}

/** A tensor of the reduction's result shape with the joined axes back as axes of length 1. */
export function withReducedAxes(g: GraphBuilder, call: VjpCall, value: Value): Value {
  const axes = reducedAxes(call);
  if (axes.length === 0 || intOf(call, "keepdims", 1) === 1) return value;
  const { elementType, shape } = inputOf(call, 0);
  const kept = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const names = kept.filter((dim) => typeof dim !== "number").length;
  return names > 1 ? g.unsqueeze(value, axes) : reshapeLike(g, value, { elementType, shape: kept });
}

/** What a rule works with: input, output and cotangent, the latter two with the joined axes kept. */
interface Reduction {
  readonly x: Value;
  readonly y: Value;
  readonly dy: Value;
}

/** A rule of the reduced cotangent: what `make` gives broadcasts to the input, and is repeated to it. */
function reduction(make: (g: GraphBuilder, at: Reduction, call: VjpCall) => Value): VjpRule {
  return (g, call) => {
    const x = inputOf(call, 0);
    const y = withReducedAxes(g, call, outputOf(call, 0));
    const dy = withReducedAxes(g, call, cotangentOf(call));
    return [expandTo(g, make(g, { x, y, dy }, call), x)];
  };
}

/** How many elements are joined to one, as a number of the input's dtype. */
function joinedCount(g: GraphBuilder, call: VjpCall): Value {
  const x = inputOf(call, 0);
  const dims = reducedAxes(call).map((axis) => x.shape[axis] ?? 1);
  const known = dims.filter((dim) => typeof dim === "number");
  if (known.length === dims.length) {
    return g.scalar(
      known.reduce((product, dim) => product * dim, 1),
      x.elementType,
    );
  }
  const options = { outputTypes: [{ elementType: "int64", shape: [] }] } as const;
  const size = (value: Value): Value => g.cast(g.one("Size", [value], options), x.elementType);
  return g.div(size(x), size(outputOf(call, 0)));
}

const mean = reduction((g, { dy }, call) => g.div(dy, joinedCount(g, call)));

/** Of the largest or smallest: elements that tie share the gradient evenly. */
const extreme = reduction((g, { x, y, dy }, call) => {
  const axes = reducedAxes(call);
  if (axes.length === 0) return dy;
  const hits = g.cast(g.equal(x, y), x.elementType);
  const ties = g.reduceSum(hits, axes, true);
  return g.mul(hits, g.div(dy, ties));
});

/**
 * The product of the others, also where elements are 0: with one zero only that element has a gradient,
 * with two nothing has. The second derivative is right only away from zeros.
 */
const product = reduction((g, { x, dy }, call) => {
  const axes = reducedAxes(call);
  if (axes.length === 0) return dy;
  const isZero = g.equal(x, 0);
  const zeros = g.cast(isZero, x.elementType);
  const count = g.reduceSum(zeros, axes, true);
  const filled = g.where(isZero, 1, x);
  const others = g.div(g.mul(dy, g.reduceProd(filled, axes, true)), filled);
  // Exactly the elements beside which there is no zero have a gradient.
  return g.mul(others, g.cast(g.equal(g.sub(count, zeros), 0), x.elementType));
});

/** 0 where the norm is 0. */
const euclidean = reduction((g, { x, y, dy }) => g.mul(g.div(dy, g.where(g.equal(y, 0), 1, y)), x));

const cumSum: VjpRule = (g, call) => {
  const axis = call.inputs[1] ?? refuseVjp(call, "the axis is missing", "must be given");
  const flag = (name: string): number => intOf(call, name, 0);
  const attributes = { exclusive: flag("exclusive"), reverse: 1 - flag("reverse") };
  return [g.one("CumSum", [cotangentOf(call), axis], { attributes })];
};

export const REDUCTION_VJPS: Readonly<Record<ReductionOp, VjpRule>> = {
  ReduceSum: reduction((_g, { dy }) => dy),
  ReduceMean: mean,
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceProd: product,
  /** 0 at 0. */
  ReduceL1: reduction((g, { x, dy }) => g.mul(dy, g.sign(x))),
  ReduceL2: euclidean,
  ReduceLogSum: reduction((g, { y, dy }) => g.mul(dy, g.exp(g.neg(y)))),
  ReduceLogSumExp: reduction((g, { x, y, dy }) => g.mul(dy, g.exp(g.sub(x, y)))),
  ReduceSumSquare: reduction((g, { x, dy }) => g.mul(g.mul(dy, 2), x)),
  CumSum: cumSum,
};
