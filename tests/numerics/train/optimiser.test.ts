import { describe, expect, it } from "vitest";
import type { OptimiserConfig, ParameterInfo } from "../../../src/autodiff/index.ts";
import { transformOf, updateModel } from "../../../src/autodiff/index.ts";
import { squaredNorm } from "../../../src/autodiff/optimisers/scalars.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { elementCount, seeded } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";
import { createOptimiser, layoutFor, ParameterArena } from "../../../src/train/index.ts";
import { assertClose } from "../../support/oracle.ts";
import type { OracleRule } from "../../support/optimiser-oracle.ts";
import {
  adamWOracle,
  clipOracle,
  emaOracle,
  lionOracle,
  oracleTensor,
  sgdOracle,
} from "../../support/optimiser-oracle.ts";

/** Sizes on both sides of a multiple of four, a scalar, and an empty tensor. */
const PARAMETERS: readonly ParameterInfo[] = [
  { name: "encoder/weight", shape: [5, 7] },
  { name: "encoder/bias", shape: [7] },
  { name: "head/weight", shape: [7, 4] },
  { name: "head/bias", shape: [4] },
  { name: "temperature", shape: [] },
  { name: "unused", shape: [0, 3] },
];
const STEPS = 50;
type Tensors = Record<string, NdArray>;

function tensors(seed: string, scale: number): Tensors {
  const rng = seeded(seed);
  return Object.fromEntries(
    PARAMETERS.map(({ name, shape }) => {
      const data = Float32Array.from({ length: elementCount(shape) }, () => scale * rng.normal());
      return [name, { dtype: "float32", shape, data } as const];
    }),
  );
}

const rateAt = (step: number): number => 0.01 / Math.sqrt(step);
/** Norms on both sides of 1, so that clipping does and does not bite. */
const gradientsAt = (step: number): Tensors => tensors(`g${step}`, step % 3 === 0 ? 0.02 : 0.5);

interface Trace {
  readonly final: Tensors;
  readonly norms: number[];
}

function withKernels(config: OptimiserConfig, sums?: readonly number[]): Trace {
  const arena = new ParameterArena(layoutFor(config, PARAMETERS));
  arena.load("parameter", tensors("p", 1));
  const optimiser = createOptimiser(config, arena);
  optimiser.init();
  const norms: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    arena.load("gradient", gradientsAt(step));
    const sum = sums?.[step - 1];
    const given = sum === undefined ? {} : { sumOfSquares: sum };
    norms.push(optimiser.step({ rate: rateAt(step), step, ...given }).gradNorm);
  }
  return { final: { ...arena.store("parameter"), ...optimiser.state() }, norms };
}

const scalar = (value: number): NdArray => ({
  dtype: "float32",
  shape: [],
  data: Float32Array.of(value),
});

async function withGraph(config: OptimiserConfig): Promise<Trace> {
  const transform = transformOf(config);
  await using session = await openSession(writeModel(updateModel(transform, PARAMETERS)), {
    device: "cpu",
  });
  let now: Tensors = tensors("p", 1);
  const begin = tensors("p", 1);
  for (const { kind, parameter, initial } of transform.state(PARAMETERS)) {
    const like = begin[parameter.name]!;
    const data = initial === "zeros" ? new Float32Array(like.data.length) : like.data.slice();
    now[`${kind}/${parameter.name}`] = { ...like, data };
  }
  const norms: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const gradients = Object.entries(gradientsAt(step)).map(([name, g]) => [`gradient/${name}`, g]);
    const { outputs } = await session.run({
      ...now,
      ...(Object.fromEntries(gradients) as Tensors),
      rate: scalar(rateAt(step)),
      step: scalar(step),
    });
    norms.push(Number(outputs["metric/gradNorm"]?.data[0] ?? NaN));
    now = Object.fromEntries(
      Object.keys(now).map((name) => [name, outputs[`next/${name}`]!] as const),
    );
  }
  return { final: now, norms };
}

/** Sums of squares of all gradients as the graph form takes them, before they are rounded to a metric. */
async function sumsByGraph(): Promise<number[]> {
  const g = new GraphBuilder("sums");
  const inputs = PARAMETERS.map(({ name, shape }) => g.input(name, "float32", shape));
  g.output("sum", squaredNorm(g, inputs));
  await using session = await openSession(writeModel(g.build()), { device: "cpu" });
  const sums: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const { outputs } = await session.run(gradientsAt(step));
    sums.push(Number(outputs["sum"]?.data[0]));
  }
  return sums;
}

/** Learning rate multiplier and decay of a parameter, spelt out by each case. */
type GroupOf = (name: string) => readonly [rateScale: number, weightDecay: number];

/** As `EMAModel.get_decay` of the published diffusion policies has it, whose steps count from 0. */
function memoryAt({ emaDecay = 0, emaPower }: OptimiserConfig, update: number): number {
  if (emaPower === undefined) return emaDecay;
  const step = Math.max(0, update - 2);
  return step === 0 ? 0 : Math.min(emaDecay, 1 - (1 + step) ** -emaPower);
}

