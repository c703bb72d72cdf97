import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OptimiserConfig } from "../../src/autodiff/index.ts";
import { grad } from "../../src/autodiff/index.ts";
import type { NdArray, Rng } from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";
import { GraphBuilder } from "../../src/onnx/index.ts";
import * as layers from "../../src/onnx/layers/index.ts";
import type { ParameterStore } from "../../src/onnx/layers/index.ts";
import { freshParameters } from "../../src/onnx/layers/index.ts";
import { readSafetensors, writeSafetensors } from "../../src/package/index.ts";
import type { Trainable } from "../../src/train/index.ts";
import { TrainingStep } from "../../src/train/index.ts";
import * as models from "../support/models/index.mjs";

/**
 * The same model, weights and batch here and in PyTorch: gradients of the first step, and the losses of a
 * training. Run by `npm run test:parity`, which finds or makes the interpreter.
 */
const PYTHON = process.env["EFFERENCE_TORCH_PYTHON"] ?? "";
const SCRIPT = fileURLToPath(new URL("train.py", import.meta.url));
const STEPS = 20;
/** Of the largest entry of a gradient, and of the loss. */
const TOLERANCE = 1e-4;
/** Of the largest entry of all gradients: a ten-thousandth of it times `TOLERANCE` is less than float32 resolves. */
const ROUNDING = 1e-4;
const OPTIMISER: OptimiserConfig = {
  kind: "adamw",
  betas: [0.9, 0.95],
  weightDecay: 0.1,
  clipNorm: 1,
};

type Config = Readonly<Record<string, number>>;
type Tensors = Readonly<Record<string, NdArray>>;

interface Case {
  readonly model: string;
  readonly config: Config;
  readonly options?: Readonly<Record<string, number>>;
  readonly batch: number;
  readonly rate: number;
  readonly trainable: Trainable;
  readonly feeds: (rng: Rng, batch: number, config?: Config) => Tensors;
}

const kit = { GraphBuilder, grad, layers };

function energyCase(steps: number): Case {
  return {
    model: "energy",
    config: models.ENERGY,
    options: { steps, differentiated: steps },
    batch: 4,
    rate: 1e-4,
    trainable: models.energyTrainable(kit, { steps }),
    feeds: models.energyFeeds,
  };
}

const CASES: Readonly<Record<string, Case>> = {
  "GPT of 3.44 M parameters, batch 16": {
    model: "gpt",
    config: models.GPT,
    batch: 16,
    rate: 1e-3,
    trainable: models.gptTrainable(kit),
    feeds: models.gptFeeds,
  },
  "ResNet-18 block with batch normalisation in training": {
    model: "resnet_block",
    config: models.RESNET_BLOCK,
    batch: 8,
    rate: 1e-3,
    trainable: models.resnetBlockTrainable(kit),
    feeds: models.resnetBlockFeeds,
  },
  "block of a diffusion U-Net": {
    model: "unet_block",
    config: models.UNET_BLOCK,
    batch: 8,
    rate: 1e-3,
    trainable: models.unetBlockTrainable(kit),
    feeds: models.unetBlockFeeds,
  },
  "energy transformer through one step downhill": energyCase(1),
  "energy transformer through two steps downhill": energyCase(2),
};

/** Nothing starts at 0 or 1 exactly, so that every term of every gradient counts. */
function noisyParameters(seed: string): ParameterStore {
  const fresh = freshParameters(seeded(seed));
  const noise = seeded(`${seed}, noise`);
  return {
    get(name, shape, start) {
      const array = fresh.get(name, shape, start);
      const rng = noise.split(name);
      for (let i = 0; i < array.data.length; i++) {
        array.data[i] = Number(array.data[i]) + 0.02 * rng.normal();
      }
      return array;
    },
  };
}

interface Training {
  readonly gradients: Tensors;
  readonly losses: readonly number[];
}

interface Run {
  readonly here: Training;
  readonly there: Training;
}

