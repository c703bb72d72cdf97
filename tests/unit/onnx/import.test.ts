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
    outputs: readonly string[];
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
      outputs: parts.outputs.map((name) => info(name, null)),
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
