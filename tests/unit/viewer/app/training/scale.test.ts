import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linearScale, logScale } from "../../../../../src/viewer/app/training/scale.ts";

const labels = ({ ticks }: { ticks: readonly { label: string }[] }): string[] =>
  ticks.map(({ label }) => label);

describe("linearScale()", () => {
  it("has round numbers", () => {
    expect(labels(linearScale({ low: 0, high: 8000 }, 4))).toEqual([
      "0",
      "2,000",
      "4,000",
      "6,000",
      "8,000",
    ]);
    expect(labels(linearScale({ low: 0.13, high: 0.52 }, 4))).toEqual(["0.2", "0.3", "0.4", "0.5"]);
    expect(labels(linearScale({ low: 0, high: 0.0005 }, 5))).toEqual([
      "0",
      "1e-4",
      "2e-4",
      "3e-4",
      "4e-4",
      "5e-4",
    ]);
  });

  it("has ticks inside, about as many as asked for, and an inverse", () => {
    const range = fc
      .tuple(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      )
      .map(([low, span]) => ({ low, high: low + span }));
    fc.assert(
      fc.property(range, fc.integer({ min: 2, max: 12 }), ({ low, high }, count) => {
        const scale = linearScale({ low, high }, count);
        expect(scale.ticks.length).toBeGreaterThanOrEqual(Math.floor(count / 2));
        expect(scale.ticks.length).toBeLessThanOrEqual(2 * count + 1);
        for (const { value } of scale.ticks) {
          expect(scale.at(value)).toBeGreaterThan(-1e-6);
          expect(scale.at(value)).toBeLessThan(1 + 1e-6);
          expect(scale.valueAt(scale.at(value))).toBeCloseTo(value, 4);
        }
      }),
    );
  });
});

describe("logScale()", () => {
  it("has powers of ten, and numbers between them where there is room", () => {
    expect(labels(logScale({ low: 0.0009, high: 1100 }, 6))).toEqual([
      "0.001",
      "0.01",
      "0.1",
      "1",
      "10",
      "100",
      "1,000",
    ]);
    expect(labels(logScale({ low: 0.15, high: 1.1 }, 8))).toEqual([
      "0.2",
      "0.3",
      "0.5",
      "0.7",
      "1",
    ]);
  });

  it("puts equal ratios at equal distances", () => {
    const scale = logScale({ low: 0.01, high: 100 }, 5);
    expect([0.01, 0.1, 1, 10, 100].map((value) => scale.at(value))).toEqual([
      0, 0.25, 0.5, 0.75, 1,
    ]);
    expect(scale.valueAt(0.75)).toBeCloseTo(10, 10);
    expect(scale.at(0)).toBe(-Infinity);
    expect(() => logScale({ low: 0, high: 1 }, 4)).toThrow(RangeError);
  });
});
