import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { cumulated, reduced } from "../../support/oracle-axes.ts";
import type { CaseInput, GradientCase } from "./gradient-case.ts";

interface Reduction {
  readonly op: string;
  readonly join: (values: readonly number[]) => number;
  readonly input?: Omit<CaseInput, "shape">;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const REDUCTIONS: readonly Reduction[] = [
  { op: "ReduceSum", join: sum },
  { op: "ReduceMean", join: (v) => sum(v) / v.length },
  { op: "ReduceMax", join: (v) => Math.max(...v), input: { distinct: true } },
  { op: "ReduceMin", join: (v) => Math.min(...v), input: { distinct: true } },
  { op: "ReduceProd", join: (v) => v.reduce((a, b) => a * b, 1), input: { avoid: [0] } },
  { op: "ReduceL1", join: (v) => sum(v.map(Math.abs)), input: { avoid: [0] } },
  { op: "ReduceL2", join: (v) => Math.sqrt(sum(v.map((x) => x * x))), input: { avoid: [0] } },
  { op: "ReduceLogSum", join: (v) => Math.log(sum(v)), input: { range: [0.5, 1.5] } },
  { op: "ReduceLogSumExp", join: (v) => Math.log(sum(v.map(Math.exp))) },
  { op: "ReduceSumSquare", join: (v) => sum(v.map((x) => x * x)) },
];

/** Shapes and axes; `undefined` = the input left out, which means all. */
const PLACES: readonly (readonly [shape: number[], axes: number[] | undefined, keep: 0 | 1])[] = [
  [[], undefined, 0],
  [[4], [0], 0],
  [[4], [-1], 1],
  [[2, 3], undefined, 1],
  [[2, 3], undefined, 0],
  [[2, 3], [1], 0],
  [[2, 3, 2], [0, -1], 0],
  [[2, 3, 2], [1], 1],
  [[2, 1, 3, 2], [3, 1], 0],
  [[0, 3], [1], 0],
];

function reduce(
  g: GraphBuilder,
  op: string,
  {
    x,
    axes,
    attributes,
  }: { x: Value; axes: number[] | undefined; attributes: Record<string, number> },
): Value {
  return g.one(op, axes === undefined ? [x] : [x, g.ints(axes)], { attributes });
}

const reductions = ({ op, join, input = {} }: Reduction): GradientCase[] => [
  ...PLACES.map(([shape, axes, keep]): GradientCase => ({
    op,
    name: `[${shape.join()}] over ${axes?.join() ?? "all"}, ${keep === 1 ? "kept" : "dropped"}`,
    inputs: [{ ...input, shape }],
    make: (g, [x]) => reduce(g, op, { x, axes, attributes: { keepdims: keep } }),
    oracle: ([x]) => reduced(x, { axes: axes ?? x.shape.map((_, i) => i), keep: keep === 1 }, join),
  })),
  {
    op,
    name: "used again, after the input is",
    inputs: [{ ...input, shape: [3, 2] }],
    make: (g, [x]) => g.mul(reduce(g, op, { x, axes: [0], attributes: { keepdims: 1 } }), x),
    oracle: ([x]) => times(reduced(x, { axes: [0], keep: true }, join), x),
  },
];

function times(a: Oracle, b: Oracle): Oracle {
  const columns = b.shape[1] ?? 1;
  return { shape: b.shape, data: b.data.map((v, i) => v * (a.data[i % columns] ?? NaN)) };
}

const cumulative = [false, true].flatMap((exclusive) =>
  [false, true].flatMap((reverse) =>
    [0, -1].map((axis): GradientCase => ({
      op: "CumSum",
      name: `axis ${axis}${exclusive ? ", exclusive" : ""}${reverse ? ", reverse" : ""}`,
      inputs: [{ shape: [2, 3, 2] }],
      make: (g, [x]) => g.mul(g.cumSum(g.mul(x, x), axis, { exclusive, reverse }), x),
      oracle: ([x]) => {
        const squares = { shape: x.shape, data: x.data.map((v) => v * v) };
        const sums = cumulated(squares, { axis: axis < 0 ? 2 : axis, exclusive, reverse });
        return { shape: x.shape, data: x.data.map((v, i) => v * (sums.data[i] ?? NaN)) };
      },
    })),
  ),
);

export const CASES: readonly GradientCase[] = [
  ...REDUCTIONS.flatMap(reductions),
  // Of one element each, the operators are what their names say of one number.
  ...REDUCTIONS.map(({ op, join, input = {} }): GradientCase => ({
    op,
    name: "no axes, which may mean none",
    inputs: [{ ...input, shape: [2, 2] }],
    make: (g, [x]) => {
      const attributes = { noop_with_empty_axes: 1 };
      return g.mul(reduce(g, op, { x, axes: undefined, attributes }), x);
    },
    oracle: ([x]) => ({ shape: x.shape, data: x.data.map((v) => v * join([v])) }),
  })),
  {
    op: "ReduceSum",
    name: "of nothing, which is 0",
    inputs: [{ shape: [0, 3] }],
    make: (g, [x]) => g.reduceSum(g.mul(x, x), [0]),
    oracle: () => ({ shape: [3], data: [0, 0, 0] }),
  },
  ...cumulative,
];
