/** Every operator of GraphBuilder three ways: inferred type, engine result, naive float64 loops. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import { GraphBuilder, KNOWN_OPS, writeModel } from "../../../src/onnx/index.ts";
import type { RunResult, Session } from "../../../src/session/index.ts";
import { openSession } from "../../../src/session/index.ts";
import type { Oracle } from "../../support/oracle.ts";
import { assertClose, at, matmul, tabulate, toOracle, zip } from "../../support/oracle.ts";

const rng = seeded(7);
function random(shape: number[], scale = 1, offset = 0): NdArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, () => offset + scale * (2 * rng.uniform() - 1));
  return { dtype: "float32", shape, data };
}
const boolOf = (bits: number[], shape: number[]): NdArray => ({
  dtype: "bool",
  shape,
  data: Uint8Array.from(bits),
});

const INPUTS = {
  x: random([3, 4]),
  y: random([3, 4]),
  row: random([4]),
  positive: random([3, 4], 0.4, 0.6),
  cube: random([2, 3, 4]),
  image: random([2, 3, 6, 5]),
  flag: boolOf([1, 0, 1, 1], [4]),
};
const WEIGHTS = {
  w: random([4, 2]),
  b: random([2]),
  filters: random([4, 3, 3, 2]),
  grouped: random([6, 1, 3, 3]),
  filterBias: random([4]),
  scale: random([4]),
  shift: random([4]),
};
type Inputs = Record<keyof typeof INPUTS, Value>;
type Weights = Record<keyof typeof WEIGHTS, Value>;
type Oracles = Record<keyof typeof INPUTS | keyof typeof WEIGHTS, Oracle>;

interface Case {
  readonly build: (g: GraphBuilder, v: Inputs & Weights) => Value;
  readonly oracle: (o: Oracles) => Oracle;
}

const unary = (
  build: (g: GraphBuilder, x: Value) => Value,
  f: (x: number) => number,
  input: keyof typeof INPUTS = "x",
): Case => ({ build: (g, v) => build(g, v[input]), oracle: (o) => zip(f, o[input]) });

const binary = (
  build: (g: GraphBuilder, x: Value, y: Value) => Value,
  f: (x: number, y: number) => number,
  inputs: readonly [keyof typeof INPUTS, keyof typeof INPUTS] = ["x", "row"],
): Case => ({
  build: (g, v) => build(g, v[inputs[0]], v[inputs[1]]),
  oracle: (o) => zip(f, o[inputs[0]], o[inputs[1]]),
});

/** Abramowitz & Stegun 7.1.5, the series, which converges for the small arguments used here. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function fold(o: Oracle, axis: number, f: (values: number[]) => number): Oracle {
  const shape = o.shape.filter((_, i) => i !== axis);
  return tabulate(shape, (index) => {
    const along = Array.from({ length: o.shape[axis] ?? 0 }, (_, i) => {
      const full = [...index];
      full.splice(axis, 0, i);
      return at(o, full);
    });
    return f(along);
  });
}
const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);
const mean = (values: number[]): number => sum(values) / values.length;

function convolve(
  x: Oracle,
  w: Oracle,
  options: { bias?: Oracle; stride: number; pad: number; group: number },
): Oracle {
  const { bias, stride, pad, group } = options;
  const [batch = 0, , height = 0, width = 0] = x.shape;
  const [filters = 0, depth = 0, kh = 0, kw = 0] = w.shape;
  const size = (n: number, k: number): number => Math.floor((n + 2 * pad - k) / stride) + 1;
  return tabulate(
    [batch, filters, size(height, kh), size(width, kw)],
    ([n = 0, f = 0, i = 0, j = 0]) => {
      let total = bias === undefined ? 0 : at(bias, [f]);
      const first = Math.floor(f / (filters / group)) * depth;
      for (let c = 0; c < depth; c++) {
        for (let a = 0; a < kh; a++) {
          for (let b = 0; b < kw; b++) {
            const [row, column] = [i * stride + a - pad, j * stride + b - pad];
            if (row < 0 || column < 0 || row >= height || column >= width) continue;
            total += at(x, [n, first + c, row, column]) * at(w, [f, c, a, b]);
          }
        }
      }
      return total;
    },
  );
}

function pooled(x: Oracle, f: (values: number[]) => number): Oracle {
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  const shape = [batch, channels, Math.floor(height / 2), Math.floor((width - 2) / 2) + 1];
  return tabulate(shape, ([n = 0, c = 0, i = 0, j = 0]) => {
    const window = [0, 1].flatMap((a) => [0, 1].map((b) => at(x, [n, c, 2 * i + a, 2 * j + b])));
    return f(window);
  });
}

function normalised(x: Oracle, scale: Oracle, shift?: Oracle): Oracle {
  return tabulate(x.shape, ([i = 0, j = 0]) => {
    const row = Array.from({ length: x.shape[1] ?? 0 }, (_, k) => at(x, [i, k]));
    const centre = mean(row);
    const spread = Math.sqrt(mean(row.map((v) => (v - centre) ** 2)) + 1e-5);
    return (
      ((at(x, [i, j]) - centre) / spread) * at(scale, [j]) +
      (shift === undefined ? 0 : at(shift, [j]))
    );
  });
}

const CASES: Record<string, Case> = {
  Add: binary(
    (g, x, y) => g.add(x, y),
    (a, b) => a + b,
  ),
  "Add number": unary(
    (g, x) => g.add(2, x),
    (a) => a + 2,
  ),
  Sub: binary(
    (g, x, y) => g.sub(x, y),
    (a, b) => a - b,
  ),
  Mul: binary(
    (g, x, y) => g.mul(x, y),
    (a, b) => a * b,
    ["cube", "row"],
  ),
  Div: binary(
    (g, x, y) => g.div(x, y),
    (a, b) => a / b,
    ["x", "positive"],
  ),
  Pow: binary(
    (g, x, y) => g.pow(x, y),
    (a, b) => a ** b,
    ["positive", "row"],
  ),
  Min: binary((g, x, y) => g.min(x, y), Math.min),
  Max: binary((g, x, y) => g.max(x, y), Math.max),
  Greater: binary(
    (g, x, y) => g.cast(g.greater(x, y), "float32"),
    (a, b) => Number(a > b),
  ),
  Less: binary(
    (g, x, y) => g.cast(g.less(x, y), "int32"),
    (a, b) => Number(a < b),
  ),
  Equal: binary(
    (g, x, y) => g.equal(x, y),
    (a, b) => Number(a === b),
    ["x", "x"],
  ),
  And: {
    build: (g, v) => g.and(v.flag, g.greater(v.x, 0)),
    oracle: (o) => zip((f, x) => Number(f === 1 && (x ?? 0) > 0), o.flag, o.x),
  },
  Or: {
    build: (g, v) => g.or(v.flag, g.greater(v.x, 0)),
    oracle: (o) => zip((f, x) => Number(f === 1 || (x ?? 0) > 0), o.flag, o.x),
  },
  Not: unary(
    (g, x) => g.not(x),
    (a) => 1 - a,
    "flag",
  ),
  Neg: unary(
    (g, x) => g.neg(x),
    (a) => -a,
  ),
  Abs: unary((g, x) => g.abs(x), Math.abs),
  Exp: unary((g, x) => g.exp(x), Math.exp),
  Log: unary((g, x) => g.log(x), Math.log, "positive"),
  Sqrt: unary((g, x) => g.sqrt(x), Math.sqrt, "positive"),
  Reciprocal: unary(
    (g, x) => g.reciprocal(x),
    (a) => 1 / a,
    "positive",
  ),
  Sin: unary((g, x) => g.sin(x), Math.sin),
  Cos: unary((g, x) => g.cos(x), Math.cos),
  Relu: unary(
    (g, x) => g.relu(x),
    (a) => Math.max(0, a),
  ),
  Tanh: unary((g, x) => g.tanh(x), Math.tanh),
  Sigmoid: unary((g, x) => g.sigmoid(x), sigmoid),
  Softplus: unary(
    (g, x) => g.softplus(x),
    (a) => Math.log1p(Math.exp(a)),
  ),
  Erf: unary((g, x) => g.erf(x), erf),
  Gelu: unary(
    (g, x) => g.gelu(x),
    (a) => 0.5 * a * (1 + erf(a / Math.SQRT2)),
  ),
  "silu (Mul, Sigmoid)": unary(
    (g, x) => g.silu(x),
    (a) => a * sigmoid(a),
  ),
  Clip: unary(
    (g, x) => g.clip(x, -0.25, 0.5),
    (a) => Math.min(0.5, Math.max(-0.25, a)),
  ),
  Where: {
    build: (g, v) => g.where(v.flag, v.x, -1),
    oracle: (o) => zip((f, x) => (f === 1 ? (x ?? 0) : -1), o.flag, o.x),
  },
  Reshape: {
    build: (g, v) => g.reshape(v.cube, ["batch", 12]),
    oracle: ({ cube }) => ({ shape: [2, 12], data: cube.data }),
  },
  Flatten: {
    build: (g, v) => g.flatten(v.image),
    oracle: ({ image }) => ({ shape: [2, 90], data: image.data }),
  },
  Transpose: {
    build: (g, v) => g.transpose(v.cube, [2, 0, 1]),
    oracle: ({ cube }) => tabulate([4, 2, 3], ([i = 0, j = 0, k = 0]) => at(cube, [j, k, i])),
  },
  Concat: {
    build: (g, v) => g.concat([v.x, v.y], 1),
    oracle: ({ x, y }) =>
      tabulate([3, 8], ([i = 0, j = 0]) => (j < 4 ? at(x, [i, j]) : at(y, [i, j - 4]))),
  },
  "Squeeze, Unsqueeze": {
    build: (g, v) => g.squeeze(g.unsqueeze(v.x, [0, -1]), [0]),
    oracle: ({ x }) => ({ shape: [3, 4, 1], data: x.data }),
  },
  Slice: {
    build: (g, v) => g.slice(v.cube, 2, { start: -3, end: 4, step: 2 }),
    oracle: ({ cube }) =>
      tabulate([2, 3, 2], ([i = 0, j = 0, k = 0]) => at(cube, [i, j, 1 + 2 * k])),
  },
  Split: {
    build: (g, v) => g.split(v.x, 1, [1, 3])[1] ?? v.x,
    oracle: ({ x }) => tabulate([3, 3], ([i = 0, j = 0]) => at(x, [i, j + 1])),
  },
  Gather: {
    build: (g, v) => g.gather(v.x, g.ints([2, 0, 2, 1]), 1),
    oracle: ({ x }) => tabulate([3, 4], ([i = 0, j = 0]) => at(x, [i, [2, 0, 2, 1][j] ?? 0])),
  },
  ReduceSum: {
    build: (g, v) => g.reduceSum(v.cube, [1]),
    oracle: ({ cube }) => fold(cube, 1, sum),
  },
  "ReduceMean, kept": {
    build: (g, v) => g.reduceMean(v.cube, [-1], true),
    oracle: ({ cube }) => ({ shape: [2, 3, 1], data: fold(cube, 2, mean).data }),
  },
  ReduceMax: {
    build: (g, v) => g.reduceMax(v.x, [1]),
    oracle: ({ x }) => fold(x, 1, (v) => Math.max(...v)),
  },
  ReduceMin: {
    build: (g, v) => g.reduceMin(v.x, [1]),
    oracle: ({ x }) => fold(x, 1, (v) => Math.min(...v)),
  },
  ArgMax: {
    build: (g, v) => g.argMax(v.x, 1),
    oracle: ({ x }) => fold(x, 1, (v) => v.indexOf(Math.max(...v))),
  },
  Softmax: {
    build: (g, v) => g.softmax(v.x, 0),
    oracle: ({ x }) =>
      tabulate(
        [3, 4],
        ([i = 0, j = 0]) =>
          Math.exp(at(x, [i, j])) / sum([0, 1, 2].map((k) => Math.exp(at(x, [k, j])))),
      ),
  },
  LogSoftmax: {
    build: (g, v) => g.logSoftmax(v.x),
    oracle: ({ x }) =>
      tabulate(
        [3, 4],
        ([i = 0, j = 0]) =>
          at(x, [i, j]) - Math.log(sum([0, 1, 2, 3].map((k) => Math.exp(at(x, [i, k]))))),
      ),
  },
  MatMul: { build: (g, v) => g.matmul(v.x, v.w), oracle: ({ x, w }) => matmul(x, w) },
  Gemm: {
    build: (g, v) => g.linear(v.x, v.w, v.b),
    oracle: ({ x, w, b }) => zip((p, q = 0) => (p ?? 0) + q, matmul(x, w), b),
  },
  Conv: {
    build: (g, v) =>
      g.conv(v.image, v.filters, { bias: v.filterBias, strides: [2, 2], pads: [1, 1, 1, 1] }),
    oracle: (o) =>
      convolve(o.image, o.filters, { bias: o.filterBias, stride: 2, pad: 1, group: 1 }),
  },
  "Conv by groups": {
    build: (g, v) => g.conv(v.image, v.grouped, { group: 3 }),
    oracle: (o) => convolve(o.image, o.grouped, { stride: 1, pad: 0, group: 3 }),
  },
  MaxPool: {
    build: (g, v) => g.maxPool(v.image, [2, 2], { strides: [2, 2] }),
    oracle: (o) => pooled(o.image, (v) => Math.max(...v)),
  },
  AveragePool: {
    build: (g, v) => g.averagePool(v.image, [2, 2], { strides: [2, 2] }),
    oracle: (o) => pooled(o.image, mean),
  },
  GlobalAveragePool: {
    build: (g, v) => g.globalAveragePool(v.image),
    oracle: ({ image }) => ({
      shape: [2, 3, 1, 1],
      data: fold(fold(image, 3, mean), 2, mean).data,
    }),
  },
  LayerNormalization: {
    build: (g, v) => g.layerNorm(v.x, v.scale, { bias: v.shift }),
    oracle: (o) => normalised(o.x, o.scale, o.shift),
  },
};

describe("GraphBuilder's operators", () => {
  let session: Session;
  let result: RunResult;
  const inferred = new Map<string, Value>();

  beforeAll(async () => {
    const g = new GraphBuilder("ops");
    const values: Record<string, Value> = {};
    for (const [name, { dtype, shape }] of Object.entries(INPUTS)) {
      const leading = name === "cube" || name === "image" ? "batch" : (shape[0] ?? 1);
      values[name] = g.input(name, dtype, [leading, ...shape.slice(1)]);
    }
    for (const [name, array] of Object.entries(WEIGHTS)) values[name] = g.parameter(name, array);
    for (const [name, { build }] of Object.entries(CASES)) {
      const value = g.scope(name, () => build(g, values as Inputs & Weights));
      inferred.set(name, value);
      g.output(`out ${name}`, value);
    }
    session = await openSession(writeModel(g.build()));
    result = await session.run(INPUTS);
  });
  afterAll(() => session.close());

  const oracles = Object.fromEntries(
    Object.entries({ ...INPUTS, ...WEIGHTS }).map(([name, array]) => [name, toOracle(array)]),
  ) as Oracles;

  it.each(Object.keys(CASES))("%s: inferred type, engine and oracle agree", (name) => {
    const output = result.outputs[`out ${name}`];
    const type = inferred.get(name);
    const expected = CASES[name]?.oracle(oracles);
    if (output === undefined || type === undefined || expected === undefined)
      throw new Error("absent");
    assertClose(output, expected, { rtol: 1e-5, atol: 1e-5 });
    expect(output.dtype).toBe(type.elementType);
    expect(type.shape.map((dim) => (dim === "batch" ? 2 : dim))).toEqual(output.shape);
  });

  it("has a rule for everything it offers", () => {
    expect(KNOWN_OPS.length).toBeGreaterThan(60);
    expect(new Set(KNOWN_OPS).size).toBe(KNOWN_OPS.length);
  });
});
