import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { meanDifference, proportionDifference } from "../../../../src/math/index.ts";

const proportion = fc
  .tuple(fc.nat(60), fc.nat(60))
  .map(([successes, others]) => ({ successes, n: successes + others }));

describe("proportionDifference", () => {
  it.each([
    // Newcombe 1998, table II, method 10.
    { second: [56, 70], first: [48, 80], low: 0.0524, high: 0.3339 },
    { second: [9, 10], first: [3, 10], low: 0.1705, high: 0.809 },
    { second: [10, 10], first: [0, 10], low: 0.6075, high: 1 },
  ])("gives the published interval $low to $high", ({ first, second, low, high }) => {
    const of = ([successes = NaN, n = NaN]: readonly number[]) => ({ successes, n });
    const made = proportionDifference(of(first), of(second));
    expect(made.low).toBeCloseTo(low, 4);
    expect(made.high).toBeCloseTo(high, 4);
  });

  it("changes its sign with the order, holds the difference and stays within [-1, 1]", () => {
    fc.assert(
      fc.property(proportion, proportion, (a, b) => {
        const [there, back] = [proportionDifference(a, b), proportionDifference(b, a)];
        expect(back.low).toBeCloseTo(-there.high, 12);
        expect(there.low).toBeGreaterThanOrEqual(-1);
        expect(there.high).toBeLessThanOrEqual(1);
        expect(there.low).toBeLessThanOrEqual(there.difference);
        expect(there.high).toBeGreaterThanOrEqual(there.difference);
      }),
    );
    const nothing = { successes: 0, n: 0 };
    expect(proportionDifference(nothing, { successes: 1, n: 2 })).toEqual({
      ...{ difference: 0, low: -1, high: 1 },
    });
  });
});

describe("meanDifference", () => {
  const first = [27.5, 21, 19, 23.6, 17, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19, 21.7, 21.4];
  const second = [27.1, 22, 20.8, 23.4, 23.4, 23.5, 25.8, 22, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5];

  it("is scipy's, whose degrees of freedom are not rounded, and never narrower", () => {
    // scipy.stats.ttest_ind(second, first, equal_var=False).confidence_interval(), 26.95 degrees of freedom.
    const [low, high] = [0.6732699556294084, 4.886730044370594];
    const made = meanDifference(first, second);
    expect(made.difference).toBeCloseTo(2.78, 12);
    expect(made.low).toBeLessThanOrEqual(low);
    expect(made.high).toBeGreaterThanOrEqual(high);
    expect(made.high - made.low).toBeLessThan(1.005 * (high - low));
  });

  it("is exact where nothing varies, and refuses what has no deviation", () => {
    expect(meanDifference([1, 1], [3, 3, 3])).toEqual({ difference: 2, low: 2, high: 2 });
    expect(() => meanDifference([1], [1, 2])).toThrow(/must be at least 2/);
  });
});
