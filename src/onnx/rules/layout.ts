/** Operators that move elements and compute none. */
import type { OpCall, OpRule, StaticDim } from "./rule.ts";
import { broadcast, constantInts, fixedDim, intAttribute, intsAttribute, operand } from "./rule.ts";
import { refuse, resolveAxis, sameElementType, typeWords } from "./rule.ts";

function numbersAndSymbols(shape: readonly StaticDim[]): { product: number; symbols: string[] } {
  let product = 1;
  const symbols: string[] = [];
  for (const dim of shape) {
    if (typeof dim === "number") product *= dim;
    else symbols.push(dim);
  }
  return { product, symbols: symbols.sort() };
}

/**
 * The target's `0` copies the input's dimension at that place and `-1` is what is left over. A `-1`
 * that has to stand for a symbol (`[batch, 4]` -> `[-1]` would be `4 * batch`) must be exactly it.
 */
const reshape: OpRule = (call) => {
  const input = operand(call, 0);
  const target = constantInts(call, 1) ?? refuse(call, "no shape is given", "must be a constant");
  const zeroIsZero = intAttribute(call, "allowzero", 0) === 1;
  const copied = target.map((dim, i) =>
    dim === 0 && !zeroIsZero
      ? (input.shape[i] ?? refuse(call, `dimension ${i} is 0`, "must exist in the input"))
      : dim,
  );
  const from = numbersAndSymbols(input.shape);
  const to = numbersAndSymbols(copied.filter((dim) => dim !== -1));
  const missing = [...from.symbols];
  for (const symbol of to.symbols) missing.splice(missing.indexOf(symbol), 1);
  const words = `${typeWords(input)} is to become [${copied.join(", ")}]`;
  // Nothing fits nothing, whatever the other dimensions are.
  const rest = from.product === to.product ? 1 : from.product / to.product;
  const open = copied.filter((dim) => dim === -1).length;
  const restDim =
    missing.length === 0 ? rest : rest === 1 && missing.length === 1 ? missing[0] : undefined;
  if (open > 1 || (open === 0 && restDim !== 1) || restDim === undefined) {
    refuse(call, words, "must have as many elements");
  }
  if (typeof restDim === "number" && !Number.isInteger(restDim)) {
    refuse(call, words, "must have as many elements");
  }
  return [
    { elementType: input.elementType, shape: copied.map((dim) => (dim === -1 ? restDim : dim)) },
  ];
};

const transpose: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const permutation = intsAttribute(call, "perm") ?? shape.map((_, i) => shape.length - 1 - i);
  const isPermutation = [...permutation].sort((a, b) => a - b).every((axis, i) => axis === i);
  if (permutation.length !== shape.length || !isPermutation) {
    refuse(call, `perm is [${permutation.join(", ")}]`, `must permute 0 to ${shape.length - 1}`);
  }
  return [{ elementType, shape: permutation.map((axis) => shape[axis] ?? 1) }];
};

const concat: OpRule = (call) => {
  const inputs = call.inputs.map((_, i) => operand(call, i));
  const first = operand(call, 0);
  const axis = resolveAxis(call, intAttribute(call, "axis", 0), first.shape.length);
  const words = (): string => `inputs are ${inputs.map(typeWords).join(", ")}`;
  let total = 0;
  for (const { shape } of inputs) {
    const fits =
      shape.length === first.shape.length &&
      shape.every((dim, i) => i === axis || dim === first.shape[i]);
    if (!fits) refuse(call, words(), `must agree except on axis ${axis}`);
    total += fixedDim(call, shape[axis], `dimension ${axis}`);
  }
  const shape = first.shape.map((dim, i) => (i === axis ? total : dim));
  return [{ elementType: sameElementType(call, inputs), shape }];
};

function withoutAxes(call: OpCall, shape: readonly StaticDim[]): StaticDim[] {
  const given = constantInts(call, 1);
  const axes = given?.map((axis) => resolveAxis(call, axis, shape.length));
  return shape.filter((dim, i) => {
    const drop = axes === undefined ? dim === 1 : axes.includes(i);
    if (drop && dim !== 1) refuse(call, `dimension ${i} is ${dim}`, "must be 1");
    return !drop;
  });
}

const squeeze: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  return [{ elementType, shape: withoutAxes(call, shape) }];
};

const unsqueeze: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const axes = constantInts(call, 1) ?? refuse(call, "no axes are given", "must be constant");
  const rank = shape.length + axes.length;
  const places = new Set(axes.map((axis) => resolveAxis(call, axis, rank)));
  const rest = [...shape];
  const result = Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : (rest.shift() ?? 1)));
  return [{ elementType, shape: result }];
};

