/**
 * Naive float64 tensors for checking graphs: slow, obvious loops over every output element. They share
 * no code with what they check.
 */
import type { Dtype, NdArray } from "../../src/core/index.ts";

export interface Oracle {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export function toOracle({ shape, data }: NdArray): Oracle {
  return { shape, data: Array.from(data, Number) };
}

/** Makes a tensor by calling `at` with every index. */
export function tabulate(shape: readonly number[], at: (index: number[]) => number): Oracle {
  const data: number[] = [];
  const index = shape.map(() => 0);
  const visit = (axis: number): void => {
    if (axis === shape.length) {
      data.push(at([...index]));
      return;
    }
    for (let i = 0; i < (shape[axis] ?? 0); i++) {
      index[axis] = i;
      visit(axis + 1);
    }
  };
  visit(0);
  return { shape, data };
}

/** The element at an index; axes of length 1 and missing leading axes repeat. */
export function at({ shape, data }: Oracle, index: readonly number[]): number {
  let offset = 0;
  for (const [axis, dim] of shape.entries()) {
    const i = index[index.length - shape.length + axis] ?? 0;
    offset = offset * dim + (dim === 1 ? 0 : i);
  }
  return data[offset] ?? NaN;
}

export function zip(f: (...values: number[]) => number, ...tensors: Oracle[]): Oracle {
  const rank = Math.max(...tensors.map(({ shape }) => shape.length));
  const shape = Array.from({ length: rank }, (_, i) =>
    // Not the largest: an axis of length 1 broadcasts to one of length 0 as well.
    tensors.reduce((dim, t) => (dim === 1 ? (t.shape[t.shape.length - rank + i] ?? 1) : dim), 1),
  );
  return tabulate(shape, (index) => f(...tensors.map((t) => at(t, index))));
}

export function matmul(a: Oracle, b: Oracle): Oracle {
  const [rows = 0, inner = 0] = a.shape;
  const columns = b.shape[1] ?? 0;
  return tabulate([rows, columns], ([i = 0, j = 0]) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += at(a, [i, k]) * at(b, [k, j]);
    return sum;
  });
}

export interface Difference {
  readonly maxAbs: number;
  readonly index: number;
}

/** Throws unless shape and dtype agree and every element is within `atol + rtol * |expected|`. */
export function assertClose(
  got: NdArray,
  expected: Oracle & { readonly dtype?: Dtype },
  tolerance: { readonly rtol: number; readonly atol: number },
): void {
  const { rtol, atol } = tolerance;
  if (got.shape.join() !== expected.shape.join()) {
    throw new Error(`shape is [${got.shape.join()}], must be [${expected.shape.join()}]`);
  }
  if (expected.dtype !== undefined && got.dtype !== expected.dtype) {
    throw new Error(`dtype is ${got.dtype}, must be ${expected.dtype}`);
  }
  for (const [i, want] of expected.data.entries()) {
    const have = Number(got.data[i]);
    if (Object.is(have, want) || Math.abs(have - want) <= atol + rtol * Math.abs(want)) continue;
    throw new Error(`element ${i} is ${have}, must be ${want} (off by ${Math.abs(have - want)})`);
  }
}
