import { describe, expect, it } from "vitest";
import { energyTrainable, parseEnergyConfig } from "../../../../policies/energy/index.ts";
import type { EnergyConfig } from "../../../../policies/energy/index.ts";
import { actingGraph } from "../../../../policies/energy/descend.ts";
import { observe } from "../../../../policies/energy/objective.ts";
import { EnergySampler } from "../../../../policies/energy/sampler.ts";
import { energyStep } from "../../../../policies/energy/step.ts";
import type { NdArray } from "../../../../src/core/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import { imitatedOf, observedNow } from "../../../../src/imitation/index.ts";
import { GraphBuilder, writeModel } from "../../../../src/onnx/index.ts";
import type { ParameterStore } from "../../../../src/onnx/layers/index.ts";
import { storedParameters } from "../../../../src/onnx/layers/index.ts";
import { openSession } from "../../../../src/session/index.ts";
import { freshOf, worldData } from "../../../support/imitation.ts";

const TINY = { kind: "energy", horizon: 4, width: 16, heads: 2, layers: 2 };

function acting(changes: object) {
  const config = parseEnergyConfig({ ...TINY, ...changes });
  const data = worldData();
  const imitated = imitatedOf("energy", config, data);
  const parameters = storedParameters(freshOf(energyTrainable(config, data)));
  return { imitated, config, parameters };
}

const f32 = (shape: readonly number[], data: Float32Array): NdArray => ({
  dtype: "float32",
  shape,
  data,
});

function normals(count: number, label: string): Float32Array {
  const rng = seeded(label);
  return Float32Array.from({ length: count }, () => rng.normal());
}

/** The same decision by the graph with the loop and by steps from here. */
async function both(changes: object) {
  const request = acting(changes);
  const { infer, horizon, observeHorizon } = request.config;
  const shape = [infer.samples, horizon, 2];
  const size = infer.samples * horizon * 2;
  const start = normals(size, "start");
  const noise = Array.from({ length: infer.steps }, (_, i) => normals(size, `noise ${i}`));
  const state = Float32Array.of(0.3, -0.7, 1.1);
  const history =
    observeHorizon === 1 ? {} : { history: f32([1, observeHorizon - 1, 4], new Float32Array(4)) };
  const observation = () => ({ proprio: f32([1, 3], state.slice()), ...history });
  await using session = await openSession(writeModel(actingGraph(request).build()));
  const all = Float32Array.from(noise.flatMap((each) => [...each]));
  const extra = infer.noise === 0 ? {} : { noise: f32([1, infer.steps, ...shape], all) };
  const { outputs } = await session.run({
    ...observation(),
    start: f32([1, ...shape], start.slice()),
    ...extra,
  });
  const sampler = await EnergySampler.open(request);
  const descent = await sampler.descend(observation(), {
    start,
    ...(infer.noise === 0 ? {} : { noise }),
  });
  await sampler.close();
  return { outputs, descent, ...request };
}

