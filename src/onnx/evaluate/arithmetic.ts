/**
 * Operators that compute. Only where the result here is the engine's to the last bit: integers, and of
 * the floating-point operators those that IEEE 754 rounds correctly (`+ - * / sqrt`, where rounding a
 * float64 result to float32 is exact too; Figueroa 1995, "When is double rounding innocuous?").
 */
import type { Dtype, NdArray, TypedArray } from "../../core/index.ts";
import { allocate } from "../element-type.ts";
import { intAttribute } from "../rules/rule.ts";
import type { Kernel, KnownCall } from "./kernel.ts";
import { broadcastStrides, offsets, pick, resultShape } from "./kernel.ts";

type Scalar = number | bigint;
type Combine<T extends Scalar, R = T> = (a: T, b: T) => R | undefined;

/** One operator for both kinds of numbers; `undefined` = no result. */
interface Pair<R> {
  readonly number: Combine<number, number | R>;
  readonly bigint: Combine<bigint, bigint | R>;
}

const EXACT: ReadonlySet<Dtype> = new Set(["float32", "float64", "int32", "int64", "bool"]);

/** The inputs, each read at every element of the broadcast result. */
function broadcastInputs(known: KnownCall): TypedArray[] {
  const shape = resultShape(known);
  return known.arrays.map(({ data, shape: own }) =>
    pick(data, offsets(shape, broadcastStrides(own, shape.length))),
  );
}

function fill(known: KnownCall, at: (i: number) => Scalar | boolean | undefined): Kernel {
  return () => {
    const [type] = known.types;
    if (type === undefined || !EXACT.has(type.elementType)) return undefined;
    const shape = resultShape(known);
    const data = allocate(type.elementType, size(shape));
    for (let i = 0; i < data.length; i++) {
      const value = at(i);
      if (value === undefined) return undefined;
      // A product that float64 cannot hold has lost the bits that wrapping around would keep.
      if (type.elementType === "int32" && !Number.isSafeInteger(Number(value))) return undefined;
      data[i] = typeof value === "boolean" ? Number(value) : value;
    }
    return [{ dtype: type.elementType, shape, data }];
  };
}

/** Joins inputs two by two, as the variadic `Min` and `Max` do. */
function combining<R extends boolean>(pair: Pair<R>): Kernel {
  return (known) => {
    const inputs = broadcastInputs(known);
    const join = (a: Scalar | R | undefined, b: Scalar): Scalar | R | undefined => {
      if (typeof a === "number" && typeof b === "number") return pair.number(a, b);
      return typeof a === "bigint" && typeof b === "bigint" ? pair.bigint(a, b) : undefined;
    };
    const [head, ...rest] = inputs;
    if (head === undefined || known.arrays.some(({ dtype }) => !EXACT.has(dtype))) return undefined;
    return fill(known, (i) => {
      let value: Scalar | R | undefined = head[i];
      for (const input of rest) value = join(value, input[i] ?? 0);
      return value;
    })(known);
  };
}

const plain = <R>(
  number: Combine<number, number | R>,
  bigint: Combine<bigint, bigint | R>,
): Pair<R> => ({ number, bigint });

const compare = (test: (a: Scalar, b: Scalar) => boolean): Kernel =>
  combining<boolean>(plain<boolean>(test, test));

/** Integer division truncates; of floats it is exact division. */
const divide: Kernel = (known) => {
  const whole = known.types[0]?.elementType === "int32";
  const pair = plain<boolean>(
    (a, b) => (whole ? (b === 0 ? undefined : Math.trunc(a / b)) : a / b),
    (a, b) => (b === 0n ? undefined : a / b),
  );
  return combining(pair)(known);
};

/** With `fmod` the result has the sign of the dividend, else that of the divisor. */
const modulo: Kernel = (known) => {
  const dividend = intAttribute(known.call, "fmod", 0) === 1;
  const pair = plain<boolean>(
    (a, b) => (b === 0 ? undefined : dividend ? a % b : a - b * Math.floor(a / b)),
    (a, b) => (b === 0n ? undefined : dividend ? a % b : ((a % b) + b) % b),
  );
  return combining(pair)(known);
};

