/**
 * Energies, their slopes, and the training gradients of every objective of the policies that imitate chunks, against
 * PyTorch's own differentiation of twins that share nothing but the weights. In float64 where the engine has the
 * kernels; convolutions are float32.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseDiffusionConfig } from "../../policies/diffusion/config.ts";
import { diffusionTrainable } from "../../policies/diffusion/index.ts";
import { diffusionLoss } from "../../policies/diffusion/objective.ts";
import { energyTrainable, parseEnergyConfig } from "../../policies/energy/index.ts";
import { energyLoss, observe } from "../../policies/energy/objective.ts";
import { energyOf, slopeOf } from "../../policies/energy/step.ts";
import { grad } from "../../src/autodiff/index.ts";
import type { NdArray } from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";
import type { Imitated } from "../../src/imitation/index.ts";
import { imitatedOf, trainingTokens } from "../../src/imitation/index.ts";
import { GraphBuilder, writeModel } from "../../src/onnx/index.ts";
import type { ParameterStore } from "../../src/onnx/layers/index.ts";
import { freshParameters } from "../../src/onnx/layers/index.ts";
import { readSafetensors, writeSafetensors } from "../../src/package/index.ts";
import { openSession } from "../../src/session/index.ts";
import type { LossGraph } from "../../src/train/index.ts";
import { worldBatch, worldData } from "../support/imitation.ts";

const PYTHON = process.env["EFFERENCE_TORCH_PYTHON"] ?? "";
const SCRIPT = fileURLToPath(new URL("chunks.py", import.meta.url));
const BATCH = 3;
/** Of the largest entry of a tensor. */
const TOLERANCE = { float64: 1e-10, float32: 1e-5 } as const;
/**
 * A gradient that is 0 but for rounding is compared with this share of the largest of all: times the tolerance it is what
 * the numbers resolve, 1e-15 and 1e-7.
 */
const NOTHING = { float64: 1e-5, float32: 1e-2 } as const;

type Tensors = Readonly<Record<string, NdArray>>;
type Exactness = keyof typeof TOLERANCE;

const SMALL = { horizon: 8, width: 32, heads: 4, layers: 2, observeHorizon: 2, frameLayers: 1 };
const PUBLISHED = {
  preset: "paper",
  ...SMALL,
  step: { rate: 2 },
  train: { steps: 2, extraSteps: 1 },
};

interface Case {
  readonly policy: object;
  readonly exactness?: Exactness;
  readonly pixels?: number;
}

const energy = (changes: object): object => ({ kind: "energy", ...SMALL, ...changes });
const diffusion = (changes: object): object => ({ kind: "diffusion", ...SMALL, ...changes });
const UNET = { backbone: "unet", unet: { widths: [16, 32], kernel: 5, groups: 4 } };
const CAMERA = { cameras: ["front"], image: { filters: [16, 32], keypoints: 8, features: 12 } };

const CASES: Readonly<Record<string, Case>> = {
  "energy, paper": { policy: energy({ objective: "paper" }) },
  "energy, paper, every step": {
    policy: energy({ objective: "paper", train: { steps: 2, extraSteps: 2, loss: "every" } }),
  },
  "energy, mix": { policy: energy({ objective: "mix" }) },
  "energy, mix, every step": { policy: energy({ objective: "mix", train: { loss: "every" } }) },
  "energy, mix, judged once in three steps": {
    policy: energy({ objective: "mix", train: { steps: 3 }, step: { momentum: 0.3 } }),
  },
  "energy, mix, without frame blocks": {
    policy: energy({ objective: "mix", frameLayers: 0, observeHorizon: 1 }),
  },
  "energy, paper, with dropout": { policy: energy({ objective: "paper", dropout: 0.3 }) },
  "energy, mix, with dropout": { policy: energy({ objective: "mix", dropout: 0.3 }) },
  "energy, equilibrium, with dropout": {
    policy: energy({ objective: "equilibrium", dropout: 0.3 }),
  },
  "energy, equilibrium": { policy: energy({ objective: "equilibrium" }) },
  "energy, the published step": { policy: { kind: "energy", ...PUBLISHED } },
  "energy, the published step, normalised by batch, capped and clamped": {
    policy: {
      kind: "energy",
      ...PUBLISHED,
      step: { rate: 2, normalise: "batch", energyCap: 0.5, clampGradient: 0.01 },
    },
  },
  "diffusion, transformer": { policy: diffusion({ objective: "diffusion" }) },
  "flow, transformer": { policy: diffusion({ objective: "flow" }) },
  "flow, transformer, with dropout": { policy: diffusion({ objective: "flow", dropout: 0.3 }) },
  "regression, transformer": { policy: diffusion({ objective: "regression" }) },
  "diffusion, U-Net": {
    policy: diffusion({ objective: "diffusion", ...UNET }),
    exactness: "float32",
  },
  "flow, U-Net": { policy: diffusion({ objective: "flow", ...UNET }), exactness: "float32" },
  "energy, mix, with a camera": {
    policy: energy({ objective: "mix", ...CAMERA }),
    exactness: "float32",
    pixels: 32,
  },
  "flow, transformer, with a camera": {
    policy: diffusion({ objective: "flow", ...CAMERA }),
    exactness: "float32",
    pixels: 32,
  },
};

