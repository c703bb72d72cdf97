/** Energies added to the shipped package, which no demonstration knew of. */
import { describe, expect, it } from "vitest";
import type { Passage, Variant } from "../../../../src/cli/reproduce/obstacle.ts";
import {
  OBSTACLE,
  obstacleTable,
  passages,
  policyOf,
  VARIANTS,
} from "../../../../src/cli/reproduce/obstacle.ts";
import { createDetour } from "../../../../sim-bridge/sims/detour/index.ts";
import type { TimeStep } from "../../../../src/core/index.ts";
import { brokered, rollout } from "../../../../src/rollout/index.ts";

const SEEDS = Array.from({ length: 24 }, (_, i) => 7_000_000 + i);

async function passed(variant: Variant): Promise<readonly Passage[]> {
  const policy = await policyOf(variant);
  const found = await passages(policy, { seeds: SEEDS, obstacle: OBSTACLE });
  await policy.close?.();
  return found;
}

/** How far ahead each episode went, m. */
async function farthest(variant: Variant, starts: readonly number[]): Promise<number[]> {
  const policy = await policyOf(variant);
  const found: number[] = [];
  for (const state of starts) {
    let y = -Infinity;
    const onStep = ({ observation }: TimeStep): void => {
      y = Math.max(y, Number(observation.proprio["position"]!.data[1]));
    };
    await rollout(brokered(policy), createDetour(), {
      ...{ task: "detour", seed: state, initialState: state, listeners: [{ name: "y", onStep }] },
    });
    found.push(y);
  }
  await policy.close?.();
  return found;
}

describe("energies added to the shipped package", () => {
  it("keep clear of a disc that no demonstration had, and still reach the target", async () => {
    const [without, both] = [await passed(VARIANTS.nothing), await passed(VARIANTS.both)];
    const entered = (all: readonly Passage[]): number =>
      all.filter(({ clearanceM }) => clearanceM < 0).length;
    const reached = (all: readonly Passage[]): number =>
      all.filter(({ ending }) => ending === "success").length;
    // 8 and 0 of these where the table was made, and 23; other processors round differently.
    expect(entered(without)).toBeGreaterThanOrEqual(5);
    expect(entered(both)).toBeLessThanOrEqual(1);
    expect(reached(both)).toBeGreaterThanOrEqual(21);
  });

  it("keep the point within a limit of its workspace", async () => {
    const formula = "max(0, observed_position_1 + 0.05 * sum_delta_position_1 - 0.4)^2";
    const limited: Variant = {
      ...{ name: "limit", terms: [{ name: "limit", formula, weight: 15 }] },
      // What is steep needs short steps.
      infer: { rate: 0.1, steps: 60, stop: { by: "step", below: 0.001 } },
    };
    const starts = [0, 1, 2, 3];
    // The targets lie from 0.65 m on.
    for (const y of await farthest(VARIANTS.nothing, starts)) expect(y).toBeGreaterThan(0.6);
    for (const y of await farthest(limited, starts)) {
      expect(y).toBeGreaterThan(0.36);
      expect(y).toBeLessThan(0.5);
    }
  });

  it("are told in a table, paired by start", () => {
    const all = (clearances: readonly number[], failed: readonly number[] = []): Passage[] =>
      clearances.map((clearanceM, i) => ({
        clearanceM,
        ending: failed.includes(i) ? "failure" : "success",
      }));
    const table = obstacleTable([
      { variant: VARIANTS.nothing, passages: all([-0.05, -0.01, 0.2, 0.3]) },
      { variant: VARIANTS.weak, passages: all([0.1, -0.02, 0.2, 0.4], [3]) },
    ]);
    const [, , first, second] = table.split("\n");
    expect(first).toBe(
      "| nothing | 2/4, 50 % [15, 85] | - | -0.050 | -0.038 | 4/4, 100 % [51, 100] | - |",
    );
    expect(second).toContain("| the obstacle, 0.1 | 1/4, 25 % [5, 70] | -25 [");
    expect(second).toContain("| 3/4, 75 % [30, 95] | -25 [");
  });
});