function withOracle(config: OptimiserConfig, rule: OracleRule, groupOf: GroupOf): Trace {
  const state = new Map(
    Object.entries(tensors("p", 1)).map(([name, { data }]) => [
      name,
      oracleTensor(Array.from(data, Number)),
    ]),
  );
  const norms: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const raw = Object.fromEntries(
      Object.entries(gradientsAt(step)).map(([name, { data }]) => [name, Array.from(data, Number)]),
    );
    const { norm, clipped } = clipOracle(raw, config.clipNorm ?? Infinity);
    norms.push(norm);
    for (const [name, tensor] of state) {
      const [rateScale, weightDecay] = groupOf(name);
      rule(tensor, clipped[name]!, { rate: rateAt(step) * rateScale, weightDecay, t: step });
      if (config.emaDecay !== undefined) emaOracle(tensor, memoryAt(config, step));
    }
  }
  const final: Tensors = {};
  for (const { name, shape } of PARAMETERS) {
    const { p, m, v, ema } = state.get(name)!;
    const kinds = { "": p, "m/": m, "momentum/": m, "v/": v, "ema/": ema };
    for (const [prefix, values] of Object.entries(kinds)) {
      final[`${prefix}${name}`] = { dtype: "float64", shape, data: Float64Array.from(values) };
    }
  }
  return { final, norms };
}

const matrices = (weightDecay: number): GroupOf => {
  return (name) => [1, name.endsWith("weight") || name === "unused" ? weightDecay : 0];
};

const GROUPS = [
  { match: "encoder/**", rateScale: 0.1 },
  { match: /^head\//, weightDecay: 0.5, rateScale: 2 },
] as const;
const grouped: GroupOf = (name) => {
  if (name === "encoder/weight") return [0.1, 0.05];
  if (name === "encoder/bias") return [0.1, 0];
  if (name === "head/weight") return [2, 0.5];
  if (name === "head/bias") return [2, 0];
  return [1, name === "unused" ? 0.05 : 0];
};

interface Case {
  readonly config: OptimiserConfig;
  readonly rule: OracleRule;
  readonly groupOf: GroupOf;
}

const CASES: Readonly<Record<string, Case>> = {
  adamw: { config: { kind: "adamw" }, rule: adamWOracle(0.9, 0.999, 1e-8), groupOf: matrices(0) },
  "adamw, decay and other constants": {
    config: { kind: "adamw", betas: [0.8, 0.95], eps: 1e-3, weightDecay: 0.3 },
    rule: adamWOracle(0.8, 0.95, 1e-3),
    groupOf: matrices(0.3),
  },
  "adamw, groups, clipping, average": {
    config: {
      kind: "adamw",
      weightDecay: 0.05,
      groups: GROUPS,
      clipNorm: 1,
      emaDecay: 0.9,
    },
    rule: adamWOracle(0.9, 0.999, 1e-8),
    groupOf: grouped,
  },
  sgd: {
    config: { kind: "sgd", weightDecay: 0.1, mask: "all" },
    rule: sgdOracle(0, false),
    groupOf: () => [1, 0.1],
  },
  "sgd with momentum, average": {
    config: { kind: "sgd", momentum: 0.9, weightDecay: 0.1, emaDecay: 0.99 },
    rule: sgdOracle(0.9, false),
    groupOf: matrices(0.1),
  },
  "sgd with Nesterov's momentum, groups, clipping": {
    config: {
      kind: "sgd",
      momentum: 0.9,
      nesterov: true,
      weightDecay: 0.05,
      groups: GROUPS,
      clipNorm: 1,
    },
    rule: sgdOracle(0.9, true),
    groupOf: grouped,
  },
  "adamw, an average whose memory grows": {
    config: { kind: "adamw", emaDecay: 0.9, emaPower: 0.75 },
    rule: adamWOracle(0.9, 0.999, 1e-8),
    groupOf: matrices(0),
  },
  lion: { config: { kind: "lion" }, rule: lionOracle(0.9, 0.99), groupOf: matrices(0) },
  "lion, groups, clipping, average": {
    config: {
      kind: "lion",
      betas: [0.95, 0.98],
      weightDecay: 0.05,
      groups: GROUPS,
      clipNorm: 1,
      emaDecay: 0.9,
    },
    rule: lionOracle(0.95, 0.98),
    groupOf: grouped,
  },
};

describe.each(Object.entries(CASES))("%s, 50 steps", (_, { config, rule, groupOf }) => {
  it("gives the same bits by kernels and by graph", async () => {
    const graph = await withGraph(config);
    // The graph sums squares in float32 and in another order, so the kernels take its norm here.
    const sums = config.clipNorm === undefined ? undefined : await sumsByGraph();
    const kernels = withKernels(config, sums);
    expect(Object.keys(kernels.final).sort()).toEqual(Object.keys(graph.final).sort());
    for (const [name, array] of Object.entries(kernels.final)) {
      expect(array, name).toEqual(graph.final[name]);
    }
  });

  it("follows the closed form in float64", () => {
    const kernels = withKernels(config);
    const oracle = withOracle(config, rule, groupOf);
    for (const [name, array] of Object.entries(kernels.final)) {
      const { shape, data } = oracle.final[name]!;
      // 50 roundings of half a float32 ulp each, at values up to 4; more where terms cancel.
      const tolerance = { rtol: 2e-6, atol: 2e-6 };
      assertClose(array, { shape, data: Array.from(data, Number) }, tolerance);
    }
    for (const [i, norm] of kernels.norms.entries()) {
      expect(Math.abs(norm / oracle.norms[i]! - 1)).toBeLessThan(1e-12);
    }
  });
});
