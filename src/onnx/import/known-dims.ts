/**
 * Shape arithmetic with dimensions that are only known at run time: what `Shape` gives of
 * `[batch, 3, 8]` is known to be those three words, and stays known through the cutting, joining and
 * multiplying that exporters do with it. Sums and products of names are written out (`4*batch`).
 */
import type { NdArray } from "../../core/index.ts";
import type { OpCall, StaticDim } from "../rules/rule.ts";
import { intAttribute } from "../rules/rule.ts";
import { shapeRange } from "../rules/layout.ts";

/** An int64 vector, or a scalar, as dimensions. */
export interface KnownDims {
  readonly dims: readonly StaticDim[];
  readonly scalar: boolean;
}

/** Longer vectors are no shapes. */
const LONGEST = 64;

/** The numbers of an integer constant as dimensions. */
export function dimsOfArray({ dtype, shape, data }: NdArray): KnownDims | undefined {
  if (dtype !== "int64" || shape.length > 1 || data.length > LONGEST) return undefined;
  return { dims: Array.from(data, Number), scalar: shape.length === 0 };
}

type Inputs = readonly (KnownDims | undefined)[];
type DimsRule = (call: OpCall, inputs: Inputs) => KnownDims | undefined;

/** What a call gives where its inputs are known as dimensions; `undefined` where that says nothing. */
export function knownDims(call: OpCall, inputs: Inputs): KnownDims | undefined {
  if ((call.domain ?? "") !== "" || !Object.hasOwn(RULES, call.opType)) return undefined;
  return RULES[call.opType]?.(call, inputs);
}

const shape: DimsRule = (call) => {
  const dims = call.inputs[0]?.shape.slice(...shapeRange(call));
  return dims === undefined ? undefined : { dims, scalar: false };
};

const size: DimsRule = (call) => {
  const dims = call.inputs[0]?.shape ?? [];
  return { dims: [dims.reduce(times, 1)], scalar: true };
};

const same: DimsRule = (_, [x]) => x;

const cast: DimsRule = (call, [x]) => (intAttribute(call, "to", 0) === 7 ? x : undefined);

const reshaped =
  (scalar: boolean): DimsRule =>
  (_, [x]) =>
    x !== undefined && (x.scalar || x.dims.length === 1) ? { dims: x.dims, scalar } : undefined;

/** A vector of one element becomes a scalar, everything else stays what it is. */
const reshape: DimsRule = (_, [x, target]) => {
  if (x === undefined || target === undefined) return undefined;
  if (target.dims.length === 0) return { dims: x.dims, scalar: true };
  const [only] = target.dims;
  const fits = target.dims.length === 1 && (only === -1 || only === x.dims.length);
  return fits ? { dims: x.dims, scalar: false } : undefined;
};

const gather: DimsRule = (_, [data, indices]) => {
  if (data === undefined || indices === undefined || data.scalar) return undefined;
  const dims = indices.dims.map((i) => (typeof i === "number" ? data.dims.at(i) : undefined));
  return dims.every((dim) => dim !== undefined) ? { dims, scalar: indices.scalar } : undefined;
};

const slice: DimsRule = (_, [x, starts, ends, , steps]) => {
  const [start, end, step] = [starts?.dims[0], ends?.dims[0], steps?.dims[0] ?? 1];
  if (x === undefined || typeof start !== "number" || typeof end !== "number" || step !== 1) {
    return undefined;
  }
  return { dims: x.dims.slice(start, end), scalar: false };
};

const concat: DimsRule = (_, inputs) =>
  inputs.every((input) => input !== undefined)
    ? { dims: inputs.flatMap(({ dims }) => dims), scalar: false }
    : undefined;

const elementwise =
  (combine: (a: StaticDim, b: StaticDim) => StaticDim | undefined): DimsRule =>
  (_, [a, b]) => {
    if (a === undefined || b === undefined) return undefined;
    const length = Math.max(a.dims.length, b.dims.length);
    const of = ({ dims }: KnownDims, i: number): StaticDim | undefined =>
      dims.length === 1 ? dims[0] : dims[i];
    const dims = Array.from({ length }, (__, i) => {
      const [x, y] = [of(a, i), of(b, i)];
      return x === undefined || y === undefined ? undefined : combine(x, y);
    });
    return dims.every((dim) => dim !== undefined)
      ? { dims, scalar: a.scalar && b.scalar }
      : undefined;
  };

