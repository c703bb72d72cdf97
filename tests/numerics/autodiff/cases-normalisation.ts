import type { GraphBuilder, Value } from "../../../src/onnx/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { at, tabulate, zip } from "../../support/oracle.ts";
import {
  along,
  divideByRms,
  mapSets,
  mean,
  rowsFrom,
  standardise,
  variance,
} from "../../support/oracle-network.ts";
import type { GradientCase, Operands } from "./gradient-case.ts";

/** Not the default, and exact in float32. */
const EPSILON = 2 ** -6;

/** Both dtypes: with the engine's saved statistics in float32, with computed ones in float64. */
function bothDtypes(one: GradientCase): GradientCase[] {
  return (["float64", "float32"] as const).map((dtype) => ({
    ...one,
    name: `${one.name}, ${dtype}`,
    dtype,
  }));
}

function layerNormCases(
  name: string,
  shape: readonly number[],
  { axis, biased }: { axis: number; biased: boolean },
): GradientCase[] {
  const inner = shape.slice(axis);
  return bothDtypes({
    op: "LayerNormalization",
    name,
    inputs: [{ shape }, { shape: inner }, ...(biased ? [{ shape: inner }] : [])],
    make: (g, v) =>
      g.layerNorm(v[0], v[1], { axis, epsilon: EPSILON, ...(biased ? { bias: v[2] } : {}) }),
    oracle: (v) => {
      const norm = mapSets(v[0], rowsFrom(axis), standardise(EPSILON));
      const scaled = zip((a, b) => a * b, norm, v[1]);
      return biased ? zip((a, b) => a + b, scaled, v[2]) : scaled;
    },
  });
}

function rmsCases(op: string, name: string, make: GradientCase["make"]): GradientCase[] {
  return bothDtypes({
    op,
    name,
    inputs: [{ shape: [2, 3, 4] }, { shape: [3, 4] }],
    make,
    oracle: (v) => {
      const norm = mapSets(v[0], rowsFrom(1), divideByRms(EPSILON));
      return zip((a, b) => a * b, norm, v[1]);
    },
  });
}

const epsilon = { kind: "float", value: EPSILON } as const;

/** `value[channels]` in front of the spatial axes of `x`. */
const perChannel = (vector: Oracle, x: Oracle): Oracle =>
  tabulate(x.shape, (index) => at(vector, [index[1]!]));

const scaleAndShift = (norm: Oracle, scale: Oracle, bias: Oracle): Oracle =>
  zip((a, s, b) => a * s + b, norm, perChannel(scale, norm), perChannel(bias, norm));

const SINGLE = { forward: 1e-6, why: "the engine normalises groups in float32 whatever the dtype" };

interface Grouping {
  readonly op: "GroupNormalization" | "InstanceNormalization";
  readonly shape: readonly number[];
  readonly groups: number;
  readonly dtype: "float32" | "float64";
}

function groupCase({ op, shape, groups, dtype }: Grouping): GradientCase {
  const channels = shape[1]!;
  return {
    op,
    name: `[${shape.join(", ")}] in ${groups} groups, ${dtype}`,
    dtype,
    ...(dtype === "float32" ? {} : { tolerance: SINGLE }),
    inputs: [{ shape }, { shape: [channels] }, { shape: [channels] }],
    make: (g, v) => {
      const by = { scale: v[1], bias: v[2] };
      return op === "GroupNormalization"
        ? g.groupNorm(v[0], by, { groups, epsilon: EPSILON })
        : g.instanceNorm(v[0], by, EPSILON);
    },
    oracle: (v) => {
      const key = ([n, c]: readonly number[]): string =>
        `${n} ${Math.floor(c! / (channels / groups))}`;
      return scaleAndShift(mapSets(v[0], key, standardise(EPSILON)), v[1], v[2]);
    },
  };
}

const FIVE = [
  { shape: [2, 3, 2] },
  { shape: [3] },
  { shape: [3] },
  { shape: [3] },
  { shape: [3], range: [0.5, 2] },
] as const;

