import { describe, expect, it } from "vitest";
import { diffusionTrainable, parseDiffusionConfig } from "../../../../policies/diffusion/index.ts";
import { samplingSteps } from "../../../../policies/diffusion/config.ts";
import { predict, prepare } from "../../../../policies/diffusion/network.ts";
import { diffusionLoss } from "../../../../policies/diffusion/objective.ts";
import { actingGraph, drawsNoise, samplerSteps } from "../../../../policies/diffusion/sample.ts";
import type { NdArray } from "../../../../src/core/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import { imitatedOf, observedNow } from "../../../../src/imitation/index.ts";
import { ddim, ddpm, flowEuler } from "../../../../src/math/index.ts";
import { GraphBuilder, writeModel } from "../../../../src/onnx/index.ts";
import type { ParameterStore } from "../../../../src/onnx/layers/index.ts";
import { freshParameters, storedParameters } from "../../../../src/onnx/layers/index.ts";
import { openSession } from "../../../../src/session/index.ts";
import { freshOf, worldBatch, worldData } from "../../../support/imitation.ts";
import { lossGradientError } from "../../../support/loss-differences.ts";

const TINY = {
  kind: "diffusion",
  horizon: 4,
  width: 8,
  heads: 2,
  layers: 2,
  unet: { widths: [8, 16], kernel: 3, groups: 4 },
};

describe("training gradients are those of finite differences", () => {
  it.each<["float64" | "float32", string, object]>([
    ["float64", "diffusion, transformer", { objective: "diffusion", frameLayers: 1 }],
    ["float32", "flow, U-Net", { objective: "flow", backbone: "unet" }],
    ["float32", "regression, an image", { objective: "regression", cameras: ["front"] }],
  ])("in %s: %s", async (dtype, _, changes) => {
    const image = {
      kernel: 3,
      stride: 2,
      filters: [4, 8],
      groupSize: 2,
      keypoints: 3,
      features: 5,
    };
    const config = parseDiffusionConfig({ ...TINY, observeHorizon: 2, image, ...changes });
    const data = worldData({ pixels: 12 });
    const trainable = diffusionTrainable(config, data);
    const batch = worldBatch({ size: 2, horizon: 4, frames: 2, pixels: 12 });
    const imitated = imitatedOf("diffusion", config, data);
    const loss = (parameters: ParameterStore) =>
      diffusionLoss(imitated, config, { batchSize: 2, parameters, dtype });
    const { error, largest } = await lossGradientError(loss, {
      parameters: freshParameters(seeded("weights")),
      feeds: trainable.feeds(batch, seeded("update")),
      dtype,
    });
    expect(largest).toBeGreaterThan(1e-4);
    expect(error).toBeLessThan(dtype === "float64" ? 1e-6 : 1e-2);
  });
});

const random = (count: number, label: string): Float32Array => {
  const rng = seeded(label);
  return Float32Array.from({ length: count }, () => rng.normal());
};

describe("samplers", () => {
  it.each<[string, object, typeof ddpm]>([
    ["DDPM", { sampler: "ddpm" }, ddpm],
    ["DDPM, 7 steps", { sampler: "ddpm", steps: 7 }, ddpm],
    ["DDIM", { sampler: "ddim" }, ddim],
  ])("%s: their factors are the schedule's steps", (_, infer, make) => {
    const config = parseDiffusionConfig({ ...TINY, objective: "diffusion", infer });
    const steps = samplerSteps(config);
    const schedule = make(config.diffusion);
    const count = samplingSteps(config);
    const [sample, prediction] = [random(50, "sample"), random(50, "prediction")];
    for (const [index, step] of steps.entries()) {
      const expected = schedule.step({
        sample,
        prediction,
        index,
        count,
        rng: { normal: () => 0.5 },
      });
      for (const [i, x] of sample.entries()) {
        const m = prediction[i]!;
        const x0 = Math.min(1, Math.max(-1, (x - step.noisy * m) / step.signal));
        const next =
          step.original * x0 + step.sample * x + step.prediction * m + step.deviation * 0.5;
        expect(next).toBeCloseTo(expected[i]!, 5);
      }
    }
    expect(steps.map(({ time }) => Math.round(time * 100))).toEqual([...schedule.timesteps(count)]);
  });
});

