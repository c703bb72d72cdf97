import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mcnemarExact, pairedDifference, type PairedCounts } from "../../../../src/math/index.ts";

function counts(
  both: number,
  onlyFirst: number,
  onlySecond: number,
  neither: number,
): PairedCounts {
  return { both, onlyFirst, onlySecond, neither };
}

const anyCounts = fc
  .tuple(fc.nat(40), fc.nat(40), fc.nat(40), fc.nat(40))
  .map(([a, b, c, d]) => counts(a, b, c, d));

/** Wilson's limits by bisection of their definition: |rate - p| = z sqrt(p (1 - p) / n). */
function scoreLimit(successes: number, n: number, side: -1 | 1): number {
  const rate = successes / n;
  let inside = rate;
  let outside = side < 0 ? 0 : 1;
  for (let i = 0; i < 200; i++) {
    const p = (inside + outside) / 2;
    if (Math.abs(rate - p) <= 1.96 * Math.sqrt((p * (1 - p)) / n)) inside = p;
    else outside = p;
  }
  return inside;
}

describe("pairedDifference", () => {
  it.each([
    // Airway hyper-responsiveness before and after (Bentur 2009), in Fagerland, Lydersen & Laake 2014.
    { table: counts(1, 1, 7, 12), difference: 0.286, low: 0.026, high: 0.507 },
  ])("gives the published interval $low to $high", ({ table, ...published }) => {
    const made = pairedDifference(table);
    expect(made.difference).toBeCloseTo(published.difference, 3);
    expect(made.low).toBeCloseTo(published.low, 3);
    expect(made.high).toBeCloseTo(published.high, 3);
  });

  it("is Newcombe's for unpaired rates where the pairs do not correlate", () => {
    // 10 * 10 = 20 * 5: no correlation.
    const { difference, low, high } = pairedDifference(counts(10, 20, 5, 10));
    const n = 45;
    const below2 = 15 / n - scoreLimit(15, n, -1);
    const above2 = scoreLimit(15, n, 1) - 15 / n;
    const below1 = 30 / n - scoreLimit(30, n, -1);
    const above1 = scoreLimit(30, n, 1) - 30 / n;
    expect(difference).toBeCloseTo(-1 / 3, 12);
    expect(low).toBeCloseTo(difference - Math.hypot(below2, above1), 10);
    expect(high).toBeCloseTo(difference + Math.hypot(above2, below1), 10);
  });

  it("covers the truth in about 95 of 100 experiments, counted over every outcome of 30 pairs", () => {
    const truths = [
      [0.25, 0.25, 0.25, 0.25],
      [0.6, 0.05, 0.25, 0.1],
      [0.8, 0.1, 0.05, 0.05],
      [0.4, 0.02, 0.08, 0.5],
    ] as const;
    const coverage = truths.map((truth) => exactCoverage(truth, 30));
    for (const covered of coverage) expect(covered).toBeGreaterThan(0.93);
    const mean = coverage.reduce((sum, covered) => sum + covered, 0) / coverage.length;
    expect(mean).toBeLessThan(0.985);
  });

  it("turns its sign when the two are exchanged, and holds the difference", () => {
    fc.assert(
      fc.property(anyCounts, (table) => {
        const { both, onlyFirst, onlySecond, neither } = table;
        const made = pairedDifference(table);
        const turned = pairedDifference(counts(both, onlySecond, onlyFirst, neither));
        expect(turned.difference).toBeCloseTo(-made.difference, 12);
        expect(turned.low).toBeCloseTo(-made.high, 12);
        expect(turned.high).toBeCloseTo(-made.low, 12);
        expect(made.low).toBeGreaterThanOrEqual(-1);
        expect(made.high).toBeLessThanOrEqual(1);
        expect(made.low).toBeLessThanOrEqual(made.difference);
        expect(made.high).toBeGreaterThanOrEqual(made.difference);
      }),
    );
  });

  it("knows nothing without pairs, and is never certain with them", () => {
    expect(pairedDifference(counts(0, 0, 0, 0))).toEqual({ difference: 0, low: -1, high: 1 });
    const { low, high } = pairedDifference(counts(10, 0, 0, 0));
    expect(low).toBeLessThan(-0.2);
    expect(high).toBeGreaterThan(0.2);
  });

  it.each([counts(-1, 0, 0, 0), counts(0.5, 0, 0, 0), counts(0, NaN, 0, 0)])(
    "refuses %o",
    (table) => {
      expect(() => pairedDifference(table)).toThrow(/Cannot compare paired rates: the counts are/);
      expect(() => mcnemarExact(table)).toThrow(RangeError);
    },
  );
});

describe("mcnemarExact", () => {
  it("counts the tail of the binomial distribution exactly", () => {
    for (let n = 0; n <= 40; n++) {
      for (let first = 0; first <= n; first++) {
        const p = mcnemarExact(counts(3, first, n - first, 4));
        expect(p).toBeCloseTo(integerTail(n, Math.min(first, n - first)), 12);
      }
    }
  });

  it("is 0.070 for 1 against 7", () => {
    expect(mcnemarExact(counts(1, 1, 7, 12))).toBeCloseTo(18 / 256, 15);
  });

  it("keeps its value where 2^-n is below the smallest double", () => {
    expect(mcnemarExact(counts(0, 1500, 1500, 0))).toBe(1);
    const p = mcnemarExact(counts(0, 1400, 1600, 0));
    // Normal approximation with continuity correction: z = 199 / sqrt(3000).
    expect(p).toBeGreaterThan(0.0002);
    expect(p).toBeLessThan(0.0004);
  });
});

/** min(1, 2 sum_{k <= m} C(n, k) / 2^n) in integers. */
function integerTail(n: number, m: number): number {
  let term = 1n;
  let sum = 0n;
  for (let k = 0; k <= m; k++) {
    sum += term;
    term = (term * BigInt(n - k)) / BigInt(k + 1);
  }
  return Math.min(1, Number(2n * sum) / 2 ** n);
}

/** The chance that the interval holds the true difference, summed over the multinomial distribution. */
function exactCoverage(truth: readonly [number, number, number, number], n: number): number {
  const logFactorial = [0];
  for (let k = 1; k <= n; k++) logFactorial.push(logFactorial[k - 1]! + Math.log(k));
  const difference = truth[2] - truth[1];
  let covered = 0;
  for (let a = 0; a <= n; a++) {
    for (let b = 0; a + b <= n; b++) {
      for (let c = 0; a + b + c <= n; c++) {
        const table = [a, b, c, n - a - b - c];
        const logChance = table.reduce(
          (sum, count, i) => sum + count * Math.log(truth[i]!) - logFactorial[count]!,
          logFactorial[n]!,
        );
        const { low, high } = pairedDifference(counts(a, b, c, n - a - b - c));
        if (low <= difference && difference <= high) covered += Math.exp(logChance);
      }
    }
  }
  return covered;
}
