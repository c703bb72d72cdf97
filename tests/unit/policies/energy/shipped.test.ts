import { statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SHIPPED_ENERGY, shippedEnergyPackage } from "../../../../policies/energy/index.ts";
import { createDetour } from "../../../../sim-bridge/sims/detour/index.ts";
import { loadPolicy, readPolicyPackage } from "../../../../src/package/index.ts";
import type { RolloutListener } from "../../../../src/rollout/index.ts";
import { brokered, rollout } from "../../../../src/rollout/index.ts";
import { createSimulator } from "../../../../src/cli/registry.ts";
import small from "../../../../policies/energy/results/detour-small/results.json" with { type: "json" };
import full from "../../../../policies/energy/results/full/results.json" with { type: "json" };

const CELLS: readonly { id: string; hash: string; weightsHash: string }[] = [
  ...small.cells,
  ...full.cells,
];

describe("the shipped energy policies", () => {
  it.each(SHIPPED_ENERGY)(
    "%s: below 8 MB, names no place of the machine it was made on, and comes from a cell of the study",
    async (name) => {
      const { artifacts, manifest } = await readPolicyPackage(shippedEnergyPackage(name));
      const bytes = Object.values(artifacts).map((path) => statSync(path).size);
      expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(8e6);
      expect(JSON.stringify(manifest)).not.toMatch(/"\/|\/tmp|\/root|\/home/);
      const { provenance } = manifest.efference as { provenance?: Record<string, unknown> };
      const cell = CELLS.find(({ id }) => id === provenance?.["cell"]);
      expect(cell?.weightsHash).toBe(provenance?.["weightsHash"]);
      expect(cell?.hash).toBe(provenance?.["hash"]);
    },
  );

  it("lift: takes the cube by what two cameras see", async () => {
    const policy = await loadPolicy(shippedEnergyPackage("lift"));
    const env = await createSimulator("tabletop", { image_size: "64" });
    let lifted = 0;
    for (let initialState = 0; initialState < 6; initialState++) {
      const where = { task: "lift_red_cube", seed: initialState, initialState };
      const { outcome } = await rollout(brokered(policy), env, { ...where, listeners: [] });
      if (outcome.kind === "success") lifted++;
    }
    // All of them where the results were made; other processors round differently.
    expect(lifted).toBeGreaterThanOrEqual(4);
    await env.close();
    await policy.close?.();
  });

  it("detour: reaches its target, on both sides", async () => {
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