/** What one axis of a `Slice` takes: `length` elements from `start` on, every `step`-th. */
export interface SliceRange {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/** The ranges of a `Slice`, resolved against the dimensions of its input; by ONNX's clamping rules. */
export function sliceRanges(call: OpCall): SliceRange[] {
  const { shape } = operand(call, 0);
  const starts = constantInts(call, 1) ?? refuse(call, "no starts are given", "must be constant");
  const ends = constantInts(call, 2) ?? refuse(call, "no ends are given", "must be constant");
  const axes = constantInts(call, 3) ?? starts.map((_, i) => i);
  const steps = constantInts(call, 4) ?? starts.map(() => 1);
  return axes.map((rawAxis, i) => {
    const axis = resolveAxis(call, rawAxis, shape.length);
    const dim = fixedDim(call, shape[axis], `dimension ${axis}`);
    const step = steps[i] ?? 1;
    if (step === 0) refuse(call, "step is 0", "must not be");
    // Going backwards, "before the first element" is a valid end, and the last one the furthest start.
    const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
    const clampTo = (at: number, least: number): number =>
      Math.min(high, Math.max(least, at < 0 ? at + dim : at));
    const start = clampTo(starts[i] ?? 0, 0);
    const end = clampTo(ends[i] ?? dim, low);
    return { axis, start, step, length: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

const slice: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const result = [...shape];
  for (const { axis, length } of sliceRanges(call)) result[axis] = length;
  return [{ elementType, shape: result }];
};

/** Elements before and after every axis of a `Pad`; negative = cut away. */
export function padAmounts(call: OpCall): (readonly [before: number, after: number])[] {
  const { shape } = operand(call, 0);
  const pads = constantInts(call, 1) ?? refuse(call, "no pads are given", "must be constant");
  const axes = (constantInts(call, 3) ?? shape.map((_, i) => i)).map((axis) =>
    resolveAxis(call, axis, shape.length),
  );
  if (pads.length !== 2 * axes.length) {
    refuse(call, `there are ${pads.length} pads`, `must be ${2 * axes.length}`);
  }
  return shape.map((_, axis) => {
    const i = axes.indexOf(axis);
    return i < 0 ? [0, 0] : [pads[i] ?? 0, pads[i + axes.length] ?? 0];
  });
}

const pad: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const result = padAmounts(call).map(([before, after], axis) => {
    const dim = shape[axis] ?? 1;
    if (before === 0 && after === 0) return dim;
    const padded = fixedDim(call, dim, `dimension ${axis}`) + before + after;
    if (padded < 0) refuse(call, `dimension ${axis} would be ${padded}`, "must be 0 or more");
    return padded;
  });
  return [{ elementType, shape: result }];
};

const tile: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const repeats = constantInts(call, 1) ?? refuse(call, "no repeats", "must be constant");
  if (repeats.length !== shape.length) {
    refuse(call, `there are ${repeats.length} repeats`, `must be ${shape.length}`);
  }
  const result = shape.map((dim, axis) => {
    const count = repeats[axis] ?? 1;
    return count === 1 ? dim : fixedDim(call, dim, `dimension ${axis}`) * count;
  });
  return [{ elementType, shape: result }];
};

/** Between `[batch, channels * block², height, width]` and `[batch, channels, height * block, width * block]`. */
function blocks(call: OpCall, toSpace: boolean): ReturnType<OpRule> {
  const { elementType, shape } = operand(call, 0);
  const block = intAttribute(call, "blocksize", 1);
  const [batch = 1, ...rest] = shape;
  const [channels = 0, height = 0, width = 0] = rest.map((dim, i) =>
    fixedDim(call, dim, `dimension ${i + 1}`),
  );
  const result = toSpace
    ? [channels / block ** 2, height * block, width * block]
    : [channels * block ** 2, height / block, width / block];
  if (shape.length !== 4 || !result.every(Number.isInteger)) {
    refuse(call, `input is ${typeWords({ elementType, shape })}`, `must divide by ${block}`);
  }
  return [{ elementType, shape: [batch, ...result] }];
}

const trilu: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  if (shape.length < 2) refuse(call, `rank is ${shape.length}`, "must be 2 or more");
  return [{ elementType, shape }];
};

/** As even as it goes; the last one takes what is left. */
function evenSizes(call: OpCall, dim: number): number[] {
  const count = intAttribute(call, "num_outputs", call.outputCount);
  const size = Math.ceil(dim / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, dim - i * size)));
}

const split: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const axis = resolveAxis(call, intAttribute(call, "axis", 0), shape.length);
  const dim = fixedDim(call, shape[axis], `dimension ${axis}`);
  const sizes = constantInts(call, 1) ?? evenSizes(call, dim);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== dim) refuse(call, `sizes add up to ${total}`, `must add up to ${dim}`);
  return sizes.map((size) => ({
    elementType,
    shape: shape.map((d, i) => (i === axis ? size : d)),
  }));
};

/** The target may be computed where a rule of ours made it from the shape of another value. */
const expand: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const target = constantInts(call, 1) ?? refuse(call, "no shape is given", "must be constant");
  const wanted = { elementType, shape: target };
  return [{ elementType, shape: broadcast(call, [{ elementType, shape }, wanted]) }];
};

const shapeOf: OpRule = (call) => {
  const [from, to] = shapeRange(call);
  return [{ elementType: "int64", shape: [Math.max(0, to - from)] }];
};

/** The dimensions that `Shape` gives: `start` up to `end`, both clamped to the rank. */
export function shapeRange(call: OpCall): [from: number, to: number] {
  const rank = operand(call, 0).shape.length;
  const clamped = (at: number): number => Math.min(rank, Math.max(0, at < 0 ? at + rank : at));
  return [clamped(intAttribute(call, "start", 0)), clamped(intAttribute(call, "end", rank))];
}

const flatten: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const axis = intAttribute(call, "axis", 1);
  const join = (dims: readonly StaticDim[]): StaticDim => {
    const { product, symbols } = numbersAndSymbols(dims);
    if (symbols.length === 0) return product;
    if (symbols.length === 1 && product === 1) return symbols[0] ?? 1;
    return refuse(call, `[${dims.join(", ")}] is to become one dimension`, "must be numbers");
  };
  return [{ elementType, shape: [join(shape.slice(0, axis)), join(shape.slice(axis))] }];
};

export const LAYOUT_RULES: Readonly<Record<string, OpRule>> = {
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Slice: slice,
  Split: split,
  Flatten: flatten,
  Pad: pad,
  Tile: tile,
  DepthToSpace: (call) => blocks(call, true),
  SpaceToDepth: (call) => blocks(call, false),
  Trilu: trilu,
  Expand: expand,
  Shape: shapeOf,
};
