/** Operators that join elements along axes. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { constantInts, cotangentOf, expandTo, inputOf, intOf, resolvedAxis } from "./rule.ts";

export type ReductionOp = "ReduceSum";

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
  return g.unsqueeze(value, axes);
}

const reduceSum: VjpRule = (g, call) => [
  expandTo(g, withReducedAxes(g, call, cotangentOf(call)), inputOf(call, 0)),
];

export const REDUCTION_VJPS: Readonly<Record<ReductionOp, VjpRule>> = { ReduceSum: reduceSum };
