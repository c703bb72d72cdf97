import { describe, expect, it } from "vitest";
import { corruptionOf } from "../../../../src/cli/reproduce/act.ts";
import type { Episode } from "../../../../src/cli/reproduce/act.ts";
import { corrupted } from "../../../../src/cli/reproduce/corrupted.ts";
import type { NdArray, Observation } from "../../../../src/core/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import type { DatasetStatistics } from "../../../../src/episode/node.ts";

const SIZE = 4000;
const filled = (dtype: "float32" | "float64", value: number): NdArray => {
  const data = dtype === "float32" ? new Float32Array(SIZE) : new Float64Array(SIZE);
  return { dtype, shape: [SIZE], data: data.fill(value) };
};
const column = (std: number): DatasetStatistics["action"] => {
  const of = (value: number): Float64Array => new Float64Array(SIZE).fill(value);
  const zero = of(0);
  return { count: 2, mean: zero, std: of(std), min: zero, max: zero, q01: zero, q99: zero };
};
const statistics: DatasetStatistics = {
  proprio: { place: column(0.3), angle: column(2), untold: column(0) },
  action: column(1),
};
const observation: Observation = {
  images: { front: { dtype: "uint8", shape: [50, 50, 3], data: new Uint8Array(7500).fill(250) } },
  proprio: {
    place: filled("float32", 1),
    angle: filled("float64", -5),
    untold: filled("float32", 7),
    count: { dtype: "int32", shape: [1], data: Int32Array.of(3) },
  },
  texts: {},
  instruction: "go",
  step: 8,
  stampNs: 1n,
};

function deviation(values: readonly number[], centre: number): number {
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length);
}

describe("corrupted()", () => {
  const made = corrupted(observation, { statistics, rng: seeded("x") });
  const numbers = (name: string): number[] => [...made.proprio[name]!.data].map(Number);

  it("moves every number by its standard deviation, and leaves what it was given", () => {
    expect(deviation(numbers("place"), 1)).toBeCloseTo(0.3, 1);
    expect(deviation(numbers("angle"), -5)).toBeCloseTo(2, 0);
    expect(new Set(numbers("untold"))).toEqual(new Set([7]));
    expect(numbers("count")).toEqual([3]);
    expect(made.proprio["angle"]!.dtype).toBe("float64");
    expect(made).toMatchObject({ instruction: "go", step: 8, stampNs: 1n });
    expect(observation.proprio["place"]!.data[0]).toBe(1);
  });

  it("keeps pixels in their range", () => {
    const pixels = [...(made.images["front"]!.data as Uint8Array)];
    expect(Math.max(...pixels)).toBe(255);
    // Half of them go beyond 255 and stay there.
    expect(pixels.filter((value) => value === 255).length / pixels.length).toBeCloseTo(0.47, 1);
    expect(pixels.filter((value) => value < 50).length / pixels.length).toBeLessThan(0.01);
  });

  it("is the same for the same seed, and another for another", () => {
    const again = corrupted(observation, { statistics, rng: seeded("x") });
    expect(again).toEqual(made);
    expect(corrupted(observation, { statistics, rng: seeded("y") })).not.toEqual(made);
  });
});

describe("corruptionOf()", () => {
  const episode = (moved: number, odd: number): Episode => ({
    ...{ ending: "success", mode: null, decisionMs: [], steps: [], highestReward: 0 },
    judged: new Map([[8, { moved, "corrupted/moved": odd, energy: 1 }]]),
  });

  it("is the share of pairs in which the corrupted one has the higher number", () => {
    const found = corruptionOf([episode(1, 3), episode(2, 1.5), episode(0, Infinity)], {
      judgedSteps: [0, 8],
    });
    // Of 9 pairs of a corrupted and a clean one, 3 > 1, 2, 0; 1.5 > 1, 0; Infinity > all: 8.
    expect(found).toEqual([{ signal: "moved", step: 8, auroc: 8 / 9, episodes: 3 }]);
    expect(corruptionOf([], { judgedSteps: [0, 8] })).toEqual([]);
  });
});
