import { describe, expect, it } from "vitest";
import { energyTrainable, parseEnergyConfig } from "../../../../policies/energy/index.ts";
import { energyLoss, observe } from "../../../../policies/energy/objective.ts";
import { energyOf, slopeOf } from "../../../../policies/energy/step.ts";
import { grad } from "../../../../src/autodiff/index.ts";
import type { NdArray } from "../../../../src/core/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import { imitatedOf } from "../../../../src/imitation/index.ts";
import { GraphBuilder, writeModel } from "../../../../src/onnx/index.ts";
import { freshParameters } from "../../../../src/onnx/layers/index.ts";
import type { ParameterStore } from "../../../../src/onnx/layers/index.ts";
import { openSession } from "../../../../src/session/index.ts";
import { worldBatch, worldData } from "../../../support/imitation.ts";
import { lossGradientError } from "../../../support/loss-differences.ts";

const TINY = { kind: "energy", horizon: 4, width: 8, heads: 2, layers: 2 };

describe("the slope of the energy", () => {
  it("is that of finite differences in float64", async () => {
    const config = parseEnergyConfig({ ...TINY, observeHorizon: 2, frameLayers: 1 });
    const g = new GraphBuilder("slope");
    const exact: ParameterStore = {
      get: (...request) => {
        const array = freshParameters(seeded("weights")).get(...request);
        return { ...array, dtype: "float64", data: Float64Array.from(array.data, Number) };
      },
    };
    const context = { g, parameters: exact };
    const tokens = g.input("tokens", "float64", [2, 2, 8]);
    const chunk = g.input("chunk", "float64", [2, 4, 2]);
    const landscape = { observed: observe(context, tokens, config), config };
    const energy = energyOf(context, chunk, landscape);
    g.output("energy", energy);
    g.output("slope", slopeOf(context, { energy, at: chunk }, config.step));
    await using session = await openSession(writeModel(g.build()), { optimization: "basic" });
    const rng = seeded("at");
    const draw = (count: number) => Float64Array.from({ length: count }, () => rng.normal());
    const [seen, at] = [draw(32), draw(16)];
    const f64 = (shape: number[], data: Float64Array) =>
      ({ dtype: "float64", shape, data: data.slice() }) as const;
    const run = async (data: Float64Array) =>
      (await session.run({ tokens: f64([2, 2, 8], seen), chunk: f64([2, 4, 2], data) })).outputs;
    const slope = (await run(at))["slope"]!.data;
    for (let i = 0; i < 16; i++) {
      const near = async (by: number) => {
        const { energy: e } = await run(at.map((x, k) => (k === i ? x + by : x)));
        return Number(e!.data[0]) + Number(e!.data[1]);
      };
      const h = 1e-4;
      const difference =
        (8 * ((await near(h)) - (await near(-h))) - (await near(2 * h)) + (await near(-2 * h))) /
        (12 * h);
      // Of the sum over the 8 numbers of a chunk, where the energy is their mean.
      expect(Number(slope[i])).toBeCloseTo(8 * difference, 7);
    }
  });
});

describe("training gradients are those of finite differences in float64", () => {
  it.each<[string, object]>([
    ["paper, truncated", { objective: "paper", train: { steps: 3, extraSteps: 2 } }],
    [
      "paper, every step",
      { objective: "paper", train: { steps: 2, extraSteps: 2, loss: "every" } },
    ],
    ["mix", { objective: "mix" }],
    ["mix, every step", { objective: "mix", train: { loss: "every" } }],
    ["mix, rates drawn", { objective: "mix", train: { randomiseRate: 1.5 } }],
    ["mix in three steps", { step: { momentum: 0.3 }, train: { steps: 3, loss: "every" } }],
    ["equilibrium", { objective: "equilibrium" }],
    ["mix with dropout", { dropout: 0.3, frameLayers: 1, observeHorizon: 2 }],
    ["the same, every step", { train: { loss: "every" }, dropout: 0.3, observeHorizon: 2 }],
    ["paper with dropout", { objective: "paper", dropout: 0.3, train: { steps: 2 } }],
    ["equilibrium with dropout", { objective: "equilibrium", dropout: 0.3 }],
    [
      "all of the published step",
      {
        preset: "paper",
        width: 8,
        heads: 2,
        layers: 1,
        frameLayers: 1,
        step: { rate: 2 },
        train: { steps: 2, extraSteps: 1 },
      },
    ],
    [
      "momentum, judged at every step",
      {
        step: { momentum: 0.5, normalise: "batch" },
        train: { loss: "every" },
        observeHorizon: 2,
      },
    ],
    ["one step", { objective: "mix", train: { steps: 1 } }],
    ["judged once, with momentum", { step: { momentum: 0.3 }, train: { loss: "one" } }],
  ])("%s", async (_, changes) => {
    const config = parseEnergyConfig({ ...TINY, ...changes });
    const data = worldData();
    const trainable = energyTrainable(config, data);
    const imitated = imitatedOf("energy", config, data);
    const batch = worldBatch({ size: 2, horizon: 4, frames: config.observeHorizon });
    const loss = (parameters: ParameterStore) =>
      energyLoss(imitated, config, { batchSize: 2, parameters, dtype: "float64" });
    const { error, largest } = await lossGradientError(loss, {
      parameters: freshParameters(seeded("weights")),
      feeds: trainable.feeds(batch, seeded("update")),
    });
    expect(largest).toBeGreaterThan(1e-4);
    expect(error).toBeLessThan(1e-6);
  });
});

