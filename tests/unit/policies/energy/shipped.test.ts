import { statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { shippedEnergyPackage } from "../../../../policies/energy/index.ts";
import { createDetour } from "../../../../sim-bridge/sims/detour/index.ts";
import { loadPolicy, readPolicyPackage } from "../../../../src/package/index.ts";
import type { RolloutListener } from "../../../../src/rollout/index.ts";
import { brokered, rollout } from "../../../../src/rollout/index.ts";
import results from "../../../../policies/energy/results/detour-small/results.json" with { type: "json" };

describe("the shipped energy policy", () => {
  it("is below 8 MB, names no place of the machine it was made on, and comes from a cell of the study", async () => {
    const { artifacts, manifest } = await readPolicyPackage(shippedEnergyPackage());
    const bytes = Object.values(artifacts).map((path) => statSync(path).size);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(8e6);
    expect(JSON.stringify(manifest)).not.toMatch(/"\/|\/tmp|\/root|\/home/);
    const { provenance } = manifest.efference as { provenance?: Record<string, unknown> };
    const cell = results.cells.find(({ id }) => id === provenance?.["cell"]);
    expect(cell?.weightsHash).toBe(provenance?.["weightsHash"]);
    expect(cell?.hash).toBe(provenance?.["hash"]);
  });

  it("reaches its target, on both sides", async () => {
    const policy = await loadPolicy(shippedEnergyPackage());
    const sides = new Set<unknown>();
    let reached = 0;
    for (let state = 0; state < 20; state++) {
      let side: unknown;
      const last: RolloutListener = {
        name: "side",
        onStep: ({ info }) => void (side = info?.["side"]),
      };
      const { outcome } = await rollout(brokered(policy), createDetour(), {
        task: "detour",
        ...{ seed: state, initialState: state, listeners: [last] },
      });
      if (outcome.kind === "success") reached++;
      sides.add(side);
    }
    // All of them where the results were made; other processors round differently.
    expect(reached).toBeGreaterThanOrEqual(18);
    expect(sides).toEqual(new Set(["left", "right"]));
    await policy.close?.();
  });
});
