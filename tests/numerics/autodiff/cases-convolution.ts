import type { ConvOptions, ConvTransposeOptions } from "../../../src/onnx/index.ts";
import type { OracleWindow } from "../../support/oracle-window.ts";
import { conv, convTranspose } from "../../support/oracle-window.ts";
import type { GradientCase } from "./gradient-case.ts";

interface Convolution {
  readonly name: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly options?: Omit<ConvTransposeOptions, "bias">;
  /** The window in the oracle's words, where it is not that of `options`. */
  readonly window: Partial<OracleWindow> & { readonly output: readonly number[] };
  readonly biased?: boolean;
  readonly more?: Partial<GradientCase>;
}

/** The engine has no float64 convolution. */
function convolutionCase(op: "Conv" | "ConvTranspose", one: Convolution): GradientCase {
  const { name, x, w, options = {}, window, biased = false, more = {} } = one;
  const group = options.group ?? 1;
  const filters = op === "Conv" ? w[0]! : w[1]! * group;
  const { strides = [], dilations = [] } = options;
  const begins = options.pads?.slice(0, x.length - 2) ?? [];
  const full = { strides, dilations, begins, group, ...window };
  return {
    op,
    name,
    dtype: "float32",
    inputs: [{ shape: x }, { shape: w }, ...(biased ? [{ shape: [filters] }] : [])],
    make: (g, v) => {
      const all: ConvOptions = biased ? { ...options, bias: v[2] } : options;
      return op === "Conv" ? g.conv(v[0], v[1], all) : g.convTranspose(v[0], v[1], all);
    },
    oracle: (v) => {
      const operands = { x: v[0], w: v[1], ...(biased ? { bias: v[2] } : {}) };
      return op === "Conv" ? conv(operands, full) : convTranspose(operands, full);
    },
    ...more,
  };
}

const CONVOLUTIONS: readonly Convolution[] = [
  { name: "1-D", x: [2, 2, 5], w: [3, 2, 3], window: { output: [3] } },
  {
    name: "1-D, everything",
    x: [2, 2, 8],
    w: [2, 2, 3],
    options: { strides: [2], dilations: [2], pads: [2, 1] },
    window: { output: [4] },
    biased: true,
  },
  {
    name: "2-D, stride that leaves a rest",
    x: [2, 2, 6, 4],
    w: [2, 2, 3, 2],
    options: { strides: [2, 3], pads: [1, 0, 0, 1] },
    window: { output: [3, 2] },
    biased: true,
  },
  {
    name: "2-D, two groups",
    x: [2, 4, 3, 4],
    w: [4, 2, 2, 2],
    options: { group: 2, pads: [0, 1, 1, 0] },
    window: { output: [3, 4] },
  },
  {
    name: "2-D, depthwise, two filters a channel, stride 2",
    x: [2, 3, 5, 4],
    w: [6, 1, 3, 2],
    options: { group: 3, strides: [2, 2], pads: [1, 0, 1, 0] },
    window: { output: [3, 2] },
  },
  {
    name: "2-D, one by one, stride 2",
    x: [2, 2, 4, 3],
    w: [3, 2, 1, 1],
    options: { strides: [2, 2] },
    window: { output: [2, 2] },
  },
  {
    name: "2-D, SAME_UPPER",
    x: [1, 2, 5, 4],
    w: [2, 2, 2, 3],
    options: { autoPad: "SAME_UPPER", strides: [2, 1] },
    window: { begins: [0, 1], output: [3, 4] },
  },
  {
    name: "2-D, SAME_LOWER",
    x: [1, 2, 4, 4],
    w: [2, 2, 2, 3],
    options: { autoPad: "SAME_LOWER", strides: [1, 2] },
    window: { begins: [1, 1], output: [4, 2] },
  },
  {
    name: "2-D, VALID",
    x: [1, 2, 3, 4],
    w: [2, 2, 2, 2],
    options: { autoPad: "VALID" },
    window: { output: [2, 3] },
  },
  {
    name: "3-D",
    x: [1, 2, 3, 3, 2],
    w: [2, 2, 2, 2, 2],
    options: { pads: [0, 1, 0, 0, 0, 1], strides: [1, 2, 1] },
    window: { output: [2, 2, 2] },
  },
  {
    name: "many channels, padded, stride 2",
    x: [2, 16, 3, 3],
    w: [2, 16, 2, 2],
    options: { strides: [2, 2], pads: [1, 0, 0, 1] },
    window: { output: [2, 2] },
  },
  {
    name: "many channels, dilated, 1-D",
    x: [1, 17, 5],
    w: [2, 17, 2],
    options: { dilations: [2] },
    window: { output: [3] },
    biased: true,
  },
  {
    name: "many channels, one by one",
    x: [2, 18, 2, 1],
    w: [2, 18, 1, 1],
    window: { output: [2, 1] },
  },
  {
    name: "many channels, more filters than positions, padded, stride 2",
    x: [1, 16, 3, 3],
    w: [5, 16, 2, 2],
    options: { strides: [2, 2], pads: [1, 0, 0, 1] },
    window: { output: [2, 2] },
  },
  {
    name: "many channels, more filters than positions, dilated, 1-D",
    x: [2, 16, 4],
    w: [5, 16, 2],
    options: { dilations: [2] },
    window: { output: [2] },
    biased: true,
  },
  {
    name: "more filters than positions, padded",
    x: [1, 2, 2, 2],
    w: [5, 2, 2, 2],
    options: { pads: [1, 0, 0, 1] },
    window: { output: [2, 2] },
  },
  {
    name: "more filters than positions, padded beyond the kernel, dilated, 1-D",
    x: [1, 2, 4],
    w: [7, 2, 2],
    options: { dilations: [2], pads: [3, 1] },
    window: { output: [6] },
    biased: true,
  },
  {
    name: "so many places that the filters are turned",
    x: [1, 1, 260],
    w: [2, 1, 3],
    options: { pads: [1, 4], dilations: [2] },
    window: { output: [261] },
    // The second gradients take operators apart that other cases check, and 100 times as long.
    more: { order: 1 },
  },
  { name: "image only", x: [1, 2, 4], w: [2, 2, 2], window: { output: [3] }, more: { wrt: [0] } },
  { name: "filters only", x: [1, 2, 4], w: [2, 2, 2], window: { output: [3] }, more: { wrt: [1] } },
];

