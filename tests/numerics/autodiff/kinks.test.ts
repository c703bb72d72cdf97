/** Where an operator has no derivative, the gradient is a convention: one row for each, with its name. */
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

type Dtype = "float32" | "float64";

async function gradientOf(
  make: (g: GraphBuilder, x: Value) => Value,
  numbers: readonly number[],
  dtype: Dtype = "float64",
): Promise<number[]> {
  const g = new GraphBuilder("kink");
  const x = g.input("x", dtype, [numbers.length]);
  const y = make(g, x);
  const all = y.shape.map((_, axis) => axis);
  const [dx] = grad(g, g.reduceSum(y, all), [x]);
  g.output("dx", dx!);
  await using session = await openSession(writeModel(g.build()));
  const data = dtype === "float64" ? Float64Array.from(numbers) : Float32Array.from(numbers);
  const { outputs } = await session.run({ x: { dtype, shape: [numbers.length], data } });
  return Array.from(outputs["dx"]?.data ?? [], Number);
}

const one = (op: string, attributes = {}) => ({
  make: (g: GraphBuilder, x: Value): Value => g.one(op, [x], { attributes }),
});
const alpha = (value: number) => ({ alpha: { kind: "float", value } }) as const;

interface Kink {
  readonly name: string;
  readonly make: (g: GraphBuilder, x: Value) => Value;
  readonly at: readonly number[];
  readonly gradient: readonly number[];
  readonly dtype?: Dtype;
}

const KINKS: readonly Kink[] = [
  { name: "Abs: 0 at 0", ...one("Abs"), at: [0], gradient: [0] },
  { name: "Relu: from the left", ...one("Relu"), at: [0, -0], gradient: [0, 0] },
  {
    name: "LeakyRelu: from the left",
    ...one("LeakyRelu", alpha(0.25)),
    at: [0],
    gradient: [0.25],
    dtype: "float32",
  },
  {
    name: "Elu: from the left",
    ...one("Elu", alpha(0.5)),
    at: [0],
    gradient: [0.5],
    dtype: "float32",
  },
  {
    name: "Celu: both sides agree",
    ...one("Celu", alpha(0.5)),
    at: [0],
    gradient: [1],
    dtype: "float32",
  },
  {
    name: "ThresholdedRelu: from the left",
    ...one("ThresholdedRelu", alpha(0.5)),
    at: [0.5],
    gradient: [0],
    dtype: "float32",
  },
  {
    name: "HardSigmoid: 0 at both ends",
    ...one("HardSigmoid", { alpha: { kind: "float", value: 0.25 } }),
    at: [-2, 2, 0],
    gradient: [0, 0, 0.25],
    dtype: "float32",
  },
  {
    name: "HardSwish: the outer slopes",
    ...one("HardSwish"),
    at: [-3, 3],
    gradient: [0, 1],
    dtype: "float32",
  },
  {
    name: "Clip: the bounds are inside",
    make: (g, x) => g.clip(x, -1, 1),
    at: [-1, 1, 1.5],
    gradient: [1, 1, 0],
  },
  {
    name: "Max: a tie is shared evenly",
    make: (g, x) => g.max(x, 0.5),
    at: [0.5, 0, 1],
    gradient: [0.5, 0, 1],
  },
  {
    name: "Min: a tie is shared evenly",
    make: (g, x) => g.min(x, 0.5),
    at: [0.5, 0, 1],
    gradient: [0.5, 1, 0],
  },
  { name: "Max of one with itself: whole", make: (g, x) => g.max(x, x), at: [2], gradient: [1] },
  {
    name: "Max of three: a third each",
    make: (g, x) => g.one("Max", [x, g.neg(x), g.scalar(0, "float64")]),
    at: [0],
    gradient: [0],
  },
  {
    name: "ReduceMax: ties share evenly",
    make: (g, x) => g.reduceMax(x, [0]),
    at: [3, 1, 3],
    gradient: [0.5, 0, 0.5],
  },
  {
    name: "ReduceMin: ties share evenly",
    make: (g, x) => g.reduceMin(x, [0]),
    at: [1, 1, 1, 1],
    gradient: [0.25, 0.25, 0.25, 0.25],
  },
  { name: "ReduceL1: 0 at 0", make: (g, x) => g.reduceL1(x, [0]), at: [0, -2], gradient: [0, -1] },
  {
    name: "ReduceL2: 0 where the norm is 0",
    make: (g, x) => g.reduceL2(x, [0]),
    at: [0, 0],
    gradient: [0, 0],
  },
  {
    name: "ReduceProd: one zero has all of it",
    make: (g, x) => g.reduceProd(x, [0]),
    at: [2, 0, 3],
    gradient: [0, 6, 0],
  },
  {
    name: "ReduceProd: two zeros have nothing",
    make: (g, x) => g.reduceProd(x, [0]),
    at: [2, 0, 0],
    gradient: [0, 0, 0],
  },
  {
    name: "Pow: x^0 is flat, also at 0",
    make: (g, x) => g.pow(x, 0),
    at: [0, 2],
    gradient: [0, 0],
  },
  {
    name: "Pow: a base of 0 says nothing about its exponent",
    make: (g, x) => g.pow(g.scalar(0, "float64"), x),
    at: [2],
    gradient: [0],
  },
  {
    name: "Round, Floor, Ceil, Sign: flat",
    make: (g, x) =>
      g.add(g.one("Round", [x]), g.add(g.one("Floor", [x]), g.add(g.one("Ceil", [x]), g.sign(x)))),
    at: [0.3, 1],
    gradient: [0, 0],
  },
];

describe("at kinks", () => {
  it.each(KINKS)("$name", async ({ make, at, gradient, dtype }) => {
    expect(await gradientOf(make, at, dtype)).toEqual(gradient);
  });
});

describe("Dropout in training", () => {
  it("passes the gradient where, and as much as, it passed the value", async () => {
    const numbers = Array.from({ length: 200 }, (_, i) => 1 + i);
    const make = (g: GraphBuilder, x: Value): Value =>
      g.mul(g.dropout(x, { ratio: 0.25, training: true, seed: 5 }), 3);
    // y = 3 x m / (1 - ratio), so dx is 0 or 4, and about a quarter is dropped.
    const dx = await gradientOf(make, numbers);
    expect(new Set(dx)).toEqual(new Set([0, 4]));
    const g = new GraphBuilder("dropout");
    const x = g.input("x", "float64", [200]);
    const y = make(g, x);
    g.output("y", y);
    g.output("dx", grad(g, g.reduceSum(y, [0]), [x])[0]!);
    await using session = await openSession(writeModel(g.build()));
    const data = Float64Array.from(numbers);
    const { outputs } = await session.run({ x: { dtype: "float64", shape: [200], data } });
    const gradient = Array.from(outputs["dx"]?.data ?? [], Number);
    const product = gradient.map((d, i) => d * numbers[i]!);
    expect(product).toEqual(Array.from(outputs["y"]?.data ?? [], Number));
  });
});
