import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seeded } from "../../../../src/core/index.ts";
import {
  mean,
  meanInterval,
  percentile,
  percentiles,
  standardDeviation,
  wilsonInterval,
} from "../../../../src/math/index.ts";

describe("wilsonInterval()", () => {
  it("solves the equation it is defined by: |p - rate| = z sqrt(p (1 - p) / n) at both ends", () => {
    for (const [successes, n] of [
      [1, 10],
      [7, 10],
      [45, 50],
      [250, 500],
    ] as const) {
      const { low, high } = wilsonInterval(successes, n);
      for (const p of [low, high]) {
        const distance = Math.abs(p - successes / n);
        expect(distance).toBeCloseTo(1.96 * Math.sqrt((p * (1 - p)) / n), 12);
      }
    }
  });

  it("is informative where nothing or everything succeeded", () => {
    // At 0 of n the equation gives high = z² / (n + z²).
    expect(wilsonInterval(0, 10)).toEqual({ low: 0, high: expect.closeTo(3.8416 / 13.8416, 12) });
    expect(wilsonInterval(10, 10)).toEqual({ low: expect.closeTo(10 / 13.8416, 12), high: 1 });
    expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it("contains the rate, mirrors under failure, and shrinks with n", () => {
    const counts = fc
      .integer({ min: 1, max: 2000 })
      .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
    fc.assert(
      fc.property(counts, ([successes, n]) => {
        const { low, high } = wilsonInterval(successes, n);
        expect(low).toBeLessThanOrEqual(successes / n);
        expect(high).toBeGreaterThanOrEqual(successes / n);
        const mirrored = wilsonInterval(n - successes, n);
        expect(mirrored.low).toBeCloseTo(1 - high, 12);
        const more = wilsonInterval(4 * successes, 4 * n);
        expect(more.high - more.low).toBeLessThan(high - low);
      }),
    );
  });

  it("refuses impossible counts", () => {
    expect(() => wilsonInterval(3, 2)).toThrow(RangeError);
    expect(() => wilsonInterval(-1, 2)).toThrow(RangeError);
    expect(() => wilsonInterval(0.5, 2)).toThrow(RangeError);
    expect(() => wilsonInterval(1, 2, 0)).toThrow(RangeError);
  });
});

describe("percentile()", () => {
  it("interpolates linearly between ranks and does not need sorted values", () => {
    const values = [40, 10, 30, 20];
    expect(percentile(values, 0)).toBe(10);
    expect(percentile(values, 0.5)).toBe(25);
    expect(percentile(values, 0.9)).toBeCloseTo(37, 12);
    expect(percentile(values, 1)).toBe(40);
    expect(values).toEqual([40, 10, 30, 20]);
    expect(percentiles(values, [0, 1])).toEqual([10, 40]);
  });

  it("grows with q and stays within the values", () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(values, fraction, fraction, (list, a, b) => {
        const [lower, upper] = percentiles(list, [Math.min(a, b), Math.max(a, b)]);
        expect(lower!).toBeGreaterThanOrEqual(Math.min(...list));
        expect(upper!).toBeLessThanOrEqual(Math.max(...list));
        expect(lower! - upper!).toBeLessThanOrEqual(1e-9 * Math.abs(upper!));
      }),
    );
  });

  it("refuses an empty list, NaN and a q that is a percentage", () => {
    expect(() => percentile([], 0.5)).toThrow(/no values/);
    expect(() => percentile([1, NaN], 0.5)).toThrow(/NaN/);
    expect(() => percentile([1, 2], 95)).toThrow(/q is 95/);
  });
});

describe("mean() and standardDeviation()", () => {
  it("match hand-computed values, also far from zero", () => {
    expect(mean([2, 4, 4, 4, 5, 5, 7, 9])).toBe(5);
    expect(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(standardDeviation([1e9 + 1, 1e9 + 2, 1e9 + 3])).toBe(1);
    expect(() => mean([])).toThrow(RangeError);
    expect(() => standardDeviation([1])).toThrow(RangeError);
  });
});

describe("meanInterval", () => {
  it("is the textbook interval", () => {
    // Mean 3, sample deviation sqrt(2.5), n 5: 3 -+ 2.776 * sqrt(2.5 / 5).
    const { mean: centre, low, high } = meanInterval([1, 2, 3, 4, 5]);
    expect(centre).toBe(3);
    expect(low).toBeCloseTo(3 - 2.776 * Math.sqrt(0.5), 12);
    expect(high).toBeCloseTo(3 + 2.776 * Math.sqrt(0.5), 12);
  });

  it("covers the true mean in 95 % of samples", () => {
    const rng = seeded("coverage");
    let covered = 0;
    for (let i = 0; i < 4000; i++) {
      const { low, high } = meanInterval([rng.normal(), rng.normal(), rng.normal(), rng.normal()]);
      if (low <= 0 && high >= 0) covered++;
    }
    expect(covered / 4000).toBeGreaterThan(0.94);
    expect(covered / 4000).toBeLessThan(0.96);
  });

  it("needs two values", () => {
    expect(() => meanInterval([1])).toThrow(/there are 1 values, must be at least 2/);
  });
});
