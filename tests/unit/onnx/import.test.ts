import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import type { Model, Node, ValueInfo } from "../../../src/onnx/index.ts";
import {
  checkModel,
  declareOutputs,
  GraphBuilder,
  importGraph,
  writeModel,
} from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

const rng = seeded(11);
const f32 = (shape: number[]): NdArray => {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal());
  return { dtype: "float32", shape, data };
};
const i64 = (values: number[]): NdArray => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

async function run(model: Model, feeds: Record<string, NdArray>): Promise<Record<string, NdArray>> {
  await using session = await openSession(writeModel(model), { device: "cpu" });
  return (await session.run(feeds)).outputs;
}

function reimported(model: Model, options?: Parameters<typeof importGraph>[1]): Model {
  const imported = importGraph(model, options);
  declareOutputs(imported);
  const built = imported.graph.build();
  expect(checkModel(built)).toEqual([]);
  return built;
}

/** A model from nodes written out, as an exporter would leave them. */
function written(
  opset: number,
  parts: {
    nodes: readonly (Partial<Node> & { opType: string })[];
    inputs: Record<string, readonly (number | string | null)[]>;
    outputs: readonly string[] | Record<string, readonly (number | string)[]>;
    tensors?: Record<string, NdArray>;
    functions?: Model["functions"];
    valueInfo?: readonly ValueInfo[];
  },
): Model {
  const info = (name: string, shape: readonly (number | string | null)[] | null): ValueInfo => ({
    name,
    type: { kind: "tensor", elementType: "float32", shape },
  });
  return {
    irVersion: 8,
    opsets: { "": opset, local: 1 },
    producer: "test",
    producerVersion: "",
    metadata: {},
    functions: parts.functions ?? [],
    graph: {
      name: "written",
      inputs: Object.entries(parts.inputs).map(([name, shape]) => info(name, shape)),
      outputs: Array.isArray(parts.outputs)
        ? parts.outputs.map((name: string) => info(name, null))
        : Object.entries(parts.outputs).map(([name, shape]) => info(name, shape)),
      initializers: Object.entries(parts.tensors ?? {}).map(([name, array]) => ({
        name,
        elementType: array.dtype,
        shape: array.shape,
        payload: { kind: "array", array },
      })),
      nodes: parts.nodes.map((node) => ({
        name: "",
        domain: "",
        inputs: [],
        outputs: [],
        attributes: {},
        ...node,
      })),
      valueInfo: parts.valueInfo ?? [],
    },
  };
}

function policy(): Model {
  const g = new GraphBuilder("policy");
  const x = g.input("x", "float32", ["batch", 6]);
  const hidden = g.scope("hidden", () =>
    g.gelu(g.linear(x, g.parameter("w", f32([6, 8])), g.parameter("b", f32([8])))),
  );
  const normed = g.layerNorm(hidden, g.parameter("scale", f32([8])));
  const heads = g.transpose(g.reshape(normed, ["batch", 2, 4]), [0, 2, 1]);
  g.output("mean", g.reduceMean(heads, [2]));
  g.output("weights", g.softmax(heads));
  return g.build();
}

describe("importGraph()", () => {
  it("rebuilds what the builder built, node for node", () => {
    const model = policy();
    const built = reimported(model);
    expect(built.graph.nodes).toEqual(model.graph.nodes);
    expect(built.graph.inputs).toEqual(model.graph.inputs);
    expect(built.graph.outputs).toEqual(model.graph.outputs);
    expect(built.opsets).toEqual(model.opsets);
  });

  it("computes the same", async () => {
    const model = policy();
    const x = f32([3, 6]);
    expect(await run(reimported(model), { x })).toEqual(await run(model, { x }));
    expect(await run(reimported(model, { inputs: { x: [3, 6] } }), { x })).toEqual(
      await run(model, { x }),
    );
  });

  it("promotes parameters to inputs, and hands out what they were", async () => {
    const model = policy();
    const { graph, trainable, initial, outputs } = importGraph(model, { trainable: "all" });
    expect([...trainable.keys()]).toEqual(["hidden/w", "hidden/b", "scale"]);
    declareOutputs({ graph, outputs }, ["mean"]);
    const x = f32([2, 6]);
    const feeds: Record<string, NdArray> = { x };
    for (const [name, { payload }] of initial) {
      if (payload.kind === "array") feeds[name] = payload.array;
    }
    const { mean } = await run(graph.build(), feeds);
    expect(mean).toEqual((await run(model, { x }))["mean"]);
    expect(() => importGraph(model, { trainable: ["nobody"] })).toThrow(
      'Cannot train "nobody": it is no parameter of the model',
    );
  });

  it("makes computed shapes static, and drops what computed them", async () => {
    // reshape(x, concat(shape(x)[0], [2, -1])), as exporters write it.
    const model = written(17, {
      inputs: { x: ["batch", 6] },
      outputs: ["y"],
      tensors: { zero: i64([0]), rest: i64([2, -1]) },
      nodes: [
        { opType: "Shape", inputs: ["x"], outputs: ["shape"] },
        { opType: "Gather", inputs: ["shape", "zero"], outputs: ["batch"] },
        {
          opType: "Concat",
          inputs: ["batch", "rest"],
          outputs: ["target"],
          attributes: { axis: { kind: "int", value: 0 } },
        },
        { opType: "Reshape", inputs: ["x", "target"], outputs: ["y"] },
      ],
    });
    const open = importGraph(model);
    expect(open.outputs.get("y")?.shape).toEqual(["batch", 2, 3]);
    expect(open.graph.nodes.map(({ opType }) => opType)).toEqual(["Reshape"]);
    const fixed = importGraph(model, { inputs: { x: [4, 6] } });
    expect(fixed.outputs.get("y")?.shape).toEqual([4, 2, 3]);
    const x = f32([4, 6]);
    expect(await run(reimported(model), { x })).toEqual(await run(model, { x }));
  });
});

