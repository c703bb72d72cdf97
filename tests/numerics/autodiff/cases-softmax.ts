import type { LossOptions } from "../../../src/onnx/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { tabulate } from "../../support/oracle.ts";
import {
  along,
  likelihoodLoss,
  logSoftmaxOf,
  mapSets,
  softmaxOf,
} from "../../support/oracle-network.ts";
import type { GradientCase } from "./gradient-case.ts";

function softmaxCases(shape: readonly number[], axis: number): GradientCase[] {
  const key = along(axis < 0 ? axis + shape.length : axis);
  const name = `[${shape.join(", ")}], axis ${axis}`;
  const inputs = [{ shape }];
  return [
    {
      op: "Softmax",
      name,
      inputs,
      make: (g, v) => g.softmax(v[0], axis),
      oracle: (v) => mapSets(v[0], key, softmaxOf),
    },
    {
      op: "LogSoftmax",
      name,
      inputs,
      make: (g, v) => g.logSoftmax(v[0], axis),
      oracle: (v) => mapSets(v[0], key, logSoftmaxOf),
    },
  ];
}

interface Loss {
  readonly name: string;
  readonly shape: readonly number[];
  readonly labels: readonly number[];
  readonly options?: Omit<LossOptions, "weights">;
  readonly weights?: readonly number[];
}

const LOSSES: readonly Loss[] = [
  { name: "mean", shape: [3, 4], labels: [1, 3, 1] },
  { name: "sum", shape: [3, 4], labels: [0, 3, 2], options: { reduction: "sum" } },
  {
    name: "none, with places",
    shape: [2, 3, 2],
    labels: [1, 0, 2, 2],
    options: { reduction: "none" },
  },
  {
    name: "mean, a label ignored that is no class",
    shape: [2, 3, 2],
    labels: [1, -1, 2, 0],
    options: { ignoreIndex: -1 },
  },
  {
    name: "none, ignored",
    shape: [3, 3],
    labels: [1, 2, 0],
    options: { ignoreIndex: 2, reduction: "none" },
  },
  { name: "mean, weighed", shape: [3, 3], labels: [1, 2, 0], weights: [0.5, 2, 1.5] },
  {
    name: "sum, weighed, ignored",
    shape: [3, 3],
    labels: [1, 7, 0],
    options: { ignoreIndex: 7, reduction: "sum" },
    weights: [0.5, 2, 1.5],
  },
];

function lossCases({ name, shape, labels, options = {}, weights }: Loss): GradientCase[] {
  const places = [shape[0]!, ...shape.slice(2)];
  const by = {
    ...(weights === undefined ? {} : { weights }),
    ...(options.ignoreIndex === undefined ? {} : { ignore: options.ignoreIndex }),
    ...(options.reduction === undefined ? {} : { reduction: options.reduction }),
  };
  const one = (op: string, logarithms: (x: Oracle) => Oracle): GradientCase => ({
    op,
    name,
    inputs: [{ shape }, { shape: places, values: labels, dtype: "int64" }],
    make: (g, v) => {
      const data = Float64Array.from(weights ?? []);
      const constant = g.constant({ dtype: "float64", shape: [data.length], data });
      const all = { ...options, ...(weights === undefined ? {} : { weights: constant }) };
      return op === "SoftmaxCrossEntropyLoss"
        ? g.crossEntropy(v[0], v[1], all)
        : g.negativeLogLikelihood(v[0], v[1], all);
    },
    oracle: (v) => likelihoodLoss(logarithms(v[0]), v[1], by),
  });
  return [
    one("SoftmaxCrossEntropyLoss", (x) => mapSets(x, along(1), logSoftmaxOf)),
    one("NegativeLogLikelihoodLoss", (x) => x),
  ];
}

export const CASES: readonly GradientCase[] = [
  ...softmaxCases([4], 0),
  ...softmaxCases([2, 3], -1),
  ...softmaxCases([2, 3, 2], 1),
  ...LOSSES.flatMap(lossCases),
  {
    op: "SoftmaxCrossEntropyLoss",
    name: "with the logarithms used",
    inputs: [{ shape: [2, 3] }, { shape: [2], values: [2, 0], dtype: "int32" }],
    make: (g, v) => g.op("SoftmaxCrossEntropyLoss", [v[0], v[1]], { outputCount: 2 }),
    oracle: (v) => {
      const logarithms = mapSets(v[0], along(1), logSoftmaxOf);
      return [likelihoodLoss(logarithms, v[1], {}), logarithms];
    },
  },
  ...(["largest", "smallest"] as const).map((which): GradientCase => ({
    op: "TopK",
    name: `the ${which} two, axis 1`,
    inputs: [{ shape: [2, 4, 2], distinct: true }],
    make: (g, v) => g.topK(v[0], 2, { axis: 1, largest: which === "largest" }).values,
    oracle: (v) => {
      const sign = which === "largest" ? -1 : 1;
      const sorted = mapSets(v[0], along(1), (x) => x.toSorted((a, b) => sign * (a - b)));
      return tabulate([2, 2, 2], ([n = 0, i = 0, c = 0]) => sorted.data[(n * 4 + i) * 2 + c]!);
    },
  })),
  {
    op: "TopK",
    name: "as a sort, whose values are squared",
    inputs: [{ shape: [2, 4], distinct: true }],
    make: (g, v) => {
      const { values } = g.sort(v[0]);
      return g.mul(values, values);
    },
    oracle: (v) => mapSets(v[0], along(1), (x) => x.toSorted((a, b) => a - b).map((a) => a * a)),
  },
];
