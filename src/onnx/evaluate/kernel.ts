/** What an evaluation of an operator is, and the index arithmetic that evaluations share. */
import type { NdArray, TypedArray } from "../../core/index.ts";
import type { OpCall, TensorType } from "../rules/rule.ts";

/** A call whose inputs are all known, with the result types that the shape rules gave. */
export interface KnownCall {
  readonly call: OpCall;
  /** The given inputs, in order, without those left out. */
  readonly arrays: readonly NdArray[];
  readonly types: readonly TensorType[];
}

/** Results in the order of the outputs; `undefined` = not to be evaluated (a division by zero, say). */
export type Kernel = (known: KnownCall) => readonly NdArray[] | undefined;

/** Dimensions of an output; every input is known, so they are numbers. */
export function resultShape({ types }: KnownCall, output = 0): number[] {
  return (types[output]?.shape ?? []).map(Number);
}

/** Elements between neighbours along each axis, in row-major order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return strides;
}

/** Strides by which `shape` is read as if it were broadcast to a shape of `rank` dimensions. */
export function broadcastStrides(shape: readonly number[], rank: number): number[] {
  const own = stridesOf(shape);
  const padding = new Array<number>(rank - shape.length).fill(0);
  return [...padding, ...own.map((stride, axis) => (shape[axis] === 1 ? 0 : stride))];
}

/** Where each element of a row-major result stands in a source that is read by `strides`. */
export function offsets(
  shape: readonly number[],
  strides: readonly number[],
  start = 0,
): Int32Array {
  const count = shape.reduce((product, dim) => product * dim, 1);
  const result = new Int32Array(count);
  const index = shape.map(() => 0);
  let at = start;
  for (let i = 0; i < count; i++) {
    result[i] = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      at += strides[axis] ?? 0;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        break;
      }
      at -= next * (strides[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}

/** The elements of an array at the given places. */
export function pick(data: TypedArray, places: Int32Array): TypedArray {
  const Elements = data.constructor as new (length: number) => TypedArray;
  const result = new Elements(places.length);
  for (const [i, place] of places.entries()) {
    const value = data[place];
    if (value !== undefined) result[i] = value;
  }
  return result;
}