const int = (value: number) => ({ kind: "int", value }) as const;
const ints = (...value: number[]) => ({ kind: "ints", value }) as const;
const float = (value: number) => ({ kind: "float", value }) as const;
const text = (value: string) => ({ kind: "string", value }) as const;

/** One operator in an old form: operator set, operator, shape of x, shape of y, the rest. */
type OldForm = [
  opset: number,
  opType: string,
  x: number[],
  y: number[],
  attributes: Node["attributes"],
  more?: Record<string, NdArray>,
];

const OLD_FORMS: readonly OldForm[] = [
  [11, "Squeeze", [2, 1, 3], [2, 3], { axes: ints(1) }],
  [11, "Squeeze", [2, 1, 3], [2, 3], {}],
  [11, "Unsqueeze", [2, 3], [2, 1, 3], { axes: ints(1) }],
  [11, "ReduceSum", [2, 3], [3], { axes: ints(0), keepdims: int(0) }],
  [11, "ReduceSum", [2, 3], [1, 1], {}],
  [13, "ReduceMean", [2, 3], [2, 1], { axes: ints(-1) }],
  [17, "ReduceMax", [2, 3], [2], { axes: ints(1), keepdims: int(0) }],
  [11, "ReduceL2", [2, 3], [2], { axes: ints(1), keepdims: int(0) }],
  [11, "Split", [5, 2], [2, 2], { split: ints(2, 3) }],
  [11, "Split", [4, 2], [2, 2], {}],
  [13, "Split", [4, 2], [2, 2], {}],
  [9, "Clip", [2, 3], [2, 3], { min: float(-0.25), max: float(0.5) }],
  [9, "Clip", [2, 3], [2, 3], { max: float(0.5) }],
  [9, "Pad", [2, 3], [3, 5], { pads: ints(0, 1, 1, 1), value: float(7) }],
  [9, "Slice", [4, 3], [2, 3], { starts: ints(1), ends: ints(3) }],
  [9, "Slice", [4, 3], [4, 2], { axes: ints(1), starts: ints(1), ends: ints(9) }],
  [9, "TopK", [2, 4], [2, 3], { k: int(3) }],
  [11, "Softmax", [2, 3, 4], [2, 3, 4], {}],
  [11, "Softmax", [2, 3, 4], [2, 3, 4], { axis: int(2) }],
  [12, "LogSoftmax", [2, 3, 4], [2, 3, 4], { axis: int(0) }],
  [13, "Softmax", [2, 3, 4], [2, 3, 4], { axis: int(1) }],
  [11, "Dropout", [2, 3], [2, 3], { ratio: float(0.5) }],
  [9, "Upsample", [1, 1, 2, 2], [1, 1, 4, 6], {}, { scales: f32of([1, 1, 2, 3]) }],
  [
    10,
    "Resize",
    [1, 1, 2, 2],
    [1, 1, 4, 6],
    { mode: text("linear") },
    { scales: f32of([1, 1, 2, 3]) },
  ],
  [
    16,
    "GridSample",
    [1, 1, 3, 3],
    [1, 1, 1, 2],
    { mode: text("bicubic"), align_corners: int(1) },
    { grid: { ...f32of([0.1, -0.3, 0.6, 0.2]), shape: [1, 1, 2, 2] } },
  ],
  [
    9,
    "BatchNormalization",
    [2, 3, 2],
    [2, 3, 2],
    { epsilon: float(1e-3) },
    {
      scale: f32of([1, 2, 3]),
      shift: f32of([0, 1, -1]),
      mean: f32of([0.1, 0.2, 0.3]),
      variance: f32of([1, 4, 9]),
    },
  ],
  [
    18,
    "GroupNormalization",
    [2, 4, 3],
    [2, 4, 3],
    { num_groups: int(2), epsilon: float(1e-3) },
    { scale: f32of([1, 2]), shift: f32of([0.5, -1]) },
  ],
];

function f32of(values: number[]): NdArray {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}