describe("chunks that are judged once each", () => {
  const data = worldData();
  /** Loss and gradients of an update. */
  async function update(
    changes: object,
    feeds: Readonly<Record<string, NdArray>>,
  ): Promise<Readonly<Record<string, NdArray>>> {
    const config = parseEnergyConfig({ ...TINY, objective: "mix", ...changes });
    const made = energyLoss(imitatedOf("energy", config, data), config, {
      batchSize: feeds["start"]!.shape[0]!,
      parameters: freshParameters(seeded("weights")),
    });
    const { g, objectives } = made;
    g.output("loss", objectives["action"]!);
    const parameters = [...g.parameters];
    const gradients = grad(
      g,
      objectives["action"]!,
      parameters.map(([, value]) => value),
    );
    parameters.forEach(([name], i) => g.output(`grad/${name}`, gradients[i]!));
    await using session = await openSession(writeModel(g.build()));
    return (await session.run(feeds)).outputs;
  }
  const feedsFor = (changes: object, size: number): Readonly<Record<string, NdArray>> => {
    const config = parseEnergyConfig({ ...TINY, objective: "mix", ...changes });
    const batch = worldBatch({ size, horizon: 4, frames: config.observeHorizon });
    return energyTrainable(config, data).feeds(batch, seeded("update"));
  };

  it.each([2, 3])(
    "are those of every step, if each is there once for it: %i steps",
    async (steps) => {
      const step = { momentum: 0.3 };
      const { step_weights, ...feeds } = feedsFor({ step, train: { steps, loss: "every" } }, 3);
      /** So many times one after the other, along the axis of the chunks. */
      const again = (array: NdArray, axis: number): NdArray => {
        const before = array.shape.slice(0, axis).reduce((product, dim) => product * dim, 1);
        const part = array.data.length / before;
        const parts = Array.from({ length: before }, (_, i) => {
          const one = (array.data as Float32Array).subarray(i * part, (i + 1) * part);
          return new Array<Float32Array>(steps).fill(one);
        }).flat();
        const whole = new Float32Array(array.data.length * steps);
        parts.forEach((one, i) => whole.set(one, i * part));
        const shape = array.shape.map((dim, at) => (at === axis ? dim * steps : dim));
        return { dtype: "float32", shape, data: whole };
      };
      const repeated = Object.fromEntries(
        Object.entries(feeds).map(([name, array]) => [
          name,
          again(array, name === "noise" ? 1 : 0),
        ]),
      );
      const every = await update(
        { step, train: { steps, loss: "every" } },
        { ...feeds, step_weights: step_weights! },
      );
      const one = await update({ step, train: { steps, loss: "one" } }, repeated);
      expect(Object.keys(one)).toEqual(Object.keys(every));
      expect(Number(every["loss"]!.data[0])).toBeGreaterThan(0.1);
      for (const [name, { data: wanted }] of Object.entries(every)) {
        const largest = Math.max(...(wanted as Float32Array).map(Math.abs));
        wanted.forEach((value, i) => {
          const off = Math.abs(Number(one[name]!.data[i]) - Number(value));
          expect(off, name).toBeLessThanOrEqual(1e-5 + 1e-4 * largest);
        });
      }
    },
  );

  it("are judged at every step where there are fewer", async () => {
    const train = { steps: 3 };
    const feeds = feedsFor({ train: { ...train, loss: "one" } }, 2);
    const step_weights = { dtype: "float32", shape: [3], data: new Float32Array(3).fill(1 / 3) };
    const one = await update({ train: { ...train, loss: "one" } }, feeds);
    const every = await update(
      { train: { ...train, loss: "every" } },
      { ...feeds, step_weights: step_weights as NdArray },
    );
    expect(one["loss"]!.data[0]).toBeCloseTo(Number(every["loss"]!.data[0]), 6);
  });

  it("have no steps that are drawn on top", () => {
    expect(() => parseEnergyConfig({ ...TINY, train: { extraSteps: 1, loss: "one" } })).toThrow(
      "policy.train.extraSteps: must be 0 where loss is one",
    );
  });
});
