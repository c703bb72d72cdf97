import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import {
  attendTo,
  attendToOne,
  attendToSelf,
  attention,
  convolution1d,
  convolution2d,
  doubled1d,
  encoderBlock,
  freshParameters,
  keysAndValues,
  keysAndValuesOf,
  linear,
  residualBlock2d,
  rmsNorm,
  sinusoids,
  sinusoidsOf,
  spatialSoftmax,
  storedParameters,
} from "../../../src/onnx/layers/index.ts";
import type { KeysAndValues, LayerContext } from "../../../src/onnx/layers/index.ts";
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

describe("attention in two halves", () => {
  const widths = { name: "a", heads: 2, batch: 1 };

  it("sees no row after its own where it is causal", async () => {
    const c = context();
    const x = c.g.input("x", "float32", [3, 4]);
    const memory = keysAndValues(c, x, widths);
    const y = attendTo(c, { x, memory }, { ...widths, causal: true });
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const out = await run(c, y, f32([3, 4], numbers));
    const again = context();
    const x2 = again.g.input("x", "float32", [3, 4]);
    const memory2 = keysAndValues(again, x2, widths);
    const y2 = attendTo(again, { x: x2, memory: memory2 }, { ...widths, causal: true });
    const changed = await run(again, y2, f32([3, 4], numbers.with(8, -50)));
    expect([...changed.subarray(0, 8)]).toEqual([...out.subarray(0, 8)]);
    expect([...changed.subarray(8)]).not.toEqual([...out.subarray(8)]);
  });

  it("does not depend on the size of queries and keys, which are normalised", async () => {
    const scaledBy = async (factor: number): Promise<Float32Array> => {
      const c: LayerContext = {
        g: new GraphBuilder("test"),
        parameters: {
          get: (name, shape, start) => {
            const array = freshParameters(seeded(1)).get(name, shape, start);
            const grown = /\/[qk]\/weight$/.test(name);
            return grown
              ? f32(
                  [...shape],
                  Array.from(array.data, Number).map((v) => v * factor),
                )
              : array;
          },
        },
      };
      const x = c.g.input("x", "float32", [3, 4]);
      return run(
        c,
        attendTo(c, { x, memory: keysAndValues(c, x, widths) }, widths),
        f32([3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3]),
      );
    };
    const [one, ten] = [await scaledBy(1), await scaledBy(10)];
    one.forEach((v, i) => expect(ten[i]).toBeCloseTo(v, 4));
  });

  it("lets many chunks attend to one memory", async () => {
    const c = context();
    const x = c.g.input("x", "float32", [4, 4]);
    const memory = keysAndValues(c, c.g.slice(x, 0, { start: 0, end: 2 }), widths);
    const both = await run(
      c,
      attendTo(c, { x, memory }, { ...widths, batch: 2 }),
      f32([4, 4], [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8]),
    );
    expect([...both.subarray(0, 8)]).toEqual([...both.subarray(8)]);
    const other = context();
    const wide = other.g.input("x", "float32", [4, 4]);
    expect(() => keysAndValues(other, wide, { ...widths, heads: 3 })).toThrow(
      /3 heads share a width of 4/,
    );
  });
});

