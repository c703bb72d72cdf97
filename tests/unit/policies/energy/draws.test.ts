import { describe, expect, it } from "vitest";
import { parseEnergyConfig } from "../../../../policies/energy/index.ts";
import { energyFeeds } from "../../../../policies/energy/draws.ts";
import { seeded } from "../../../../src/core/index.ts";

const TINY = { kind: "energy", horizon: 1, width: 8, heads: 2, layers: 1 };
const BATCH = 4000;

/** Where updates begin if every demonstration is 0: at noise, in the share that was drawn. */
function starts(objective: string, train: object): number[] {
  const config = parseEnergyConfig({ ...TINY, objective, train });
  const zeros = { data: new Float32Array(BATCH), shape: [BATCH, 1, 1] };
  const { start } = energyFeeds(config, zeros, seeded("draws"));
  return Array.from(start!.data, Number);
}

function noiseShares(objective: string, train: object): number[] {
  const noise = starts("paper", {});
  return starts(objective, train).map((x, i) => x / noise[i]!);
}

const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

describe.each(["equilibrium", "mix"])("starts of %s", (objective) => {
  it("have shares of noise that are uniform", () => {
    const shares = noiseShares(objective, {});
    expect(Math.abs(meanOf(shares) - 1 / 2)).toBeLessThan(0.02);
    expect(noiseShares(objective, { shareExponent: 1 })).toEqual(shares);
  });

  it.each([2, 3, 0.5])("or the power %d of such", (shareExponent) => {
    const shares = noiseShares(objective, { shareExponent });
    expect(Math.abs(meanOf(shares) - 1 / (shareExponent + 1))).toBeLessThan(0.02);
    // They are below a half where u is below that root of a half.
    const below = shares.filter((share) => share < 0.5).length / BATCH;
    expect(Math.abs(below - 0.5 ** (1 / shareExponent))).toBeLessThan(0.03);
  });
});

it("a share exponent that is not above 0 is refused", () => {
  expect(() => parseEnergyConfig({ ...TINY, train: { shareExponent: 0 } })).toThrow(
    /shareExponent/,
  );
});
