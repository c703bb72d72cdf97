import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { restoreRng, seeded } from "../../../src/core/index.ts";

const draws = (rng: ReturnType<typeof seeded>, n: number): number[] =>
  Array.from({ length: n }, () => rng.uniform());

describe("seeded()", () => {
  it("gives equal streams for equal seeds and other streams for other seeds", () => {
    expect(draws(seeded(7), 20)).toEqual(draws(seeded(7), 20));
    expect(draws(seeded(7), 20)).not.toEqual(draws(seeded(8), 20));
    expect(draws(seeded("7"), 20)).not.toEqual(draws(seeded(7), 20));
  });

  it("keeps its golden first words, so that recorded runs can be repeated", () => {
    const words = draws(seeded(7), 4).map((value) => Math.round(value * 2 ** 32));
    expect(words).toMatchInlineSnapshot(`
      [
        1941054019,
        3358723993,
        370174640,
        3911676021,
      ]
    `);
  });

  it("gives children that do not depend on what the parent drew", () => {
    const parent = seeded(1);
    const before = draws(parent.split("child"), 5);
    draws(parent, 100);
    expect(draws(parent.split("child"), 5)).toEqual(before);
    expect(draws(parent.split("other"), 5)).not.toEqual(before);
    expect(draws(parent.split(1), 5)).not.toEqual(draws(parent.split("1"), 5));
  });

  it("continues exactly from a stored state, spare normal included", () => {
    const rng = seeded(3);
    rng.normal();
    const copy = restoreRng(rng.state());
    const next = (r: typeof rng): number[] => [r.normal(), r.uniform(), r.normal(), r.int(10)];
    expect(next(copy)).toEqual(next(rng));
  });

  it("draws integers in range and uniformly", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, n) => {
        const value = seeded(seed).int(n);
        return Number.isInteger(value) && value >= 0 && value < n;
      }),
    );
    const counts = new Array<number>(6).fill(0);
    const rng = seeded(0);
    for (let i = 0; i < 60_000; i++) counts[rng.int(6)]!++;
    // Chi-squared with 5 degrees of freedom: 20.5 is the 0.1 % point.
    const chi2 = counts.reduce((sum, c) => sum + (c - 10_000) ** 2 / 10_000, 0);
    expect(chi2).toBeLessThan(20.5);
    expect(() => rng.int(0)).toThrow("must be an integer in [1, 2^32]");
  });

  it("draws normals with mean 0 and variance 1", () => {
    const rng = seeded(5);
    const n = 50_000;
    const values = Array.from({ length: n }, () => rng.normal());
    const mean = values.reduce((a, b) => a + b) / n;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  });
});
