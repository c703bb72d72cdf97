/**
 * What each objective makes of demonstrations that go left or right at random. The toy has chunks of 4 rows of one
 * number, all near +0.7 or all near -0.7, whatever the state.
 */
import { describe, expect, it } from "vitest";
import { diffusionTrainable, parseDiffusionConfig } from "../../../policies/diffusion/index.ts";
import { samplingSteps } from "../../../policies/diffusion/config.ts";
import { actingGraph, drawsNoise } from "../../../policies/diffusion/sample.ts";
import { energyTrainable, parseEnergyConfig } from "../../../policies/energy/index.ts";
import { EnergySampler } from "../../../policies/energy/sampler.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { imitatedOf } from "../../../src/imitation/index.ts";
import { writeModel } from "../../../src/onnx/index.ts";
import { freshParameters, storedParameters } from "../../../src/onnx/layers/index.ts";
import { openLocalSession } from "../../../src/session/index.ts";
import type { Batch, Trainable } from "../../../src/train/index.ts";
import { TrainingStep } from "../../../src/train/index.ts";
import { worldBatch, worldData } from "../../support/imitation.ts";

const HORIZON = 4;
const DATA = worldData({ stateDim: 2, actionDim: 1 });
const SIZES = { horizon: HORIZON, width: 32, heads: 2, layers: 2 };
const SAMPLES = 64;

function fork(size: number, seed: number): Batch {
  const rng = seeded("fork").split(seed);
  const state = Float32Array.from({ length: size * 2 }, () => 2 * rng.uniform() - 1);
  const actions = new Float32Array(size * HORIZON);
  for (let i = 0; i < size; i++) {
    const side = rng.uniform() < 0.5 ? -0.7 : 0.7;
    actions.fill(side + 0.05 * rng.normal(), i * HORIZON, (i + 1) * HORIZON);
  }
  return worldBatch({ size, horizon: HORIZON, stateDim: 2, actionDim: 1, state, actions });
}

async function trained(trainable: Trainable, steps: number): Promise<Record<string, NdArray>> {
  const step = await TrainingStep.open(trainable, freshParameters(seeded("weights")), {
    batchSize: 32,
    optimiser: { kind: "adamw", weightDecay: 1e-6, clipNorm: 1 },
  });
  for (let n = 1; n <= steps; n++) {
    const rate = 2e-3 * Math.min(1, n / 50) * (0.5 + 0.5 * Math.cos((Math.PI * n) / steps));
    const feeds = trainable.feeds(fork(32, n), seeded("update").split(n));
    const [result] = await step.update([{ feeds: [feeds], rate, step: n }]);
    expect(result!.applied).toBe(true);
  }
  const weights = await step.deployed();
  await step.close();
  return weights;
}

const state = (): NdArray => ({
  dtype: "float32",
  shape: [1, 2],
  data: Float32Array.of(0.2, -0.4),
});
const normals = (count: number, label: string): Float32Array => {
  const rng = seeded(label);
  return Float32Array.from({ length: count }, () => rng.normal());
};

interface Modes {
  /** Share of the rarer side; 0.5 in the demonstrations. */
  readonly minority: number;
  /** Standard deviation over the samples, mean over the chunk; 0.7 in the demonstrations. */
  readonly spread: number;
}

/** @param chunks `[SAMPLES, HORIZON]` */
function modesOf(chunks: Float32Array): Modes {
  const means = Array.from({ length: SAMPLES }, (_, s) =>
    chunks.slice(s * HORIZON, (s + 1) * HORIZON).reduce((a, b) => a + b / HORIZON, 0),
  );
  const right = means.filter((mean) => mean > 0).length / SAMPLES;
  const middle = means.reduce((a, b) => a + b / SAMPLES, 0);
  const variance = means.reduce((sum, mean) => sum + (mean - middle) ** 2 / SAMPLES, 0);
  return { minority: Math.min(right, 1 - right), spread: Math.sqrt(variance) };
}

async function energyModes(
  objective: string,
  steps: number,
  train: { readonly loss?: "every" } = {},
): Promise<Modes> {
  const infer = { samples: SAMPLES };
  const config = parseEnergyConfig({ kind: "energy", ...SIZES, objective, train, infer });
  const parameters = storedParameters(await trained(energyTrainable(config, DATA), steps));
  const imitated = imitatedOf("energy", config, DATA);
  const sampler = await EnergySampler.open({ imitated, config, parameters });
  const start = normals(SAMPLES * HORIZON, "start");
  const { chunk, failed } = await sampler.descend({ proprio: state() }, { start });
  await sampler.close();
  expect(failed).not.toContain(true);
  return modesOf(chunk);
}

async function diffusionModes(
  objective: string,
  steps: number,
  infer: { readonly sampler?: string; readonly steps?: number } = {},
): Promise<Modes> {
  const config = parseDiffusionConfig({ kind: "diffusion", ...SIZES, objective, infer });
  const parameters = storedParameters(await trained(diffusionTrainable(config, DATA), steps));
  const imitated = imitatedOf("diffusion", config, DATA);
  const g = actingGraph({ imitated, config, parameters });
  await using session = await openLocalSession(writeModel(g.build()));
  const chunks = new Float32Array(SAMPLES * HORIZON);
  for (let s = 0; s < SAMPLES; s++) {
    const shape = [1, HORIZON, 1];
    const start = { dtype: "float32", shape, data: normals(HORIZON, `start ${s}`) } as const;
    const noise = {
      dtype: "float32",
      shape: [1, samplingSteps(config), HORIZON, 1],
      data: normals(samplingSteps(config) * HORIZON, `noise ${s}`),
    } as const;
    const feeds = {
      ...(objective === "regression" ? {} : { start }),
      ...(drawsNoise(config) ? { noise } : {}),
    };
    const { outputs } = await session.run({ proprio: state(), ...feeds });
    chunks.set((outputs["action"] as NdArray).data as Float32Array, s * HORIZON);
  }
  return modesOf(chunks);
}

describe("two ways to go", () => {
  it.each([
    ["mix", 250, {}],
    ["mix", 250, { loss: "every" }],
    ["equilibrium", 250, {}],
  ] as const)(
    "the energy keeps both when it is trained by %s, %i, %j",
    async (objective, steps, train) => {
      const { minority, spread } = await energyModes(objective, steps, train);
      expect(minority).toBeGreaterThan(0.15);
      expect(spread).toBeGreaterThan(0.4);
    },
  );

  it("flow matching keeps both", async () => {
    const { minority, spread } = await diffusionModes("flow", 400);
    expect(minority).toBeGreaterThan(0.25);
    expect(spread).toBeGreaterThan(0.4);
  });

  it.each([
    ["DDPM", { sampler: "ddpm", steps: 100 }],
    ["DDIM", { sampler: "ddim", steps: 10 }],
  ])("diffusion keeps both: %s", async (_, infer) => {
    const { minority, spread } = await diffusionModes("diffusion", 400, infer);
    expect(minority).toBeGreaterThan(0.25);
    expect(spread).toBeGreaterThan(0.4);
  });

  it("the energy goes between them when it is trained as published", async () => {
    const { spread } = await energyModes("paper", 250);
    expect(spread).toBeLessThan(0.1);
  });

  it("regression goes between them", async () => {
    const { spread } = await diffusionModes("regression", 100);
    expect(spread).toBe(0);
  });
});
