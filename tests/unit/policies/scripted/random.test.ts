import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ComponentSpec, EpisodeStart } from "../../../../src/core/index.ts";
import { randomPolicy } from "../../../../policies/scripted/random.ts";
import { FAKE_SPEC } from "../../../support/fake-env.ts";

const COMPONENTS: ComponentSpec[] = [
  { name: "box", format: "raw", dtype: "float32", shape: [2, 2], low: [-1], high: [2] },
  { name: "half", format: "raw", dtype: "float64", shape: [1], low: [3], high: [Infinity] },
  { name: "below", format: "raw", dtype: "float64", shape: [1], low: [-Infinity], high: [-3] },
  { name: "free", format: "raw", dtype: "float64", shape: [1] },
  { name: "whole", format: "raw", dtype: "int16", shape: [1], low: [-4], high: [4] },
  { name: "one", format: "discrete", dtype: "int64", shape: [], categories: [5] },
  { name: "two", format: "multi_discrete", dtype: "int64", shape: [2], categories: [2, 7] },
  { name: "bits", format: "binary", dtype: "int8", shape: [3] },
  { name: "word", format: "text", dtype: "int32", shape: [6], charset: "abc", minLength: 2 },
];

const start = (seed: number): EpisodeStart => ({
  task: "t",
  instruction: "",
  seed,
  spec: { ...FAKE_SPEC, action: { components: COMPONENTS } },
});

async function row(seed: number): Promise<number[]> {
  const policy = randomPolicy();
  await policy.reset(start(seed));
  return [...(await policy.decide({} as never)).chunk.data];
}

describe("randomPolicy()", () => {
  it("draws a legal value for every kind of component", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const values = await row(seed);
        expect(values).toHaveLength(4 + 1 + 1 + 1 + 1 + 1 + 2 + 3 + 6);
        for (const value of values.slice(0, 4)) {
          expect(value).toBeGreaterThanOrEqual(-1);
          expect(value).toBeLessThanOrEqual(2);
        }
        expect(values[4]).toBeGreaterThanOrEqual(3);
        expect(values[5]).toBeLessThanOrEqual(-3);
        expect(values[6]).toSatisfy(Number.isFinite);
        expect([-4, -3, -2, -1, 0, 1, 2, 3, 4]).toContain(values[7]);
        expect([0, 1, 2, 3, 4]).toContain(values[8]);
        expect([0, 1]).toContain(values[9]);
        expect([0, 1, 2, 3, 4, 5, 6]).toContain(values[10]);
        for (const bit of values.slice(11, 14)) expect([0, 1]).toContain(bit);
        const text = values.slice(14);
        const end = text.indexOf(-1);
        const length = end === -1 ? 6 : end;
        expect(length).toBeGreaterThanOrEqual(2);
        expect(text.slice(0, length).every((c) => [0, 1, 2].includes(c))).toBe(true);
        expect(text.slice(length).every((c) => c === -1)).toBe(true);
      }),
    );
  });

  it("repeats itself for the same seed and not for another", async () => {
    expect(await row(3)).toEqual(await row(3));
    expect(await row(3)).not.toEqual(await row(4));
  });
});
