import { describe, expect, it } from "vitest";
import { checkModel, GraphBuilder, inferTypes } from "../../../src/onnx/index.ts";
import type { TensorType, Value } from "../../../src/onnx/index.ts";

const f32 = (shape: number[]) =>
  ({ dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }) as const;

function graph(): { g: GraphBuilder; x: Value; image: Value } {
  const g = new GraphBuilder("test");
  return {
    g,
    x: g.input("x", "float32", ["batch", 4]),
    image: g.input("image", "float32", ["batch", 3, 8, 8]),
  };
}

describe("GraphBuilder refuses, at the call, with both sides named", () => {
  it.each<[string, (t: ReturnType<typeof graph>) => unknown, string]>([
    [
      "unequal inner dimensions",
      ({ g, x }) => g.matmul(x, g.parameter("w", f32([3, 2]))),
      "inner dimensions must agree",
    ],
    [
      "shapes that do not broadcast",
      ({ g, x }) => g.add(x, g.parameter("w", f32([3]))),
      "float32[batch, 4] and float32[3], must broadcast",
    ],
    [
      "a symbol against a number",
      ({ g, x }) => g.add(x, g.parameter("w", f32([2, 4]))),
      "must broadcast",
    ],
    ["mixed dtypes", ({ g, x }) => g.add(x, g.ints([1])), "must have one dtype"],
    [
      "integers where floats are needed",
      ({ g }) => g.tanh(g.ints([1])),
      "must be a floating-point tensor",
    ],
    ["numbers as truth values", ({ g, x }) => g.not(x), "must be bool"],
    [
      "a number as condition",
      ({ g, x }) => g.where(x, x, x),
      "the condition is float32, must be bool",
    ],
    [
      "a reshape to another size",
      ({ g, x }) => g.reshape(x, ["batch", 5]),
      "must have as many elements",
    ],
    [
      "a reshape of a fraction",
      ({ g, x }) => g.reshape(x, ["batch", 3, "rest"]),
      "must have as many elements",
    ],
    [
      "a reshape that multiplies a symbol",
      ({ g, x }) => g.reshape(x, ["all"]),
      "must have as many elements",
    ],
    [
      "concat of unequal rows",
      ({ g, x }) => g.concat([x, g.parameter("w", f32([3, 4]))], 1),
      "must agree except on axis 1",
    ],
    [
      "concat along a symbol",
      ({ g, x }) => g.concat([x, x], 0),
      "dimension 0 is batch, must be a number",
    ],
    ["an axis outside", ({ g, x }) => g.softmax(x, 2), "axis is 2, must be an integer in [-2, 1]"],
    ["squeezing a long axis", ({ g, x }) => g.squeeze(x, [1]), "dimension 1 is 4, must be 1"],
    ["a permutation with a gap", ({ g, x }) => g.transpose(x, [0, 2]), "must permute 0 to 1"],
    [
      "split sizes that do not add up",
      ({ g, x }) => g.split(x, 1, [1, 2]),
      "add up to 3, must add up to 4",
    ],
    [
      "filters of another depth",
      ({ g, image }) => g.conv(image, g.parameter("w", f32([1, 2, 3, 3]))),
      "channels must agree",
    ],
    ["a window larger than the image", ({ g, image }) => g.maxPool(image, [9, 9]), "must fit"],
    [
      "a pooling kernel of the wrong rank",
      ({ g, image }) => g.maxPool(image, [2]),
      "must have 2 entries",
    ],
    ["float indices", ({ g, x }) => g.gather(x, x), "indices are float32"],
    [
      "computed axes",
      ({ g, x }) => g.op("ReduceSum", [x, g.argMax(x, 1)]),
      "input 1 is computed, must be a constant",
    ],
    ["an operator it cannot type", ({ g, x }) => g.op("NoSuchOp", [x]), "has no shape rule"],
    ["a name twice", ({ g }) => g.input("x", "float32", [1]), 'input "x": the name is taken'],
    [
      "a parameter with the wrong count",
      ({ g }) => g.parameter("w", { ...f32([2]), shape: [3] }),
      "must have those of float32[3]",
    ],
    [
      "a parameter in the wrong array",
      ({ g }) => g.parameter("w", { ...f32([2]), dtype: "float64" }),
      "in a Float32Array",
    ],
    ["a value of another graph", ({ g }) => g.relu(graph().x), '"x" belongs to another graph'],
    [
      "a layer norm of the wrong width",
      ({ g, x }) => g.layerNorm(x, g.parameter("s", f32([3]))),
      "must be [4]",
    ],
  ])("%s", (_, build, message) => {
    expect(() => build(graph())).toThrow(TypeError);
    expect(() => build(graph())).toThrow(message);
  });

  it("a graph without outputs", () => {
    expect(() => graph().g.build()).toThrow("it has no output");
  });
});

describe("GraphBuilder", () => {
  it("shares equal small constants and keeps unequal ones apart", () => {
    const { g, x } = graph();
    g.output("y", g.add(g.add(g.mul(x, 2), g.mul(x, 2)), g.mul(x, 3)));
    expect(g.build().graph.initializers.map(({ name }) => name)).toEqual(["const", "const_1"]);
  });

  it("keeps -0 apart from 0", () => {
    const { g, x } = graph();
    g.output("y", g.add(g.mul(x, 0), g.mul(x, -0)));
    expect(g.build().graph.initializers).toHaveLength(2);
  });

  it("names what is made in a scope after it, also when the scope throws", () => {
    const { g, x } = graph();
    expect(() => g.scope("a", () => g.reshape(x, [7]))).toThrow();
    const value = g.scope("a", () => g.scope("b", () => g.relu(x)));
    expect([value.name, g.relu(x).name]).toEqual(["a/b/Relu", "Relu"]);
  });

  it("makes models without structural problems", () => {
    const { g, x } = graph();
    const [left, right] = g.split(x, 1, [2, 2]);
    if (left === undefined || right === undefined) throw new Error("absent");
    g.output("y", g.concat([right, left], 1));
    expect(checkModel(g.build())).toEqual([]);
  });

  it("takes operators of other domains with their output types", () => {
    const { g, x } = graph();
    const outputTypes = [{ elementType: "float32", shape: ["batch", 4] }] as const;
    const [y] = g.op("BiasGelu", [x, g.parameter("b", f32([4]))], {
      domain: "com.microsoft",
      outputTypes,
    });
    if (y === undefined) throw new Error("absent");
    g.output("y", y);
    expect(g.build().opsets).toEqual({ "": 21, "com.microsoft": 1 });
    expect(checkModel(g.build())).toEqual([]);
  });
});

describe("inferTypes()", () => {
  const type = (shape: (number | string)[]): TensorType => ({ elementType: "float32", shape });
  const infer = (opType: string, ...inputs: TensorType[]): readonly TensorType[] =>
    inferTypes({ opType, inputs, attributes: {}, outputCount: 1 });

  it.each<[(number | string)[], (number | string)[], (number | string)[]]>([
    [[], [], []],
    [[3], [], [3]],
    [
      ["n", 1],
      [1, 4],
      ["n", 4],
    ],
    [[1], ["n"], ["n"]],
    [
      [2, 1, 3],
      [4, 1],
      [2, 4, 3],
    ],
    [[0], [1], [0]],
  ])("broadcasts %j and %j to %j", (a, b, expected) => {
    expect(infer("Add", type(a), type(b))).toEqual([type(expected)]);
    expect(infer("Add", type(b), type(a))).toEqual([type(expected)]);
  });

  it("does not take inherited properties for operators", () => {
    expect(() => infer("toString")).toThrow("has no shape rule");
  });
});
