/** Operators that put elements in order: the cotangents go back to where the values were. */
import type { VjpRule } from "./rule.ts";
import { cotangentOf, fullLike, inputOf, intOf, outputOf } from "./rule.ts";

export type SortingOp = "TopK";

const topK: VjpRule = (g, call) => {
  const x = inputOf(call, 0);
  const put = { indices: outputOf(call, 1), updates: cotangentOf(call) };
  return [g.scatterElements(fullLike(g, x, 0), put, { axis: intOf(call, "axis", -1) })];
};

export const SORTING_VJPS: Readonly<Record<SortingOp, VjpRule>> = { TopK: topK };
