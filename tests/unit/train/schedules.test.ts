import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  constant,
  cosine,
  linearWarmUp,
  piecewise,
  scheduleOf,
  scheduleSchema,
} from "../../../src/train/index.ts";

describe("schedules", () => {
  it("stay", () => {
    expect([1, 7, 1e9].map(constant(0.3))).toEqual([0.3, 0.3, 0.3]);
  });

  it("warm up in a straight line from the first step, which is not lost to a rate of 0", () => {
    expect([1, 2, 4, 5, 100].map(linearWarmUp(1, 4))).toEqual([0.25, 0.5, 1, 1, 1]);
    expect(linearWarmUp(2, 0)(1)).toBe(2);
  });

  it("follow the cosine at its quarter points", () => {
    const rate = cosine({ peak: 1, warmUp: 10, total: 50, floor: 0.2 });
    const quarter = Math.SQRT1_2 * 0.4;
    for (const [step, expected] of [
      [5, 0.5],
      [10, 1],
      [20, 0.6 + quarter],
      [30, 0.6],
      [40, 0.6 - quarter],
      [50, 0.2],
      [51, 0.2],
      [1e6, 0.2],
    ] as const) {
      expect(rate(step), `step ${step}`).toBeCloseTo(expected, 14);
    }
  });

  it("never leave their bounds, and fall after the warm-up", () => {
    const options = fc.record({
      peak: fc.double({ min: 1e-6, max: 1, noNaN: true }),
      warmUp: fc.nat(50),
      rest: fc.integer({ min: 1, max: 50 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(options, ({ peak, warmUp, rest, share }) => {
        const floor = peak * share;
        const rate = cosine({ peak, warmUp, total: warmUp + rest, floor });
        for (let step = Math.max(1, warmUp); step < warmUp + rest + 5; step++) {
          expect(rate(step + 1)).toBeLessThanOrEqual(rate(step));
          expect(rate(step)).toBeGreaterThanOrEqual(floor * (1 - 1e-12));
          expect(rate(step)).toBeLessThanOrEqual(peak * (1 + 1e-12));
        }
      }),
    );
  });

  it("hold or connect points", () => {
    const points = [
      { step: 10, rate: 1 },
      { step: 20, rate: 0.5 },
      { step: 30, rate: 0 },
    ];
    const steps = [1, 10, 15, 19, 20, 25, 30, 99];
    expect(steps.map(piecewise({ points }))).toEqual([1, 1, 1, 1, 0.5, 0.5, 0, 0]);
    const line = steps.map(piecewise({ points, between: "line" }));
    expect(line).toEqual([1, 1, 0.75, 0.55, 0.5, 0.25, 0, 0]);
    expect(piecewise({ points: [{ step: 5, rate: 2 }], between: "line" })(1)).toBe(2);
  });

  it("refuse what makes no curve", () => {
    expect(() => cosine({ peak: 1, warmUp: 10, total: 10 })).toThrow(RangeError);
    expect(() => cosine({ peak: 1, total: 10, floor: 2 })).toThrow("floor is 2, must be at most 1");
    expect(() => constant(NaN)).toThrow(RangeError);
    expect(() => linearWarmUp(1, 1.5)).toThrow("warm-up is 1.5, must be a whole number");
    expect(() => piecewise({ points: [] })).toThrow("there is no point");
    const twice = [
      { step: 3, rate: 1 },
      { step: 3, rate: 2 },
    ];
    expect(() => piecewise({ points: twice })).toThrow("step 3 comes after 3, steps must rise");
  });

  it("come from data", () => {
    const rateAt = (config: unknown, step: number): number =>
      scheduleOf(scheduleSchema.parse(config))(step);
    expect(rateAt({ kind: "constant", rate: 0.1 }, 9)).toBe(0.1);
    expect(rateAt({ kind: "warm-up", peak: 1, steps: 2 }, 1)).toBe(0.5);
    expect(rateAt({ kind: "cosine", peak: 1, total: 2 }, 1)).toBeCloseTo(0.5, 14);
    expect(rateAt({ kind: "piecewise", points: [{ step: 0, rate: 3 }] }, 1)).toBe(3);
    expect(scheduleSchema.safeParse({ kind: "cosine", peak: 1 }).success).toBe(false);
    expect(scheduleSchema.safeParse({ kind: "constant", rate: 1, lr: 1 }).success).toBe(false);
  });
});
