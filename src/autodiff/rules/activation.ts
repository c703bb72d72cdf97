/**
 * Activations. At a kink the slope is the one from the left (0 for `Relu`, `alpha` for `LeakyRelu`, ...),
 * as in PyTorch; the tests name it for each.
 */
import type { BuiltNode, GraphBuilder, Value } from "../../onnx/index.ts";
import { withClosedForm } from "./closed-form.ts";
import { sloped } from "./functions.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, floatOf, inputOf, outputOf, stringOf, sumTo, times } from "./rule.ts";
import { STOP_GRADIENT } from "./rule.ts";

export type ActivationOp =
  | "Sigmoid"
  | "HardSigmoid"
  | "HardSwish"
  | "Relu"
  | "LeakyRelu"
  | "PRelu"
  | "ThresholdedRelu"
  | "Elu"
  | "Selu"
  | "Celu"
  | "Softplus"
  | "Softsign"
  | "Mish"
  | "Gelu"
  | "com.microsoft.QuickGelu"
  | "com.microsoft.FastGelu"
  | "com.microsoft.BiasGelu";

/** A rule whose slope depends on an attribute of the node. */
function slopedBy(
  attribute: string,
  fallback: number,
  slope: (g: GraphBuilder, at: { x: Value; y: Value; alpha: number }) => Value,
): VjpRule {
  return (g, call) => {
    const alpha = floatOf(call, attribute, fallback);
    const at = { x: inputOf(call, 0), y: outputOf(call, 0), alpha };
    return [times(g, cotangentOf(call), slope(g, at))];
  };
}

/** The largest float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * 1 where `y` is positive and 0 where it is 0, for `y >= 0`, in one pass. In float32 as a hard sigmoid so steep that the
 * smallest normal number is in its flat part already; the engine does that on all threads, and `Sign` on one at a
 * third of the speed. Denormal numbers below 3e-39 are on the slope.
 */
function positive(g: GraphBuilder, y: Value): Value {
  if (y.elementType !== "float32") return g.sign(y);
  const number = (value: number) => ({ kind: "float", value }) as const;
  const attributes = { alpha: number(LARGEST), beta: number(0) };
  return g.scope(STOP_GRADIENT, () => g.one("HardSigmoid", [y], { attributes }));
}

/** 1 where the result was not clamped, which is the open interval (0, 1) of the output. */
const hardSigmoid: VjpRule = slopedBy("alpha", 0.2, (g, { y, alpha }) =>
  g.mul(g.sign(g.sub(y, g.mul(y, y))), alpha),
);

/** `x clip(x / 6 + 1 / 2, 0, 1)`. */
const hardSwish: VjpRule = sloped((g, x) => {
  const inside = g.less(g.abs(x), 3);
  const outside = g.cast(g.greater(x, 0), x.elementType);
  return g.where(inside, g.add(g.mul(x, 1 / 3), 0.5), outside);
});

const prelu: VjpRule = (g, call) => {
  const [x, slope, dy] = [inputOf(call, 0), inputOf(call, 1), cotangentOf(call)];
  return [
    call.needs[0] === true ? times(g, dy, g.where(g.greater(x, 0), 1, slope)) : undefined,
    call.needs[1] === true ? sumTo(g, times(g, dy, g.min(x, 0)), slope) : undefined,
  ];
};

/** Selu's constants; Klambauer et al. 2017, arXiv:1706.02515. */
const SELU = { alpha: 1.67326319217681884765625, gamma: 1.05070102214813232421875 };

const selu: VjpRule = (g, call) => {
  const [x, y] = [inputOf(call, 0), outputOf(call, 0)];
  const gamma = floatOf(call, "gamma", SELU.gamma);
  const alpha = floatOf(call, "alpha", SELU.alpha);
  const slope = g.where(g.greater(x, 0), gamma, g.add(y, alpha * gamma));
  return [times(g, cotangentOf(call), slope)];
};

/** `x tanh(softplus(x))`; Misra 2019, arXiv:1908.08681. */
const mish: VjpRule = sloped((g, x) => {
  const t = g.tanh(g.softplus(x));
  return g.add(t, g.mul(g.mul(x, g.sub(1, g.mul(t, t))), g.sigmoid(x)));
});

