import { describe, expect, it } from "vitest";
import type { OptimiserConfig } from "../../../src/autodiff/index.ts";
import { grad } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { GraphBuilder } from "../../../src/onnx/index.ts";
import * as layers from "../../../src/onnx/layers/index.ts";
import { freshParameters, parameter } from "../../../src/onnx/layers/index.ts";
import type { RecurrentModel } from "../../../src/train/index.ts";
import { RecurrentStep, TrainingStep } from "../../../src/train/index.ts";
import * as models from "../../support/models/index.mjs";

const OPTIMISER: OptimiserConfig = { kind: "adamw", weightDecay: 0.1, clipNorm: 1 };
/** Of the largest entry: float32 against float64 loops, and against float32 in another order, over up to six steps. */
const TOLERANCE = 1e-5;
const kit = { GraphBuilder, grad, layers };
type Tensors = Readonly<Record<string, NdArray>>;

/** Sizes of a small model: `E(x; o) = sum v tanh(x W + o U)`, descended by `RATE dE/dx`. */
const [BATCH, DIM, SEEN, HIDDEN, RATE] = [2, 3, 2, 4, 0.7];

const SMALL: RecurrentModel = {
  name: "small",
  stepGraph({ parameters }) {
    const g = new GraphBuilder("small");
    const context = { g, parameters };
    const learned = (name: string, shape: readonly number[]) =>
      parameter(context, { name, shape, start: { kind: "normal", std: 0.8 } });
    const x = g.input("x", "float32", [BATCH, DIM]);
    const o = g.input("o", "float32", [BATCH, SEEN]);
    const [w, u] = [learned("w", [DIM, HIDDEN]), learned("u", [SEEN, HIDDEN])];
    const inner = g.tanh(g.add(g.matmul(x, w), g.matmul(o, u)));
    const energy = g.reduceSum(g.mul(inner, learned("v", [HIDDEN])), [0, 1]);
    const [slope] = grad(g, energy, [x]);
    return { g, state: x, next: g.sub(x, g.mul(slope!, RATE)) };
  },
  lossGraph() {
    const g = new GraphBuilder("small_loss");
    const [last, target] = ["last", "target"].map((name) => g.input(name, "float32", [BATCH, DIM]));
    const difference = g.sub(last!, target!);
    return { g, state: last!, loss: g.reduceMean(g.mul(difference, difference), [0, 1]) };
  },
};

/** The loss of the small model after `steps`, in float64, by loops that share nothing with the graphs. */
function lossOf(numbers: Readonly<Record<string, readonly number[]>>, steps: number): number {
  const { w = [], u = [], v = [], o = [], target = [] } = numbers;
  const x = [...(numbers["x"] ?? [])];
  for (let k = 0; k < steps; k++) {
    for (let b = 0; b < BATCH; b++) {
      const slope = Array.from({ length: DIM }, () => 0);
      for (let h = 0; h < HIDDEN; h++) {
        let sum = 0;
        for (let d = 0; d < DIM; d++) sum += x[b * DIM + d]! * w[d * HIDDEN + h]!;
        for (let s = 0; s < SEEN; s++) sum += o[b * SEEN + s]! * u[s * HIDDEN + h]!;
        const by = v[h]! * (1 - Math.tanh(sum) ** 2);
        for (let d = 0; d < DIM; d++) slope[d]! += by * w[d * HIDDEN + h]!;
      }
      for (let d = 0; d < DIM; d++) x[b * DIM + d]! -= RATE * slope[d]!;
    }
  }
  return x.reduce((sum, value, i) => sum + (value - target[i]!) ** 2, 0) / x.length;
}

/** Central differences of fourth order by every element of `name`. */
function slopesOf(
  numbers: Readonly<Record<string, readonly number[]>>,
  name: string,
  steps: number,
): number[] {
  const step = 1e-3;
  const values = numbers[name] ?? [];
  return values.map((value, i) => {
    const at = (times: number): number =>
      lossOf({ ...numbers, [name]: values.with(i, value + times * step) }, steps);
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step);
  });
}

function numbersOf({ data }: NdArray): number[] {
  return Array.from(data as Float32Array);
}

/** The largest difference, of the largest entry. */
function distance(have: NdArray, wanted: readonly number[]): number {
  const numbers = numbersOf(have);
  expect(numbers).toHaveLength(wanted.length);
  const largest = Math.max(...wanted.map(Math.abs));
  expect(largest).toBeGreaterThan(0);
  return Math.max(...numbers.map((value, i) => Math.abs(value - wanted[i]!))) / largest;
}

/** The gradients of the parameters, which the optimiser holds K times. */
function gradientsOf({ arena }: RecurrentStep, steps: number): Tensors {
  return Object.fromEntries(
    Object.entries(arena.store("accumulated")).map(([name, array]) => [
      name,
      { ...array, data: (array.data as Float32Array).map((value) => value / steps) },
    ]),
  );
}

function open(model: RecurrentModel, batchSize: number, threads = 1): Promise<RecurrentStep> {
  const settings = { batchSize, optimiser: OPTIMISER, session: { threads } };
  return RecurrentStep.open(model, freshParameters(seeded("weights")), settings);
}

