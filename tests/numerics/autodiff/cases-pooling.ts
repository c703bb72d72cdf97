import type { PoolOptions, ResizeOptions } from "../../../src/onnx/index.ts";
import { tabulate } from "../../support/oracle.ts";
import type { OracleWindow } from "../../support/oracle-window.ts";
import { mean, pool, resample } from "../../support/oracle-window.ts";
import type { GradientCase } from "./gradient-case.ts";

interface Pooling {
  readonly name: string;
  readonly x: readonly number[];
  readonly kernel: readonly number[];
  readonly options?: PoolOptions & { readonly countPadding?: boolean };
  readonly window: Partial<OracleWindow> & { readonly output: readonly number[] };
}

function poolCase(op: "MaxPool" | "AveragePool", one: Pooling): GradientCase {
  const { name, x, kernel, options = {}, window } = one;
  const { strides = [], dilations = [] } = options;
  const begins = options.pads?.slice(0, kernel.length) ?? [];
  const size = kernel.reduce((product, k) => product * k, 1);
  const average = (values: number[]): number =>
    options.countPadding === true ? (mean(values) * values.length) / size : mean(values);
  const join = op === "MaxPool" ? (values: number[]) => Math.max(...values) : average;
  return {
    op,
    name,
    // The engine averages in float32 only.
    dtype: op === "MaxPool" ? "float64" : "float32",
    inputs: [{ shape: x, distinct: true }],
    make: (g, v) =>
      op === "MaxPool" ? g.maxPool(v[0], kernel, options) : g.averagePool(v[0], kernel, options),
    oracle: (v) => pool(v[0], kernel, { strides, dilations, begins, ...window, join }),
  };
}

const POOLS: readonly Pooling[] = [
  {
    name: "1-D, overlapping",
    x: [2, 2, 6],
    kernel: [3],
    options: { strides: [2], pads: [1, 1] },
    window: { output: [3] },
  },
  {
    name: "2-D, overlapping",
    x: [2, 2, 5, 4],
    kernel: [3, 2],
    options: { strides: [2, 1], pads: [1, 0, 1, 1] },
    window: { output: [3, 4] },
  },
  {
    name: "2-D, tiles",
    x: [2, 1, 4, 4],
    kernel: [2, 2],
    options: { strides: [2, 2] },
    window: { output: [2, 2] },
  },
  {
    name: "2-D, ceil mode",
    x: [1, 2, 4, 5],
    kernel: [3, 2],
    options: { strides: [2, 2], ceilMode: true },
    window: { output: [2, 3] },
  },
  {
    name: "2-D, ceil mode, without a window that would begin in the padding",
    x: [1, 1, 4, 4],
    kernel: [2, 2],
    options: { strides: [3, 3], pads: [1, 1, 1, 1], ceilMode: true },
    window: { output: [2, 2] },
  },
  {
    name: "2-D, dilated",
    x: [1, 2, 5, 4],
    kernel: [2, 2],
    options: { dilations: [2, 1] },
    window: { output: [3, 3] },
  },
  {
    name: "2-D, SAME_LOWER",
    x: [1, 2, 4, 3],
    kernel: [2, 2],
    options: { autoPad: "SAME_LOWER", strides: [2, 1] },
    window: { begins: [0, 1], output: [2, 3] },
  },
  {
    name: "3-D",
    x: [1, 1, 3, 2, 4],
    kernel: [2, 2, 3],
    options: { pads: [0, 0, 1, 0, 1, 0] },
    window: { output: [2, 2, 3] },
  },
];

const GLOBAL = { shape: [2, 3, 2, 3], distinct: true } as const;

function globalCase(
  op: "GlobalAveragePool" | "GlobalMaxPool",
  join: (values: number[]) => number,
): GradientCase {
  return {
    op,
    name: "2-D",
    dtype: "float32",
    inputs: [GLOBAL],
    make: (g, v) => (op === "GlobalMaxPool" ? g.globalMaxPool(v[0]) : g.globalAveragePool(v[0])),
    oracle: (v) => pool(v[0], [2, 3], { output: [1, 1], join }),
  };
}

interface Resizing {
  readonly name: string;
  readonly x: readonly number[];
  readonly options: ResizeOptions;
  /** For every axis that changes: where its output elements lie in the input. */
  readonly axes: Readonly<Record<number, readonly number[]>>;
}

const hat = (d: number): number => Math.max(0, 1 - d);
/** Takes the coordinate as it is: cases of mode nearest give whole numbers. */
const spike = (d: number): number => (d === 0 ? 1 : 0);
/** Keys' cubic with a = -3/4, in his own form. */
const cubic = (d: number): number => {
  if (d < 1) return 1.25 * d ** 3 - 2.25 * d ** 2 + 1;
  return d < 2 ? -0.75 * d ** 3 + 3.75 * d ** 2 - 6 * d + 3 : 0;
};
const KERNELS = { nearest: spike, linear: hat, cubic } as const;