function converted(array: NdArray, exactness: Exactness): NdArray {
  if (array.dtype !== "float32" || exactness === "float32") return array;
  return { ...array, dtype: "float64", data: Float64Array.from(array.data, Number) };
}

/** Nothing starts at 0 or 1 exactly, so that every term of every gradient counts. */
function noisyParameters(seed: string, exactness: Exactness): ParameterStore {
  const fresh = freshParameters(seeded(seed));
  const noise = seeded(`${seed}, noise`);
  return {
    get(name, shape, start) {
      const array = fresh.get(name, shape, start);
      const rng = noise.split(name);
      const data = Float32Array.from(array.data, Number).map((x) => x + 0.05 * rng.normal());
      return converted({ ...array, data }, exactness);
    },
  };
}

interface Twins {
  readonly config: object;
  readonly feeds: Tensors;
  readonly loss: (parameters: ParameterStore) => LossGraph;
  /** Outputs `energy` and `slope` at the input `start`; for energies. */
  readonly slope?: (parameters: ParameterStore) => GraphBuilder;
}

function twinsOf(name: string): Twins {
  const { policy, exactness = "float64", pixels } = CASES[name] as Case;
  const data = worldData({
    stateDim: 5,
    actionDim: 3,
    ...(pixels === undefined ? {} : { pixels }),
  });
  const request = { batchSize: BATCH, dtype: exactness } as const;
  const drawn = (config: { observeHorizon: number; horizon: number }) =>
    worldBatch({
      ...{ size: BATCH, horizon: config.horizon, frames: config.observeHorizon },
      ...{ stateDim: 5, actionDim: 3, seed: name },
      ...(pixels === undefined ? {} : { pixels }),
    });
  const rng = seeded(`${name}, update`);
  if ((policy as { kind: string }).kind === "diffusion") {
    const config = parseDiffusionConfig(policy);
    const imitated = imitatedOf("diffusion", config, data);
    return {
      config,
      feeds: diffusionTrainable(config, data).feeds(drawn(config), rng),
      loss: (parameters) => diffusionLoss(imitated, config, { ...request, parameters }),
    };
  }
  const config = parseEnergyConfig(policy);
  const imitated = imitatedOf("energy", config, data);
  return {
    config,
    feeds: energyTrainable(config, data).feeds(drawn(config), rng),
    loss: (parameters) => energyLoss(imitated, config, { ...request, parameters }),
    slope: (parameters) => slopeGraph({ imitated, config, parameters, exactness }),
  };
}

function slopeGraph(of: {
  readonly imitated: Imitated;
  readonly config: ReturnType<typeof parseEnergyConfig>;
  readonly parameters: ParameterStore;
  readonly exactness: Exactness;
}): GraphBuilder {
  const { imitated, config, parameters, exactness: dtype } = of;
  const g = new GraphBuilder("slope");
  const context = { g, parameters };
  const tokens = trainingTokens(context, imitated, { batch: BATCH, dtype });
  const start = g.input("start", dtype, [BATCH, config.horizon, imitated.actionDim]);
  const landscape = { observed: observe(context, tokens, config), config };
  const said = energyOf(context, start, landscape);
  g.output("energy", said);
  g.output("slope", slopeOf(context, { energy: said, at: start }, config.step));
  return g;
}

/** Above "basic" the engine folds float64 scales into float32 attributes. */
async function run(g: GraphBuilder, feeds: Tensors): Promise<Tensors> {
  await using session = await openSession(writeModel(g.build()), { optimization: "basic" });
  const known = new Set(session.inputs.map(({ name }) => name));
  const fed = Object.entries(feeds).filter(([name]) => known.has(name));
  const copies = fed.map(([name, array]) => [name, { ...array, data: array.data.slice() }]);
  const { outputs } = await session.run(Object.fromEntries(copies) as Tensors);
  return outputs;
}

