import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import {
  declareOutputs,
  foldConstants,
  GraphBuilder,
  importGraph,
  writeModel,
} from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

const ROWS: NdArray = {
  dtype: "float32",
  shape: [3, 4, 2],
  data: Float32Array.from({ length: 24 }, (_, i) => i / 7 - 1),
};

/** What exporters make of `shape[axis]`. */
function dimOf(g: GraphBuilder, x: Value, axis: number): Value {
  return g.slice(g.shapeOf(x), 0, { start: axis, end: axis + 1 });
}

/** A model over `x[batch, 4, 2]` with one output whose declared shape says only its rank. */
function model(make: (g: GraphBuilder, x: Value) => Value) {
  const g = new GraphBuilder("named");
  g.output("y", make(g, g.input("x", "float32", ["batch", 4, 2])));
  return g.build();
}

const open = (rank: number) => ({
  outputTypes: [
    { elementType: "float32", shape: Array.from({ length: rank }, (_, i) => `?${i}`) } as const,
  ],
});

describe("dimensions that are known by name", () => {
  it.each<[string, (g: GraphBuilder, x: Value) => Value, readonly (number | string)[], string[]]>([
    [
      "multiply and divide again",
      (g, x) => {
        const rows = g.mul(dimOf(g, x, 0), g.ints([4]));
        const flat = g.one("Reshape", [x, g.concat([rows, g.ints([2])], 0)], open(2));
        const back = g.concat([g.div(rows, g.ints([4])), g.ints([4, 2])], 0);
        return g.one("Reshape", [g.one("Tanh", [flat], open(2)), back], open(3));
      },
      ["batch", 4, 2],
      ["Reshape", "Tanh", "Reshape", "Identity"],
    ],
    [
      "stay where -1 is asked for and replaced",
      (g, x) => {
        const wanted = g.concat([dimOf(g, x, 0), g.ints([-1, 2])], 0);
        const shape = g.where(g.equal(wanted, g.ints([-1])), g.ints([1, 1, 1]), wanted);
        const row = g.constant({ dtype: "float32", shape: [1, 1, 2], data: Float32Array.of(1, 2) });
        return g.one("Expand", [row, shape], open(3));
      },
      ["batch", 1, 2],
      ["Shape", "Slice", "Concat", "Where", "Expand", "Identity"],
    ],
    [
      "fill a tensor",
      (g, x) => g.one("ConstantOfShape", [g.concat([dimOf(g, x, 0), g.ints([5])], 0)], open(2)),
      ["batch", 5],
      ["Shape", "Slice", "Concat", "ConstantOfShape", "Identity"],
    ],
  ])("%s", async (_, make, shape, ops) => {
    const exported = model(make);
    const imported = importGraph(exported);
    expect(imported.outputs.get("y")?.shape).toEqual(shape);
    declareOutputs(imported);
    const built = imported.graph.build();
    expect(built.graph.nodes.map(({ opType }) => opType)).toEqual(ops);
    await using before = await openSession(writeModel(exported), { device: "cpu" });
    await using after = await openSession(writeModel(built), { device: "cpu" });
    const feeds = { x: ROWS };
    expect((await after.run(feeds)).outputs).toEqual((await before.run(feeds)).outputs);
    // With the name fixed, everything that computed shapes is gone.
    const fixed = foldConstants(exported, { inputs: { x: [3, 4, 2] } });
    expect(fixed.graph.nodes.some(({ opType }) => opType === "Shape")).toBe(false);
  });
});
