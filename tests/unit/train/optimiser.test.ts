import { describe, expect, it } from "vitest";
import type { OptimiserConfig, ParameterInfo } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import type { Optimiser } from "../../../src/train/index.ts";
import {
  createOptimiser,
  layoutFor,
  optimiserSchema,
  ParameterArena,
} from "../../../src/train/index.ts";

const W: ParameterInfo = { name: "w", shape: [1, 3] };
const B: ParameterInfo = { name: "b", shape: [2] };
const f32 = ({ shape }: ParameterInfo, values: number[]): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(values),
});

interface Setup {
  readonly arena: ParameterArena;
  readonly optimiser: Optimiser;
  readonly gradients: (w: number[], b: number[]) => void;
  readonly weights: () => number[];
}

function setUp(config: OptimiserConfig): Setup {
  const arena = new ParameterArena(layoutFor(config, [W, B], { accumulate: true }));
  arena.load("parameter", { w: f32(W, [1, 2, 3]), b: f32(B, [4, 5]) });
  const optimiser = createOptimiser(config, arena);
  optimiser.init();
  return {
    arena,
    optimiser,
    gradients: (w, b) => arena.load("gradient", { w: f32(W, w), b: f32(B, b) }),
    weights: () =>
      Object.values(arena.views("parameter")).flatMap(({ data }) => [...data].map(Number)),
  };
}

