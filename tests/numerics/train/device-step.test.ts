import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { GraphBuilder } from "../../../src/onnx/index.ts";
import { freshParameters, linear } from "../../../src/onnx/layers/index.ts";
import { DeviceTrainingStep, TrainingStep } from "../../../src/train/index.ts";
import type { StepSettings, Trainable, Updater, UpdateResult } from "../../../src/train/index.ts";

/** A two-layer network that learns y = sin(x) row by row. */
const sine: Trainable = {
  name: "sine",
  needs: { cameras: [], predictHorizon: 1 },
  lossGraph({ batchSize, parameters }) {
    const g = new GraphBuilder("sine");
    const context = { g, parameters };
    const x = g.input("x", "float32", [batchSize, 1]);
    const y = g.input("y", "float32", [batchSize, 1]);
    const hidden = g.tanh(linear(context, x, { name: "in", width: 16 }));
    const error = g.sub(linear(context, hidden, { name: "out", width: 1 }), y);
    const square = g.reduceMean(g.mul(error, error), [0, 1]);
    return { g, objectives: { square }, metrics: { worst: g.reduceMax(g.abs(error), [0, 1]) } };
  },
  feeds: () => ({}),
  toPackage: () => {
    throw new Error("not here");
  },
};

function feeds(step: number): Record<string, NdArray> {
  const rng = seeded("sine").split(step);
  const x = Float32Array.from({ length: 8 }, () => 3 * (2 * rng.uniform() - 1));
  const tensor = (data: Float32Array): NdArray => ({ dtype: "float32", shape: [8, 1], data });
  return { x: tensor(x), y: tensor(x.map(Math.sin)) };
}

const parameters = freshParameters(seeded(4));

const SETTINGS: readonly [string, StepSettings["optimiser"]][] = [
  ["AdamW, clipped, averaged", { kind: "adamw", weightDecay: 0.1, clipNorm: 0.5, emaDecay: 0.9 }],
  ["SGD with Nesterov momentum", { kind: "sgd", momentum: 0.9, nesterov: true }],
  ["Lion", { kind: "lion", betas: [0.9, 0.99] }],
];

async function updated(
  step: Updater,
  feeds: readonly Record<string, NdArray>[],
  at: { readonly rate: number; readonly step: number },
): Promise<UpdateResult> {
  const [result] = await step.update([{ feeds, ...at }]);
  return result!;
}

function distance(a: Record<string, NdArray>, b: Record<string, NdArray>): number {
  expect(Object.keys(a).sort()).toEqual(Object.keys(b).sort());
  let worst = 0;
  for (const [name, { data }] of Object.entries(a)) {
    for (let i = 0; i < data.length; i++) {
      worst = Math.max(worst, Math.abs(Number(data[i]) - Number(b[name]?.data[i])));
    }
  }
  return worst;
}

