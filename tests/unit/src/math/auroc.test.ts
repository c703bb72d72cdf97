import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { auroc } from "../../../../src/math/index.ts";

/** Over all pairs, as the definition says. */
function byPairs(positives: readonly number[], negatives: readonly number[]): number {
  let sum = 0;
  for (const p of positives) for (const n of negatives) sum += p > n ? 1 : p === n ? 0.5 : 0;
  return sum / (positives.length * negatives.length);
}

describe("auroc", () => {
  it("is the share of pairs in which the positive scores higher, ties half", () => {
    const scores = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(scores, scores, (positives, negatives) => {
        expect(auroc(positives, negatives)).toBeCloseTo(byPairs(positives, negatives), 12);
      }),
    );
  });

  it("takes infinite scores, and refuses NaN", () => {
    expect(auroc([Infinity, 1], [0, -Infinity])).toBe(1);
    expect(() => auroc([NaN], [1])).toThrow(RangeError);
  });

  it("is unknown where one side is empty", () => {
    expect(auroc([], [1])).toBeUndefined();
    expect(auroc([1], [])).toBeUndefined();
  });
});
