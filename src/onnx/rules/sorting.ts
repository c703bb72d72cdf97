/** Operators that put elements in order. */
import type { OpRule } from "./rule.ts";
import { constantInts, intAttribute, operand, refuse, resolveAxis } from "./rule.ts";

/** Outputs: the values, and where they were along the axis. */
const topK: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const axis = resolveAxis(call, intAttribute(call, "axis", -1), shape.length);
  const [k] = constantInts(call, 1) ?? [];
  const length = shape[axis];
  if (k === undefined || k < 0 || (typeof length === "number" && k > length)) {
    refuse(call, `k is ${k}`, `must be in [0, ${length}]`);
  }
  const result = shape.map((dim, i) => (i === axis ? k : dim));
  return [
    { elementType, shape: result },
    { elementType: "int64", shape: result },
  ];
};

export const SORTING_RULES: Readonly<Record<string, OpRule>> = { TopK: topK };
