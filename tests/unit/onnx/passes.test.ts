import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import type { Model, Value } from "../../../src/onnx/index.ts";
import {
  checkModel,
  foldConstants,
  GraphBuilder,
  removeDead,
  shareEqual,
  writeModel,
} from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

const X: NdArray = { dtype: "float32", shape: [3], data: Float32Array.of(0.5, -1, 2) };

async function outputsOf(model: Model): Promise<Record<string, NdArray>> {
  await using session = await openSession(writeModel(model), { device: "cpu" });
  return (await session.run({ x: X })).outputs;
}

const ops = ({ graph }: Model): string[] => graph.nodes.map(({ opType }) => opType);

/** A random graph of elementwise operators with many equal calls and dead ends. */
const graphs = fc
  .array(fc.tuple(fc.nat(3), fc.nat(), fc.nat()), { minLength: 1, maxLength: 25 })
  .map((steps) => {
    const g = new GraphBuilder("random");
    const values: Value[] = [g.input("x", "float32", [3])];
    for (const [operator, i, j] of steps) {
      const [a, b] = [values[i % values.length]!, values[j % values.length]!];
      values.push(
        operator === 0
          ? g.tanh(a)
          : operator === 1
            ? g.mul(a, 0.5)
            : operator === 2
              ? g.sub(a, b)
              : g.slice(g.concat([a, b], 0), 0, { start: 1, end: 4 }),
      );
    }
    g.output("y", values.at(-1)!);
    g.output("z", values[Math.floor(values.length / 2)]!);
    return g.build();
  });

describe("passes", () => {
  it.each([
    ["removeDead", removeDead],
    ["shareEqual", shareEqual],
    ["foldConstants", (model: Model) => foldConstants(model)],
    ["all of them", (model: Model) => removeDead(shareEqual(foldConstants(model)))],
  ])("%s leaves the results of random graphs bit for bit", async (_, pass) => {
    await fc.assert(
      fc.asyncProperty(graphs, async (model) => {
        const passed = pass(model);
        expect(checkModel(passed)).toEqual([]);
        expect(passed.graph.nodes.length).toBeLessThanOrEqual(model.graph.nodes.length);
        expect(await outputsOf(passed)).toEqual(await outputsOf(model));
      }),
      { numRuns: 12, seed: 5 },
    );
  });

  it("are done after one time", () => {
    fc.assert(
      fc.property(graphs, (model) => {
        for (const pass of [removeDead, shareEqual, (m: Model) => foldConstants(m)]) {
          expect(pass(pass(model))).toEqual(pass(model));
        }
      }),
      { numRuns: 30, seed: 6 },
    );
  });
});

describe("removeDead()", () => {
  it("keeps inputs, and drops nodes and parameters nobody uses", () => {
    const g = new GraphBuilder("dead");
    const x = g.input("x", "float32", [3]);
    g.input("unused", "float32", [1]);
    g.add(g.tanh(x), g.parameter("w", X));
    g.output("y", g.exp(x));
    const live = removeDead(g.build());
    expect(ops(live)).toEqual(["Exp", "Identity"]);
    expect(live.graph.initializers).toEqual([]);
    expect(live.graph.inputs.map(({ name }) => name)).toEqual(["x", "unused"]);
  });
});

describe("shareEqual()", () => {
  it("computes once what is computed twice, attributes and constants considered", () => {
    const g = new GraphBuilder("twice");
    const x = g.input("x", "float32", [1, 3]);
    const once = g.softmax(g.tanh(x), 0);
    const twice = g.softmax(g.tanh(x), 0);
    const other = g.softmax(g.tanh(x), 1);
    g.output("y", g.add(g.add(once, twice), other));
    expect(ops(removeDead(shareEqual(g.build())))).toEqual([
      "Tanh",
      "Softmax",
      "Softmax",
      "Add",
      "Add",
      "Identity",
    ]);
  });

  it("does not share random numbers, nor weights that are equal by chance", () => {
    const g = new GraphBuilder("random");
    const x = g.input("x", "float32", [3]);
    const noise = (): Value => g.one("RandomNormalLike", [x]);
    const zeros = { ...X, data: new Float32Array(3) };
    const weighted = [g.parameter("a", zeros), g.parameter("b", zeros)].map((w) => g.mul(x, w));
    g.output("y", g.concat([noise(), noise(), ...weighted], 0));
    const shared = shareEqual(g.build());
    expect(ops(shared).filter((op) => op === "RandomNormalLike")).toHaveLength(2);
    expect(shared.graph.initializers.map(({ name }) => name)).toEqual(["a", "b"]);
  });
});

describe("foldConstants()", () => {
  it("does not compute with weights, even if they are constant", () => {
    const g = new GraphBuilder("weights");
    const x = g.input("x", "float32", [3]);
    g.output("y", g.mul(x, g.add(g.parameter("w", X), g.parameter("v", X))));
    expect(ops(foldConstants(g.build()))).toEqual(["Add", "Mul", "Identity"]);
  });

  it("takes the branch that a known condition takes", async () => {
    const g = new GraphBuilder("branch");
    const x = g.input("x", "float32", [3]);
    const isLong = g.greater(g.gather(g.shapeOf(x), g.constant(scalarInt(0))), 2);
    const body = (opType: string) => ({
      name: opType,
      inputs: [],
      initializers: [],
      valueInfo: [],
      nodes: [{ name: "", opType, domain: "", inputs: ["x"], outputs: ["r"], attributes: {} }],
      outputs: [
        { name: "r", type: { kind: "tensor", elementType: "float32", shape: [3] } as const },
      ],
    });
    g.output(
      "y",
      g.one("If", [isLong], {
        attributes: {
          then_branch: { kind: "graph", value: body("Exp") },
          else_branch: { kind: "graph", value: body("Neg") },
        },
        outputTypes: [{ elementType: "float32", shape: [3] }],
        captures: [x],
      }),
    );
    const folded = foldConstants(g.build());
    expect(ops(folded)).toEqual(["Exp", "Identity"]);
    expect(await outputsOf(folded)).toEqual(await outputsOf(g.build()));
  });
});

function scalarInt(value: number): NdArray {
  return { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(value)) };
}