function batchOperands(v: Operands<Value>) {
  return { scale: v[1], bias: v[2], mean: v[3], variance: v[4] };
}

/** Of each channel. */
function statisticOf(x: Oracle, of: (values: number[]) => number): Oracle {
  return tabulate([x.shape[1]!], ([c]) => {
    const values: number[] = [];
    tabulate(x.shape, (index) => {
      if (index[1] === c) values.push(at(x, index));
      return 0;
    });
    return of(values);
  });
}

const MOMENTUM = 0.75;
const running = (old: Oracle, now: Oracle): Oracle =>
  zip((a, b) => MOMENTUM * a + (1 - MOMENTUM) * b, old, now);

function batchTraining(name: string, outputs: readonly (0 | 1 | 2)[]): GradientCase {
  return {
    op: "BatchNormalization",
    name,
    inputs: FIVE,
    make: (g, v) => {
      const options = { epsilon: EPSILON, momentum: MOMENTUM };
      const made = g.batchNormTraining(v[0], batchOperands(v), options);
      return outputs.map((i) => [made.y, made.mean, made.variance][i]!);
    },
    oracle: (v) => {
      const norm = mapSets(v[0], (index) => `${index[1]}`, standardise(EPSILON));
      const all = [
        scaleAndShift(norm, v[1], v[2]),
        running(v[3], statisticOf(v[0], mean)),
        running(v[4], statisticOf(v[0], variance)),
      ];
      return outputs.map((i) => all[i]!);
    },
  };
}

function lpCase(p: 1 | 2, axis: number): GradientCase {
  const norm = (values: number[]): number =>
    p === 1
      ? values.reduce((sum, value) => sum + Math.abs(value), 0)
      : Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return {
    op: "LpNormalization",
    name: `p = ${p}, axis ${axis}`,
    inputs: [{ shape: [2, 3, 2], avoid: [0] }],
    make: (g, v) => g.lpNorm(v[0], { axis, p }),
    oracle: (v) =>
      mapSets(v[0], along(axis), (values) => values.map((value) => value / norm(values))),
  };
}

const SKIP_SHAPES = [
  { shape: [2, 2, 3] },
  { shape: [2, 2, 3] },
  { shape: [3] },
  { shape: [3] },
  { shape: [3] },
] as const;

function skip(g: GraphBuilder, v: Operands<Value>): readonly Value[] {
  const [y, , , sum] = g.op("SkipLayerNormalization", [v[0], v[1], v[2], v[3], v[4]], {
    domain: "com.microsoft",
    attributes: { epsilon },
    outputCount: 4,
  });
  return [y!, sum!];
}

