import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shippedEnergyPackage } from "../../../policies/energy/index.ts";
import { createDetour } from "../../../sim-bridge/sims/detour/index.ts";
import { createPolicy } from "../../../src/cli/registry.ts";
import type { ActionSpec, EpisodeStart, Observation, Policy } from "../../../src/core/index.ts";
import { PolicyDivergedError, seeded } from "../../../src/core/index.ts";
import { auroc } from "../../../src/math/index.ts";
import { loadPolicy } from "../../../src/package/index.ts";
import { brokered, departure, holding, rollout, watched } from "../../../src/rollout/index.ts";

const component = { name: "move", format: "raw", dtype: "float32", shape: [2] } as const;
const BOUNDED: ActionSpec = { components: [{ ...component, low: [-2, 0], high: [2, 10] }] };
const FREE: ActionSpec = { components: [{ ...component, low: [-Infinity], high: [1] }] };
const rows = (...values: readonly number[]) => ({
  data: Float32Array.from(values),
  horizon: values.length / 2,
  actionDim: 2,
});

describe("departure()", () => {
  it("compares the rows that both have, in halves of the range", () => {
    const before = { chunk: rows(9, 9, 1, 5, 2, 5), step: 4 };
    const now = { chunk: rows(1, 5, 0, 10, 7, 7), step: 5 };
    // Rows of steps 5 and 6: nothing, then 2 of 2 and 5 of 5.
    expect(departure(before, now, BOUNDED)).toBeCloseTo(Math.sqrt((1 + 1) / 4), 12);
    expect(departure(before, now, FREE)).toBeCloseTo(Math.sqrt((4 + 25) / 4), 12);
  });

  it("is told of nothing where no row is shared", () => {
    const before = { chunk: rows(1, 1, 2, 2), step: 0 };
    expect(departure(before, { chunk: rows(1, 1), step: 2 }, FREE)).toBeUndefined();
    expect(departure(before, { chunk: rows(1, 1), step: -1 }, FREE)).toBeUndefined();
  });

  it("is 0 for a plan that is kept, whatever it is", () => {
    const number = fc.float({ min: -10, max: 10, noNaN: true });
    const plan = fc.array(number, { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(plan, fc.nat(2), (values, ahead) => {
        const kept = rows(...values.slice(2 * ahead));
        const now = { chunk: kept, step: ahead };
        expect(departure({ chunk: rows(...values), step: 0 }, now, BOUNDED)).toBe(0);
      }),
    );
  });
});

/** Goes to the right; to the left where it sees anything odd. */
const simple: Policy = {
  spec: {
    name: "simple",
    observation: "any",
    action: "any",
    predictHorizon: 4,
    executeHorizon: 2,
    privileged: false,
  },
  reset: async () => undefined,
  decide: async ({ instruction }) => {
    const x = instruction === "odd" ? -1 : 1;
    return { chunk: rows(x, 5, x, 5, x, 5, x, 5), thoughts: [], timing: { totalMs: 0 } };
  },
};

describe("watched()", () => {
  const start = { task: "t", instruction: "", seed: 0, spec: { action: BOUNDED } };
  const at = (step: number, instruction = "") =>
    ({ ...{ images: {}, proprio: {}, texts: {} }, instruction, step, stampNs: 0n }) as Observation;

  it("tells of every decision but the first, and changes none", async () => {
    const policy = watched(simple);
    await policy.reset(start as unknown as EpisodeStart);
    expect((await policy.decide(at(0))).thoughts).toEqual([]);
    const kept = await policy.decide(at(2));
    expect(kept.thoughts).toEqual([{ kind: "scalar", tag: "replanned", value: 0 }]);
    expect(kept.chunk).toEqual((await simple.decide(at(2))).chunk);
    const changed = await policy.decide(at(4, "odd"));
    // Entry 0 departs by 2 of 2, entry 1 by nothing.
    expect(changed.thoughts[0]).toMatchObject({ value: Math.sqrt(1 / 2) });
    await policy.reset(start as unknown as EpisodeStart);
    expect((await policy.decide(at(0, "odd"))).thoughts).toEqual([]);
  });

  it("throws away what departs too far, and goes on where the world stays so", async () => {
    const policy = watched(simple, { most: 0.5 });
    await policy.reset(start as unknown as EpisodeStart);
    await policy.decide(at(0));
    await expect(policy.decide(at(2, "odd"))).rejects.toThrow(PolicyDivergedError);
    expect((await policy.decide(at(3, "odd"))).chunk.data[0]).toBe(-1);
    await expect(policy.decide(at(5))).rejects.toThrow(
      "departs from its plan by 0.71, must by at most 0.5",
    );
    expect(() => watched(simple, { most: 0 })).toThrow("most is 0, must be positive");
  });
});

/** Seeds of the noise on what is seen; `undefined`: none. */
async function departures(noise: number | undefined): Promise<readonly number[]> {
  const policy = await loadPolicy(shippedEnergyPackage());
  const rng = seeded("noise").split(noise ?? 0);
  const blurred: Policy = {
    ...policy,
    reset: (begun) => policy.reset(begun),
    decide: (seen) =>
      policy.decide(
        noise === undefined || seen.step !== 16 ? seen : blur(seen, () => rng.normal()),
      ),
  };
  const found: number[] = [];
  for (let state = 0; state < 24; state++) {
    await rollout(holding(brokered(watched(blurred))), createDetour(), {
      ...{ task: "detour", seed: state, initialState: state, maxSteps: 20 },
      listeners: [
        {
          name: "replanned",
          onDecision(step, _stampNs, { thoughts }) {
            const told = thoughts.find(({ tag }) => tag === "replanned");
            if (step === 16 && told?.kind === "scalar") found.push(told.value);
          },
        },
      ],
    });
  }
  await policy.close?.();
  return found;
}

function blur(seen: Observation, draw: () => number): Observation {
  const proprio = Object.fromEntries(
    Object.entries(seen.proprio).map(([name, array]) => {
      const data = Float32Array.from(array.data as Float32Array, (value) => value + 0.3 * draw());
      return [name, { ...array, data }];
    }),
  );
  return { ...seen, proprio };
}

describe("an energy policy that is watched", () => {
  it("tells an observation whose numbers are blurred from one that is not", async () => {
    const [clean, odd] = [await departures(undefined), await departures(1)];
    expect(clean).toHaveLength(24);
    expect(auroc(odd, clean)).toBeGreaterThan(0.8);
  });

  it("is what --watch makes, of learned policies with rows to spare alone", async () => {
    const ask = (name: string, executeHorizon?: number) =>
      createPolicy(name, {
        ...{ seed: 0, watch: true },
        ...(executeHorizon === undefined ? {} : { executeHorizon }),
      });
    const tags: string[] = [];
    const { controller } = await ask("energy");
    await rollout(controller, createDetour(), {
      ...{ task: "detour", seed: 1, initialState: 1, maxSteps: 20 },
      listeners: [
        {
          name: "tags",
          onDecision: (_, __, { thoughts }) => void tags.push(...thoughts.map(({ tag }) => tag)),
        },
      ],
    });
    await controller.close?.();
    expect(tags.filter((tag) => tag === "replanned")).toHaveLength(2);
    await expect(ask("scripted-detour")).rejects.toThrow("it is a program, must be a learned");
    await expect(ask("energy", 16)).rejects.toThrow("all 16 rows of a chunk are executed");
  });
});
