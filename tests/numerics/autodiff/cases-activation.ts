import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import { zip } from "../../support/oracle.ts";
import { gelu, geluTanh, sigmoid, softplus } from "../../support/oracle-functions.ts";
import { binaryCases, unaryCases } from "./case-makers.ts";
import type { Unary } from "./case-makers.ts";
import type { GradientCase } from "./gradient-case.ts";

const withFloats =
  (op: string, floats: Readonly<Record<string, number>> = {}, domain = "") =>
  (g: GraphBuilder, x: Value): Value => {
    const attributes = Object.fromEntries(
      Object.entries(floats).map(([name, value]) => [name, { kind: "float", value } as const]),
    );
    return g.one(op, [x], { domain, attributes });
  };
const row = (
  op: string,
  oracle: (x: number) => number,
  more: Partial<Unary> = {},
): GradientCase[] =>
  unaryCases({
    op,
    make: withFloats(op),
    oracle,
    dtype: "float32",
    input: { range: [-2, 2], avoid: [0] },
    ...more,
  });
const clamp = (x: number): number => Math.min(1, Math.max(0, x));

/** Of a GELU of `x + bias`. */
const biased = (op: string, oracle: (x: number) => number): GradientCase[] => {
  const shapes = [[2, 3], [3]] as const;
  const make = (g: GraphBuilder, x: Value, bias: Value): Value =>
    g.one(op, [x, bias], { domain: "com.microsoft" });
  const case1: GradientCase = {
    op: `com.microsoft.${op}`,
    name: "with a bias",
    inputs: [{ shape: shapes[0] }, { shape: shapes[1] }],
    make: (g, [x, bias]) => make(g, x, bias),
    oracle: ([x, bias]) => zip((a, b) => oracle(a + b), x, bias),
    dtype: "float32",
  };
  return [case1, { ...case1, name: "by the bias only", wrt: [1] }];
};

export const CASES: readonly GradientCase[] = [
  ...row("Sigmoid", sigmoid, { dtype: "float64", input: {} }),
  ...row("Relu", (x) => Math.max(0, x), { dtype: "float64" }),
  ...unaryCases({
    op: "Relu",
    variant: "squared",
    make: (g, x) => g.mul(g.relu(x), g.relu(x)),
    oracle: (x) => Math.max(0, x) ** 2,
    input: { avoid: [0] },
  }),
  ...row("HardSigmoid", (x) => clamp(0.2 * x + 0.5), {
    input: { range: [-4, 4], avoid: [-2.5, 2.5] },
  }),
  ...row("HardSigmoid", (x) => clamp(0.4 * x + 0.3), {
    variant: "other slope",
    make: withFloats("HardSigmoid", { alpha: 0.4, beta: 0.3 }),
    input: { range: [-3, 3], avoid: [-0.75, 1.75] },
  }),
  ...row("HardSwish", (x) => x * clamp(x / 6 + 0.5), { input: { range: [-5, 5], avoid: [-3, 3] } }),
  ...row("LeakyRelu", (x) => (x > 0 ? x : 0.01 * x)),
  ...row("LeakyRelu", (x) => (x > 0 ? x : 0.3 * x), {
    variant: "other slope",
    make: withFloats("LeakyRelu", { alpha: 0.3 }),
  }),
  ...row("ThresholdedRelu", (x) => (x > 0.6 ? x : 0), {
    make: withFloats("ThresholdedRelu", { alpha: 0.6 }),
    input: { range: [-2, 2], avoid: [0.6] },
  }),
  ...row("Elu", (x) => (x > 0 ? x : Math.expm1(x))),
  ...row("Elu", (x) => (x > 0 ? x : 0.7 * Math.expm1(x)), {
    variant: "other scale",
    make: withFloats("Elu", { alpha: 0.7 }),
  }),
  ...row("Selu", (x) => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Math.expm1(x))),
  ...row("Selu", (x) => 1.2 * (x > 0 ? x : 0.8 * Math.expm1(x)), {
    variant: "other scales",
    make: withFloats("Selu", { alpha: 0.8, gamma: 1.2 }),
  }),
  ...row("Celu", (x) => (x > 0 ? x : 1.5 * Math.expm1(x / 1.5)), {
    make: withFloats("Celu", { alpha: 1.5 }),
  }),
  ...row("Softplus", softplus, { input: {} }),
  ...row("Softsign", (x) => x / (1 + Math.abs(x))),
  ...row("Mish", (x) => x * Math.tanh(softplus(x)), { input: {} }),
  ...row("Gelu", gelu, { input: {} }),
  ...row("Gelu", geluTanh, { variant: "tanh", make: (g, x) => g.gelu(x, "tanh"), input: {} }),
  ...row("com.microsoft.QuickGelu", (x) => x * sigmoid(1.702 * x), {
    make: withFloats("QuickGelu", {}, "com.microsoft"),
    input: {},
  }),
  ...row("com.microsoft.QuickGelu", (x) => x * sigmoid(x), {
    variant: "as SiLU",
    make: withFloats("QuickGelu", { alpha: 1 }, "com.microsoft"),
    input: {},
  }),
  ...row("com.microsoft.FastGelu", geluTanh, {
    make: withFloats("FastGelu", {}, "com.microsoft"),
    input: {},
  }).filter(({ name }) => name !== "[]"),
  ...biased("FastGelu", geluTanh),
  ...biased("BiasGelu", gelu),
  ...unaryCases({
    op: "Sigmoid",
    variant: "in SiLU",
    make: (g, x) => g.silu(x),
    oracle: (x) => x * sigmoid(x),
  }),
  ...binaryCases({
    op: "PRelu",
    make: (g, x, slope) => g.one("PRelu", [x, slope]),
    oracle: (x, slope) => (x > 0 ? x : slope * x),
    a: { avoid: [0] },
    dtype: "float32",
  }).filter(
    ({ name }) =>
      !["column and matrix", "both ways", "rank 4 and rank 2", "scalar and rank 3"].includes(name),
  ),
];
