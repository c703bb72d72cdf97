/** One output element per (broadcast) input element. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, inputOf, isFloat, outputOf, sumTo } from "./rule.ts";

export type ElementwiseOp =
  | "Identity"
  | "Cast"
  | "Add"
  | "Sub"
  | "Mul"
  | "Div"
  | "Neg"
  | "Exp"
  | "Log"
  | "Sqrt"
  | "Tanh"
  | "Sigmoid"
  | "Relu"
  | "Where";

/** A rule of one input: `slope` gives dy/dx, and the cotangent is multiplied by it. */
function unary(slope: (g: GraphBuilder, x: Value, y: Value) => Value): VjpRule {
  return (g, call) => [g.mul(cotangentOf(call), slope(g, inputOf(call, 0), outputOf(call, 0)))];
}

/** A rule of two inputs that broadcast: the partial cotangents before summing, each made on demand. */
function binary(
  partial: readonly [
    (g: GraphBuilder, call: VjpCall) => Value,
    (g: GraphBuilder, call: VjpCall) => Value,
  ],
): VjpRule {
  return (g, call) =>
    partial.map((make, i) =>
      call.needs[i] === true ? sumTo(g, make(g, call), inputOf(call, i)) : undefined,
    );
}

const cast: VjpRule = (g, call) => {
  const x = inputOf(call, 0);
  return [isFloat(x.elementType) ? g.cast(cotangentOf(call), x.elementType) : undefined];
};

const where: VjpRule = (g, call) => {
  const condition = inputOf(call, 0);
  const dy = cotangentOf(call);
  const part = (i: number, make: () => Value): Value | undefined =>
    call.needs[i] === true ? sumTo(g, make(), inputOf(call, i)) : undefined;
  return [
    undefined,
    part(1, () => g.where(condition, dy, 0)),
    part(2, () => g.where(condition, 0, dy)),
  ];
};

export const ELEMENTWISE_VJPS: Readonly<Record<ElementwiseOp, VjpRule>> = {
  Identity: (_, call) => [cotangentOf(call)],
  Cast: cast,
  Add: binary([(_, call) => cotangentOf(call), (_, call) => cotangentOf(call)]),
  Sub: binary([(_, call) => cotangentOf(call), (g, call) => g.neg(cotangentOf(call))]),
  Mul: binary([
    (g, call) => g.mul(cotangentOf(call), inputOf(call, 1)),
    (g, call) => g.mul(cotangentOf(call), inputOf(call, 0)),
  ]),
  Div: binary([
    (g, call) => g.div(cotangentOf(call), inputOf(call, 1)),
    (g, call) => g.neg(g.div(g.mul(cotangentOf(call), outputOf(call, 0)), inputOf(call, 1))),
  ]),
  Neg: (g, call) => [g.neg(cotangentOf(call))],
  Exp: unary((_g, _x, y) => y),
  Log: (g, call) => [g.div(cotangentOf(call), inputOf(call, 0))],
  Sqrt: (g, call) => [g.div(g.mul(cotangentOf(call), 0.5), outputOf(call, 0))],
  Tanh: unary((g, _x, y) => g.sub(1, g.mul(y, y))),
  Sigmoid: unary((g, _x, y) => g.mul(y, g.sub(1, y))),
  /** The subgradient at 0 is 0, as everywhere in the field. */
  Relu: unary((g, x) => g.cast(g.greater(x, 0), x.elementType)),
  Where: where,
};