const f32 = (shape: readonly number[], data: Float32Array): NdArray => ({
  dtype: "float32",
  shape,
  data,
});

describe("the acting graph", () => {
  it.each<[string, object]>([
    ["DDPM", { objective: "diffusion", diffusion: { trainTimesteps: 20 } }],
    ["DDIM, U-Net", { objective: "diffusion", backbone: "unet", infer: { sampler: "ddim" } }],
    ["flow", { objective: "flow", infer: { steps: 5 } }],
  ])("is the network and the schedule in turns: %s", async (_, changes) => {
    const config = parseDiffusionConfig({ ...TINY, ...changes });
    const data = worldData();
    const imitated = imitatedOf("diffusion", config, data);
    const parameters = storedParameters(freshOf(diffusionTrainable(config, data)));
    const [state, start] = [Float32Array.of(0.3, -0.7, 1.1), random(8, "start")];
    const count = samplingSteps(config);
    const noise = random(8 * count, "noise");
    await using acting = await openSession(
      writeModel(actingGraph({ imitated, config, parameters }).build()),
    );
    const { outputs } = await acting.run({
      proprio: f32([1, 3], state.slice()),
      start: f32([1, 4, 2], start.slice()),
      ...(drawsNoise(config) ? { noise: f32([1, count, 4, 2], noise.slice()) } : {}),
    });

    const g = new GraphBuilder("network");
    const context = { g, parameters };
    const prepared = prepare(context, observedNow(context, imitated).tokens, config);
    const chunk = g.input("chunk", "float32", [1, 4, 2]);
    const time = g.input("time", "float32", [1]);
    g.output("said", predict(context, { chunk, time, prepared }, config));
    await using network = await openSession(writeModel(g.build()));
    const { sampler } = config.infer;
    const flow = config.objective === "flow";
    const schedule = flow
      ? flowEuler({ noiseAt: 0 })
      : (sampler === "ddim" ? ddim : ddpm)(config.diffusion);
    let sample: Float32Array = start.slice();
    for (const [index, timestep] of schedule.timesteps(count).entries()) {
      const told = flow ? timestep : timestep / config.diffusion.trainTimesteps;
      const { said } = (
        await network.run({
          proprio: f32([1, 3], state.slice()),
          chunk: f32([1, 4, 2], sample.slice()),
          time: f32([1], Float32Array.of(told)),
        })
      ).outputs;
      let at = index * 8;
      const prediction = said!.data as Float32Array;
      const rng = { normal: () => noise[at++]! };
      sample = schedule.step({ sample, prediction, index, count, rng });
      const seen = outputs["path/chunk"]!.data.slice(index * 8, (index + 1) * 8);
      for (const [i, x] of sample.entries()) expect(Number(seen[i])).toBeCloseTo(x, 4);
    }
    expect([...outputs["action"]!.data]).toEqual([
      ...outputs["path/chunk"]!.data.slice((count - 1) * 8),
    ]);
  });
});

describe("parseDiffusionConfig", () => {
  it("names what does not go together", () => {
    const parse = (changes: object) => () => parseDiffusionConfig({ ...TINY, ...changes });
    expect(parse({ objektive: 1 })).toThrow(/objektive/);
    expect(parse({ objective: "diffusion", infer: { steps: 101 } })).toThrow(
      /infer.steps is 101, must be at most 100/,
    );
    expect(parse({ backbone: "unet", horizon: 5 })).toThrow(
      /horizon is 5, must be a multiple of 2/,
    );
    expect(parse({ backbone: "unet", unet: { widths: [9] } })).toThrow(/widths has 9/);
    expect(parse({ heads: 3 })).toThrow(/width is 8, must be even and a multiple of 3/);
    expect(parse({ executeHorizon: 5 })).toThrow(/executeHorizon is 5, must be at most 4/);
  });
});
