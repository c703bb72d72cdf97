import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../../src/core/index.ts";
import {
  DTYPES,
  allocate,
  broadcastView,
  byteLength,
  bytesOf,
  dtypeInfo,
  elementAt,
  isDense,
  isDtype,
  selectView,
  sliceView,
  toDense,
  transposeView,
  typedArrayFromBytes,
  viewOf,
} from "../../../../src/tensor/index.ts";

function counting(shape: readonly number[]): NdArray {
  const length = shape.reduce((product, dim) => product * dim, 1);
  return { dtype: "int32", shape, data: Int32Array.from({ length }, (_, i) => i) };
}

describe("dtypes", () => {
  it("hold what their size says", () => {
    for (const dtype of DTYPES) {
      const array = allocate(dtype, 3);
      expect(array.byteLength).toBe(3 * dtypeInfo(dtype).bytesPerElement);
      expect(byteLength(dtype, [3])).toBe(array.byteLength);
      expect(array).toBeInstanceOf(dtypeInfo(dtype).arrayType);
    }
    expect(isDtype("float32")).toBe(true);
    expect(isDtype("toString")).toBe(false);
    expect(byteLength("float64", [])).toBe(8);
    expect(() => byteLength("uint8", [2, -1])).toThrow(RangeError);
    expect(() => byteLength("uint8", [2 ** 40, 2 ** 40])).toThrow(RangeError);
  });

  it("typedArrayFromBytes() shares aligned memory and copies the rest", () => {
    const values = Float32Array.of(1, 2, 3);
    const bytes = bytesOf(values);
    const shared = typedArrayFromBytes("float32", bytes);
    shared[0] = 9;
    expect(values[0]).toBe(9);

    const shifted = new Uint8Array(13);
    shifted.set(bytes, 1);
    expect([...typedArrayFromBytes("float32", shifted.subarray(1))]).toEqual([9, 2, 3]);
    expect(() => typedArrayFromBytes("float32", shifted)).toThrow(RangeError);
  });
});

describe("views", () => {
  it("slice, select and transpose without copying", () => {
    const array = counting([2, 3, 4]);
    const view = sliceView(selectView(viewOf(array), 0, 1), 1, { step: -2 });
    expect(view.data).toBe(array.data);
    expect(view.shape).toEqual([3, 2]);
    expect([...toDense(view).data]).toEqual([15, 13, 19, 17, 23, 21]);
    expect([...toDense(transposeView(view)).data]).toEqual([15, 19, 23, 13, 17, 21]);
    expect(elementAt(view, 2, 1)).toBe(21);
  });

  it("sliceView() follows Array.slice for every start and end, and its reverse for step -1", () => {
    const index = fc.option(fc.integer({ min: -8, max: 8 }), { nil: undefined });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6 }), index, index, (size, start, end) => {
        const view = viewOf(counting([size]));
        const range = {
          ...(start === undefined ? {} : { start }),
          ...(end === undefined ? {} : { end }),
        };
        const list = [...(view.data as Int32Array)];
        expect([...toDense(sliceView(view, 0, range)).data]).toEqual(list.slice(start, end));
        const reversed = sliceView(sliceView(view, 0, range), 0, { step: -1 });
        expect([...toDense(reversed).data]).toEqual(list.slice(start, end).toReversed());
      }),
    );
  });

  it("toDense() equals reading element by element, for any order of axes", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }), (shape) => {
        const order = shape.map((_, axis) => (axis + 1) % shape.length);
        const view = transposeView(viewOf(counting(shape)), order);
        const dense = viewOf(toDense(view));
        expect(dense.shape).toEqual(order.map((axis) => shape[axis]));
        for (const indices of everyIndex(dense.shape)) {
          expect(elementAt(dense, ...indices)).toBe(elementAt(view, ...indices));
        }
      }),
    );
  });

  it("toDense() shares memory where nothing has to move", () => {
    const array = counting([4, 3]);
    const rows = sliceView(viewOf(array), 0, { start: 1, end: 3 });
    expect(isDense(rows)).toBe(true);
    expect(toDense(rows).data.buffer).toBe(array.data.buffer);
    expect(isDense(sliceView(viewOf(array), 1, { end: 2 }))).toBe(false);
  });

  it("broadcastView() repeats with stride 0", () => {
    const view = broadcastView(viewOf(counting([3, 1])), [2, 3, 2]);
    expect([...toDense(view).data]).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
    expect(() => broadcastView(viewOf(counting([3])), [2])).toThrow(RangeError);
    expect(() => broadcastView(viewOf(counting([1, 3])), [3])).toThrow(RangeError);
  });

  it("refuse what is not there", () => {
    const view = viewOf(counting([2, 3]));
    expect(() => viewOf({ ...counting([2]), shape: [3] })).toThrow(TypeError);
    expect(() => selectView(view, 2, 0)).toThrow(/axis 2/);
    expect(() => selectView(view, 0, 2)).toThrow(RangeError);
    expect(() => sliceView(view, 0, { step: 0 })).toThrow(RangeError);
    expect(() => transposeView(view, [0, 0])).toThrow(RangeError);
    expect(() => elementAt(view, 0, 3)).toThrow(RangeError);
    expect(() => elementAt(view, 0)).toThrow(RangeError);
  });
});

function everyIndex(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (prefixes, dim) =>
      prefixes.flatMap((prefix) => Array.from({ length: dim }, (_, i) => [...prefix, i])),
    [[]],
  );
}