describe("projections side by side", () => {
  const [width, heads] = [16, 2];

  /** As trained: no scale is 1, and no bias 0. */
  function trained(): LayerContext["parameters"] {
    const fresh = freshParameters(seeded("weights"));
    return {
      get: (name, shape, start) => {
        if (!/\/(scale|bias)$/.test(name)) return fresh.get(name, shape, start);
        const rng = seeded(name);
        return f32(
          [...shape],
          Array.from({ length: shape[0]! }, () => 0.5 + rng.uniform()),
        );
      },
    };
  }

  /** What a network says, its gradient by `x[rows, width]`, and products with single weights in both. */
  async function said(
    joined: boolean,
    rows: number,
    network: (c: LayerContext, x: Value) => Value,
  ): Promise<{ y: Float32Array; dx: Float32Array; products: number }> {
    const g = new GraphBuilder("test");
    const x = g.input("x", "float32", [rows, width]);
    const y = network({ g, parameters: trained(), joined }, x);
    const [dx] = grad(g, g.reduceSum(g.mul(y, y), [0, 1]), [x]);
    g.output("y", y);
    g.output("dx", dx!);
    const square = [width, width].join();
    const products = g.nodes.filter(
      ({ opType, inputs }) => opType === "Gemm" && inputs[1]?.shape.join() === square,
    ).length;
    const rng = seeded("x");
    const data = Float32Array.from({ length: rows * width }, () => rng.normal());
    await using session = await openSession(writeModel(g.build()));
    const { outputs } = await session.run({ x: f32([rows, width], data) });
    const of = (name: string): Float32Array => outputs[name]!.data as Float32Array;
    return { y: of("y"), dx: of("dx"), products };
  }

  function expectClose(a: Float32Array, b: Float32Array): void {
    const most = Math.max(...b.map(Math.abs));
    expect(most).toBeGreaterThan(0);
    expect(a.length).toBe(b.length);
    a.forEach((value, i) => expect(Math.abs(value - b[i]!) / most).toBeLessThan(1e-5));
  }

  /** Two attentions in turn, to a memory made of the first rows. */
  const across =
    ({ length, batch, dropout = false }: { length: number; batch: number; dropout?: boolean }) =>
    (c: LayerContext, x: Value): Value => {
      const memory = c.g.slice(x, 0, { start: 0, end: batch * length });
      const options = { name: "cross", heads, batch };
      const all = keysAndValuesOf(c, memory, { ...options, scopes: ["a", "b"], dropout });
      let y = x;
      for (const [i, each] of all.entries()) {
        const made = c.g.scope(["a", "b"][i]!, () =>
          each.k === undefined
            ? attendToOne(c, each, { batch, length: Number(x.shape[0]) / batch })
            : attendTo(c, { x: y, memory: each }, { ...options, bias: false }),
        );
        y = c.g.add(y, made);
      }
      return y;
    };

  it.each<[string, number, (c: LayerContext, x: Value) => Value]>([
    ["to a short memory, as matrices", 6, across({ length: 2, batch: 1 })],
    ["to a memory of one, as matrices", 6, across({ length: 1, batch: 1, dropout: true })],
    ["to a memory that is too long for it", 6, across({ length: 5, batch: 1 })],
    ["to a memory for each chunk", 6, across({ length: 2, batch: 2 })],
    [
      "to themselves",
      6,
      (c, x) => attendToSelf(c, x, { name: "self", heads, batch: 2, causal: true }),
    ],
  ])("attends %s, with the same result and gradient", async (_, rows, network) => {
    const [apart, joined] = [await said(false, rows, network), await said(true, rows, network)];
    expectClose(joined.y, apart.y);
    expectClose(joined.dx, apart.dx);
    expect(joined.products).toBeLessThan(apart.products);
  });

  it.each([1, 3])("attends to one thing of %i batches without queries", async (batch) => {
    for (const joined of [false, true]) {
      // With dropout there may be less than all of it, so that shares are computed.
      const asked = await said(joined, 6, across({ length: 1, batch, dropout: true }));
      const told = await said(joined, 6, across({ length: 1, batch }));
      expectClose(told.y, asked.y);
      expectClose(told.dx, asked.dx);
    }
    const c = { g: new GraphBuilder("test"), parameters: trained() };
    across({ length: 1, batch })(c, c.g.input("x", "float32", [6, width]));
    expect([...c.g.parameters.keys()].map((name) => name.split("/")[2])).toEqual(
      ["v", "v", "out", "v", "v", "out"], // weight and bias; no bias out
    );
  });

  it("refuses a mask where the memory is matrices", () => {
    const c = { g: new GraphBuilder("test"), parameters: trained(), joined: true };
    const x = c.g.input("x", "float32", [2, width]);
    const options = { name: "cross", heads, batch: 1 };
    const [memory] = keysAndValuesOf(c, x, { ...options, scopes: ["a"] });
    expect(() =>
      attendTo(
        c,
        { x, memory: memory as KeysAndValues },
        { ...options, bias: false, causal: true },
      ),
    ).toThrow(/memory is two matrices/);
  });
});

describe("sinusoids", () => {
  it("are those of the formula, as a table and computed", async () => {
    const { data } = sinusoids({ rows: 3, width: 4 });
    expect(data[0]).toBe(0);
    expect(data[1]).toBe(1);
    // Row 2, second wavelength: 1e4 to the power of 1/2 = 100.
    expect(data[10]).toBeCloseTo(Math.sin(2 / 100), 6);
    expect(data[11]).toBeCloseTo(Math.cos(2 / 100), 6);
    const c = context();
    const x = c.g.input("x", "float32", [2]);
    const out = await run(c, sinusoidsOf(c.g, x, 4), f32([2], [0, 2]));
    const expected = [0, 0, 1, 1, Math.sin(2), Math.sin(0.02), Math.cos(2), Math.cos(0.02)];
    expected.forEach((v, i) => expect(out[i]).toBeCloseTo(v, 5));
    expect(() => sinusoids({ rows: 1, width: 3 })).toThrow(/width of 3, must be even/);
  });
});

describe("convolutions along time and residual blocks", () => {
  it("have the sizes that they say", () => {
    const c = context();
    const x = c.g.input("x", "float32", [2, 3, 8]);
    const half = convolution1d(c, x, { name: "c", filters: 5, kernel: 3, stride: 2 });
    expect(half.shape).toEqual([2, 5, 4]);
    expect(doubled1d(c, half, "d").shape).toEqual([2, 5, 8]);
    const image = c.g.input("image", "float32", [2, 3, 8, 6]);
    const block = { name: "b", filters: 8, stride: 2, groupSize: 4 };
    expect(residualBlock2d(c, image, block).shape).toEqual([2, 8, 4, 3]);
    expect(() => residualBlock2d(context(), image, { ...block, groupSize: 3 })).toThrow(
      /8 filters are in groups of 3/,
    );
  });
});

describe("a shared context", () => {
  it("uses a parameter again, and another does not", () => {
    const c = { ...context(), shared: true };
    const x = c.g.input("x", "float32", [2, 3]);
    linear(c, x, { name: "head", width: 2 });
    linear(c, x, { name: "head", width: 2 });
    expect([...c.g.parameters.keys()]).toEqual(["head/weight", "head/bias"]);
    expect(() => linear({ ...c, shared: false }, x, { name: "head", width: 2 })).toThrow(/taken/);
  });

  it("leaves scales out where they are folded", () => {
    const c = { ...context(), folded: true };
    rmsNorm(c, c.g.input("x", "float32", [2, 3]), "norm");
    expect([...c.g.parameters.keys()]).toEqual([]);
  });
});