export const CASES: readonly GradientCase[] = [
  ...layerNormCases("last axis", [2, 3, 4], { axis: 2, biased: true }),
  ...layerNormCases("two axes", [2, 3, 2], { axis: 1, biased: true }),
  ...layerNormCases("one row", [5], { axis: 0, biased: false }),
  {
    op: "LayerNormalization",
    name: "the scale only",
    dtype: "float32",
    inputs: [{ shape: [3, 4] }, { shape: [4] }],
    wrt: [1],
    make: (g, v) => g.layerNorm(v[0], v[1]),
    oracle: (v) => zip((a, b) => a * b, mapSets(v[0], rowsFrom(1), standardise(1e-5)), v[1]),
  },
  {
    op: "LayerNormalization",
    name: "its statistics alone",
    dtype: "float32",
    inputs: [{ shape: [3, 4] }, { shape: [4] }],
    wrt: [0],
    make: (g, v) => {
      const call = { attributes: { epsilon }, outputCount: 3 };
      return g.op("LayerNormalization", [v[0], v[1]], call).slice(1);
    },
    oracle: (v) => {
      const row = (i: number): number[] => v[0].data.slice(4 * i, 4 * i + 4);
      return [
        tabulate([3, 1], ([i = 0]) => mean(row(i))),
        tabulate([3, 1], ([i = 0]) => 1 / Math.sqrt(variance(row(i)) + EPSILON)),
      ];
    },
  },
  {
    op: "LayerNormalization",
    name: "its means alone",
    dtype: "float32",
    inputs: [{ shape: [3, 4] }, { shape: [4] }],
    wrt: [0],
    make: (g, v) => g.op("LayerNormalization", [v[0], v[1]], { outputCount: 2 })[1]!,
    oracle: (v) => tabulate([3, 1], ([i = 0]) => mean(v[0].data.slice(4 * i, 4 * i + 4))),
  },
  ...rmsCases("SimplifiedLayerNormalization", "two axes", (g, v) =>
    g.rmsNorm(v[0], v[1], { axis: 1, epsilon: EPSILON }),
  ),
  ...bothDtypes({
    op: "SimplifiedLayerNormalization",
    name: "without a scale",
    inputs: [{ shape: [2, 3, 4] }],
    make: (g, v) => {
      const dtype = v[0].elementType;
      const data = dtype === "float64" ? new Float64Array(4) : new Float32Array(4);
      const ones = g.constant({ dtype, shape: [4], data: data.fill(1) });
      return g.rmsNorm(v[0], ones, { epsilon: EPSILON });
    },
    oracle: (v) => mapSets(v[0], rowsFrom(2), divideByRms(EPSILON)),
  }),
  ...rmsCases("RMSNormalization", "two axes", (g, v) =>
    g.one("RMSNormalization", [v[0], v[1]], { attributes: { axis: 1, epsilon } }),
  ),
  {
    op: "com.microsoft.SkipLayerNormalization",
    name: "with bias, and the sum used",
    dtype: "float32",
    inputs: SKIP_SHAPES,
    make: skip,
    oracle: (v) => {
      const sum = zip((a, b, c) => a + b + c, v[0], v[1], v[4]);
      const norm = mapSets(sum, rowsFrom(2), standardise(EPSILON));
      return [zip((a, s, b) => a * s + b, norm, v[2], v[3]), sum];
    },
  },
  groupCase({ op: "GroupNormalization", shape: [2, 4, 2, 2], groups: 2, dtype: "float32" }),
  groupCase({ op: "GroupNormalization", shape: [2, 4, 3], groups: 2, dtype: "float64" }),
  groupCase({ op: "GroupNormalization", shape: [1, 6, 2], groups: 1, dtype: "float64" }),
  groupCase({ op: "InstanceNormalization", shape: [2, 3, 4], groups: 3, dtype: "float32" }),
  groupCase({ op: "InstanceNormalization", shape: [1, 2, 2, 3], groups: 2, dtype: "float32" }),
  {
    op: "BatchNormalization",
    name: "fixed statistics, all five differentiated",
    inputs: FIVE,
    make: (g, v) => g.batchNorm(v[0], batchOperands(v), EPSILON),
    oracle: (v) => {
      const x = v[0];
      const [centre, spread] = [perChannel(v[3], x), perChannel(v[4], x)];
      const norm = zip((a, m, s) => (a - m) / Math.sqrt(s + EPSILON), x, centre, spread);
      return scaleAndShift(norm, v[1], v[2]);
    },
  },
  {
    op: "BatchNormalization",
    name: "fixed statistics, images only, float32",
    dtype: "float32",
    wrt: [0],
    inputs: [{ shape: [2, 3, 2, 2] }, ...FIVE.slice(1)],
    make: (g, v) => g.batchNorm(v[0], batchOperands(v), EPSILON),
    oracle: (v) => {
      const x = v[0];
      const [centre, spread] = [perChannel(v[3], x), perChannel(v[4], x)];
      const norm = zip((a, m, s) => (a - m) / Math.sqrt(s + EPSILON), x, centre, spread);
      return scaleAndShift(norm, v[1], v[2]);
    },
  },
  batchTraining("training", [0]),
  batchTraining("training, running statistics used", [0, 1, 2]),
  batchTraining("training, running mean alone", [1]),
  lpCase(2, 1),
  lpCase(2, 2),
  lpCase(1, 0),
];
