import { describe, expect, it } from "vitest";
import { grad, UnsupportedOpError } from "../../../../src/autodiff/index.ts";
import { GraphBuilder } from "../../../../src/onnx/index.ts";
import type { Value } from "../../../../src/onnx/index.ts";

function sum(g: GraphBuilder, x: Value): Value {
  return g.reduceSum(
    x,
    x.shape.map((_, axis) => axis),
  );
}

/** Operators of the gradient of a sum of squares. */
function backwardOps(make: (g: GraphBuilder, x: Value) => Value, shape: readonly number[]) {
  const g = new GraphBuilder("test");
  const x = g.input("x", "float32", shape);
  const y = make(g, x);
  const loss = sum(g, g.mul(y, y));
  const before = g.nodes.length;
  grad(g, loss, [x]);
  return g.nodes.slice(before);
}

describe("gradients of networks", () => {
  it("sum over the width of a head where there are more keys", () => {
    const sums = (keys: number): number[] =>
      backwardOps((g, x) => g.attention({ q: x, k: x, v: x }), [1, 2, keys, 4])
        .filter(({ opType }) => opType === "ReduceSum")
        .map(({ inputs }) => Number(inputs[0]?.shape.at(-1)));
    expect(sums(16)).toEqual([4]);
    expect(sums(3)).toEqual([3]);
  });

  it("take the statistics that the engine saved", () => {
    const nodes = backwardOps(
      (g, x) => {
        const data = new Float32Array(4).fill(1);
        return g.layerNorm(x, g.parameter("scale", { dtype: "float32", shape: [4], data }));
      },
      [3, 4],
    );
    const ops = nodes.map(({ opType }) => opType);
    expect(ops).not.toContain("Sqrt");
    expect(ops).not.toContain("ReduceMean");
  });

  it("work with a batch that is known at run time", () => {
    const g = new GraphBuilder("test");
    const image = g.input("image", "float32", ["batch", 16, 8, 8]);
    const data = new Float32Array(16 * 16 * 9);
    const w = g.parameter("w", { dtype: "float32", shape: [16, 16, 3, 3], data });
    const pooled = g.maxPool(g.conv(image, w), [2, 2]);
    const [dw, dx] = grad(g, sum(g, pooled), [w, image]);
    expect([dw?.shape, dx?.shape]).toEqual([
      [16, 16, 3, 3],
      ["batch", 16, 8, 8],
    ]);
  });

  it.each([
    "LSTM",
    "GRU",
    "GridSample",
    "com.microsoft.GroupQueryAttention",
    "com.microsoft.Attention",
  ])("name %s as an operator without a rule", (name) => {
    const g = new GraphBuilder("test");
    const x = g.input("x", "float32", [2, 3]);
    const [domain, opType] = name.startsWith("com.microsoft.")
      ? ["com.microsoft", name.slice("com.microsoft.".length)]
      : ["", name];
    const y = g.one(opType, [x], { domain, outputTypes: [x] });
    expect(() => grad(g, sum(g, y), [x])).toThrow(UnsupportedOpError);
  });

  it.each<[string, (g: GraphBuilder, x: Value) => Value, string]>([
    [
      "antialiased resizing",
      (g, x) =>
        g.one("Resize", [x, undefined, undefined, g.ints([1, 1, 2, 2])], {
          attributes: { antialias: 1, mode: "linear" },
        }),
      "antialias is set, must not be",
    ],
    [
      "attention with a soft cap",
      (g, x) =>
        g.one("Attention", [x, x, x], { attributes: { softcap: { kind: "float", value: 2 } } }),
      "softcap is set, must be 0",
    ],
    [
      "tables of angles that move",
      (g, x) => g.rotary(x, { cos: g.reshape(x, [8, 2]), sin: g.reshape(x, [8, 2]) }),
      "the tables of angles are differentiated, must be constant",
    ],
    [
      "class weights that move",
      (g, x) => {
        const flat = g.reshape(x, [4, 4]);
        const weights = g.reduceSum(flat, [0]);
        const labels = g.constant({ dtype: "int64", shape: [4], data: new BigInt64Array(4) });
        return g.crossEntropy(flat, labels, { weights });
      },
      "the class weights are differentiated, must be constant",
    ],
  ])("refuse %s", (_, make, message) => {
    const g = new GraphBuilder("test");
    const x = g.input("x", "float32", [1, 1, 4, 4]);
    expect(() => grad(g, sum(g, make(g, x)), [x])).toThrow(message);
  });
});
