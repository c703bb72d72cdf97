import { describe, expect, it } from "vitest";
import {
  grad,
  gradient,
  stopGradient,
  UnsupportedOpError,
  vjp,
} from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { GraphBuilder, readModel, writeModel } from "../../../src/onnx/index.ts";
import type { Model, Value } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

const f64 = (shape: number[], values: number[]): NdArray => ({
  dtype: "float64",
  shape,
  data: Float64Array.from(values),
});

async function run(
  make: (g: GraphBuilder, x: Value) => Value,
  x: NdArray,
): Promise<readonly number[]> {
  const g = new GraphBuilder("test");
  g.output("y", make(g, g.input("x", "float64", x.shape)));
  await using session = await openSession(writeModel(g.build()), { device: "cpu" });
  const { outputs } = await session.run({ x });
  return Array.from(outputs["y"]?.data ?? [], Number);
}

describe("grad", () => {
  it("differentiates a sum of squares, and its gradient again", async () => {
    const x = f64([3], [1, -2, 3]);
    const square = (g: GraphBuilder, v: Value): Value => g.reduceSum(g.mul(v, g.mul(v, v)), [0]);
    const first = await run((g, v) => grad(g, square(g, v), [v])[0]!, x);
    expect(first).toEqual([3, 12, 27]);
    const second = await run((g, v) => {
      const [dx] = grad(g, square(g, v), [v]);
      return grad(g, g.reduceSum(dx!, [0]), [v])[0]!;
    }, x);
    expect(second).toEqual([6, -12, 18]);
  });

  it("can compute slopes of activations as one, with the same gradient and its gradient", async () => {
    const shape = [3, 4];
    const numbers = Float32Array.from({ length: 12 }, (_, i) => Math.sin(3 * i));
    /** Three of one shape in turn, one of another, and one that does not depend on x. */
    const loss = (g: GraphBuilder, x: Value): Value => {
      const gelu = (v: Value): Value => g.gelu(v, "tanh");
      const fixed = gelu(g.constant({ dtype: "float32", shape, data: numbers }));
      const deep = g.mul(gelu(g.mul(gelu(gelu(x)), 2)), fixed);
      return g.reduceSum(gelu(g.reshape(deep, [4, 3])), [0, 1]);
    };
    const derived = async (
      joinSlopes: boolean,
    ): Promise<[Float32Array, Float32Array, string[]]> => {
      const g = new GraphBuilder("test");
      const x = g.input("x", "float32", shape);
      const roots = { outputs: [loss(g, x)], seeds: [g.scalar(1, "float32")], joinSlopes };
      const [dx] = vjp(g, roots, [x]);
      const [ddx] = grad(g, g.reduceSum(g.mul(dx!, dx!), [0, 1]), [x]);
      g.output("dx", dx!);
      const operators = g.nodes.map(({ opType }) => opType);
      g.output("ddx", ddx!);
      await using session = await openSession(writeModel(g.build()), { device: "cpu" });
      const { outputs } = await session.run({ x: { dtype: "float32", shape, data: numbers } });
      const of = (name: string): Float32Array => outputs[name]!.data as Float32Array;
      return [of("dx"), of("ddx"), operators];
    };
    const [dx, ddx, apart] = await derived(false);
    const [joinedDx, joinedDdx, joined] = await derived(true);
    expect(Math.max(...dx.map(Math.abs))).toBeGreaterThan(0.1);
    dx.forEach((value, i) => expect(joinedDx[i]).toBeCloseTo(value, 5));
    ddx.forEach((value, i) => expect(joinedDdx[i]).toBeCloseTo(value, 4));
    const chains = (operators: string[]): number =>
      operators.filter((operator) => operator === "Sigmoid").length;
    // Three of the four have one together.
    expect(chains(apart) - chains(joined)).toBe(2);
  });

  it("has slopes of slopes of a GELU, in closed form and as swept from a file", async () => {
    const points = Float32Array.from({ length: 97 }, (_, i) => (i - 48) / 8);
    const shape = [points.length];
    const g = new GraphBuilder("test");
    const x = g.input("x", "float32", shape);
    const derivativeOf = (value: Value): Value => grad(g, g.reduceSum(value, [0]), [x])[0]!;
    const first = derivativeOf(g.gelu(x, "tanh"));
    g.output("loss", g.reduceSum(first, [0]));
    const model = g.build();
    const before = g.nodes.length;
    const second = derivativeOf(first);
    // The chain of the first slope, swept, would be twice as many.
    expect(g.nodes.length - before).toBeLessThan(16);
    g.output("second", second);
    g.output("third", derivativeOf(second));
    const run = async (what: Model): Promise<Record<string, NdArray>> => {
      await using session = await openSession(writeModel(what), { device: "cpu" });
      return (await session.run({ x: { dtype: "float32", shape, data: points } })).outputs;
    };
    const own = await run(g.build());
    const read = await run(gradient(readModel(writeModel(model)), { loss: "loss", wrt: ["x"] }));
    // By differences of the textbook's slope in float64.
    const slope = (at: number): number => {
      const [c, a] = [Math.sqrt(2 / Math.PI), 0.044715];
      const t = Math.tanh(c * (at + a * at ** 3));
      return (1 + t) / 2 + (at / 2) * (1 - t * t) * c * (1 + 3 * a * at * at);
    };
    points.forEach((at, i) => {
      const wide = 1e-4;
      const [left, right] = [slope(at - wide), slope(at + wide)];
      const curvature = (right - left) / (2 * wide);
      expect(own["second"]!.data[i]).toBeCloseTo(curvature, 4);
      expect(read["grad/x"]!.data[i]).toBeCloseTo(curvature, 4);
      expect(own["third"]!.data[i]).toBeCloseTo((right - 2 * slope(at) + left) / wide ** 2, 3);
    });
  });

  it("gives zeros where nothing depends", async () => {
    const dx = await run((g, v) => grad(g, g.scalar(2, "float64"), [v])[0]!, f64([2], [5, 6]));
    expect(dx).toEqual([0, 0]);
  });

  it("lets nothing through stopGradient", async () => {
    const dx = await run(
      (g, v) => grad(g, g.reduceSum(g.mul(stopGradient(g, v), v), [0]), [v])[0]!,
      f64([2], [5, 6]),
    );
    expect(dx).toEqual([5, 6]);
  });

  it("takes cotangents for tensors", async () => {
    const dx = await run(
      (g, v) => {
        const seeds = [g.constant(f64([2], [10, 100]))];
        return vjp(g, { outputs: [g.mul(v, v)], seeds }, [v])[0]!;
      },
      f64([2], [1, 2]),
    );
    expect(dx).toEqual([20, 400]);
  });

  it("names operator, node and path where a rule is missing", () => {
    const g = new GraphBuilder("test");
    const x = g.input("x", "float32", [2]);
    const odd = g.one("Hardmax", [x], { outputTypes: [x] });
    const loss = g.reduceSum(g.tanh(odd), [0]);
    const failure = (() => {
      try {
        grad(g, loss, [x]);
      } catch (error) {
        return error;
      }
      return undefined;
    })();
    expect(failure).toBeInstanceOf(UnsupportedOpError);
    expect(failure).toMatchObject({
      opType: "Hardmax",
      path: ["Hardmax", "Tanh", "ReduceSum"],
    });
  });

  it("refuses what is no scalar and what is no float", () => {
    const g = new GraphBuilder("test");
    const x = g.input("x", "float32", [2]);
    expect(() => grad(g, x, [x])).toThrow(/"x": it is float32\[2\], must be a scalar/);
    const n = g.input("n", "int64", []);
    expect(() => grad(g, n, [n])).toThrow(/it is int64, must be a floating-point tensor/);
  });
});
