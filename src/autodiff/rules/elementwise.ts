/** Arithmetic, and what chooses between elements. Activations and other functions have files of their own. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { constantNumber, cotangentOf, fullLike, inputOf, isFloat, outputOf } from "./rule.ts";
import { reshapeLike, sumTo, times } from "./rule.ts";

export type ElementwiseOp =
  | "Identity"
  | "Cast"
  | "CastLike"
  | "Add"
  | "Sub"
  | "Mul"
  | "Div"
  | "Pow"
  | "Mod"
  | "Sum"
  | "Mean"
  | "Min"
  | "Max"
  | "Neg"
  | "Abs"
  | "Reciprocal"
  | "Sqrt"
  | "Where"
  | "Clip"
  | "Dropout";

type Partial = (g: GraphBuilder, call: VjpCall) => Value;

/** A rule of inputs that broadcast: the partial cotangents before summing, each made on demand. */
function broadcasting(...partials: readonly (Partial | undefined)[]): VjpRule {
  return (g, call) =>
    partials.map((partial, i) =>
      partial !== undefined && call.needs[i] === true
        ? sumTo(g, partial(g, call), inputOf(call, i))
        : undefined,
    );
}

const passed: Partial = (_, call) => cotangentOf(call);

const cast: VjpRule = (g, call) => {
  const x = inputOf(call, 0);
  return [isFloat(x.elementType) ? g.cast(cotangentOf(call), x.elementType) : undefined];
};

/** `d(a / b)/db = -y / b`. */
const byDivisor: Partial = (g, call) =>
  g.neg(g.div(times(g, cotangentOf(call), outputOf(call, 0)), inputOf(call, 1)));

const pow: VjpRule = (g, call) => [
  call.needs[0] === true ? sumTo(g, byBase(g, call), inputOf(call, 0)) : undefined,
  call.needs[1] === true ? sumTo(g, byExponent(g, call), inputOf(call, 1)) : undefined,
];

/** `p x^(p-1)`, in fewer passes where the exponent is a common number; 0 where it is 0, also at `x = 0`. */
function byBase(g: GraphBuilder, call: VjpCall): Value {
  const [x, y, dy] = [inputOf(call, 0), outputOf(call, 0), cotangentOf(call)];
  switch (constantNumber(call, 1)) {
    case 0:
      return fullLike(g, y, 0);
    case 1:
      return dy;
    case 2:
      return times(g, g.mul(dy, 2), x);
    case 3:
      return times(g, g.mul(dy, 3), g.mul(x, x));
    case 0.5:
      return g.div(g.mul(dy, 0.5), y);
    case -1:
      return g.neg(times(g, dy, g.mul(y, y)));
    default: {
      const p = g.cast(inputOf(call, 1), x.elementType);
      const known = inputOf(call, 1).constant;
      const never0 = known !== undefined && !Array.from(known.data, Number).includes(0);
      // 0^(0-1) is infinite, and infinity times 0 no number.
      const lower = never0 ? g.sub(p, 1) : g.where(g.equal(p, 0), 1, g.sub(p, 1));
      return times(g, dy, g.mul(p, g.pow(x, lower)));
    }
  }
}

/** `y log x`; 0 where the base is not positive, as the power is defined there for lone exponents only. */
function byExponent(g: GraphBuilder, call: VjpCall): Value {
  const [x, y] = [inputOf(call, 0), outputOf(call, 0)];
  const positive = g.greater(x, 0);
  const log = g.where(positive, g.log(g.where(positive, x, 1)), 0);
  return g.cast(times(g, cotangentOf(call), g.mul(y, log)), inputOf(call, 1).elementType);
}

/** `fmod(a, b) = a - b trunc(a / b)`; the quotient is piecewise constant. */
const mod: VjpRule = broadcasting(passed, (g, call) => {
  const [a, b, y] = [inputOf(call, 0), inputOf(call, 1), outputOf(call, 0)];
  const quotient = g.one("Round", [g.div(g.sub(a, y), b)]);
  return g.neg(times(g, cotangentOf(call), quotient));
});

const sum: VjpRule = (g, call) =>
  call.inputs.map((x, i) =>
    x !== undefined && call.needs[i] === true ? sumTo(g, cotangentOf(call), x) : undefined,
  );