describe("the loop in one graph", () => {
  it.each<[string, object]>([
    ["one sample", { infer: { rate: 0.5, steps: 6 } }],
    ["an early end", { infer: { rate: 0.5, steps: 30, stop: { by: "step", below: 0.02 } } }],
    ["several samples", { infer: { rate: 0.5, steps: 8, samples: 5, stop: { below: 0.1 } } }],
    [
      "momentum, normalisation, exp(E), noise and history",
      {
        preset: "paper",
        width: 16,
        heads: 2,
        layers: 2,
        frameLayers: 1,
        step: { rate: 2 },
        infer: { steps: 5, noise: 0.1, samples: 2, stop: { below: 0.05 } },
      },
    ],
  ])("does the same bits as its steps one by one: %s", async (_, changes) => {
    const { outputs, descent } = await both(changes);
    const { best, path, chunk, reported } = descent;
    expect(best).toBeGreaterThanOrEqual(0);
    const size = 4 * 2;
    const of = (all: Float32Array): Float32Array => all.slice(best * size, (best + 1) * size);
    expect(outputs["action"]!.data).toEqual(of(chunk));
    for (const name of ["energy", "moved", "slope", "steps"] as const) {
      expect(outputs[name]!.data).toEqual(reported[name].slice(best, best + 1));
    }
    expect(outputs["descent/chunk"]!.shape).toEqual([path.length, 4, 2]);
    expect([...outputs["descent/energy"]!.data]).toEqual(path.map(({ energy }) => energy[best]));
    expect([...outputs["descent/chunk"]!.data]).toEqual(
      path.flatMap((step) => [...of(step.chunk)]),
    );
  });

  it("ends early, with one more step after the rule holds", async () => {
    const changes = { infer: { rate: 0.5, steps: 30, stop: { by: "step", below: 0.02 } } };
    const { descent, outputs } = await both(changes);
    const steps = Number(outputs["steps"]!.data[0]);
    expect(steps).toBeLessThan(30);
    expect(steps).toBe(descent.path.length);
    const moved = descent.path.map((step, i) => {
      const before = i === 0 ? normals(8, "start") : descent.path[i - 1]!.chunk;
      const squares = step.chunk.map((x, k) => (x - before[k]!) ** 2);
      return Math.sqrt(squares.reduce((a, b) => a + b, 0) / 8);
    });
    const first = moved.findIndex((size) => size < 0.02);
    expect(steps).toBe(first + 2);
  });

  it.each([
    ["two", 2],
    ["too many for matrices: five", 5],
  ])(
    "has the energy and slope that are trained, though rewritten; frames: %s",
    async (_, frames) => {
      const request = acting({ observeHorizon: frames, frameLayers: 1, infer: { steps: 1 } });
      const rng = seeded("scales");
      const stored = request.parameters;
      // As trained: no scale is 1 any more.
      const parameters: ParameterStore = {
        get: (name, shape, start) => {
          const array = stored.get(name, shape, start);
          if (!name.endsWith("/scale")) return array;
          const own = rng.split(name);
          return {
            ...array,
            data: Float32Array.from({ length: shape[0]! }, () => 0.5 + own.uniform()),
          };
        },
      };
      const start = normals(8, "start");
      const feeds = () => ({
        proprio: f32([1, 3], Float32Array.of(0.3, -0.7, 1.1)),
        history: f32(
          [1, frames - 1, 4],
          Float32Array.from({ length: 4 * (frames - 1) }, (__, i) => (i % 4 === 3 ? 1 : i / 10)),
        ),
      });
      const sampler = await EnergySampler.open({ ...request, parameters });
      const { path } = await sampler.descend(feeds(), { start });
      await sampler.close();
      const g = new GraphBuilder("plain");
      const context = { g, parameters };
      const { config, imitated } = request;
      const observed = observe(context, observedNow(context, imitated).tokens, config);
      const chunk = g.input("chunk", "float32", [1, 4, 2]);
      const made = energyStep(context, { chunk }, { landscape: { observed, config } });
      g.output("energy", made.energy);
      g.output("chunk_after", made.chunk);
      g.output("slope", g.reduceL2(made.slope, [1, 2]));
      await using session = await openSession(writeModel(g.build()));
      const { outputs } = await session.run({ ...feeds(), chunk: f32([1, 4, 2], start.slice()) });
      const [taken] = path;
      const close = (mine: number, trained: number, size: number): void => {
        expect(Math.abs(mine - trained)).toBeLessThan(1e-5 * size);
      };
      const of = (name: string): number[] => Array.from(outputs[name]!.data, Number);
      const [energy, slope, after] = [of("energy")[0]!, of("slope")[0]!, of("chunk_after")];
      close(taken!.energy[0]!, energy, Math.abs(energy));
      close(taken!.slope[0]!, slope, slope);
      const moves = after.map((value, i) => value - start[i]!);
      const longest = Math.max(...moves.map(Math.abs));
      expect(longest).toBeGreaterThan(1e-3);
      taken!.chunk.forEach((value, i) => close(value - start[i]!, moves[i]!, longest));
    },
  );

  it("goes downhill where steps are short", async () => {
    const { outputs } = await both({ infer: { rate: 0.05, steps: 10, stop: { below: 0 } } });
    const energies = [...outputs["descent/energy"]!.data].map(Number);
    for (let i = 1; i < energies.length; i++) expect(energies[i]).toBeLessThan(energies[i - 1]!);
  });

  it("takes the sample of lowest energy, and says how far they are apart", async () => {
    const { outputs, descent, config } = await both({ infer: { rate: 0.3, steps: 3, samples: 6 } });
    const energies = [...descent.reported.energy];
    expect(outputs["energy"]!.data[0]).toBe(Math.min(...energies));
    const { samples } = config.infer;
    const deviations = Array.from({ length: 8 }, (_, i) => {
      const values = Array.from({ length: samples }, (_, s) => descent.chunk[s * 8 + i]!);
      const mean = values.reduce((a, b) => a + b, 0) / samples;
      return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / samples);
    });
    const expected = deviations.reduce((a, b) => a + b, 0) / 8;
    expect(outputs["disagreement"]!.data[0]).toBeCloseTo(expected, 5);
  });

  it("gives NaN where every descent has run away, and another sample where one has not", async () => {
    const away = await both({ infer: { rate: 5000, steps: 6, samples: 3 } });
    expect(away.descent.best).toBe(-1);
    expect([...away.outputs["action"]!.data].every(Number.isNaN)).toBe(true);
    // It ends at once instead of doing all steps.
    expect(away.outputs["descent/energy"]!.data.length).toBeLessThan(6);
    const request = acting({ infer: { rate: 0.1, steps: 3, samples: 2, limit: 4 } });
    const sampler = await EnergySampler.open(request);
    const start = normals(16, "start");
    start.fill(9, 0, 8);
    const descent = await sampler.descend({ proprio: f32([1, 3], new Float32Array(3)) }, { start });
    await sampler.close();
    expect(descent.failed).toEqual([true, false]);
    expect(descent.best).toBe(1);
  });
});