describe("importGraph() of older operator sets", () => {
  it.each<OldForm>([...OLD_FORMS])(
    "%i: %s of %j",
    async (opset, opType, shape, y, attributes, more = {}) => {
      const outputs = opType === "Split" ? ["y", "rest"] : opType === "TopK" ? ["y", "i"] : ["y"];
      const model = written(opset, {
        inputs: { x: shape },
        outputs: { y },
        tensors: more,
        nodes: [{ opType, inputs: ["x", ...Object.keys(more)], outputs, attributes }],
        valueInfo: outputs.slice(1).map((name) => ({
          name,
          type: {
            kind: "tensor",
            elementType: name === "i" ? "int64" : "float32",
            shape: name === "i" ? y : [shape[0]! - y[0]!, ...y.slice(1)],
          },
        })),
      });
      const imported = reimported(model);
      expect(imported.opsets[""]).toBe(21);
      const x = f32(shape);
      const before = await run(model, { x });
      const after = await run(imported, { x });
      expect(after["y"]?.shape).toEqual(y);
      const bits = before["y"];
      for (const [i, value] of (after["y"]?.data ?? []).entries()) {
        expect(Number(value)).toBeCloseTo(Number(bits?.data[i]), 6);
      }
    },
  );

  it("inlines functions, to any depth, with attributes and defaults", async () => {
    const body = (parts: Partial<Node>): Node => ({
      name: "",
      opType: "",
      domain: "",
      inputs: [],
      outputs: [],
      attributes: {},
      ...parts,
    });
    const model = written(18, {
      inputs: { x: [2, 3] },
      outputs: { y: [2, 3] },
      nodes: [
        { opType: "Twice", domain: "local", inputs: ["x"], outputs: ["h"], name: "first" },
        {
          opType: "Twice",
          domain: "local",
          inputs: ["h"],
          outputs: ["y"],
          attributes: { slope: float(0.5) },
        },
      ],
      functions: [
        {
          domain: "local",
          name: "Twice",
          inputs: ["a"],
          outputs: ["b"],
          attributeNames: [],
          attributeDefaults: { slope: float(0.125) },
          opsets: { "": 18, local: 1 },
          nodes: [
            body({
              opType: "Leak",
              domain: "local",
              inputs: ["a"],
              outputs: ["t"],
              attributes: { by: { kind: "reference", value: "slope", typeCode: 1 } },
            }),
            body({ opType: "Add", inputs: ["t", "t"], outputs: ["b"] }),
          ],
        },
        {
          domain: "local",
          name: "Leak",
          inputs: ["v"],
          outputs: ["w"],
          attributeNames: ["by"],
          attributeDefaults: {},
          opsets: { "": 18 },
          nodes: [
            body({
              opType: "LeakyRelu",
              inputs: ["v"],
              outputs: ["w"],
              attributes: { alpha: { kind: "reference", value: "by", typeCode: 1 } },
            }),
          ],
        },
      ],
    });
    const imported = reimported(model);
    expect(imported.functions).toEqual([]);
    expect(imported.graph.nodes.map(({ opType }) => opType)).toEqual([
      "LeakyRelu",
      "Add",
      "LeakyRelu",
      "Add",
    ]);
    const x = f32([2, 3]);
    expect(await run(imported, { x })).toEqual(await run(model, { x }));
  });

  it.each<[string, () => Model, string]>([
    [
      "an operator set from the future",
      () => written(99, { inputs: { x: [1] }, outputs: ["x"], nodes: [] }),
      "it uses operator set 99, must be 9 to 23",
    ],
    [
      "a foreign domain",
      () =>
        written(21, {
          inputs: { x: [1] },
          outputs: ["y"],
          nodes: [{ opType: "Magic", domain: "com.example", inputs: ["x"], outputs: ["y"] }],
        }),
      "its domain is com.example, must be one of",
    ],
    [
      "an unknown operator that the file does not type",
      () =>
        written(21, {
          inputs: { x: [1] },
          outputs: ["y"],
          nodes: [{ opType: "NoSuchOp", name: "odd", inputs: ["x"], outputs: ["y"] }],
        }),
      'Cannot build NoSuchOp "odd": the operator has no shape rule',
    ],
    [
      "shapes that do not fit, naming the node",
      () =>
        written(21, {
          inputs: { x: [1, 3], w: [4, 5] },
          outputs: { y: [1, 5] },
          nodes: [{ opType: "MatMul", name: "head/proj", inputs: ["x", "w"], outputs: ["y"] }],
        }),
      'Cannot build MatMul "head/proj": inputs are float32[1, 3] and float32[4, 5]',
    ],
    [
      "a value that nothing makes",
      () =>
        written(21, {
          inputs: { x: [1] },
          outputs: ["y"],
          nodes: [{ opType: "Neg", inputs: ["nowhere"], outputs: ["y"] }],
        }),
      'Cannot import Neg "y": "nowhere" is made by no node before it',
    ],
  ])("refuses %s", (_, make, message) => {
    expect(() => importGraph(make())).toThrow(message);
  });

  it("refuses shapes of inputs that contradict the model", () => {
    const model = policy();
    expect(() => importGraph(model, { inputs: { x: [3, 7] } })).toThrow(
      'Cannot fix input "x" to [3, 7]: it is [batch, 6], must agree in rank and numbers',
    );
    expect(() => importGraph(model, { inputs: { z: [1] } })).toThrow('Cannot fix input "z"');
  });
});