async function trained(step: TrainingStep, { feeds, rate }: { feeds: Tensors; rate: number }) {
  const losses: number[] = [];
  let gradients: Tensors = {};
  for (let i = 1; i <= STEPS; i++) {
    const [result] = await step.update([{ feeds: [feeds], rate, step: i }]);
    const { values } = result!;
    if (i === 1) gradients = step.arena.store("gradient");
    losses.push(values["loss"] ?? NaN);
  }
  return { gradients, losses };
}

function trainedThere(folder: string): Training {
  const { status, stderr } = spawnSync(PYTHON, [SCRIPT, folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot train in PyTorch: ${stderr.slice(-2000)}`);
  return {
    gradients: readSafetensors(readFileSync(join(folder, "gradients.safetensors"))),
    losses: JSON.parse(readFileSync(join(folder, "losses.json"), "utf8")) as number[],
  };
}

async function runCase(name: string, folder: string): Promise<Run> {
  const { trainable, model, config, options = {}, batch, rate, feeds } = CASES[name] as Case;
  const data = feeds(seeded(`${name}, data`), batch);
  const step = await TrainingStep.open(trainable, noisyParameters(name), {
    batchSize: batch,
    optimiser: OPTIMISER,
  });
  const file = (part: string): string => join(folder, part);
  writeFileSync(file("weights.safetensors"), writeSafetensors(step.arena.store("parameter")));
  writeFileSync(file("data.safetensors"), writeSafetensors(data));
  writeFileSync(file("case.json"), JSON.stringify({ model, config, options, rate, steps: STEPS }));
  const here = await trained(step, { feeds: data, rate });
  await step.close();
  return { here, there: trainedThere(folder) };
}

function largest(values: Float32Array | readonly number[]): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/**
 * The largest difference, as a share of the largest entry that PyTorch has. A gradient that is 0 but for
 * rounding (keys may be shifted by anything: softmax does not see it) is compared with all gradients instead.
 */
function distance(here: NdArray | undefined, { there, all }: { there: NdArray; all: number }) {
  expect(here?.shape).toEqual(there.shape);
  const [mine, theirs] = [here?.data as Float32Array, there.data as Float32Array];
  const difference = theirs.map((value, i) => (mine[i] ?? NaN) - value);
  return largest(difference) / Math.max(largest(theirs), ROUNDING * all);
}

describe.each(Object.keys(CASES))("%s", (name) => {
  const folder = mkdtempSync(join(tmpdir(), "efference-parity-"));
  let run: Run;
  beforeAll(async () => {
    run = await runCase(name, folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("has the same parameters", () => {
    const names = Object.keys(run.there.gradients);
    expect(names.length).toBeGreaterThan(0);
    expect(Object.keys(run.here.gradients).sort()).toEqual(names.sort());
  });

  it("starts from the same loss", () => {
    const [here, there] = [run.here.losses[0] ?? NaN, run.there.losses[0] ?? NaN];
    expect(Math.abs(here - there)).toBeLessThanOrEqual(1e-5 * Math.abs(there));
  });

  it("has the same gradients", () => {
    const gradients = Object.entries(run.there.gradients);
    const all = largest(gradients.map(([, { data }]) => largest(data as Float32Array)));
    expect(all).toBeGreaterThan(0);
    const far = gradients
      .map(([key, there]) => [key, distance(run.here.gradients[key], { there, all })] as const)
      .filter(([, share]) => !(share <= TOLERANCE));
    expect(far).toEqual([]);
  });

  it(`has the same loss in each of ${STEPS} steps`, () => {
    expect(run.there.losses).toHaveLength(STEPS);
    // A training that does not move compares nothing.
    expect(run.there.losses.at(-1)).toBeLessThan(run.there.losses[0] ?? NaN);
    const far = run.there.losses
      .map((there, i) => Math.abs((run.here.losses[i] ?? NaN) - there) / Math.abs(there))
      .filter((share) => !(share <= TOLERANCE));
    expect(far).toEqual([]);
  });
});
