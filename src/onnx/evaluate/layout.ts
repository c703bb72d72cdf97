/** Operators that move elements and compute none. */
import type { NdArray, TypedArray } from "../../core/index.ts";
import { allocate } from "../element-type.ts";
import { intAttribute, intsAttribute } from "../rules/rule.ts";
import type { Kernel, KnownCall } from "./kernel.ts";
import { broadcastStrides, offsets, pick, resultShape, stridesOf } from "./kernel.ts";

function first({ arrays }: KnownCall): NdArray {
  const [array] = arrays;
  if (array === undefined) throw new TypeError("Cannot evaluate: no input is given, must be one");
  return array;
}

function ints(array: NdArray | undefined): number[] | undefined {
  return array === undefined ? undefined : Array.from(array.data, Number);
}

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** The same numbers in another shape. */
const reshaped: Kernel = (known) => {
  const { dtype, data } = first(known);
  return [{ dtype, shape: resultShape(known), data }];
};

const transpose: Kernel = (known) => {
  const { dtype, shape, data } = first(known);
  const order = intsAttribute(known.call, "perm") ?? shape.map((_, i) => shape.length - 1 - i);
  const strides = stridesOf(shape);
  const result = resultShape(known);
  const places = offsets(
    result,
    order.map((axis) => strides[axis] ?? 0),
  );
  return [{ dtype, shape: result, data: pick(data, places) }];
};

const expand: Kernel = (known) => {
  const { dtype, shape, data } = first(known);
  const result = resultShape(known);
  const places = offsets(result, broadcastStrides(shape, result.length));
  return [{ dtype, shape: result, data: pick(data, places) }];
};

const slice: Kernel = (known) => {
  const [array, starts, , axesInput, stepsInput] = known.arrays;
  if (array === undefined) return undefined;
  const { dtype, shape, data } = array;
  const begins = ints(starts) ?? [];
  const axes = ints(axesInput) ?? begins.map((_, i) => i);
  const steps = ints(stepsInput) ?? begins.map(() => 1);
  const strides = stridesOf(shape);
  let start = 0;
  const stepped = [...strides];
  for (const [i, rawAxis] of axes.entries()) {
    const axis = positive(rawAxis, shape.length);
    const [dim, step, begin] = [shape[axis] ?? 0, steps[i] ?? 1, begins[i] ?? 0];
    const last = step < 0 ? dim - 1 : dim;
    const from = Math.min(last, Math.max(0, begin < 0 ? begin + dim : begin));
    start += from * (strides[axis] ?? 0);
    stepped[axis] = step * (strides[axis] ?? 0);
  }
  const result = resultShape(known);
  return [{ dtype, shape: result, data: pick(data, offsets(result, stepped, start)) }];
};

/** Copies `parts` one after the other along an axis: the inverse of cutting. */
const concat: Kernel = (known) => {
  const { dtype, shape } = first(known);
  const axis = positive(intAttribute(known.call, "axis", 0), shape.length);
  const result = resultShape(known);
  const data = allocate(dtype, size(result));
  const rows = size(result.slice(0, axis));
  const width = size(result.slice(axis));
  let at = 0;
  for (const part of known.arrays) {
    const length = size(part.shape.slice(axis));
    for (let row = 0; row < rows; row++) {
      set(data, part.data.subarray(row * length, (row + 1) * length), row * width + at);
    }
    at += length;
  }
  return [{ dtype, shape: result, data }];
};

const split: Kernel = (known) => {
  const { dtype, shape, data } = first(known);
  const axis = positive(intAttribute(known.call, "axis", 0), shape.length);
  const strides = stridesOf(shape);
  let at = 0;
  return known.types.map((_, output) => {
    const result = resultShape(known, output);
    const places = offsets(result, strides, at * (strides[axis] ?? 0));
    at += result[axis] ?? 0;
    return { dtype, shape: result, data: pick(data, places) };
  });
};

const gather: Kernel = (known) => {
  const [array, indices] = known.arrays;
  if (array === undefined || indices === undefined) return undefined;
  const { dtype, shape, data } = array;
  const axis = positive(intAttribute(known.call, "axis", 0), shape.length);
  const dim = shape[axis] ?? 0;
  const chosen = Array.from(indices.data, Number).map((i) => positive(i, dim));
  if (chosen.some((i) => i < 0 || i >= dim)) return undefined;
  const inner = size(shape.slice(axis + 1));
  const places: number[] = [];
  for (let outer = 0; outer < size(shape.slice(0, axis)); outer++) {
    for (const i of chosen) {
      for (let k = 0; k < inner; k++) places.push((outer * dim + i) * inner + k);
    }
  }
  return [{ dtype, shape: resultShape(known), data: pick(data, Int32Array.from(places)) }];
};

function size(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** `set` of two arrays that hold one dtype, which the compiler cannot see. */
function set(to: TypedArray, from: TypedArray, at: number): void {
  for (let i = 0; i < from.length; i++) {
    const value = from[i];
    if (value !== undefined) to[at + i] = value;
  }
}

export const LAYOUT_KERNELS: Readonly<Record<string, Kernel>> = {
  Identity: reshaped,
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transpose,
  Expand: expand,
  Slice: slice,
  Concat: concat,
  Split: split,
  Gather: gather,
};