function unary(number: (a: number) => number, bigint: (a: bigint) => bigint = (a) => a): Kernel {
  return (known) => {
    const data = known.arrays[0]?.data ?? [];
    return fill(known, (i) => {
      const value = data[i];
      return typeof value === "bigint" ? bigint(value) : number(value ?? 0);
    })(known);
  };
}

const where: Kernel = (known) => {
  const [condition, yes, no] = broadcastInputs(known);
  if (condition === undefined || yes === undefined || no === undefined) return undefined;
  return fill(known, (i) => (condition[i] === 1 ? yes[i] : no[i]))(known);
};

const cast: Kernel = (known) => {
  const [input] = known.arrays;
  const to = known.types[0]?.elementType;
  if (input === undefined || to === undefined || !EXACT.has(input.dtype)) return undefined;
  return fill(known, (i) => converted(input.data[i] ?? 0, to))(known);
};

function converted(value: Scalar, to: Dtype): Scalar | undefined {
  if (to === "bool") return Number(value) === 0 ? 0 : 1;
  if (to === "float32" || to === "float64") return Number(value);
  if (typeof value === "number" && !Number.isSafeInteger(Math.trunc(value))) return undefined;
  if (to === "int64") return typeof value === "bigint" ? value : BigInt(Math.trunc(value));
  return typeof value === "bigint" ? Number(BigInt.asIntN(32, value)) : Math.trunc(value);
}

const constantOfShape: Kernel = (known) => {
  const { value } = known.call.attributes;
  const payload = value?.kind === "tensor" ? value.value.payload : undefined;
  const filler = payload?.kind === "array" ? payload.array.data[0] : 0;
  return fill(known, () => filler)(known);
};

const range: Kernel = (known) => {
  const [start, , step] = known.arrays.map(({ data }) => data[0]);
  return fill(known, (i) => {
    if (typeof start === "bigint" && typeof step === "bigint") return start + BigInt(i) * step;
    return typeof start === "number" && typeof step === "number" ? start + i * step : undefined;
  })(known);
};

/** Reductions over everything, of integers: what shape arithmetic needs. */
function reducing(pair: Pair<boolean>): Kernel {
  return (known) => {
    const [input] = known.arrays;
    if (input === undefined || input.data.length === 0 || size(resultShape(known)) !== 1) {
      return undefined;
    }
    if (input.dtype !== "int64" && input.dtype !== "int32") return undefined;
    return fill(known, () => reduced(input, pair))(known);
  };
}

function reduced({ data }: NdArray, pair: Pair<boolean>): Scalar | undefined {
  let total: Scalar | boolean | undefined = data[0];
  for (const value of data.subarray(1)) {
    if (typeof total === "bigint" && typeof value === "bigint") total = pair.bigint(total, value);
    else if (typeof total === "number" && typeof value === "number") {
      total = pair.number(total, value);
    }
  }
  return typeof total === "boolean" ? undefined : total;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

const ADD = plain<boolean>(
  (a, b) => a + b,
  (a, b) => a + b,
);
const TIMES = plain<boolean>(
  (a, b) => a * b,
  (a, b) => a * b,
);
const LEAST = plain<boolean>(Math.min, (a, b) => (a < b ? a : b));
const GREATEST = plain<boolean>(Math.max, (a, b) => (a > b ? a : b));

export const ARITHMETIC_KERNELS: Readonly<Record<string, Kernel>> = {
  Add: combining(ADD),
  Sub: combining(
    plain<boolean>(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  ),
  Mul: combining(TIMES),
  Div: divide,
  Mod: modulo,
  Min: combining(LEAST),
  Max: combining(GREATEST),
  Equal: compare((a, b) => a === b),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
  And: compare((a, b) => a === 1 && b === 1),
  Or: compare((a, b) => a === 1 || b === 1),
  Xor: compare((a, b) => a !== b),
  Not: unary((a) => (a === 0 ? 1 : 0)),
  Neg: unary(
    (a) => -a,
    (a) => -a,
  ),
  Abs: unary(Math.abs, (a) => (a < 0n ? -a : a)),
  Sqrt: unary(Math.sqrt),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Where: where,
  Cast: cast,
  ConstantOfShape: constantOfShape,
  Range: range,
  ReduceProd: reducing(TIMES),
  ReduceSum: reducing(ADD),
  ReduceMax: reducing(GREATEST),
  ReduceMin: reducing(LEAST),
};