describe("createOptimiser", () => {
  it("says the norm, and clips to it", () => {
    const { optimiser, gradients, weights } = setUp({ kind: "sgd", clipNorm: 2.5 });
    gradients([0, 3, 0], [0, 4]);
    expect(optimiser.step({ rate: 0.5, step: 1 })).toEqual({
      gradNorm: 5,
      clipped: true,
      applied: true,
    });
    for (const [i, expected] of [1, 2 - 0.75, 3, 4, 5 - 1].entries()) {
      expect(weights()[i]).toBeCloseTo(expected, 5);
    }
    gradients([0, 0, 2], [0, 0]);
    expect(optimiser.step({ rate: 0.5, step: 2 })).toMatchObject({ gradNorm: 2, clipped: false });
  });

  it("takes a sum of squares from elsewhere at its word", () => {
    const { optimiser, gradients, weights } = setUp({ kind: "sgd", clipNorm: 1 });
    gradients([0, 4, 0], [0, 0]);
    const { gradNorm } = optimiser.step({ rate: 1, step: 1, sumOfSquares: 64 });
    expect(gradNorm).toBe(8);
    expect(weights()[1]).toBeCloseTo(1.5, 5);
  });

  it.each([NaN, Infinity])("changes nothing where a gradient is %s", (bad) => {
    const { arena, optimiser, gradients } = setUp({ kind: "adamw", emaDecay: 0.9 });
    gradients([1, 1, 1], [1, 1]);
    optimiser.step({ rate: 0.1, step: 1 });
    const before = { ...arena.store("parameter"), ...optimiser.state() };
    gradients([1, bad, 1], [1, 1]);
    const result = optimiser.step({ rate: 0.1, step: 2 });
    expect(result.applied).toBe(false);
    expect(result.gradNorm).not.toBeLessThan(Infinity);
    expect({ ...arena.store("parameter"), ...optimiser.state() }).toEqual(before);
  });

  it("uses the mean over micro-batches, once", () => {
    const { optimiser, gradients, weights } = setUp({ kind: "sgd" });
    gradients([1, 0, 0], [8, 0]);
    optimiser.accumulate();
    gradients([3, 0, 0], [0, 0]);
    optimiser.accumulate();
    expect(optimiser.step({ rate: 1, step: 1 }).gradNorm).toBeCloseTo(Math.hypot(2, 4), 12);
    expect(weights()).toEqual([-1, 2, 3, 0, 5]);
    gradients([0, 1, 0], [0, 0]);
    optimiser.step({ rate: 1, step: 2 });
    expect(weights()).toEqual([-1, 1, 3, 0, 5]);
    gradients([0, 0, 1], [0, 0]);
    optimiser.accumulate();
    optimiser.step({ rate: 1, step: 3 });
    expect(weights()).toEqual([-1, 1, 2, 0, 5]);
  });

  it("decays matrices and spares vectors unless told otherwise", () => {
    const step = (config: OptimiserConfig): number[] => {
      const { optimiser, weights } = setUp(config);
      optimiser.step({ rate: 0.5, step: 1 });
      return weights();
    };
    expect(step({ kind: "sgd", weightDecay: 0.5 })).toEqual([0.75, 1.5, 2.25, 4, 5]);
    expect(step({ kind: "sgd", weightDecay: 0.5, mask: "all" })).toEqual([
      0.75, 1.5, 2.25, 3, 3.75,
    ]);
  });

  it("goes on from its state as if it had never stopped", () => {
    const config: OptimiserConfig = { kind: "adamw", weightDecay: 0.1, emaDecay: 0.5 };
    const one = setUp(config);
    const two = setUp(config);
    const run = ({ optimiser, gradients }: Setup, step: number): void => {
      gradients([step, -1, 0.5], [0.1 * step, 2]);
      optimiser.step({ rate: 0.1, step });
    };
    for (let step = 1; step <= 6; step++) run(one, step);
    for (let step = 1; step <= 3; step++) run(two, step);
    const state = two.optimiser.state();
    expect(Object.keys(state).sort()).toEqual(["ema/b", "ema/w", "m/b", "m/w", "v/b", "v/w"]);
    const three = setUp(config);
    three.arena.load("parameter", two.arena.store("parameter"));
    three.optimiser.restore(state);
    for (let step = 4; step <= 6; step++) run(three, step);
    expect(three.arena.store("parameter")).toEqual(one.arena.store("parameter"));
    expect(three.optimiser.state()).toEqual(one.optimiser.state());
  });

  it("restores nothing unless everything is there", () => {
    const { optimiser } = setUp({ kind: "lion" });
    const before = optimiser.state();
    const m = f32(W, [1, 1, 1]);
    expect(() => optimiser.restore({ "m/w": m })).toThrow('Cannot restore "m/b": it is absent');
    const more = { ...before, "m/w": m, "v/w": m };
    expect(() => optimiser.restore(more)).toThrow('Cannot restore "v/w"');
    expect(optimiser.state()).toEqual(before);
  });

  it("refuses numbers that make no step", () => {
    const { optimiser } = setUp({ kind: "sgd" });
    expect(() => optimiser.step({ rate: 1, step: 0 })).toThrow("step is 0");
    expect(() => optimiser.step({ rate: NaN, step: 1 })).toThrow("rate is NaN");
    expect(() => setUp({ kind: "adamw", betas: [1, 0.9] })).toThrow("b1 is 1, must be in [0, 1)");
    expect(() => setUp({ kind: "adamw", eps: 0 })).toThrow("eps is 0");
    expect(() => setUp({ kind: "sgd", nesterov: true })).toThrow("momentum is 0");
    expect(() => setUp({ kind: "sgd", clipNorm: 0 })).toThrow("maxNorm is 0");
    expect(() => setUp({ kind: "sgd", emaDecay: 1 })).toThrow(RangeError);
  });

  it("refuses an arena that lacks a kind of state", () => {
    const arena = new ParameterArena(layoutFor({ kind: "lion" }, [W]));
    expect(() => createOptimiser({ kind: "adamw" }, arena)).toThrow('Cannot find "v" in the arena');
  });
});

describe("optimiserSchema", () => {
  it("takes plain data and gives it back", () => {
    const config = {
      kind: "adamw",
      betas: [0.9, 0.95],
      weightDecay: 0.1,
      clipNorm: 1,
      groups: [{ match: "encoder/**", rateScale: 0.1 }],
    };
    expect(optimiserSchema.parse(config)).toEqual(config);
  });

  it.each([
    { kind: "adam" },
    { kind: "sgd", betas: [0.9, 0.9] },
    { kind: "adamw", eps: 0 },
    { kind: "lion", emaDecay: 1 },
    { kind: "lion", emaDecay: 0.9, emaPower: 2 },
    { kind: "lion", groups: [{ rateScale: 1 }] },
  ])("refuses %j", (config) => {
    expect(optimiserSchema.safeParse(config).success).toBe(false);
  });
});
