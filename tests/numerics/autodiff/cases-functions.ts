import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import { erf } from "../../support/oracle-functions.ts";
import { unaryCases } from "./case-makers.ts";
import type { Unary } from "./case-makers.ts";
import type { GradientCase } from "./gradient-case.ts";

const one = (op: string) => (g: GraphBuilder, x: Value) => g.one(op, [x]);
const row = (
  op: string,
  oracle: (x: number) => number,
  more: Partial<Unary> = {},
): GradientCase[] => unaryCases({ op, make: one(op), oracle, ...more });
const float32 = { dtype: "float32" } as const;

export const CASES: readonly GradientCase[] = [
  ...row("Exp", Math.exp),
  ...row("Log", Math.log, { input: { range: [0.5, 2] } }),
  ...row("Sin", Math.sin),
  ...row("Cos", Math.cos),
  ...row("Tanh", Math.tanh),
  // The engine has these in float32 only.
  ...row("Tan", Math.tan, { ...float32, input: { range: [-1, 1] } }),
  ...row("Asin", Math.asin, { ...float32, input: { range: [-0.7, 0.7] } }),
  ...row("Acos", Math.acos, { ...float32, input: { range: [-0.7, 0.7] } }),
  ...row("Atan", Math.atan, float32),
  ...row("Sinh", Math.sinh, float32),
  ...row("Cosh", Math.cosh, float32),
  ...row("Asinh", Math.asinh, float32),
  ...row("Acosh", Math.acosh, { ...float32, input: { range: [1.4, 2.5] } }),
  ...row("Atanh", Math.atanh, { ...float32, input: { range: [-0.6, 0.6] } }),
  ...row("Erf", erf, float32),
];