/** `Φ(x) + x φ(x)`. */
function exactGeluSlope(g: GraphBuilder, x: Value): Value {
  const cumulative = g.add(g.mul(g.erf(g.mul(x, Math.SQRT1_2)), 0.5), 0.5);
  const density = g.mul(g.exp(g.mul(g.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return g.add(cumulative, g.mul(x, density));
}

/**
 * With the tanh written as a sigmoid, `y = x s(z)` with `z = x (a + b x²)`: the slope is
 * `s + y (1 - s) w` with `w = a + 3 b x²`, which has the output in it and fewer passes than the textbook's form. The
 * slope of that, which the gradient of a gradient asks for, is `s (1 - s) (w (4 + (x - 2 y) w) - 2 a)`.
 */
function tanhGeluSlope(g: GraphBuilder, x: Value, y: Value): Value {
  const a = 2 * Math.sqrt(2 / Math.PI);
  const b = 0.044715 * a;
  const square = g.mul(x, x);
  const s = g.sigmoid(g.mul(x, g.add(g.mul(square, b), a)));
  const rest = g.sub(1, s);
  const w = g.add(g.mul(square, 3 * b), a);
  const slope = g.add(s, g.mul(g.mul(y, rest), w));
  return withClosedForm(slope, {
    of: x,
    slope(g) {
      const turn = g.add(g.mul(g.sub(x, g.mul(y, 2)), w), 4);
      return g.mul(g.mul(s, rest), g.sub(g.mul(turn, w), 2 * a));
    },
  });
}

const gelu: VjpRule = (g, call) => {
  const [x, y] = [inputOf(call, 0), outputOf(call, 0)];
  const slope = (): Value =>
    isTanhGelu(call.node) ? tanhGeluSlope(g, x, y) : exactGeluSlope(g, x);
  return [times(g, cotangentOf(call), call.slope ?? slope())];
};

function isTanhGelu(node: BuiltNode): boolean {
  return node.opType === "Gelu" && stringOf({ node }, "approximate", "none") === "tanh";
}

/**
 * Slopes of those of the nodes that are GELUs with tanh of one shape, computed as one: their inputs one after the
 * other, and one chain of element-wise nodes over all.
 */
export function jointSlopes(
  g: GraphBuilder,
  nodes: readonly BuiltNode[],
): ReadonlyMap<BuiltNode, Value> {
  const alike = new Map<string, { node: BuiltNode; x: Value; y: Value }[]>();
  for (const node of nodes) {
    const [x, y] = [node.inputs[0], node.outputs[0]];
    if (x === undefined || y === undefined || !isTanhGelu(node)) continue;
    if (x.shape.length === 0 || x.shape.some((dim) => typeof dim !== "number")) continue;
    const key = `${x.elementType} ${x.shape.join()}`;
    alike.set(key, [...(alike.get(key) ?? []), { node, x, y }]);
  }
  const slopes = new Map<BuiltNode, Value>();
  for (const group of alike.values()) {
    if (group.length < 2) continue;
    const together = (of: (one: (typeof group)[number]) => Value): Value =>
      g.concat(group.map(of), 0);
    const all = tanhGeluSlope(
      g,
      together(({ x }) => x),
      together(({ y }) => y),
    );
    const parts = g.split(
      all,
      0,
      group.map(({ x }) => Number(x.shape[0])),
    );
    for (const [i, { node }] of group.entries()) slopes.set(node, parts[i] as Value);
  }
  return slopes;
}

/** `x s(alpha x)`. */
const quickGelu: VjpRule = slopedBy("alpha", 1.702, (g, { x, y, alpha }) => {
  const s = g.sigmoid(g.mul(x, alpha));
  return g.add(s, g.mul(g.mul(y, g.sub(1, s)), alpha));
});

/** A GELU of `x + bias`. */
function biased(slope: (g: GraphBuilder, x: Value, y: Value) => Value): VjpRule {
  return (g, call: VjpCall) => {
    const bias = call.inputs[1];
    const x = bias === undefined ? inputOf(call, 0) : g.add(inputOf(call, 0), bias);
    const dx = times(g, cotangentOf(call), slope(g, x, outputOf(call, 0)));
    return [dx, bias === undefined || call.needs[1] !== true ? undefined : sumTo(g, dx, bias)];
  };
}

export const ACTIVATION_VJPS: Readonly<Record<ActivationOp, VjpRule>> = {
  Sigmoid: sloped((g, _x, y) => g.mul(y, g.sub(1, y))),
  HardSigmoid: hardSigmoid,
  HardSwish: hardSwish,
  Relu: sloped((g, _x, y) => positive(g, y)),
  LeakyRelu: slopedBy("alpha", 0.01, (g, { x, alpha }) =>
    g.where(g.greater(x, 0), 1, g.scalar(alpha, x.elementType)),
  ),
  PRelu: prelu,
  ThresholdedRelu: slopedBy("alpha", 1, (g, { x, alpha }) =>
    g.cast(g.greater(x, alpha), x.elementType),
  ),
  Elu: slopedBy("alpha", 1, (g, { x, y, alpha }) => g.where(g.greater(x, 0), 1, g.add(y, alpha))),
  Selu: selu,
  Celu: slopedBy("alpha", 1, (g, { x, y, alpha }) =>
    g.where(g.greater(x, 0), 1, g.add(g.mul(y, 1 / alpha), 1)),
  ),
  Softplus: sloped((g, x) => g.sigmoid(x)),
  /** `1 / (1 + |x|)²`, and `1 - |y|` is `1 / (1 + |x|)`. */
  Softsign: sloped((g, _x, y) => {
    const root = g.sub(1, g.abs(y));
    return g.mul(root, root);
  }),
  Mish: mish,
  Gelu: gelu,
  "com.microsoft.QuickGelu": quickGelu,
  "com.microsoft.FastGelu": biased(tanhGeluSlope),
  "com.microsoft.BiasGelu": biased((g, x) => exactGeluSlope(g, x)),
};