/** Numbers of a model, learned ones only. */
function count(parameters: Readonly<Record<string, NdArray>>, prefix: string): number {
  return Object.entries(parameters)
    .filter(([name]) => name.startsWith(prefix))
    .reduce((sum, [, { data }]) => sum + data.length, 0);
}

describe("presets", () => {
  it("paper: has the published numbers of parameters", () => {
    const config = parseEnergyConfig({ kind: "energy", preset: "paper" });
    // Tool Hang: 53 numbers of state and 64 of each of two cameras.
    const data = worldData({ stateDim: 53 + 2 * 64, actionDim: 7 });
    const parameters = freshOf(energyTrainable(config, data));
    expect(count(parameters, "observation/")).toBe(3_210_240);
    // The published count has the fixed table of 16 places of 256 in it.
    expect(count(parameters, "energy/") + config.horizon * config.width).toBe(5_409_799);
  });

  it("give each objective its own start, loss and stopping rule, and leave what is said", () => {
    const of = (section: object) => parseEnergyConfig({ kind: "energy", ...section });
    expect(of({}).objective).toBe("mix");
    expect(of({}).train).toMatchObject({
      start: "mix",
      loss: "one",
      steps: 2,
      randomiseRate: 1,
    });
    expect(of({ objective: "paper" }).train).toMatchObject({
      start: "noise",
      loss: "last",
      randomiseRate: 1.5,
    });
    expect(of({ objective: "equilibrium" }).infer).toMatchObject({
      rate: 0.3,
      stop: { below: 0.05 },
    });
    const paper = of({ preset: "paper", step: { momentum: 0 }, infer: { stop: { below: 0.5 } } });
    expect(paper).toMatchObject({
      objective: "paper",
      width: 256,
      step: { rate: 1000, temperature: 9, momentum: 0, normalise: "sample", energyScaled: true },
      train: { steps: 6, noise: [0.2, 0.002], randomiseRate: 1.5 },
      infer: { steps: 20, stop: { by: "gradient", below: 0.5 } },
    });
    expect(of({ preset: "paper", objective: "mix" }).train).toMatchObject({
      start: "mix",
      loss: "every",
      randomiseRate: 1.5,
    });
  });

  it.each<[object, RegExp]>([
    [{ objective: "contrast" }, /policy.objective/],
    [{ step: { momentum: 1 } }, /policy.step.momentum/],
    [{ infer: { samples: 0 } }, /policy.infer.samples/],
    [{ widht: 3 }, /widht/],
    [{ train: { noise: [0.1] } }, /policy.train.noise/],
    [{ cameras: ["front"], image: { filters: [30] } }, /filters has 30, must be multiples of 16/],
  ])("refuse %j", (section, message) => {
    expect(() => parseEnergyConfig({ kind: "energy", ...section })).toThrow(SyntaxError);
    expect(() => parseEnergyConfig({ kind: "energy", ...section })).toThrow(message);
  });

  it("small: has between 0.5 and 1 million", () => {
    const config: EnergyConfig = parseEnergyConfig({ kind: "energy" });
    const parameters = freshOf(energyTrainable(config, worldData({ stateDim: 20, actionDim: 7 })));
    const all = count(parameters, "");
    expect(all).toBeGreaterThan(500_000);
    expect(all).toBeLessThan(1_000_000);
  });
});