/** Which of two to take is known where the condition is: what exporters write for `-1` in `expand`. */
const where: DimsRule = (call, [, yes, no]) => {
  const condition = call.inputs[0]?.constant;
  if (condition === undefined || yes === undefined || no === undefined) return undefined;
  const length = Math.max(condition.data.length, yes.dims.length, no.dims.length);
  const at = <T>(values: ArrayLike<T>, i: number): T | undefined =>
    values.length === 1 ? values[0] : values[i];
  const dims = Array.from({ length }, (_, i) =>
    at<number | bigint>(condition.data, i) === 1 ? at(yes.dims, i) : at(no.dims, i),
  );
  return dims.every((dim) => dim !== undefined)
    ? { dims, scalar: yes.scalar && no.scalar }
    : undefined;
};

const RULES: Readonly<Record<string, DimsRule>> = {
  Shape: shape,
  Size: size,
  Identity: same,
  Cast: cast,
  Unsqueeze: reshaped(false),
  Squeeze: reshaped(true),
  Reshape: reshape,
  Gather: gather,
  Slice: slice,
  Concat: concat,
  Add: elementwise(plus),
  Sub: elementwise(minus),
  Mul: elementwise(times),
  Div: elementwise(over),
  Where: where,
};

/**
 * Whether two vectors of dimensions are equal place by place, as 0 and 1; a dimension that is known by
 * name only is 0 or more, so it differs from every negative number.
 */
export function equalDims(a: KnownDims, b: KnownDims): KnownDims | undefined {
  return elementwise((x, y) => {
    if (x === y) return 1;
    if (typeof x === "number" && typeof y === "number") return 0;
    return Number(x) < 0 || Number(y) < 0 ? 0 : undefined;
  })({ opType: "Equal", inputs: [], attributes: {}, outputCount: 1 }, [a, b]);
}

// ---- sums and products of dimensions ------------------------------------------------------------

interface Product {
  readonly factor: number;
  readonly symbols: readonly string[];
}

function productOf(dims: readonly StaticDim[]): Product {
  let factor = 1;
  const symbols: string[] = [];
  const words = dims.flatMap((dim) => (isProduct(dim) ? dim.split("*") : [String(dim)]));
  for (const word of words) {
    if (/^-?\d+$/.test(word)) factor *= Number(word);
    else symbols.push(word);
  }
  return { factor, symbols: symbols.sort() };
}

/** Sums and quotients are taken as names; only a plain product comes apart. */
function isProduct(dim: StaticDim): dim is string {
  return typeof dim === "string" && !/[^\w*.]/.test(dim);
}

function dimOf({ factor, symbols }: Product): StaticDim {
  if (factor === 0 || symbols.length === 0) return factor;
  return [...(factor === 1 ? [] : [String(factor)]), ...symbols].join("*");
}

export function times(a: StaticDim, b: StaticDim): StaticDim {
  if (a === 0 || b === 0) return 0;
  return dimOf(productOf([a, b]));
}

export function plus(a: StaticDim, b: StaticDim): StaticDim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (a === 0) return b;
  return b === 0 ? a : `${a} + ${b}`;
}

function minus(a: StaticDim, b: StaticDim): StaticDim {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a === b) return 0;
  return b === 0 ? a : `${a} - ${b}`;
}

function over(a: StaticDim, b: StaticDim): StaticDim | undefined {
  if (b === 0) return undefined;
  if (typeof a === "number" && typeof b === "number") return Math.trunc(a / b);
  return quotient([a], [b]) ?? `${a} / ${b}`;
}

/** The dimension that `to` lacks to have as many elements as `from`; `undefined` if none does. */
export function quotient(
  from: readonly StaticDim[],
  to: readonly StaticDim[],
): StaticDim | undefined {
  const [whole, part] = [productOf(from), productOf(to)];
  const symbols = [...whole.symbols];
  for (const symbol of part.symbols) {
    const at = symbols.indexOf(symbol);
    if (at < 0) return undefined;
    symbols.splice(at, 1);
  }
  const factor = whole.factor / part.factor;
  return Number.isInteger(factor) ? dimOf({ factor, symbols }) : undefined;
}