/** The same names as the other side's answers. */
async function answersHere(twins: Twins, parameters: ParameterStore, feeds: Tensors) {
  const { g, objectives } = twins.loss(parameters);
  const [loss] = Object.values(objectives);
  const weights = Object.fromEntries(
    [...g.parameters].map(([name, { constant }]) => [name, constant as NdArray]),
  );
  const slopes = grad(g, loss!, [...g.parameters.values()]);
  for (const [i, name] of [...g.parameters.keys()].entries()) {
    g.output(`gradient/${name}`, slopes[i]!);
  }
  g.output("loss", g.reshape(loss!, [1]));
  const answers = { ...(await run(g, feeds)) };
  if (twins.slope !== undefined) Object.assign(answers, await run(twins.slope(parameters), feeds));
  return { answers, weights };
}

function largest({ data }: NdArray): number {
  let most = 0;
  for (const value of data as Float64Array) most = Math.max(most, Math.abs(value));
  return most;
}

function distance(here: NdArray | undefined, there: NdArray): number {
  expect(here?.shape).toEqual(there.shape);
  const theirs = there.data as Float64Array;
  let most = 0;
  for (const [i, value] of theirs.entries()) {
    const off = Math.abs(Number(here?.data[i] ?? NaN) - value);
    most = Number.isNaN(off) ? NaN : Math.max(most, off);
  }
  return most;
}

/** Writes what the other side needs; answers what is said here. */
async function prepare(name: string, folder: string): Promise<Tensors> {
  const exactness = exactnessOf(name);
  const twins = twinsOf(name);
  const exact = Object.entries(twins.feeds).map(([key, array]) => [
    key,
    converted(array, exactness),
  ]);
  const feeds = Object.fromEntries(exact) as Tensors;
  const made = await answersHere(twins, noisyParameters(name, exactness), feeds);
  mkdirSync(folder);
  writeFileSync(join(folder, "weights.safetensors"), writeSafetensors(made.weights));
  writeFileSync(join(folder, "data.safetensors"), writeSafetensors(feeds));
  writeFileSync(join(folder, "case.json"), JSON.stringify(twins.config));
  return made.answers;
}

const exactnessOf = (name: string): Exactness => CASES[name]?.exactness ?? "float64";

const NAMES = Object.keys(CASES);
const folder = mkdtempSync(join(tmpdir(), "efference-chunks-"));
const answers = new Map<string, { readonly here: Tensors; readonly there: Tensors }>();

beforeAll(async () => {
  const folderOf = (i: number): string => join(folder, String(i).padStart(2, "0"));
  const here: Tensors[] = [];
  for (const [i, name] of NAMES.entries()) here.push(await prepare(name, folderOf(i)));
  const { status, stderr } = spawnSync(PYTHON, [SCRIPT, folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot differentiate in PyTorch: ${stderr.slice(-2000)}`);
  for (const [i, name] of NAMES.entries()) {
    const there = readSafetensors(readFileSync(join(folderOf(i), "answers.safetensors")));
    answers.set(name, { here: here[i]!, there });
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(NAMES)("%s", (name) => {
  const exactness = exactnessOf(name);
  let here: Tensors = {};
  let there: Tensors = {};
  beforeAll(() => {
    ({ here, there } = answers.get(name)!);
  });

  it("has the same parameters", () => {
    expect(Object.keys(here).sort()).toEqual(Object.keys(there).sort());
  });

  it(`has the same loss, energy and slope in ${exactness}`, () => {
    const said = Object.entries(there).filter(([key]) => !key.startsWith("gradient/"));
    expect(said.length).toBe(here["slope"] === undefined ? 1 : 3);
    for (const [key, value] of said) {
      expect(largest(value), key).toBeGreaterThan(0);
      const share = distance(here[key], value) / largest(value);
      expect(share, key).toBeLessThanOrEqual(TOLERANCE[exactness]);
    }
  });

  it(`has the same gradients in ${exactness}`, () => {
    const gradients = Object.entries(there).filter(([key]) => key.startsWith("gradient/"));
    const all = Math.max(...gradients.map(([, value]) => largest(value)));
    expect(all).toBeGreaterThan(1e-4);
    const far = gradients
      .map(([key, value]) => {
        const against = Math.max(largest(value), NOTHING[exactness] * all);
        return [key, distance(here[key], value) / against] as const;
      })
      .filter(([, share]) => !(share <= TOLERANCE[exactness]));
    expect(far).toEqual([]);
  });
});