function resizeCase({ name, x, options, axes }: Resizing): GradientCase {
  return {
    op: "Resize",
    name,
    dtype: "float32",
    inputs: [{ shape: x }],
    make: (g, v) => g.resize(v[0], options),
    oracle: (v) => {
      let value = v[0];
      for (const [axis, coordinates] of Object.entries(axes)) {
        const last = v[0].shape[Number(axis)]! - 1;
        const limited =
          options.mode === "cubic"
            ? coordinates
            : coordinates.map((c) => Math.min(last, Math.max(0, c)));
        const kernel = KERNELS[options.mode ?? "nearest"];
        value = resample(value, Number(axis), { coordinates: limited, kernel });
      }
      return value;
    },
  };
}

const halfPixel = (from: number, to: number): number[] =>
  Array.from({ length: to }, (_, o) => ((o + 0.5) * from) / to - 0.5);

const RESIZES: readonly Resizing[] = [
  {
    name: "nearest, twice as large, asymmetric, floor",
    x: [2, 2, 2, 3],
    options: { scales: [1, 1, 2, 2], coordinates: "asymmetric", nearest: "floor" },
    axes: { 2: [0, 0, 1, 1], 3: [0, 0, 1, 1, 2, 2] },
  },
  {
    name: "nearest, half pixel, prefers floor",
    x: [1, 2, 4, 3],
    options: { scales: [1, 1, 0.5, 2] },
    axes: { 2: [0, 2], 3: [0, 0, 1, 1, 2, 2] },
  },
  {
    name: "nearest, prefers ceil",
    x: [1, 1, 4, 2],
    options: { scales: [1, 1, 0.5, 1], nearest: "round_prefer_ceil" },
    axes: { 2: [1, 3] },
  },
  {
    name: "nearest, ceil, by sizes",
    x: [1, 1, 3, 2],
    options: { sizes: [1, 1, 5, 2], coordinates: "asymmetric", nearest: "ceil" },
    axes: { 2: [0, 1, 2, 2, 2] },
  },
  {
    name: "linear, half pixel",
    x: [2, 1, 3, 4],
    options: { sizes: [2, 1, 5, 2], mode: "linear" },
    axes: { 2: halfPixel(3, 5), 3: halfPixel(4, 2) },
  },
  {
    name: "linear, align corners",
    x: [1, 2, 3, 2],
    options: { sizes: [1, 2, 5, 3], mode: "linear", coordinates: "align_corners" },
    axes: { 2: [0, 0.5, 1, 1.5, 2], 3: [0, 0.5, 1] },
  },
  {
    name: "linear, one pixel, PyTorch's half pixel",
    x: [1, 1, 4, 3],
    options: { sizes: [1, 1, 1, 6], mode: "linear", coordinates: "pytorch_half_pixel" },
    axes: { 2: [0], 3: halfPixel(3, 6) },
  },
  {
    name: "linear, 1-D",
    x: [1, 2, 3],
    options: { scales: [1, 1, 2], mode: "linear" },
    axes: { 2: halfPixel(3, 6) },
  },
  {
    name: "cubic",
    x: [1, 1, 4, 3],
    options: { sizes: [1, 1, 6, 5], mode: "cubic" },
    axes: { 2: halfPixel(4, 6), 3: halfPixel(3, 5) },
  },
];

/** Bins of PyTorch's adaptive pooling, written out. */
const BINS: readonly (readonly [start: number, end: number])[] = [
  [0, 2],
  [1, 4],
  [3, 5],
];

export const CASES: readonly GradientCase[] = [
  ...POOLS.map((one) => poolCase("MaxPool", one)),
  ...POOLS.map((one) => poolCase("AveragePool", one)),
  poolCase("AveragePool", {
    name: "2-D, padding counts",
    x: [1, 2, 4, 3],
    kernel: [3, 2],
    options: { strides: [1, 2], pads: [1, 1, 1, 0], countPadding: true },
    window: { output: [4, 2] },
  }),
  globalCase("GlobalAveragePool", mean),
  globalCase("GlobalMaxPool", (values) => Math.max(...values)),
  ...RESIZES.map(resizeCase),
  {
    op: "MatMul",
    name: "adaptive average pooling",
    inputs: [{ shape: [2, 2, 4, 5] }],
    make: (g, v) => g.adaptiveAveragePool(v[0], [2, 3]),
    oracle: (v) =>
      tabulate([2, 2, 2, 3], ([n = 0, c = 0, i = 0, j = 0]) => {
        const [start, end] = BINS[j]!;
        const values: number[] = [];
        for (const row of [2 * i, 2 * i + 1]) {
          for (let column = start; column < end; column++) {
            values.push(v[0].data[((n * 2 + c) * 4 + row) * 5 + column]!);
          }
        }
        return mean(values);
      }),
  },
];
