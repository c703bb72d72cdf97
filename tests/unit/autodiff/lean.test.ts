/** What gradient graphs do without: passes over data that only cost time. */
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/index.ts";
import { GraphBuilder } from "../../../src/onnx/index.ts";
import type { Value } from "../../../src/onnx/index.ts";

const zeros = (shape: number[]) => ({
  dtype: "float32" as const,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

/** Operators of the graph that computes the gradient of `make`'s sum, by what is asked for. */
function operators(
  make: (g: GraphBuilder, x: Value, w: Value) => Value,
  wrt: readonly ("x" | "w")[],
): string[] {
  const g = new GraphBuilder("lean");
  const x = g.input("x", "float32", ["batch", 5, 4]);
  const w = g.parameter("w", zeros([4, 4]));
  const y = make(g, x, w);
  const loss = g.reduceSum(
    y,
    y.shape.map((_, axis) => axis),
  );
  grad(
    g,
    loss,
    wrt.map((name) => (name === "x" ? x : w)),
  ).forEach((d, i) => g.output(`d${i}`, d));
  return g
    .build()
    .graph.nodes.map(({ opType }) => opType)
    .filter((op) => op !== "Identity");
}

describe("gradient graphs", () => {
  it("multiply by a weight's transpose without transposing it, and never the batches apart", () => {
    const ops = operators((g, x, w) => g.tanh(g.matmul(x, w)), ["x", "w"]);
    expect(ops).not.toContain("Transpose");
    expect(ops.filter((op) => op === "Gemm")).toHaveLength(2);
  });

  it("do not compute what nobody asks for", () => {
    const ops = operators((g, x, w) => g.tanh(g.matmul(x, w)), ["w"]);
    expect(ops.filter((op) => op === "Gemm")).toHaveLength(1);
  });

  it("do not repeat the gradient of a sum where it is multiplied anyway", () => {
    expect(operators((g, x) => g.mul(x, g.sin(x)), ["x"])).not.toContain("Expand");
    expect(operators((g, x) => g.tanh(x), ["x"])).not.toContain("Expand");
  });

  it("leave out what reaches no output", () => {
    const g = new GraphBuilder("dead");
    const x = g.input("x", "float32", [2]);
    const unused = g.exp(g.add(x, g.scalar(7)));
    g.parameter("spare", zeros([1]));
    g.output("y", g.neg(x));
    const { graph } = g.build();
    expect(unused.shape).toEqual([2]);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(["Neg", "Identity"]);
    expect(graph.initializers.map(({ name }) => name)).toEqual(["spare"]);
  });
});
