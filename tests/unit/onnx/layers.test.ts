import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import {
  attention,
  convolution2d,
  encoderBlock,
  freshParameters,
  linear,
  spatialSoftmax,
  storedParameters,
} from "../../../src/onnx/layers/index.ts";
import type { LayerContext } from "../../../src/onnx/layers/index.ts";
import { openSession } from "../../../src/session/index.ts";

function context(seed = 0): LayerContext {
  return { g: new GraphBuilder("test"), parameters: freshParameters(seeded(seed)) };
}

async function run(c: LayerContext, y: Value, x: NdArray): Promise<Float32Array> {
  c.g.output("y", y);
  await using session = await openSession(writeModel(c.g.build()), { device: "cpu" });
  const { outputs } = await session.run({ x });
  return outputs["y"]?.data as Float32Array;
}

const f32 = (shape: number[], data: ArrayLike<number>): NdArray => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

describe("freshParameters", () => {
  it("draws by name: other layers change nothing, seeds do", () => {
    const draw = (seed: number, first?: string): number[] => {
      const c = context(seed);
      const x = c.g.input("x", "float32", [2, 3]);
      if (first !== undefined) linear(c, x, { name: first, width: 5 });
      linear(c, x, { name: "head", width: 2 });
      return Array.from(c.g.parameters.get("head/weight")?.constant?.data ?? [], Number);
    };
    expect(draw(1)).toHaveLength(6);
    expect(draw(1, "other")).toEqual(draw(1));
    expect(draw(2)).not.toEqual(draw(1));
  });
});

describe("storedParameters", () => {
  it("refuses absent and misshapen parameters", () => {
    const store = storedParameters({ w: f32([2], [1, 2]) });
    expect(store.get("w", [2], { kind: "zeros" }).data).toEqual(Float32Array.of(1, 2));
    expect(() => store.get("v", [2], { kind: "zeros" })).toThrow(/"v" is absent, must be stored/);
    expect(() => store.get("w", [3], { kind: "zeros" })).toThrow(/"w" is \[2\], must be \[3\]/);
  });
});

describe("attention", () => {
  it("averages the memory where every key is alike", async () => {
    const c: LayerContext = {
      g: new GraphBuilder("test"),
      // Keys are zero, so that every place of the memory weighs the same; values and output pass through.
      parameters: {
        get(name, shape) {
          const n = shape[0] ?? 0;
          const identity = Float32Array.from({ length: n * n }, (_, i) =>
            i % (n + 1) === 0 ? 1 : 0,
          );
          const passes = name.endsWith("weight") && !name.includes("/k/");
          const size = shape.reduce((a, b) => a * b, 1);
          return f32([...shape], passes ? identity : new Float32Array(size));
        },
      },
    };
    const x = c.g.input("x", "float32", [1, 3, 4]);
    const y = attention(c, { queries: x, memory: x }, { name: "a", heads: 2 });
    const out = await run(c, y, f32([1, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    [5, 6, 7, 8, 5, 6, 7, 8, 5, 6, 7, 8].forEach((v, i) => expect(out[i]).toBeCloseTo(v, 5));
  });

  it("refuses heads that do not divide the width", () => {
    const c = context();
    const x = c.g.input("x", "float32", [1, 3, 4]);
    expect(() => attention(c, { queries: x, memory: x }, { name: "a", heads: 3 })).toThrow(
      /3 heads share a width of 4, must divide it/,
    );
  });

  it("does not care about the order of the memory", async () => {
    const out = async (order: number[]): Promise<Float32Array> => {
      const c = context(3);
      const x = c.g.input("x", "float32", [1, 3, 4]);
      const queries = c.g.slice(x, 1, { start: 0, end: 1 });
      const memory = c.g.gather(x, c.g.ints(order), 1);
      return run(
        c,
        attention(c, { queries, memory }, { name: "a", heads: 2 }),
        f32([1, 3, 4], [1, -2, 3, -1, 0.5, 0, 2, 1, -1, 1, 1, 2]),
      );
    };
    const [a, b] = [await out([0, 1, 2]), await out([2, 0, 1])];
    a.forEach((value, i) => expect(b[i]).toBeCloseTo(value, 5));
  });
});

describe("spatialSoftmax", () => {
  it("finds the peak of a map, x right and y down", async () => {
    const c = context();
    const x = c.g.input("x", "float32", [1, 2, 3, 5]);
    const maps = new Float32Array(30);
    maps[1 * 5 + 4] = 50;
    maps[15] = 50;
    const out = await run(c, spatialSoftmax(c, x), f32([1, 2, 3, 5], maps));
    [1, 0, -1, -1].forEach((value, i) => expect(out[i]).toBeCloseTo(value, 6));
  });
});

describe("layers", () => {
  it("have the shapes they promise and scoped parameter names", () => {
    const c = context();
    const image = c.g.input("x", "float32", [2, 3, 16, 16]);
    expect(convolution2d(c, image, { name: "c", filters: 8, kernel: 5, stride: 2 }).shape).toEqual([
      2, 8, 8, 8,
    ]);
    const tokens = c.g.input("t", "float32", [2, 5, 8]);
    const y = c.g.scope("body", () => encoderBlock(c, tokens, { name: "0", heads: 2, hidden: 16 }));
    expect(y.shape).toEqual([2, 5, 8]);
    expect([...c.g.parameters.keys()]).toContain("body/0/self/q/weight");
    expect([...c.g.parameters.keys()]).toContain("c/bias");
  });
});

describe("build", () => {
  it("can leave parameters to be fed at every run", async () => {
    const c = context();
    const x = c.g.input("x", "float32", [1, 2]);
    c.g.output("y", linear(c, x, { name: "l", width: 1 }));
    const model = c.g.build({ parameters: "fed" });
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(["x", "l/weight", "l/bias"]);
    await using session = await openSession(writeModel(model), { device: "cpu" });
    const { outputs } = await session.run({
      x: f32([1, 2], [3, 4]),
      "l/weight": f32([2, 1], [10, 100]),
      "l/bias": f32([1], [0.5]),
    });
    expect(Array.from(outputs["y"]?.data ?? [], Number)).toEqual([430.5]);
  });
});
