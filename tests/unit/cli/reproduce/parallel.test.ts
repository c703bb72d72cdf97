import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inParallel } from "../../../../src/cli/reproduce/parallel.ts";

const never = new AbortController().signal;

describe("inParallel", () => {
  it("does everything once, begins in order, and never more at a time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (naps, count) => {
          const begun: number[] = [];
          let active = 0;
          let most = 0;
          await inParallel(naps.entries(), { count, signal: never }, async ([i, nap]) => {
            begun.push(i);
            most = Math.max(most, ++active);
            for (let n = 0; n < nap; n++) await Promise.resolve();
            active--;
          });
          expect(begun).toEqual([...naps.keys()]);
          expect(most).toBeLessThanOrEqual(count);
          expect(active).toBe(0);
        },
      ),
    );
  });

  it("fails with the first failure when the others have ended, and begins nothing new", async () => {
    const ended: number[] = [];
    const acting = inParallel(
      [0, 1, 2, 3],
      { count: 2, signal: never },
      async (item, stop): Promise<void> => {
        if (item === 0) throw new RangeError("the first");
        await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
        await sleep(5);
        ended.push(item);
        throw new Error("a later one");
      },
    );
    await expect(acting).rejects.toThrow("the first");
    expect(ended).toEqual([1]);
  });

  it("ends with the signal's reason where that stops it", async () => {
    const stop = new AbortController();
    const begun: number[] = [];
    const acting = inParallel([0, 1, 2], { count: 1, signal: stop.signal }, (item) => {
      begun.push(item);
      stop.abort(new RangeError("enough"));
      return Promise.resolve();
    });
    await expect(acting).rejects.toThrow("enough");
    expect(begun).toEqual([0]);
  });
});
