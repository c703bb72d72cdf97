/** Operators that join elements along axes. */
import type { OpRule, StaticDim } from "./rule.ts";
import { constantInts, intAttribute, operand, resolveAxis } from "./rule.ts";

const reduce: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const given = constantInts(call, 1);
  const axes = new Set(
    given === undefined || given.length === 0
      ? shape.map((_, i) => i)
      : given.map((axis) => resolveAxis(call, axis, shape.length)),
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

export const REDUCTION_RULES: Readonly<Record<string, OpRule>> = {
  ReduceSum: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceSumSquare: reduce,
  ArgMax: argument,
  ArgMin: argument,
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
};