function smallFeeds(): Tensors {
  const rng = seeded("feeds");
  return {
    x: models.gaussian(rng, [BATCH, DIM]),
    o: models.gaussian(rng, [BATCH, SEEN]),
    target: models.gaussian(rng, [BATCH, DIM]),
  };
}

describe("a gradient through repeated steps", () => {
  it.each([1, 2, 6])("is that of float64 differences, through %i", async (steps) => {
    const step = await open(SMALL, BATCH);
    const feeds = smallFeeds();
    const numbers = Object.fromEntries(
      Object.entries({ ...feeds, ...step.arena.store("parameter") }).map(([name, array]) => [
        name,
        numbersOf(array),
      ]),
    );
    const { loss, first, last } = await step.accumulate(feeds, steps);
    const wanted = lossOf(numbers, steps);
    expect(Math.abs(loss - wanted)).toBeLessThan(1e-6 * wanted);
    expect(last.shape).toEqual([BATCH, DIM]);
    expect(distance(first, slopesOf(numbers, "x", steps))).toBeLessThan(TOLERANCE);
    const gradients = gradientsOf(step, steps);
    expect(Object.keys(gradients).sort()).toEqual(["u", "v", "w"]);
    for (const [name, array] of Object.entries(gradients)) {
      expect(distance(array, slopesOf(numbers, name, steps)), name).toBeLessThan(TOLERANCE);
    }
    await step.close();
  });

  const ENERGY = { ...models.ENERGY, layers: 2, width: 16, heads: 2, rows: 4, rate: 20 };
  const ENERGY_BATCH = 3;

  it.each([1, 4])(
    "is that of one graph with all of them: energy transformer, %i",
    async (steps) => {
      const feeds = models.energyFeeds(seeded("feeds"), ENERGY_BATCH, ENERGY);
      const whole = await TrainingStep.open(
        models.energyTrainable(kit, { steps, config: ENERGY }),
        freshParameters(seeded("weights")),
        { batchSize: ENERGY_BATCH, optimiser: OPTIMISER, session: { threads: 1 } },
      );
      const [result] = await whole.update([{ feeds: [feeds], rate: 0, step: 1 }]);
      const step = await open(models.energyRecurrence(kit, ENERGY), ENERGY_BATCH);
      const { loss } = await step.accumulate(feeds, steps);
      expect(Math.abs(loss - result!.values["loss"]!)).toBeLessThan(1e-6 * loss);
      const [mine, theirs] = [gradientsOf(step, steps), whole.arena.store("gradient")];
      expect(Object.keys(mine)).toEqual(Object.keys(theirs));
      const all = Math.max(...Object.values(theirs).flatMap(numbersOf).map(Math.abs));
      expect(all).toBeGreaterThan(0);
      for (const [name, array] of Object.entries(theirs)) {
        const other = numbersOf(mine[name]!);
        const far = numbersOf(array).map((value, i) => Math.abs(value - other[i]!));
        expect(Math.max(...far), name).toBeLessThan(TOLERANCE * all);
      }
      await Promise.all([whole.close(), step.close()]);
    },
  );

  it("is the same bits on every run, and on one and two threads", async () => {
    const feeds = models.energyFeeds(seeded("feeds"), ENERGY_BATCH, ENERGY);
    const weights: Tensors[] = [];
    for (const threads of [1, 2, 2]) {
      const step = await open(models.energyRecurrence(kit, ENERGY), ENERGY_BATCH, threads);
      for (const count of [1, 2]) {
        // As many steps as an update likes.
        const result = await step.update(feeds, { steps: 1 + count, rate: 1e-3, step: count });
        expect(result.applied).toBe(true);
      }
      weights.push(step.arena.store("parameter"));
      await step.close();
    }
    expect(weights[1]).toEqual(weights[0]);
    expect(weights[2]).toEqual(weights[0]);
  });

  it("goes downhill", async () => {
    const step = await open(SMALL, BATCH);
    const losses: number[] = [];
    for (let i = 1; i <= 30; i++) {
      const { values } = await step.update(smallFeeds(), { steps: 3, rate: 0.02, step: i });
      losses.push(values["loss"]!);
    }
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!);
    await step.close();
  });

  it("refuses what cannot be repeated", async () => {
    const step = await open(SMALL, BATCH);
    const { o, target } = smallFeeds();
    await expect(step.accumulate(smallFeeds(), 0)).rejects.toThrow("steps is 0, must be a whole");
    await expect(step.accumulate({ o: o!, target: target! }, 1)).rejects.toThrow(
      'feed "x" is absent, must be the first state',
    );
    await step.close();
    const halved: RecurrentModel = {
      ...SMALL,
      stepGraph(request) {
        const made = SMALL.stepGraph(request);
        return { ...made, next: made.g.slice(made.next, 1, { start: 0, end: 1 }) };
      },
    };
    await expect(open(halved, BATCH)).rejects.toThrow(
      'Cannot repeat step of "small": it makes float32[2, 1] of float32[2, 3], must make float32',
    );
    const weighted: RecurrentModel = {
      ...SMALL,
      lossGraph(request) {
        const made = SMALL.lossGraph(request);
        const scale = { dtype: "float32", shape: [], data: Float32Array.of(2) } as const;
        return { ...made, loss: made.g.mul(made.loss, made.g.parameter("scale", scale)) };
      },
    };
    await expect(open(weighted, BATCH)).rejects.toThrow('has parameter "scale", must have none');
  });
});