const mean: VjpRule = (g, call) => {
  if (call.inputs.length === 1) return [cotangentOf(call)];
  const share = g.mul(cotangentOf(call), 1 / call.inputs.length);
  return call.inputs.map((x, i) =>
    x !== undefined && call.needs[i] === true ? sumTo(g, share, x) : undefined,
  );
};

/**
 * Of `Min` and `Max`: the gradient goes to the input that was chosen; inputs that tie share it evenly, so
 * that the result does not depend on their order.
 */
const chosen: VjpRule = (g, call) => {
  const [y, dy] = [outputOf(call, 0), cotangentOf(call)];
  if (call.inputs.length === 1) return [dy];
  const hits = call.inputs.map((_, i) => g.cast(g.equal(inputOf(call, i), y), y.elementType));
  const share = g.div(
    dy,
    hits.reduce((total, hit) => g.add(total, hit)),
  );
  return hits.map((hit, i) =>
    call.needs[i] === true ? sumTo(g, g.mul(share, hit), inputOf(call, i)) : undefined,
  );
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

/** The bounds themselves count as inside. A bound gets what is beyond it. */
const clip: VjpRule = (g, call) => {
  const [x, dy] = [inputOf(call, 0), cotangentOf(call)];
  const through = (mask: Value): Value => times(g, dy, g.cast(mask, x.elementType));
  const bound = (i: number, beyond: (limit: Value) => Value): Value | undefined => {
    const limit = call.inputs[i];
    if (limit === undefined || call.needs[i] !== true) return undefined;
    return sumTo(g, through(beyond(limit)), limit);
  };
  return [
    call.needs[0] === true ? through(g.equal(x, outputOf(call, 0))) : undefined,
    bound(1, (low) => g.less(x, low)),
    bound(2, (high) => g.greater(x, high)),
  ];
};

/** In training the mask is drawn anew by every run, so the gradient takes the very mask of the node. */
const dropout: VjpRule = (g, call) => {
  const [x, dy] = [inputOf(call, 0), cotangentOf(call)];
  const training = call.inputs[2];
  if (training === undefined || constantNumber(call, 2) === 0) return [dy];
  const { elementType, shape } = x;
  const types = [
    { elementType, shape },
    { elementType: "bool", shape },
  ] as const;
  const mask = g.moreOutputs(call.node, types)[1];
  if (mask === undefined) return [undefined];
  const ratio = call.inputs[1];
  const kept =
    ratio === undefined ? g.scalar(0.5, elementType) : g.sub(1, g.cast(ratio, elementType));
  const dropped = g.div(times(g, dy, g.cast(mask, elementType)), reshapeLike(g, kept, SCALAR));
  return [training.constant === undefined ? g.where(training, dropped, dy) : dropped];
};

const SCALAR = { elementType: "float32", shape: [] } as const;

export const ELEMENTWISE_VJPS: Readonly<Record<ElementwiseOp, VjpRule>> = {
  Identity: (_, call) => [cotangentOf(call)],
  Cast: cast,
  CastLike: cast,
  Add: broadcasting(passed, passed),
  Sub: broadcasting(passed, (g, call) => g.neg(cotangentOf(call))),
  Mul: broadcasting(
    (g, call) => times(g, cotangentOf(call), inputOf(call, 1)),
    (g, call) => times(g, cotangentOf(call), inputOf(call, 0)),
  ),
  Div: broadcasting((g, call) => g.div(cotangentOf(call), inputOf(call, 1)), byDivisor),
  Pow: pow,
  Mod: mod,
  Sum: sum,
  Mean: mean,
  Min: chosen,
  Max: chosen,
  Neg: (g, call) => [g.neg(cotangentOf(call))],
  /** 0 at 0. */
  Abs: (g, call) => [times(g, cotangentOf(call), g.sign(inputOf(call, 0)))],
  Reciprocal: (g, call) => {
    const y = outputOf(call, 0);
    return [g.neg(times(g, cotangentOf(call), g.mul(y, y)))];
  },
  Sqrt: (g, call) => [g.div(g.mul(cotangentOf(call), 0.5), outputOf(call, 0))],
  Where: where,
  Clip: clip,
  Dropout: dropout,
};
