/** Functions of one element: `slope` gives dy/dx, of the input and of the output where that saves work. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpRule } from "./rule.ts";
import { cotangentOf, inputOf, outputOf, times } from "./rule.ts";

export type FunctionOp =
  | "Exp"
  | "Log"
  | "Sin"
  | "Cos"
  | "Tan"
  | "Asin"
  | "Acos"
  | "Atan"
  | "Sinh"
  | "Cosh"
  | "Asinh"
  | "Acosh"
  | "Atanh"
  | "Tanh"
  | "Erf";

type Slope = (g: GraphBuilder, x: Value, y: Value) => Value;

/** The cotangent times the slope. */
export function sloped(slope: Slope): VjpRule {
  return (g, call) => [times(g, cotangentOf(call), slope(g, inputOf(call, 0), outputOf(call, 0)))];
}

/** The cotangent divided by what `inverse` gives, for slopes that are quotients. */
function dividedBy(inverse: Slope): VjpRule {
  return (g, call) => [g.div(cotangentOf(call), inverse(g, inputOf(call, 0), outputOf(call, 0)))];
}

function unary(g: GraphBuilder, opType: string, x: Value): Value {
  return g.one(opType, [x]);
}

export const FUNCTION_VJPS: Readonly<Record<FunctionOp, VjpRule>> = {
  Exp: sloped((_g, _x, y) => y),
  Log: dividedBy((_g, x) => x),
  Sin: sloped((g, x) => g.cos(x)),
  Cos: sloped((g, x) => g.neg(g.sin(x))),
  Tan: sloped((g, _x, y) => g.add(g.mul(y, y), 1)),
  Asin: dividedBy((g, x) => g.sqrt(g.sub(1, g.mul(x, x)))),
  Acos: dividedBy((g, x) => g.neg(g.sqrt(g.sub(1, g.mul(x, x))))),
  Atan: dividedBy((g, x) => g.add(g.mul(x, x), 1)),
  Sinh: sloped((g, x) => unary(g, "Cosh", x)),
  Cosh: sloped((g, x) => unary(g, "Sinh", x)),
  Asinh: dividedBy((g, x) => g.sqrt(g.add(g.mul(x, x), 1))),
  // Not x² - 1 under the root, which loses everything near 1.
  Acosh: dividedBy((g, x) => g.sqrt(g.mul(g.sub(x, 1), g.add(x, 1)))),
  Atanh: dividedBy((g, x) => g.sub(1, g.mul(x, x))),
  Tanh: sloped((g, _x, y) => g.sub(1, g.mul(y, y))),
  Erf: sloped((g, x) => g.mul(g.exp(g.neg(g.mul(x, x))), 2 / Math.sqrt(Math.PI))),
};
