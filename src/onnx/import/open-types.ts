/** Result types of calls whose shape rules need numbers, from dimensions that are known by name. */
import type { OpCall, Operand, StaticDim, TensorType } from "../rules/rule.ts";
import { broadcast, intAttribute, operand, resolveAxis } from "../rules/rule.ts";
import type { KnownDims } from "./known-dims.ts";
import { plus, quotient } from "./known-dims.ts";

type OpenRule = (
  call: OpCall,
  dims: readonly (KnownDims | undefined)[],
) => readonly TensorType[] | undefined;

/** Types by named dimensions; `undefined` where they do not say. */
export function openTypes(
  call: OpCall,
  dims: readonly (KnownDims | undefined)[],
): readonly TensorType[] | undefined {
  if ((call.domain ?? "") !== "" || !Object.hasOwn(RULES, call.opType)) return undefined;
  return RULES[call.opType]?.(call, dims);
}

const reshape: OpenRule = (call, [, target]) => {
  const { elementType, shape } = operand(call, 0);
  if (target === undefined) return undefined;
  const copies = intAttribute(call, "allowzero", 0) === 0;
  const copied = target.dims.map((dim, i) => (dim === 0 && copies ? (shape[i] ?? 0) : dim));
  const given = copied.filter((dim) => dim !== -1);
  const rest = quotient(shape, given);
  if (rest === undefined || copied.length - given.length > 1) return undefined;
  if (given.length === copied.length && rest !== 1) return undefined;
  return [{ elementType, shape: copied.map((dim) => (dim === -1 ? rest : dim)) }];
};

const expand: OpenRule = (call, [, target]) => {
  const { elementType, shape } = operand(call, 0);
  if (target === undefined) return undefined;
  const wanted = { elementType, shape: target.dims };
  return [{ elementType, shape: broadcast(call, [{ elementType, shape }, wanted]) }];
};

const constantOfShape: OpenRule = (call, [target]) => {
  const { value } = call.attributes;
  if (target === undefined) return undefined;
  const array = value?.kind === "tensor" ? value.value.payload : undefined;
  const elementType = array?.kind === "array" ? array.array.dtype : "float32";
  return [{ elementType, shape: target.dims }];
};

/** `range(0, n)` has `n` elements. */
const range: OpenRule = (call, [start, limit, step]) => {
  if (start?.dims[0] !== 0 || step?.dims[0] !== 1 || limit === undefined) return undefined;
  return [{ elementType: operand(call, 0).elementType, shape: limit.dims }];
};

const concat: OpenRule = (call) => {
  const inputs = call.inputs.map((_, i) => operand(call, i));
  const { elementType, shape } = operand(call, 0);
  const axis = resolveAxis(call, intAttribute(call, "axis", 0), shape.length);
  const fits = (input: Operand): boolean =>
    input.shape.length === shape.length &&
    input.shape.every((dim, i) => i === axis || dim === shape[i]);
  if (!inputs.every(fits)) return undefined;
  const total = inputs.map((input) => input.shape[axis] ?? 0).reduce(plus);
  return [{ elementType, shape: shape.map((dim, i) => (i === axis ? total : dim)) }];
};

/** A cut that takes all of a named dimension, or a known number of its first elements from a fixed one. */
const slice: OpenRule = (call, [, starts, ends, axes, steps]) => {
  const { elementType, shape } = operand(call, 0);
  if (starts === undefined || ends === undefined) return undefined;
  const result: StaticDim[] = [...shape];
  for (const [i, start] of starts.dims.entries()) {
    const axis = axes?.dims[i] ?? i;
    const [end, step] = [ends.dims[i], steps?.dims[i] ?? 1];
    if (typeof axis !== "number" || end === undefined || step !== 1) return undefined;
    const place = resolveAxis(call, axis, shape.length);
    const length = cut(shape[place] ?? 1, start, end);
    if (length === undefined) return undefined;
    result[place] = length;
  }
  return [{ elementType, shape: result }];
};

/** Ends beyond any tensor mean "to the end". */
const FAR = 2 ** 31 - 1;

function cut(dim: StaticDim, start: StaticDim, end: StaticDim): StaticDim | undefined {
  const all = end === dim || (typeof end === "number" && end >= FAR);
  if (start === 0 && all) return dim;
  if (typeof dim !== "number" || typeof start !== "number" || typeof end !== "number") {
    // The first n of at least n: exporters cut tables to the length of the sequence.
    return start === 0 && typeof end === "string" ? end : undefined;
  }
  const clamped = (at: number): number => Math.min(dim, Math.max(0, at < 0 ? at + dim : at));
  return Math.max(0, clamped(end) - clamped(start));
}

const RULES: Readonly<Record<string, OpenRule>> = {
  Reshape: reshape,
  Expand: expand,
  ConstantOfShape: constantOfShape,
  Range: range,
  Concat: concat,
  Slice: slice,
};
