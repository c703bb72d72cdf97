import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EpisodeStart, Observation } from "../../../src/core/index.ts";
import { brokered, ensembled } from "../../../src/rollout/controller.ts";
import { FAKE_SPEC, FakeEnv, fakePolicy } from "../../support/fake-env.ts";

const START: EpisodeStart = { task: "t", instruction: "", seed: 0, spec: FAKE_SPEC };

async function observationAt(step: number): Promise<Observation> {
  const { first } = await new FakeEnv().reset({ task: "t", seed: 0 } as never);
  const count = { dtype: "float32", shape: [1], data: Float32Array.of(step) } as const;
  return { ...first.observation, proprio: { count }, step };
}

describe("brokered()", () => {
  it("hands out the first executeHorizon rows of every chunk, with the decision they came from", async () => {
    const controller = brokered(fakePolicy({ predictHorizon: 4 }), { executeHorizon: 2 });
    const { chunk, decision } = await controller.next(await observationAt(5));
    expect([...chunk.data]).toEqual([5, 0, 5, 1]);
    expect(chunk.horizon).toBe(2);
    expect(decision?.chunk.horizon).toBe(4);
  });

  it("executes the whole chunk by default", async () => {
    const { chunk } = await brokered(fakePolicy({ predictHorizon: 4 })).next(
      await observationAt(0),
    );
    expect(chunk.horizon).toBe(4);
  });

  it.each([0, 1.5, 5])("refuses executeHorizon %s of a chunk of 4", (executeHorizon) => {
    const make = (): unknown => brokered(fakePolicy({ predictHorizon: 4 }), { executeHorizon });
    expect(make).toThrow("must be an integer in [1, 4]");
  });

  it("refuses a chunk with NaN and names row and dimension", async () => {
    const policy = fakePolicy();
    const decide = policy.decide.bind(policy);
    policy.decide = async (observation) => {
      const decision = await decide(observation);
      decision.chunk.data[3] = Number.NaN;
      return decision;
    };
    await expect(brokered(policy).next(await observationAt(0))).rejects.toThrow(
      "row 1, dimension 1 is NaN, must be finite",
    );
  });
});

describe("ensembled()", () => {
  it("returns the mean of every live chunk's opinion of now when decay is 0", async () => {
    const controller = ensembled(fakePolicy({ predictHorizon: 3 }), { decay: 0 });
    await controller.reset(START);
    const rows: number[][] = [];
    for (let step = 0; step < 4; step++) {
      rows.push([...(await controller.next(await observationAt(step))).chunk.data]);
    }
    // Row k of the chunk predicted at count c is [c, k].
    expect(rows).toEqual([
      [0, 0],
      [0.5, 0.5],
      [1, 1],
      [2, 1],
    ]);
  });

  it("trusts the oldest chunk more as decay grows", async () => {
    const controller = ensembled(fakePolicy({ predictHorizon: 3 }), { decay: 50 });
    await controller.reset(START);
    let last: number[] = [];
    for (let step = 0; step < 3; step++) {
      last = [...(await controller.next(await observationAt(step))).chunk.data];
    }
    expect(last[0]).toBeCloseTo(0, 10);
    expect(last[1]).toBeCloseTo(2, 10);
  });

  it("forgets everything at reset", async () => {
    const controller = ensembled(fakePolicy(), { decay: 0 });
    await controller.reset(START);
    await controller.next(await observationAt(9));
    await controller.reset(START);
    expect([...(await controller.next(await observationAt(1))).chunk.data]).toEqual([1, 0]);
  });

  it("stays within the opinions it blends", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.float({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 8 }),
        fc.float({ min: 0, max: 3, noNaN: true }),
        async (counts, decay) => {
          const controller = ensembled(fakePolicy({ predictHorizon: 4 }), { decay });
          await controller.reset(START);
          for (const [step, count] of counts.entries()) {
            const { chunk } = await controller.next(await observationAt(count));
            const live = counts.slice(Math.max(0, step - 3), step + 1);
            expect(chunk.data[0]).toBeGreaterThanOrEqual(Math.min(...live) - 1e-4);
            expect(chunk.data[0]).toBeLessThanOrEqual(Math.max(...live) + 1e-4);
          }
        },
      ),
    );
  });

  it("refuses a negative decay", () => {
    expect(() => ensembled(fakePolicy(), { decay: -1 })).toThrow("must be 0 or more");
  });
});
