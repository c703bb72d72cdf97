import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import { zip } from "../../support/oracle.ts";
import type { CaseInput, GradientCase } from "./gradient-case.ts";

/** Pairs of shapes that broadcast: every rank to 4, left, right, both, axes of length 1 and 0. */
export const BROADCASTS: readonly (readonly [name: string, a: number[], b: number[]])[] = [
  ["scalars", [], []],
  ["vectors", [3], [3]],
  ["matrix and row", [2, 3], [3]],
  ["column and matrix", [2, 1], [2, 3]],
  ["both ways", [3, 1], [1, 4]],
  ["rank 4 and rank 2", [2, 1, 3, 2], [4, 1, 2]],
  ["scalar and rank 3", [], [2, 1, 2]],
  ["nothing", [0, 2], [2]],
];

interface Binary {
  readonly op: string;
  readonly make: (g: GraphBuilder, a: Value, b: Value) => Value;
  readonly oracle: (a: number, b: number) => number;
  readonly a?: Partial<CaseInput>;
  readonly b?: Partial<CaseInput>;
}

export function binaryCases({ op, make, oracle, a = {}, b = {} }: Binary): GradientCase[] {
  const one = (
    name: string,
    shapes: readonly [number[], number[]],
    more: Partial<GradientCase> = {},
  ): GradientCase => ({
    op,
    name,
    inputs: [
      { ...a, shape: shapes[0] },
      { ...b, shape: shapes[1] },
    ],
    make: (g, x) => make(g, x[0], x[1]),
    oracle: (x) => zip(oracle, x[0], x[1]),
    ...more,
  });
  return [
    ...BROADCASTS.map(([name, left, right]) => one(name, [left, right])),
    one("left only", [[2, 3], [3]], { wrt: [0] }),
    one("right only", [[2, 3], [3]], { wrt: [1] }),
    one("unused input", [[2], [3]], {
      make: (g, x) => make(g, x[0], g.reshape(g.constant(HALF), [1])),
      oracle: (x) => zip((v) => oracle(v, 0.5), x[0]),
    }),
    one(
      "used again after a reshape",
      [
        [2, 2],
        [2, 2],
      ],
      {
        make: (g, x) => make(g, g.mul(x[0], x[1]), g.reshape(g.reshape(x[1], [4]), [2, 2])),
        oracle: (x) => zip((p, q) => oracle(p * q, q), x[0], x[1]),
      },
    ),
  ];
}

const HALF = { dtype: "float64", shape: [], data: Float64Array.of(0.5) } as const;

export const CASES: readonly GradientCase[] = [
  ...binaryCases({ op: "Add", make: (g, a, b) => g.add(a, b), oracle: (a, b) => a + b }),
  ...binaryCases({ op: "Sub", make: (g, a, b) => g.sub(a, b), oracle: (a, b) => a - b }),
  ...binaryCases({ op: "Mul", make: (g, a, b) => g.mul(a, b), oracle: (a, b) => a * b }),
  ...binaryCases({
    op: "Div",
    make: (g, a, b) => g.div(a, b),
    oracle: (a, b) => a / b,
    a: { range: [0.5, 1.5] },
    b: { range: [0.6, 2] },
  }),
];
