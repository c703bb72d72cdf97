import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import type { PhysicalChunks } from "../../../src/package/postprocessors.ts";
import { denormalise } from "../../../src/package/statistics.ts";
import type { ThoughtBinding } from "../../../src/package/thoughts.ts";
import { thoughtOutputs, thoughtsOf } from "../../../src/package/thoughts.ts";

const f32 = (shape: number[], data: ArrayLike<number>): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});
const PATH: ThoughtBinding = {
  kind: "refinement",
  tag: "descent",
  chunks: "chunks",
  values: { energy: "energies" },
};

const AFFINE = { offset: Float64Array.of(10, 20), scale: Float64Array.of(2, 1) };
const denormalised: PhysicalChunks = (chunks) => denormalise(chunks, AFFINE);
const asIs: PhysicalChunks = (chunks) => chunks;

describe("thoughtsOf()", () => {
  it("tells numbers, and chunks in physical units with the numbers of every step", () => {
    const bindings: ThoughtBinding[] = [{ kind: "scalar", tag: "steps", output: "count" }, PATH];
    expect(thoughtOutputs(bindings)).toEqual(["count", "chunks", "energies"]);
    const outputs = {
      count: f32([1], [2]),
      chunks: f32([2, 1, 2], [1, 2, 3, 4]),
      energies: f32([2], [0.5, 0.25]),
    };
    expect(thoughtsOf(bindings, outputs, denormalised)).toEqual([
      { kind: "scalar", tag: "steps", value: 2 },
      {
        kind: "refinement",
        tag: "descent",
        horizon: 1,
        actionDim: 2,
        steps: [1, 2],
        chunks: [
          [12, 22],
          [16, 24],
        ],
        values: { energy: [0.5, 0.25] },
      },
    ]);
  });

  it("tells where a refinement began, as step 0", () => {
    const bindings: ThoughtBinding[] = [{ ...PATH, start: "first" }];
    expect(thoughtOutputs(bindings)).toEqual(["chunks", "first", "energies"]);
    const outputs = {
      chunks: f32([2, 1, 2], [1, 2, 3, 4]),
      first: f32([1, 2], [5, 6]),
      energies: f32([2], [0.5, 0.25]),
    };
    expect(thoughtsOf(bindings, outputs, denormalised)).toMatchObject([
      {
        steps: [0, 1, 2],
        chunks: [
          [20, 26],
          [12, 22],
          [16, 24],
        ],
      },
    ]);
  });

  it("tells numbers over two directions, a row for each coordinate of the second", () => {
    const axes = [
      { name: "u", output: "us" },
      { name: "v", output: "vs" },
    ];
    const slice: ThoughtBinding = {
      ...{ kind: "slice", tag: "energy", axes, values: "grid", start: "first", path: "way" },
    };
    expect(thoughtOutputs([slice])).toEqual(["us", "vs", "grid", "first", "way"]);
    const outputs = {
      us: f32([3], [0, 1, 2]),
      vs: f32([2], [5, 6]),
      grid: f32([2, 3], [1, 2, 3, 4, 5, 6]),
      first: f32([2], [2, 6]),
      way: f32([2, 2], [0, 5, 1, 6]),
    };
    expect(thoughtsOf([slice], outputs, asIs)).toEqual([
      {
        kind: "slice",
        tag: "energy",
        axes: [
          { name: "u", at: [0, 1, 2] },
          { name: "v", at: [5, 6] },
        ],
        values: [1, 2, 3, 4, 5, 6],
        path: [
          [2, 6],
          [0, 5],
          [1, 6],
        ],
      },
    ]);
    expect(() =>
      thoughtsOf([slice], { ...outputs, grid: f32([5], [1, 2, 3, 4, 5]) }, asIs),
    ).toThrow(/"grid" is float32\[5\], must be float32 of 6/);
  });

  it("keeps 16 chunks of many, evenly and with the last, and the numbers of all", () => {
    const numbers = Array.from({ length: 100 }, (_, i) => i);
    const outputs = { chunks: f32([100, 1, 1], numbers), energies: f32([100], numbers) };
    const [thought] = thoughtsOf([PATH], outputs, asIs);
    if (thought?.kind !== "refinement") throw new Error("it is no refinement");
    expect(thought.chunks).toHaveLength(16);
    expect(thought.steps.at(-1)).toBe(100);
    expect(thought.chunks.at(-1)).toEqual([99]);
    const gaps = thought.steps.slice(1).map((step, i) => step - thought.steps[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(6);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(7);
    expect(thought.values["energy"]).toEqual(numbers);
  });

  it.each<[string, Record<string, NdArray>, RegExp]>([
    ["absent", {}, /"chunks" is absent/],
    ["flat", { chunks: f32([4], [1, 2, 3, 4]) }, /must be float32\[steps, horizon, actionDim\]/],
    ["short", { chunks: f32([2, 1, 1], [1, 2]), energies: f32([1], [1]) }, /must be float32 of 2/],
  ])("refuses outputs that are %s", (_, outputs, message) => {
    expect(() => thoughtsOf([PATH], outputs, asIs)).toThrow(message);
  });
});
