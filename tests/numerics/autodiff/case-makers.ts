/** Lists of cases that many operators share: the ranks, broadcasts and ways of use that a rule must survive. */
import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import { zip } from "../../support/oracle.ts";
import type { CaseInput, GradientCase } from "./gradient-case.ts";

type Float = "float32" | "float64";

/** Every rank to 4, with axes of length 1 and 0. */
const SHAPES: readonly (readonly number[])[] = [[], [4], [2, 3], [2, 1, 2], [1, 2, 2, 2], [0, 3]];

export interface Unary {
  readonly op: string;
  /** Added to the cases' names where an operator has variants. */
  readonly variant?: string;
  readonly make: (g: GraphBuilder, x: Value) => Value;
  readonly oracle: (x: number) => number;
  readonly input?: Omit<CaseInput, "shape">;
  readonly dtype?: Float;
  readonly order?: 1 | 2;
}

export function unaryCases(unary: Unary): GradientCase[] {
  const { op, variant, make, oracle, input = {}, ...rest } = unary;
  const prefix = variant === undefined ? "" : `${variant}, `;
  const one = (name: string, shape: readonly number[]): GradientCase => ({
    op,
    name: `${prefix}${name}`,
    inputs: [{ ...input, shape }],
    make: (g, [x]) => make(g, x),
    oracle: ([x]) => zip(oracle, x),
    ...rest,
  });
  return [
    ...SHAPES.map((shape) => one(`[${shape.join()}]`, shape)),
    {
      ...one("used twice, once after a reshape", [2, 2]),
      make: (g, [x]) => {
        const y = make(g, x);
        return g.mul(g.reshape(g.reshape(y, [4]), [2, 2]), g.mul(x, y));
      },
      oracle: ([x]) => zip((v) => oracle(v) * v * oracle(v), x),
    },
    {
      ...one("of a repeated sum", [3]),
      make: (g, [x]) => g.reduceSum(make(g, x), [0]),
      oracle: ([x]) => ({
        shape: [],
        data: [x.data.reduce((sum, value) => sum + oracle(value), 0)],
      }),
    },
  ];
}

/** Pairs of shapes that broadcast: every rank to 4, left, right, both, axes of length 1 and 0. */
const BROADCASTS: readonly (readonly [name: string, a: number[], b: number[]])[] = [
  ["scalars", [], []],
  ["vectors", [3], [3]],
  ["matrix and row", [2, 3], [3]],
  ["column and matrix", [2, 1], [2, 3]],
  ["both ways", [3, 1], [1, 4]],
  ["rank 4 and rank 2", [2, 1, 3, 2], [4, 1, 2]],
  ["scalar and rank 3", [], [2, 1, 2]],
  ["nothing", [0, 2], [2]],
];

export interface Binary {
  readonly op: string;
  readonly make: (g: GraphBuilder, a: Value, b: Value) => Value;
  readonly oracle: (a: number, b: number) => number;
  readonly a?: Omit<CaseInput, "shape">;
  readonly b?: Omit<CaseInput, "shape">;
  readonly dtype?: Float;
}

export function binaryCases({ op, make, oracle, a = {}, b = {}, ...rest }: Binary): GradientCase[] {
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
    ...rest,
    ...more,
  });
  const half = (g: GraphBuilder, like: Value): Value => g.scalar(0.75, like.elementType);
  return [
    ...BROADCASTS.map(([name, left, right]) => one(name, [left, right])),
    one("left only", [[2, 3], [3]], { wrt: [0] }),
    one("right only", [[2, 3], [3]], { wrt: [1] }),
    one("unused input", [[2], [3]], {
      make: (g, x) => make(g, x[0], half(g, x[0])),
      oracle: (x) => zip((v) => oracle(v, 0.75), x[0]),
    }),
    one(
      "used again after a reshape",
      [
        [2, 2],
        [2, 2],
      ],
      {
        make: (g, x) => {
          const again = g.reshape(g.reshape(x[1], [4]), [2, 2]);
          return g.mul(make(g, x[0], x[1]), make(g, x[0], again));
        },
        oracle: (x) => zip((p, q) => oracle(p, q) ** 2, x[0], x[1]),
      },
    ),
  ];
}
