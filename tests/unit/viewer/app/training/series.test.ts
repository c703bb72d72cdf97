import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Row } from "../../../../../src/viewer/app/training/rows.ts";
import {
  axisOf,
  nearestIndex,
  rangeOf,
  seriesOf,
  smooth,
  thin,
} from "../../../../../src/viewer/app/training/series.ts";

const row = (step: number, loss: number, elapsedS = NaN): Row => ({
  kind: "train",
  step,
  epoch: step / 10,
  elapsedS,
  values: { loss },
});
const loss = ({ values }: Row): number | undefined => values["loss"];

describe("seriesOf()", () => {
  it("places rows by update, epoch or time, and leaves out those without a place", () => {
    const rows = [row(10, 3), row(20, 2, 7200), row(30, NaN, 10_800)];
    expect([...seriesOf(rows, axisOf("update", 0), loss).x]).toEqual([10, 20, 30]);
    expect([...seriesOf(rows, axisOf("epoch", 0), loss).x]).toEqual([1, 2, 3]);
    const hours = axisOf("time", 10_800);
    expect(hours.unit).toBe("h");
    expect([...seriesOf(rows, hours, loss).x]).toEqual([2, 3]);
    expect([...seriesOf(rows, hours, loss).y]).toEqual([2, NaN]);
  });
});

describe("smooth()", () => {
  it("is the mean with exponential weights", () => {
    const values = [4, 1, 3, 2];
    const w = 0.6;
    const wanted = values.map((_, n) => {
      const weights = values.slice(0, n + 1).map((__, i) => w ** (n - i));
      const total = weights.reduce((a, b) => a + b);
      return weights.reduce((sum, weight, i) => sum + weight * values[i]!, 0) / total;
    });
    for (const [i, value] of smooth(values, w).entries()) expect(value).toBeCloseTo(wanted[i]!, 12);
  });

  it("changes nothing with weight 0, nor a constant, and passes over NaN", () => {
    expect([...smooth([1, 5, 2], 0)]).toEqual([1, 5, 2]);
    for (const value of smooth(new Array(50).fill(7), 0.97)) expect(value).toBeCloseTo(7, 12);
    const [a, b, c] = smooth([2, NaN, 4], 0.5);
    expect(b).toBeNaN();
    expect([a, c]).toEqual([2, smooth([2, 4], 0.5)[1]]);
  });

  it("stays inside what it has seen", () => {
    const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(finite, { minLength: 1 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (values, weight) => {
          const out = smooth(values, weight);
          for (let i = 0; i < values.length; i++) {
            const seen = values.slice(0, i + 1);
            expect(out[i]).toBeGreaterThanOrEqual(Math.min(...seen) - 1e-6);
            expect(out[i]).toBeLessThanOrEqual(Math.max(...seen) + 1e-6);
          }
        },
      ),
    );
  });
});

describe("thin()", () => {
  const series = (length: number): { x: Float64Array; y: Float64Array } => ({
    x: Float64Array.from({ length }, (_, i) => i),
    y: Float64Array.from({ length }, (_, i) => Math.sin(i * 12.9898) * 43_758.5453),
  });

  it("leaves short series as they are", () => {
    const short = series(40);
    expect(thin(short, 10)).toBe(short);
  });

  it("keeps ends and extremes in order, with at most four points per column", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 3000 }),
        fc.integer({ min: 1, max: 100 }),
        (length, columns) => {
          const whole = series(length);
          const thinned = thin(whole, columns);
          expect(thinned.x.length).toBeLessThanOrEqual(4 * columns);
          expect([...thinned.x]).toEqual([...thinned.x].sort((a, b) => a - b));
          expect([thinned.x[0], thinned.x.at(-1)]).toEqual([0, length - 1]);
          expect(rangeOf([thinned.y])).toEqual(rangeOf([whole.y]));
          for (const [i, x] of thinned.x.entries()) expect(thinned.y[i]).toBe(whole.y[x]);
        },
      ),
    );
  });

  it("finds extremes beside NaN", () => {
    const whole = series(1000);
    whole.y[0] = NaN;
    whole.y[500] = 1e9;
    expect(rangeOf([thin(whole, 3).y])).toEqual(rangeOf([whole.y]));
  });
});

describe("nearestIndex()", () => {
  it("is what a search of all places finds", () => {
    const places = fc
      .uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 1 })
      .map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(places, fc.integer({ min: -60, max: 60 }), (x, at) => {
        const found = Math.abs(x[nearestIndex(x, at)]! - at);
        expect(found).toBe(Math.min(...x.map((place) => Math.abs(place - at))));
      }),
    );
    expect(nearestIndex([], 1)).toBe(-1);
    expect(nearestIndex([1, 2], Infinity)).toBe(1);
  });
});
