import type { Dtype } from "../core/index.ts";
import { elementTypeCode } from "./element-type.ts";
import type { Value } from "./graph-core.ts";
import { GraphCore } from "./graph-core.ts";

/** A value, or a number that becomes a scalar constant of the other operand's dtype. */
export type ValueLike = Value | number;

/** The part of `GraphBuilder` whose operators make one element per (broadcast) element. */
export class ElementwiseBuilder extends GraphCore {
  #operands(a: ValueLike, b: ValueLike): [Value, Value] {
    const typed = typeof a !== "number" ? a : typeof b !== "number" ? b : undefined;
    const dtype = typed?.elementType ?? "float32";
    const value = (x: ValueLike): Value => (typeof x === "number" ? this.scalar(x, dtype) : x);
    return [value(a), value(b)];
  }

  #two(opType: string, a: ValueLike, b: ValueLike): Value {
    return this.one(opType, this.#operands(a, b));
  }

  add(a: ValueLike, b: ValueLike): Value {
    return this.#two("Add", a, b);
  }
  sub(a: ValueLike, b: ValueLike): Value {
    return this.#two("Sub", a, b);
  }
  mul(a: ValueLike, b: ValueLike): Value {
    return this.#two("Mul", a, b);
  }
  div(a: ValueLike, b: ValueLike): Value {
    return this.#two("Div", a, b);
  }
  pow(a: ValueLike, b: ValueLike): Value {
    return this.#two("Pow", a, b);
  }
  min(a: ValueLike, b: ValueLike): Value {
    return this.#two("Min", a, b);
  }
  max(a: ValueLike, b: ValueLike): Value {
    return this.#two("Max", a, b);
  }
  equal(a: ValueLike, b: ValueLike): Value {
    return this.#two("Equal", a, b);
  }
  greater(a: ValueLike, b: ValueLike): Value {
    return this.#two("Greater", a, b);
  }
  less(a: ValueLike, b: ValueLike): Value {
    return this.#two("Less", a, b);
  }
  and(a: Value, b: Value): Value {
    return this.one("And", [a, b]);
  }
  or(a: Value, b: Value): Value {
    return this.one("Or", [a, b]);
  }
  not(x: Value): Value {
    return this.one("Not", [x]);
  }
  neg(x: Value): Value {
    return this.one("Neg", [x]);
  }
  abs(x: Value): Value {
    return this.one("Abs", [x]);
  }
  exp(x: Value): Value {
    return this.one("Exp", [x]);
  }
  log(x: Value): Value {
    return this.one("Log", [x]);
  }
  sqrt(x: Value): Value {
    return this.one("Sqrt", [x]);
  }
  reciprocal(x: Value): Value {
    return this.one("Reciprocal", [x]);
  }
  sin(x: Value): Value {
    return this.one("Sin", [x]);
  }
  cos(x: Value): Value {
    return this.one("Cos", [x]);
  }
  relu(x: Value): Value {
    return this.one("Relu", [x]);
  }
  tanh(x: Value): Value {
    return this.one("Tanh", [x]);
  }
  sigmoid(x: Value): Value {
    return this.one("Sigmoid", [x]);
  }
  softplus(x: Value): Value {
    return this.one("Softplus", [x]);
  }
  tan(x: Value): Value {
    return this.one("Tan", [x]);
  }
  atan(x: Value): Value {
    return this.one("Atan", [x]);
  }
  sign(x: Value): Value {
    return this.one("Sign", [x]);
  }
  leakyRelu(x: Value, alpha = 0.01): Value {
    return this.one("LeakyRelu", [x], { attributes: { alpha: { kind: "float", value: alpha } } });
  }
  elu(x: Value, alpha = 1): Value {
    return this.one("Elu", [x], { attributes: { alpha: { kind: "float", value: alpha } } });
  }
  hardSwish(x: Value): Value {
    return this.one("HardSwish", [x]);
  }
  mish(x: Value): Value {
    return this.one("Mish", [x]);
  }
  erf(x: Value): Value {
    return this.one("Erf", [x]);
  }
  /** Hendrycks & Gimpel 2016, arXiv:1606.08415: exact (`none`), or with their tanh in place of erf. */
  gelu(x: Value, approximate: "none" | "tanh" = "none"): Value {
    return this.one("Gelu", [x], approximate === "none" ? {} : { attributes: { approximate } });
  }
  /** Also known as swish: `x * sigmoid(x)`. */
  silu(x: Value): Value {
    return this.mul(x, this.sigmoid(x));
  }

  where(condition: Value, yes: ValueLike, no: ValueLike): Value {
    return this.one("Where", [condition, ...this.#operands(yes, no)]);
  }

  cast(x: Value, to: Dtype): Value {
    if (x.elementType === to) return x;
    return this.one("Cast", [x], { attributes: { to: elementTypeCode(to) } });
  }

  /** Sum of any number of tensors that broadcast. */
  sum(...values: readonly Value[]): Value {
    return this.one("Sum", values);
  }

  /** Zeroes elements at random and scales the others by `1 / (1 - ratio)`; `x` itself unless training. */
  dropout(x: Value, options: { ratio: number; training: boolean; seed?: number }): Value {
    const { ratio, training, seed } = options;
    const flag = { dtype: "bool", shape: [], data: Uint8Array.of(training ? 1 : 0) } as const;
    const inputs = [x, this.scalar(ratio), this.constant(flag)];
    return this.one("Dropout", inputs, seed === undefined ? {} : { attributes: { seed } });
  }

  clip(x: Value, low: number, high: number): Value {
    const { elementType } = x;
    return this.one("Clip", [x, this.scalar(low, elementType), this.scalar(high, elementType)]);
  }
}
