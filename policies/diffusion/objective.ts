/** What training asks of the network, as a loss graph and its feeds. */
import type { Dtype, NdArray, Rng } from "../../src/core/index.ts";
import type { DemonstratedChunks, Imitated } from "../../src/imitation/index.ts";
import {
  chunkKeepSizes,
  chunkKeeps,
  frameKeepSizes,
  keepFeeds,
  trainingTokens,
} from "../../src/imitation/index.ts";
import { ddpm, flowEuler } from "../../src/math/index.ts";
import { GraphBuilder } from "../../src/onnx/index.ts";
import type { ParameterStore } from "../../src/onnx/layers/index.ts";
import type { LossGraph } from "../../src/train/index.ts";
import type { DiffusionConfig } from "./config.ts";
import { predict, prepare } from "./network.ts";

interface Request {
  readonly batchSize: number;
  readonly parameters: ParameterStore;
  /** Of everything that is computed; default `float32`, `float64` for checks. */
  readonly dtype?: Dtype;
}

/** Mean squared error of what is predicted, over the rows of the episode. */
export function diffusionLoss(
  imitated: Imitated,
  config: DiffusionConfig,
  { batchSize, parameters, dtype = "float32" }: Request,
): LossGraph {
  const g = new GraphBuilder("diffusion");
  const context = { g, parameters };
  const tokens = trainingTokens(context, imitated, { batch: batchSize, dtype });
  const prepared = prepare(context, tokens, config);
  const shape = [batchSize, config.horizon, imitated.actionDim];
  const chunk = g.input("noisy", dtype, shape);
  const time = g.input("time", dtype, [batchSize]);
  const target = g.input("target", dtype, shape);
  const mask = g.input("action_mask", dtype, shape.slice(0, 2));
  const sizes = Object.entries(droppedSizes(config, batchSize));
  const drawn = Object.fromEntries(sizes.map(([name, size]) => [name, g.input(name, dtype, size)]));
  const keeps = chunkKeeps(drawn);
  const inputs = { chunk, time, prepared, ...(keeps === undefined ? {} : { keeps }) };
  const off = g.sub(predict(context, inputs, config), target);
  const perRow = g.mul(g.reduceMean(g.mul(off, off), [2]), mask);
  const loss = g.div(g.reduceSum(perRow, [0, 1]), g.reduceSum(mask, [0, 1]));
  const names = { diffusion: "noise", flow: "velocity", regression: "action" } as const;
  return { g, objectives: { [names[config.objective]]: loss } };
}

/** Of the network that reads the chunk: a U-Net has no attention. */
function droppedSizes(config: DiffusionConfig, batch: number): ReturnType<typeof chunkKeepSizes> {
  return config.backbone === "unet" ? {} : chunkKeepSizes(config, { batch, rows: config.horizon });
}

/** How the network's `time`, in [0, 1], says which of the training steps it is. */
export function timeOf(timestep: number, { diffusion }: DiffusionConfig): number {
  return timestep / diffusion.trainTimesteps;
}

/** The path from noise at time 0 to data at time 1. */
export const FLOW = flowEuler({ noiseAt: 0 });

/** The published baseline's noise: 100 steps, squared cosine, epsilon. */
export function noisingOf({ diffusion }: DiffusionConfig): ReturnType<typeof ddpm> {
  return ddpm(diffusion);
}

/** The inputs of the loss that are drawn, and the targets. Equal generators give equal feeds. */
export function diffusionFeeds(
  config: DiffusionConfig,
  demonstrated: DemonstratedChunks,
  rng: Rng,
): Record<string, NdArray> {
  const { data, shape } = demonstrated;
  const [batch = 1] = shape;
  const per = data.length / batch;
  const [noisy, target] = [new Float32Array(data.length), new Float32Array(data.length)];
  const time = new Float32Array(batch);
  const schedule = noisingOf(config);
  for (let i = 0; i < batch; i++) {
    const original = data.subarray(i * per, (i + 1) * per);
    const pair = onePair(config, { original, schedule }, rng.split(i));
    noisy.set(pair.noisy, i * per);
    target.set(pair.target, i * per);
    time[i] = pair.time;
  }
  return {
    noisy: { dtype: "float32", shape: [...shape], data: noisy },
    target: { dtype: "float32", shape: [...shape], data: target },
    time: { dtype: "float32", shape: [batch], data: time },
    ...keepFeeds(
      config,
      { ...droppedSizes(config, batch), ...frameKeepSizes(config, batch) },
      rng.split("dropout"),
    ),
  };
}

interface Pair {
  readonly noisy: Float32Array;
  readonly target: Float32Array;
  readonly time: number;
}

function onePair(
  config: DiffusionConfig,
  parts: { readonly original: Float32Array; readonly schedule: ReturnType<typeof ddpm> },
  rng: Rng,
): Pair {
  const { original, schedule } = parts;
  // The network is asked for the chunk in view of nothing but the observation.
  if (config.objective === "regression") {
    return { noisy: new Float32Array(original.length), target: original, time: 0 };
  }
  const noise = Float32Array.from(original, () => rng.normal());
  if (config.objective === "flow") {
    const time = rng.uniform();
    const noisy = FLOW.addNoise({ original, noise, timestep: time });
    return { noisy, target: original.map((a, i) => a - (noise[i] ?? 0)), time };
  }
  const timestep = rng.int(config.diffusion.trainTimesteps);
  const noisy = schedule.addNoise({ original, noise, timestep });
  return { noisy, target: noise, time: timeOf(timestep, config) };
}
