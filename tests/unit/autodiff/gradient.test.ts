import { describe, expect, it } from "vitest";
import { gradient, grad, UnsupportedOpError } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import type { Model } from "../../../src/onnx/index.ts";
import { GraphBuilder, readModel, writeModel } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

const f64 = (shape: number[], values: number[]): NdArray => ({
  dtype: "float64",
  shape,
  data: Float64Array.from(values),
});

const W = f64([2, 2], [1, 2, 3, 4]);

/** loss = the sum of tanh(x w)^2; `y` is a second output. */
function model(): Model {
  const g = new GraphBuilder("regression");
  const x = g.input("x", "float64", ["batch", 2]);
  const y = g.tanh(g.matmul(x, g.parameter("w", W)));
  g.output("y", y);
  g.output("loss", g.reduceSum(g.mul(y, y), [0, 1]));
  return g.build();
}

async function run(m: Model, feeds: Record<string, NdArray>): Promise<Record<string, number[]>> {
  await using session = await openSession(writeModel(m), { device: "cpu" });
  const { outputs } = await session.run(feeds);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data, Number)]),
  );
}

describe("gradient()", () => {
  const x = f64([1, 2], [0.1, -0.2]);

  it("adds gradients of parameters and inputs to a model read from bytes", async () => {
    const bigger = gradient(readModel(writeModel(model())), { loss: "loss", wrt: ["w", "x"] });
    expect(bigger.graph.inputs.map(({ name }) => name)).toEqual(["x", "w"]);
    const result = await run(bigger, { x, w: W });
    // By hand: z = x w, dL/dz = 2 tanh(z) (1 - tanh(z)^2).
    const z = [0.1 * 1 - 0.2 * 3, 0.1 * 2 - 0.2 * 4];
    const dz = z.map((v) => 2 * Math.tanh(v) * (1 - Math.tanh(v) ** 2));
    const [a = 0, b = 0] = dz;
    const close = (is: readonly number[] | undefined, wanted: readonly number[]): void => {
      expect(is).toHaveLength(wanted.length);
      for (const [i, value] of wanted.entries()) expect(is?.[i]).toBeCloseTo(value, 12);
    };
    close(result["grad/w"], [0.1 * a, 0.1 * b, -0.2 * a, -0.2 * b]);
    close(result["grad/x"], [a + 2 * b, 3 * a + 4 * b]);
    close(result["y"], z.map(Math.tanh));
  });

  it("gives what grad gives while building", async () => {
    const g = new GraphBuilder("direct");
    const input = g.input("x", "float64", [1, 2]);
    const w = g.input("w", "float64", [2, 2]);
    const y = g.tanh(g.matmul(input, w));
    const [dw] = grad(g, g.reduceSum(g.mul(y, y), [0, 1]), [w]);
    g.output("grad/w", dw!);
    const bigger = gradient(model(), { loss: "loss", wrt: ["w"], outputs: [] });
    expect(bigger.graph.outputs.map(({ name }) => name)).toEqual(["grad/w"]);
    expect(await run(bigger, { x, w: W })).toEqual(await run(g.build(), { x, w: W }));
  });

  it("differentiates with respect to an inner value's name and refuses unknown ones", () => {
    expect(() => gradient(model(), { loss: "loss", wrt: ["nobody"] })).toThrow(
      'Cannot differentiate model: the model has no value "nobody"',
    );
    expect(() => gradient(model(), { loss: "y", wrt: ["w"] })).toThrow("must be a scalar");
  });

  it("refuses what flows through a subgraph by name, rather than leaving it out", () => {
    const g = new GraphBuilder("branch");
    const v = g.input("x", "float64", [1]);
    const condition = g.input("c", "bool", []);
    const body = {
      name: "body",
      inputs: [],
      initializers: [],
      valueInfo: [],
      nodes: [
        { name: "", opType: "Neg", domain: "", inputs: ["x"], outputs: ["n"], attributes: {} },
      ],
      outputs: [
        { name: "n", type: { kind: "tensor", elementType: "float64", shape: [1] } as const },
      ],
    };
    const taken = g.one("If", [condition], {
      attributes: {
        then_branch: { kind: "graph", value: body },
        else_branch: { kind: "graph", value: { ...body, name: "other" } },
      },
      outputTypes: [{ elementType: "float64", shape: [1] }],
      captures: [v],
    });
    g.output("loss", g.reduceSum(taken, [0]));
    expect(() => gradient(g.build(), { loss: "loss", wrt: ["x"] })).toThrow(UnsupportedOpError);
  });
});
