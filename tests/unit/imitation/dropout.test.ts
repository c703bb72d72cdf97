import { describe, expect, it } from "vitest";
import { diffusionTrainable, parseDiffusionConfig } from "../../../policies/diffusion/index.ts";
import { energyTrainable, parseEnergyConfig } from "../../../policies/energy/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { drawKeep } from "../../../src/imitation/index.ts";
import { worldBatch, worldData } from "../../support/imitation.ts";

const TINY = { horizon: 4, width: 8, heads: 2, layers: 2, frameLayers: 1, observeHorizon: 2 };
const batch = worldBatch({ size: 3, horizon: 4, frames: 2 });

describe("dropout", () => {
  it("keeps the wanted share, and its mean", () => {
    const keep = drawKeep(0.3, 100_000, seeded("keep"));
    const kept = keep.filter((x) => x > 0);
    // Four standard deviations of a share of 100,000.
    expect(Math.abs(kept.length / keep.length - 0.7)).toBeLessThan(0.006);
    expect(new Set(kept)).toEqual(new Set([Math.fround(1 / 0.7)]));
  });

  it.each<[string, { readonly kind: string; readonly objective: string }]>([
    ["energy", { kind: "energy", objective: "mix" }],
    ["equilibrium", { kind: "energy", objective: "equilibrium" }],
    ["flow", { kind: "diffusion", objective: "flow" }],
  ])("of %s is fed, equal for equal seeds, and absent where there is none", (_, section) => {
    const data = worldData();
    const trainable = (changes: object) => {
      const policy = { ...TINY, ...section, ...changes };
      return policy.kind === "energy"
        ? energyTrainable(parseEnergyConfig(policy), data)
        : diffusionTrainable(parseDiffusionConfig(policy), data);
    };
    const feeds = (dropout: number, seed: string) =>
      trainable({ dropout }).feeds(batch, seeded(seed));
    const keeps = (all: object) => Object.keys(all).filter((name) => name.includes("keep/"));
    expect(keeps(feeds(0, "a"))).toEqual([]);
    const dropped = feeds(0.5, "a");
    expect(keeps(dropped)).toContain("keep/frames/0");
    expect(keeps(dropped).length).toBeGreaterThanOrEqual(5);
    expect(feeds(0.5, "a")).toEqual(dropped);
    expect(feeds(0.5, "b")["keep/frames/0"]).not.toEqual(dropped["keep/frames/0"]);
    // The rest of what is drawn does not depend on it.
    expect(dropped["start"] ?? dropped["noisy"]).toEqual(
      feeds(0, "a")["start"] ?? feeds(0, "a")["noisy"],
    );
  });
});
