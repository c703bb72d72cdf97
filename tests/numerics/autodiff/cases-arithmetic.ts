import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import { zip } from "../../support/oracle.ts";
import { binaryCases, unaryCases } from "./case-makers.ts";
import type { GradientCase } from "./gradient-case.ts";

const positive = { range: [0.5, 1.5] } as const;
const POWERS = [-1, 0, 0.5, 1, 2, 3, 1.7, -2];

const variadic = (op: string) => (g: GraphBuilder, values: readonly Value[]) => g.one(op, values);
const three = [{ shape: [2, 3] }, { shape: [3] }, { shape: [2, 1] }] as const;
const apart = [
  { shape: [2, 3], range: [-1, 1] },
  { shape: [3], range: [-0.4, 1.4], distinct: true },
  { shape: [2, 1], range: [-0.1, 0.1], distinct: true },
] as const;

export const CASES: readonly GradientCase[] = [
  ...binaryCases({ op: "Add", make: (g, a, b) => g.add(a, b), oracle: (a, b) => a + b }),
  ...binaryCases({ op: "Sub", make: (g, a, b) => g.sub(a, b), oracle: (a, b) => a - b }),
  ...binaryCases({ op: "Mul", make: (g, a, b) => g.mul(a, b), oracle: (a, b) => a * b }),
  ...binaryCases({
    op: "Div",
    make: (g, a, b) => g.div(a, b),
    oracle: (a, b) => a / b,
    b: { range: [0.6, 2] },
  }),
  ...binaryCases({
    op: "Pow",
    make: (g, a, b) => g.pow(a, b),
    oracle: (a, b) => a ** b,
    a: positive,
  }),
  ...POWERS.flatMap((power) =>
    unaryCases({
      op: "Pow",
      variant: `to the ${power}`,
      make: (g, x) => g.pow(x, power),
      oracle: (x) => x ** power,
      input: positive,
    }),
  ),
  {
    op: "Pow",
    name: "squares and cubes of negative numbers, by integers",
    inputs: [{ shape: [2, 2] }],
    make: (g, [x]) => g.one("Pow", [x, g.ints([2, 3])]),
    oracle: ([x]) => zip((base, power) => base ** power, x, { shape: [2], data: [2, 3] }),
  },
  {
    op: "Pow",
    name: "exponents among which one is 0",
    inputs: [
      { shape: [3], values: [0, -2, 0.5] },
      { shape: [3], values: [0, 0, 2] },
    ],
    make: (g, [x, p]) => g.pow(x, p),
    oracle: ([x, p]) => zip((base, power) => base ** power, x, p),
    wrt: [0],
    order: 1,
  },
  ...binaryCases({
    op: "Mod",
    make: (g, a, b) => g.one("Mod", [a, b], { attributes: { fmod: 1 } }),
    oracle: (a, b) => a % b,
    a: { range: [0.72, 0.88] },
    b: { range: [0.3, 0.35] },
  }).filter(({ name }) => name !== "unused input"),
  {
    op: "Sum",
    name: "three that broadcast",
    inputs: three,
    make: (g, [a, b, c]) => g.mul(g.sum(a, b, c), a),
    oracle: ([a, b, c]) => zip((x, y, z) => (x + y + z) * x, a, b, c),
  },
  {
    op: "Sum",
    name: "one, and the same twice",
    inputs: [{ shape: [3] }],
    make: (g, [a]) => [g.sum(a), g.sum(a, a)],
    oracle: ([a]) => [a, zip((x) => 2 * x, a)],
  },
  {
    op: "Sum",
    name: "the middle one only",
    inputs: three,
    make: (g, [a, b, c]) => g.mul(g.sum(a, b, c), b),
    oracle: ([a, b, c]) => zip((x, y, z) => (x + y + z) * y, a, b, c),
    wrt: [1],
  },
  {
    op: "Mean",
    name: "three that broadcast",
    inputs: three,
    make: (g, [a, b, c]) => g.mul(variadic("Mean")(g, [a, b, c]), a),
    oracle: ([a, b, c]) => zip((x, y, z) => ((x + y + z) / 3) * x, a, b, c),
    dtype: "float32",
  },
  {
    op: "Mean",
    name: "one",
    inputs: [{ shape: [3] }],
    make: (g, [a]) => variadic("Mean")(g, [a]),
    oracle: ([a]) => a,
    dtype: "float32",
  },
  ...(["Min", "Max"] as const).flatMap((op): GradientCase[] => {
    const pick = op === "Min" ? Math.min : Math.max;
    return [
      ...binaryCases({
        op,
        make: (g, a, b) => g.one(op, [a, b]),
        oracle: pick,
        a: { range: [-1, 1], avoid: [-0.5, 0.5, 0, 0.75] },
        b: { range: [-0.51, -0.49] },
      }).filter(({ name }) => name !== "unused input"),
      {
        op,
        name: "three that broadcast",
        inputs: apart,
        make: (g, [a, b, c]) => g.mul(variadic(op)(g, [a, b, c]), a),
        oracle: ([a, b, c]) => zip((x, y, z) => pick(x, y, z) * x, a, b, c),
      },
      {
        op,
        name: "one",
        inputs: [{ shape: [3] }],
        make: (g, [a]) => variadic(op)(g, [a]),
        oracle: ([a]) => a,
      },
    ];
  }),
  ...unaryCases({ op: "Neg", make: (g, x) => g.neg(x), oracle: (x) => -x }),
  ...unaryCases({
    op: "Abs",
    make: (g, x) => g.abs(x),
    oracle: Math.abs,
    input: { avoid: [0] },
  }),
  ...unaryCases({
    op: "Reciprocal",
    make: (g, x) => g.reciprocal(x),
    oracle: (x) => 1 / x,
    input: positive,
  }),
  ...unaryCases({ op: "Sqrt", make: (g, x) => g.sqrt(x), oracle: Math.sqrt, input: positive }),
  ...unaryCases({
    op: "Identity",
    make: (g, x) => g.mul(g.one("Identity", [x]), x),
    oracle: (x) => x * x,
  }),
  ...unaryCases({
    op: "Cast",
    make: (g, x) => g.cast(g.mul(g.cast(x, "float32"), g.cast(x, "float32")), "float64"),
    oracle: (x) => x * x,
  }).map((one) => ({
    ...one,
    tolerance: { forward: 1e-6, gradient: 1e-5, why: "the product is float32" },
  })),
  ...unaryCases({
    op: "CastLike",
    make: (g, x) => g.one("CastLike", [g.mul(x, g.one("CastLike", [x, x])), x]),
    oracle: (x) => x * x,
  }),
  ...unaryCases({
    op: "Clip",
    make: (g, x) => g.mul(g.clip(x, -0.5, 0.5), x),
    oracle: (x) => Math.min(0.5, Math.max(-0.5, x)) * x,
    input: { avoid: [-0.5, 0.5] },
  }),
  {
    op: "Clip",
    name: "bounds that are learned",
    inputs: [
      { shape: [2, 5], avoid: [-0.5, 0.5] },
      { shape: [], values: [-0.5] },
      { shape: [], values: [0.5] },
    ],
    make: (g, [x, low, high]) => g.mul(g.one("Clip", [x, low, high]), x),
    oracle: ([x, low, high]) =>
      zip((value, least, most) => Math.min(most, Math.max(least, value)) * value, x, low, high),
  },
  {
    op: "Clip",
    name: "one bound only",
    inputs: [{ shape: [6], avoid: [0.25] }],
    make: (g, [x]) => g.one("Clip", [x, undefined, g.scalar(0.25, "float64")]),
    oracle: ([x]) => zip((value) => Math.min(0.25, value), x),
  },
  ...binaryCases({
    op: "Where",
    make: (g, a, b) => g.mul(g.where(g.greater(a, 0), a, b), b),
    oracle: (a, b) => (a > 0 ? a : b) * b,
    a: { avoid: [0] },
  }),
  {
    op: "Where",
    name: "a condition of its own that broadcasts",
    inputs: [{ shape: [2, 1], dtype: "bool", values: [1, 0] }, { shape: [3] }, { shape: [] }],
    make: (g, [flag, a, b]) => g.mul(g.where(flag, a, b), a),
    oracle: ([flag, a, b]) => zip((f, x, y) => (f === 1 ? x : y) * x, flag, a, b),
  },
  ...unaryCases({
    op: "Dropout",
    variant: "not in training",
    make: (g, x) => g.mul(g.dropout(x, { ratio: 0.5, training: false }), x),
    oracle: (x) => x * x,
  }),
];