const TRANSPOSED: readonly Convolution[] = [
  { name: "1-D", x: [2, 2, 4], w: [2, 3, 3], window: { output: [6] } },
  {
    name: "1-D, everything",
    x: [2, 2, 4],
    w: [2, 2, 3],
    options: { strides: [2], dilations: [2], pads: [1, 2], outputPadding: [1] },
    window: { output: [9] },
    biased: true,
  },
  {
    name: "2-D, stride 2, output padding",
    x: [1, 2, 2, 3],
    w: [2, 2, 3, 3],
    options: { strides: [2, 2], pads: [1, 1, 1, 1], outputPadding: [1, 0] },
    window: { output: [4, 5] },
  },
  {
    name: "2-D, two groups",
    x: [2, 4, 2, 3],
    w: [4, 1, 2, 2],
    options: { group: 2, strides: [1, 2] },
    window: { output: [3, 6] },
  },
  {
    name: "2-D, output shape with odd padding",
    x: [1, 2, 3, 2],
    w: [2, 2, 3, 3],
    options: { strides: [2, 2], outputShape: [4, 4] },
    window: { begins: [2, 1], output: [4, 4] },
  },
  {
    name: "2-D, SAME_UPPER",
    x: [1, 2, 3, 2],
    w: [2, 2, 3, 3],
    options: { strides: [2, 2], autoPad: "SAME_UPPER" },
    window: { output: [6, 4] },
  },
  {
    name: "many channels",
    x: [2, 2, 2, 2],
    w: [2, 16, 2, 2],
    options: { strides: [2, 1], pads: [0, 1, 1, 0] },
    window: { output: [3, 2] },
    biased: true,
  },
];

export const CASES: readonly GradientCase[] = [
  ...CONVOLUTIONS.map((one) => convolutionCase("Conv", one)),
  ...TRANSPOSED.map((one) => convolutionCase("ConvTranspose", one)),
];
