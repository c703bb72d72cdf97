import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ParameterGroup, ParameterInfo } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { elementCount } from "../../../src/core/index.ts";
import { ParameterArena } from "../../../src/train/index.ts";

const group = (...parameters: ParameterInfo[]): ParameterGroup => ({
  rateScale: 1,
  weightDecay: 0,
  parameters,
});
const f32 = (shape: number[], values: number[]): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

const A = { name: "a", shape: [5] };
const B = { name: "b", shape: [2, 2] };
const C = { name: "c", shape: [] };
const arenaOf = (kinds: readonly string[] = ["parameter", "gradient"]): ParameterArena =>
  new ParameterArena({ groups: [group(A, B), group(C)], kinds });

describe("ParameterArena", () => {
  it("lays groups out one after the other, tensors on multiples of 16 bytes", () => {
    const arena = arenaOf(["parameter", "gradient", "m"]);
    expect(arena.groupRange("parameter", 0)).toEqual({ start: 0, bytes: 48 });
    expect(arena.groupRange("parameter", 1)).toEqual({ start: 48, bytes: 16 });
    expect(arena.range("gradient")).toEqual({ start: 64, bytes: 64 });
    expect(arena.groupRange("m", 1)).toEqual({ start: 128 + 48, bytes: 16 });
    expect(arena.views("m")["b"]?.data.byteOffset).toBe(128 + 32);
  });

  it("never lets tensors overlap, whatever their shapes", () => {
    const shape = fc.array(fc.nat(5), { maxLength: 3 });
    const shapes = fc.array(fc.array(shape, { maxLength: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(shapes, (nested) => {
        const groups = nested.map((list, i) =>
          group(...list.map((dims, j) => ({ name: `${i}.${j}`, shape: dims }))),
        );
        const kinds = ["parameter", "gradient", "m"];
        const arena = new ParameterArena({ groups, kinds });
        const all = kinds.flatMap((kind) => Object.values(arena.views(kind)));
        for (const [i, { data }] of all.entries()) (data as Float32Array).fill(i + 1);
        for (const [i, { data, shape: dims }] of all.entries()) {
          expect(data.length).toBe(elementCount(dims));
          expect(data.byteOffset % 16).toBe(0);
          expect([...data].every((value) => value === i + 1)).toBe(true);
        }
      }),
    );
  });

  it("gives views that are the memory itself", () => {
    const arena = arenaOf();
    (arena.views("gradient")["a"]?.data as Float32Array)[4] = 7;
    expect(arena.store("gradient")["a"]?.data[4]).toBe(7);
    expect(arena.views("gradient")["a"]?.data.buffer).toBe(arena.memory.buffer);
    expect(arena.store("parameter")["a"]?.data[4]).toBe(0);
  });

  it("loads and stores copies", () => {
    const arena = arenaOf();
    const tensors = {
      a: f32([5], [1, 2, 3, 4, 5]),
      b: f32([2, 2], [6, 7, 8, 9]),
      c: f32([], [0.5]),
    };
    arena.load("parameter", tensors);
    const stored = arena.store("parameter");
    expect(stored).toEqual(tensors);
    arena.clear("parameter");
    expect(stored).toEqual(tensors);
    expect(arena.store("parameter")["c"]).toEqual(f32([], [0]));
  });

  it("loads nothing unless everything fits", () => {
    const arena = arenaOf();
    const a = f32([5], [1, 2, 3, 4, 5]);
    const b = f32([2, 2], [6, 7, 8, 9]);
    const wrong = f32([1], [1]);
    expect(() => arena.load("parameter", { a, b, c: wrong })).toThrow(
      'Cannot load parameter "c": it is float32[1] of 1 values, must be float32[]',
    );
    expect(() => arena.load("parameter", { a, b })).toThrow('"c": it is absent');
    const c = f32([], [1]);
    expect(() => arena.load("parameter", { a, b, c, d: c })).toThrow('"d"');
    const short = { ...a, data: new Float32Array(4) };
    expect(() => arena.load("parameter", { a: short, b, c })).toThrow("of 4 values");
    expect(arena.store("parameter")["a"]).toEqual(f32([5], [0, 0, 0, 0, 0]));
  });

  it("copies a kind to another", () => {
    const arena = arenaOf(["parameter", "gradient", "ema"]);
    (arena.views("parameter")["b"]?.data as Float32Array).set([1, 2, 3, 4]);
    arena.copy("parameter", "ema");
    expect(arena.store("ema")).toEqual(arena.store("parameter"));
    expect(arena.store("gradient")["b"]).toEqual(f32([2, 2], [0, 0, 0, 0]));
  });

  it("says what is too large, double or missing", () => {
    const big = group({ name: "big", shape: [2 ** 29] });
    const kinds = ["parameter", "gradient"];
    expect(() => new ParameterArena({ groups: [big], kinds })).toThrow(
      "536870912 of them times 2 (parameter, gradient) take 4.00 GiB, must be below 4 GiB",
    );
    expect(() => new ParameterArena({ groups: [group(A), group(A)], kinds })).toThrow(
      '"a" is there twice',
    );
    expect(() => new ParameterArena({ groups: [], kinds: ["parameter"] })).toThrow(
      'have "gradient"',
    );
    expect(() => arenaOf().range("m")).toThrow(RangeError);
    expect(() => arenaOf().groupRange("gradient", 2)).toThrow("there are 2");
  });
});
