/** Operators that join elements along axes. */
import type { OpRule, StaticDim } from "./rule.ts";
import { constantInt, constantInts, intAttribute, operand, resolveAxis, rulesFor } from "./rule.ts";

const reduce: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const given = constantInts(call, 1) ?? [];
  const all = intAttribute(call, "noop_with_empty_axes", 0) === 1 ? [] : shape.map((_, i) => i);
  const axes = new Set(
    given.length === 0 ? all : given.map((axis) => resolveAxis(call, axis, shape.length)),
  );
  const keep = intAttribute(call, "keepdims", 1) === 1;
  const result: StaticDim[] = [];
  for (const [i, dim] of shape.entries()) {
    if (!axes.has(i)) result.push(dim);
    else if (keep) result.push(1);
  }
  return [{ elementType, shape: result }];
};

const argument: OpRule = (call) => {
  const { shape } = operand(call, 0);
  const axis = resolveAxis(call, intAttribute(call, "axis", 0), shape.length);
  const keep = intAttribute(call, "keepdims", 1) === 1;
  const result = keep
    ? shape.map((dim, i) => (i === axis ? 1 : dim))
    : shape.filter((_, i) => i !== axis);
  return [{ elementType: "int64", shape: result }];
};

const alongAxis: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  resolveAxis(call, intAttribute(call, "axis", -1), shape.length);
  return [{ elementType, shape }];
};

const cumulative: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  resolveAxis(call, constantInt(call, 1, 0), shape.length);
  return [{ elementType, shape }];
};

export const REDUCTION_RULES: Readonly<Record<string, OpRule>> = {
  ...rulesFor("ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceSumSquare", reduce),
  ...rulesFor("ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp", reduce),
  ...rulesFor("ArgMax ArgMin", argument),
  ...rulesFor("Softmax LogSoftmax", alongAxis),
  CumSum: cumulative,
};
