/** What the losses of `objective.ts` are fed: targets, and everything that is drawn. */
import type { NdArray, Rng } from "../../src/core/index.ts";
import type { DemonstratedChunks } from "../../src/imitation/index.ts";
import {
  chunkKeepSizes,
  drawKeep,
  frameKeepSizes,
  isKeep,
  keepFeeds,
} from "../../src/imitation/index.ts";
import type { EnergyConfig } from "./config.ts";

/** What is drawn for every step, with its shape. */
export function drawnSizes(
  config: EnergyConfig,
  shape: readonly number[],
): Record<string, readonly number[]> {
  const { noise, randomiseRate } = config.train;
  const [batch = 1, rows = 1] = shape;
  return {
    ...(noise.some((deviation) => deviation > 0) ? { noise: [...shape] } : {}),
    ...(randomiseRate > 1 ? { factor: [batch, 1, 1] } : {}),
    ...chunkKeepSizes(config, { batch, rows }),
  };
}

/** The inputs of the loss that are drawn, and the targets. Equal generators give equal feeds. */
export function energyFeeds(
  config: EnergyConfig,
  demonstrated: DemonstratedChunks,
  rng: Rng,
): Record<string, NdArray> {
  const { data, shape } = demonstrated;
  const f32 = (size: readonly number[], numbers: Float32Array): NdArray => ({
    dtype: "float32",
    shape: [...size],
    data: numbers,
  });
  const noise = normals(rng.split("start"), data.length);
  const [batch = 1, rows = 1] = shape;
  const frames = keepFeeds(config, frameKeepSizes(config, batch), rng.split("dropout"));
  const { train } = config;
  if (config.objective === "equilibrium") {
    const { start, target } = equilibriumPair(config, { data, batch, noise }, rng.split("share"));
    const kept = keepFeeds(config, chunkKeepSizes(config, { batch, rows }), rng.split("dropout"));
    return { start: f32(shape, start), target: f32(shape, target), ...frames, ...kept };
  }
  const start =
    train.start === "noise" ? noise : mixed(config, { data, noise, batch }, rng.split("share"));
  const steps = train.steps + rng.split("steps").int(train.extraSteps + 1);
  const weights = train.loss === "every" ? { step_weights: weightsOf(train, steps) } : {};
  const loop =
    train.loss === "last" && train.steps + train.extraSteps > 1
      ? {
          loop_steps: {
            dtype: "int64" as const,
            shape: [],
            data: BigInt64Array.of(BigInt(steps - 1)),
          },
        }
      : {};
  return {
    start: f32(shape, start),
    target: f32(shape, data),
    ...frames,
    ...drawnFeeds(config, { shape, steps }, rng),
    ...weights,
    ...loop,
  };
}

function weightsOf({ steps, extraSteps }: EnergyConfig["train"], done: number): NdArray {
  const data = Float32Array.from({ length: steps + extraSteps }, (_, k) =>
    k < done ? 1 / done : 0,
  );
  return { dtype: "float32", shape: [data.length], data };
}

/** Chunks of a batch, demonstrated and of noise, one after the other. */
interface Pairs {
  readonly data: Float32Array;
  readonly noise: Float32Array;
  readonly batch: number;
}

/** A share `l` of noise, drawn for each chunk: `l noise + (1 - l) demonstration`. */
function mixed(
  { train: { shareExponent } }: EnergyConfig,
  { data, noise, batch }: Pairs,
  rng: Rng,
): Float32Array {
  const per = data.length / batch;
  const shares = Float32Array.from({ length: batch }, () => rng.uniform() ** shareExponent);
  return data.map((a, i) => {
    const share = shares[Math.floor(i / per)] ?? 1;
    return share * (noise[i] ?? 0) + (1 - share) * a;
  });
}

function equilibriumPair(
  { train: { knee, slope, shareExponent } }: EnergyConfig,
  parts: Pairs,
  rng: Rng,
): { readonly start: Float32Array; readonly target: Float32Array } {
  const { data, noise, batch } = parts;
  const per = data.length / batch;
  // Of the demonstration. With exponent 1 they are what is drawn, to the bit: both differences are exact.
  const shares = Float32Array.from(
    { length: batch },
    () => 1 - (1 - rng.uniform()) ** shareExponent,
  );
  const shareAt = (i: number): number => shares[Math.floor(i / per)] ?? 0;
  const start = data.map((a, i) => shareAt(i) * a + (1 - shareAt(i)) * (noise[i] ?? 0));
  const target = data.map((a, i) => {
    const strength = slope * Math.min(1, (1 - shareAt(i)) / (1 - knee));
    return strength * ((noise[i] ?? 0) - a);
  });
  return { start, target };
}

/** Draws of every step, those of the last apart. Steps of the loop that are not done are fed zeros. */
function drawnFeeds(
  config: EnergyConfig,
  { shape, steps }: { readonly shape: readonly number[]; readonly steps: number },
  rng: Rng,
): Record<string, NdArray> {
  const { train } = config;
  const most = train.steps + train.extraSteps;
  // Where steps before the last are judged, the last one of the graph is a fixed one, else the last that is done.
  const last = train.loss === "last" ? steps - 1 : most - 1;
  const feeds: Record<string, NdArray> = {};
  for (const [name, size] of Object.entries(drawnSizes(config, shape))) {
    const count = size.reduce((product, dim) => product * dim, 1);
    const stack = new Float32Array((most - 1) * count);
    let end = new Float32Array(count);
    for (let k = 0; k < steps; k++) {
      const drawn = drawOne(name, { config, k, steps, count }, rng.split(name).split(k));
      if (k === last) end = drawn;
      else stack.set(drawn, k * count);
    }
    if (most > 1) feeds[name] = { dtype: "float32", shape: [most - 1, ...size], data: stack };
    feeds[`last_${name}`] = { dtype: "float32", shape: size, data: end };
  }
  return feeds;
}

function drawOne(
  name: string,
  at: {
    readonly config: EnergyConfig;
    readonly k: number;
    readonly steps: number;
    readonly count: number;
  },
  rng: Rng,
): Float32Array<ArrayBuffer> {
  const { config, k, steps, count } = at;
  const { train, dropout } = config;
  if (isKeep(name)) return drawKeep(dropout, count, rng);
  if (name === "noise") {
    const deviation = noiseAt(train.noise, k, steps);
    return normals(rng, count).map((x) => deviation * x);
  }
  const s = train.randomiseRate;
  return Float32Array.from({ length: count }, () => 1 / s + (s - 1 / s) * rng.uniform());
}

/** `sigma_k = min + (max - min) (1 + cos(pi k / K)) / 2` (the published schedule). */
export function noiseAt([max, min]: readonly [number, number], k: number, steps: number): number {
  return min + ((max - min) * (1 + Math.cos((Math.PI * k) / steps))) / 2;
}

function normals(rng: Rng, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, () => rng.normal());
}
