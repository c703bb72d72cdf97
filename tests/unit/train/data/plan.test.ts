import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlannedWindow, PlanPosition } from "../../../../src/train/data/index.ts";
import { BatchPlan } from "../../../../src/train/data/index.ts";

const START: PlanPosition = { epoch: 0, index: 0 };

/** The first `count` windows of the stream, taken `size` at a time. */
function stream(plan: BatchPlan, count: number, size: number, start = START): PlannedWindow[] {
  const windows: PlannedWindow[] = [];
  for (let position = start; windows.length < count;) {
    const batch = plan.batch(position, size);
    windows.push(...batch.windows);
    position = batch.next;
  }
  return windows.slice(0, count);
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
const seeds = fc.oneof(fc.integer({ min: 0, max: 2 ** 40 }), fc.string());
const nameOf = ({ part, window }: PlannedWindow): string => `${part}/${window}`;

describe("BatchPlan", () => {
  it("shows every window once per epoch, whatever the batch size", () => {
    fc.assert(
      fc.property(sizes, seeds, fc.integer({ min: 1, max: 50 }), (parts, seed, size) => {
        const plan = new BatchPlan({ parts: parts.map((windows) => ({ windows })), seed });
        const total = parts.reduce((a, b) => a + b);
        expect(plan.epochLength).toBe(total);
        const all = parts.flatMap((windows, part) =>
          Array.from({ length: windows }, (_, window) => `${part}/${window}`),
        );
        const seen = stream(plan, 3 * total, size);
        for (let epoch = 0; epoch < 3; epoch++) {
          const names = seen.slice(epoch * total, (epoch + 1) * total).map(nameOf);
          expect(names.sort()).toEqual([...all].sort());
        }
        expect(seen.map(({ epoch, index }) => epoch * total + index)).toEqual([...seen.keys()]);
      }),
    );
  });

  it("goes on anywhere as if it had not stopped", () => {
    const cuts = fc.integer({ min: 0, max: 200 });
    fc.assert(
      fc.property(sizes, seeds, cuts, (parts, seed, cut) => {
        const make = (): BatchPlan =>
          new BatchPlan({ parts: parts.map((windows) => ({ windows })), seed });
        const whole = stream(make(), cut + 30, 7);
        const epochLength = make().epochLength;
        const position = { epoch: Math.floor(cut / epochLength), index: cut % epochLength };
        expect(stream(make(), 30, 4, position)).toEqual(whole.slice(cut));
      }),
    );
  });

  it("is another order with another seed and in another epoch, and the same one with the same", () => {
    const parts = [{ windows: 500 }];
    const names = (seed: number): string[] =>
      stream(new BatchPlan({ parts, seed }), 1000, 32).map(nameOf);
    expect(names(1)).toEqual(names(1));
    expect(names(1)).not.toEqual(names(2));
    expect(names(1).slice(0, 500)).not.toEqual(names(1).slice(500));
  });

  it("puts every window at every place equally often", () => {
    // 4000 epochs of 4 windows: each of the 16 pairs is binomial with mean 1000 and deviation 27.
    const plan = new BatchPlan({ parts: [{ windows: 2 }, { windows: 2 }], seed: 5 });
    const counts = new Map<string, number>();
    for (const window of stream(plan, 16_000, 64)) {
      const key = `${nameOf(window)} at ${window.index}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(16);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * 27);
  });

  it("gives every part its weight, and all windows of a part before one of them again", () => {
    const weighted = fc.array(
      fc.record({
        windows: fc.integer({ min: 5, max: 40 }),
        weight: fc.integer({ min: 1, max: 4 }),
      }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(weighted, seeds, (parts, seed) => {
        const plan = new BatchPlan({ parts, seed });
        const sum = parts.reduce((all, { weight }) => all + weight, 0);
        const seen = stream(plan, 4 * plan.epochLength, 8);
        for (const [part, { windows, weight }] of parts.entries()) {
          const own = seen.filter((window) => window.part === part);
          expect(Math.abs(own.length / 4 - (plan.epochLength * weight) / sum)).toBeLessThan(1);
          const rounds = own.map(({ window }) => window);
          for (let from = 0; from + windows <= rounds.length; from += windows) {
            expect(new Set(rounds.slice(from, from + windows)).size).toBe(windows);
          }
        }
      }),
    );
  });

  it("keeps the order where it is not to shuffle", () => {
    const plan = new BatchPlan({
      parts: [{ windows: 2 }, { windows: 3 }],
      seed: 0,
      shuffle: false,
    });
    expect(stream(plan, 7, 2).map(nameOf)).toEqual([
      "0/0",
      "0/1",
      "1/0",
      "1/1",
      "1/2",
      "0/0",
      "0/1",
    ]);
  });

  it("refuses what makes no sense", () => {
    const plan = (parts: { windows: number; weight?: number }[]): BatchPlan =>
      new BatchPlan({ parts, seed: 0 });
    expect(() => plan([])).toThrow("0 parts have 0 windows");
    expect(() => plan([{ windows: 0 }])).toThrow(RangeError);
    expect(() => plan([{ windows: 3, weight: 1 }, { windows: 3 }])).toThrow("the weights are 1, ");
    expect(() => plan([{ windows: 3, weight: -1 }])).toThrow(RangeError);
    expect(() =>
      plan([
        { windows: 3, weight: 1 },
        { windows: 3, weight: 1e6 },
      ]),
    ).toThrow("part 0 has weight 1, which is no window of 6 per epoch");
    for (const position of [
      { epoch: -1, index: 0 },
      { epoch: 0, index: 4 },
      { epoch: 0.5, index: 0 },
    ]) {
      expect(() => plan([{ windows: 3 }]).batch(position, 1)).toThrow(RangeError);
    }
  });
});