describe("a step on a device that keeps its state", () => {
  it.each(SETTINGS)("is the step on this process's memory: %s", async (_, optimiser) => {
    const settings: StepSettings = { batchSize: 8, optimiser };
    const here = await TrainingStep.open(sine, parameters, settings);
    const there = await DeviceTrainingStep.open(sine, parameters, settings);
    const losses: number[] = [];
    for (let step = 1; step <= 40; step++) {
      const at = { rate: optimiser.kind === "lion" ? 0.001 : 0.01, step };
      const [a, b] = [
        await updated(here, [feeds(step)], at),
        await updated(there, [feeds(step)], at),
      ];
      losses.push(a.values["loss"]!);
      expect(b.values["loss"]).toBeCloseTo(a.values["loss"]!, 5);
      expect(b.gradNorm).toBeCloseTo(a.gradNorm, 4);
    }
    expect(Math.min(...losses.slice(-5))).toBeLessThan(losses[0]!);
    // Lion steps by signs: a last bit of a moment near zero can turn one.
    const tolerance = optimiser.kind === "lion" ? 5e-3 : 1e-5;
    expect(distance(await here.weights(), await there.weights())).toBeLessThan(tolerance);
    expect(distance(await here.deployed(), await there.deployed())).toBeLessThan(tolerance);
    expect(Object.keys(await there.optimiserState()).sort()).toEqual(
      Object.keys(await here.optimiserState()).sort(),
    );
    const [a, b] = [await here.measure(feeds(99)), await there.measure(feeds(99))];
    expect(b["worst"]).toBeCloseTo(a["worst"]!, 2);
    await here.close();
    await there.close();
  });

  it("goes on from what it stored, bit for bit", async () => {
    const settings: StepSettings = { batchSize: 8, optimiser: { kind: "adamw", emaDecay: 0.9 } };
    const whole = await DeviceTrainingStep.open(sine, parameters, settings);
    const first = await DeviceTrainingStep.open(sine, parameters, settings);
    for (let step = 1; step <= 6; step++) await updated(whole, [feeds(step)], { rate: 0.01, step });
    for (let step = 1; step <= 3; step++) await updated(first, [feeds(step)], { rate: 0.01, step });
    const second = await DeviceTrainingStep.open(sine, freshParameters(seeded(9)), settings);
    await second.restore(await first.weights(), await first.optimiserState());
    for (let step = 4; step <= 6; step++)
      await updated(second, [feeds(step)], { rate: 0.01, step });
    expect(distance(await whole.weights(), await second.weights())).toBe(0);
    expect(distance(await whole.deployed(), await second.deployed())).toBe(0);
    for (const step of [whole, first, second]) await step.close();
  });

  it("makes several updates in one run, to the same bits", async () => {
    const optimiser: StepSettings["optimiser"] = { kind: "adamw", clipNorm: 1, emaDecay: 0.9 };
    const settings: StepSettings = { batchSize: 8, optimiser };
    const single = await DeviceTrainingStep.open(sine, parameters, settings);
    const looped = await DeviceTrainingStep.open(sine, parameters, {
      ...settings,
      updatesPerRun: 5,
    });
    const request = (step: number) => ({ feeds: [feeds(step)], rate: 0.01 / step, step });
    const requests = [1, 2, 3, 4, 5, 6, 7, 8].map(request);
    const apart = await single.update(requests);
    const together = [
      ...(await looped.update(requests.slice(0, 5))),
      ...(await looped.update(requests.slice(5))),
    ];
    const numbers = (results: readonly UpdateResult[]) =>
      results.map(({ values, gradNorm, applied }) => ({ values, gradNorm, applied }));
    expect(numbers(together)).toEqual(numbers(apart));
    expect(await looped.weights()).toEqual(await single.weights());
    expect(await looped.optimiserState()).toEqual(await single.optimiserState());
    expect(await looped.measure(feeds(99))).toEqual(await single.measure(feeds(99)));

    const bad = feeds(10);
    (bad["x"]!.data as Float32Array)[0] = NaN;
    const broken = [request(9), { feeds: [bad], rate: 0.01, step: 10 }, request(11)];
    const results = await looped.update(broken);
    expect(results.map(({ applied }) => applied)).toEqual([true, false]);
    for (const { data } of Object.values(await looped.weights())) {
      expect([...data].every((value) => Number.isFinite(Number(value)))).toBe(true);
    }
    await expect(looped.update([{ ...request(12), feeds: [] }])).rejects.toThrow(/0 feeds/);
    await single.close();
    await looped.close();
  });

  it("changes nothing where the loss is not finite, and refuses what it cannot do", async () => {
    const settings: StepSettings = { batchSize: 8, optimiser: { kind: "adamw" } };
    const step = await DeviceTrainingStep.open(sine, parameters, settings);
    await updated(step, [feeds(1)], { rate: 0.01, step: 1 });
    const before = await step.weights();
    const bad = feeds(2);
    (bad["x"]!.data as Float32Array)[0] = NaN;
    expect(await updated(step, [bad], { rate: 0.01, step: 2 })).toMatchObject({ applied: false });
    expect(distance(before, await step.weights())).toBe(0);
    await expect(step.restore({}, {})).rejects.toThrow(/restore "in\/weight": it is absent/);
    await step.close();
    await expect(
      DeviceTrainingStep.open(sine, parameters, { ...settings, accumulate: 2 }),
    ).rejects.toThrow(/accumulate is 2, must be 1/);
  });
});

describe("a step on this process's memory", () => {
  it("averages micro-batches into one update", async () => {
    const optimiser: StepSettings["optimiser"] = { kind: "sgd" };
    const two = await TrainingStep.open(sine, parameters, {
      batchSize: 8,
      optimiser,
      accumulate: 2,
    });
    const big = await TrainingStep.open(sine, parameters, { batchSize: 16, optimiser });
    const [a, b] = [feeds(1), feeds(2)];
    const joined = (name: string): NdArray => ({
      dtype: "float32",
      shape: [16, 1],
      data: Float32Array.of(...(a[name]!.data as Float32Array), ...(b[name]!.data as Float32Array)),
    });
    const at = { rate: 0.1, step: 1 };
    const small = await updated(two, [a, b], at);
    const large = await updated(big, [{ x: joined("x"), y: joined("y") }], at);
    expect(small.values["loss"]).toBeCloseTo(large.values["loss"]!, 5);
    expect(small.gradNorm).toBeCloseTo(large.gradNorm, 5);
    expect(distance(await two.weights(), await big.weights())).toBeLessThan(1e-6);
    await two.close();
    await big.close();
  });

  it("gives the same bits with one thread and with two", async () => {
    const settings = (threads: number): StepSettings => ({
      batchSize: 8,
      optimiser: { kind: "adamw", clipNorm: 1 },
      session: { threads },
    });
    const [one, two] = [
      await TrainingStep.open(sine, parameters, settings(1)),
      await TrainingStep.open(sine, parameters, settings(2)),
    ];
    for (let step = 1; step <= 10; step++) {
      await updated(one, [feeds(step)], { rate: 0.01, step });
      await updated(two, [feeds(step)], { rate: 0.01, step });
    }
    expect(distance(await one.weights(), await two.weights())).toBe(0);
    await one.close();
    await two.close();
  });
});
