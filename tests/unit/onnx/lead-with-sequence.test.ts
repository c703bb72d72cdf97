import { describe, expect, it } from "vitest";
import { GraphBuilder, leadWithSequence, readModel, writeModel } from "../../../src/onnx/index.ts";

describe("leadWithSequence", () => {
  it("puts an empty sequence before the outputs and leaves the rest alone", () => {
    const g = new GraphBuilder("two");
    const x = g.input("x", "float32", [2]);
    g.output("double", g.mul(x, 2));
    g.output("square", g.mul(x, x));
    const bytes = writeModel(g.build());
    const kept = bytes.slice();
    const plain = readModel(bytes);
    const led = readModel(leadWithSequence(bytes, "nothing"));
    expect(bytes).toEqual(kept);
    const [first, ...others] = led.graph.outputs;
    expect(first).toEqual({ name: "nothing", type: { kind: "sequence" } });
    expect(others).toEqual(plain.graph.outputs);
    const [made, ...nodes] = led.graph.nodes;
    expect(made).toMatchObject({ opType: "SequenceEmpty", inputs: [], outputs: ["nothing"] });
    expect(nodes).toEqual(plain.graph.nodes);
    expect({ ...led, graph: { ...led.graph, outputs: others, nodes } }).toEqual(plain);
  });
});
