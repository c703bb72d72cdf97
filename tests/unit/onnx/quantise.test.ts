import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import type { Model, QuantisedWeight, QuantiseOptions, Tensor } from "../../../src/onnx/index.ts";
import {
  GraphBuilder,
  assertModel,
  quantise,
  readModel,
  writeModel,
} from "../../../src/onnx/index.ts";
import { hostArray, openLocalSession } from "../../../src/session/index.ts";
import { matmul, toOracle } from "../../support/oracle.ts";

function random(shape: number[], label: string, offset = 0): NdArray {
  const rng = seeded(label);
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, () => rng.normal() + offset);
  return { dtype: "float32", shape, data };
}

/** y = x @ w, with K inputs and N outputs. */
function product(K: number, N: number, offset = 0): Model {
  const g = new GraphBuilder("product");
  const w = g.parameter("w", random([K, N], "w", offset));
  g.output("y", g.matmul(g.input("x", "float32", ["rows", K]), w));
  return g.build();
}

function arrayOf(model: Model, name: string): NdArray {
  const payload = model.graph.initializers.find((tensor) => tensor.name === name)?.payload;
  if (payload?.kind !== "array") throw new Error(`there is no array ${name}`);
  return payload.array;
}

/** The matrix that the codes stand for, `[K, N]`, by the operator's definition and in float64. */
function decoded(
  model: Model,
  stem: string,
  { shape: [K, N], block: size }: QuantisedWeight,
): NdArray {
  const bits = Number(/(\d)bit$/.exec(stem)?.[1]);
  const codes = arrayOf(model, `${stem}/codes`);
  const scales = arrayOf(model, `${stem}/scales`).data;
  const zeros = model.graph.initializers.some((tensor: Tensor) => tensor.name === `${stem}/zeros`)
    ? arrayOf(model, `${stem}/zeros`)
    : undefined;
  const nibble = (bytes: NdArray, row: number, i: number): number => {
    const width = bytes.data.length / N;
    if (bits === 8) return Number(bytes.data[row * width + i]);
    return (Number(bytes.data[row * width + (i >> 1)]) >> (4 * (i & 1))) & 15;
  };
  const blocks = Math.ceil(K / size);
  const data = new Float64Array(K * N);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      const block = Math.floor(k / size);
      const zero = zeros === undefined ? 2 ** (bits - 1) : nibble(zeros, n, block);
      data[k * N + n] = (nibble(codes, n, k) - zero) * Number(scales[n * blocks + block]);
    }
  }
  return { dtype: "float64", shape: [K, N], data };
}

const norm = (values: Iterable<number>): number =>
  Math.sqrt([...values].reduce((sum, v) => sum + v * v, 0));

describe("quantise()", () => {
  it.each<[number, number, QuantiseOptions]>([
    [64, 48, { bits: 8 }],
    [64, 48, { bits: 4 }],
    [64, 48, { bits: 8, zeroPoints: true }],
    [64, 48, { bits: 4, zeroPoints: true }],
    [96, 5, { bits: 4, zeroPoints: true }],
    [40, 7, { bits: 8 }],
    [40, 7, { bits: 4 }],
    [150, 9, { bits: 8 }],
    [150, 9, { bits: 8, zeroPoints: true }],
    [150, 9, { bits: 8, block: 64 }],
    [150, 9, { bits: 4, block: 128, zeroPoints: true }],
    [20, 9, { bits: 8 }],
  ])("multiplies %i x %i by the decoded matrix, with %o", async (K, N, options) => {
    const { model, weights } = quantise(product(K, N, 0.3), options);
    assertModel(model);
    const x = random([3, K], "x");
    await using session = await openLocalSession(writeModel(model));
    const { outputs } = await session.run({ x });
    const y = hostArray(outputs, "y", "float32").data as Float32Array;
    const w = decoded(model, `w/${options.bits}bit`, weights[0]!);
    const wanted = matmul(toOracle(x), toOracle(w)).data;
    // The engine rounds x to 8 bits as well: half a step of x's largest number per factor, with random signs.
    const largest = Math.max(...toOracle(x).data.map(Math.abs));
    const bound = (largest / 127) * norm(toOracle(w).data) * Math.sqrt(3);
    expect(norm(wanted.map((v, i) => v - (y[i] ?? NaN)))).toBeLessThan(bound);
    // And the decoded matrix is the one given, to half a step.
    const given = toOracle(arrayOf(product(K, N, 0.3), "w")).data;
    const off = given.map((v, i) => Math.abs(v - Number(w.data[i])));
    const [weight] = weights;
    expect(Math.max(...off)).toBeCloseTo(weight?.maxError ?? NaN, 6);
    const steps = options.bits === 8 ? 127 : 7;
    const most = Math.max(...given.map(Math.abs));
    expect(weight?.maxError).toBeLessThanOrEqual((most / steps) * 0.5001);
  });

  it("says what it saved", () => {
    const { weights } = quantise(product(64, 48), { bits: 4 });
    expect(weights).toEqual([
      {
        name: "w",
        shape: [64, 48],
        floatBytes: 4 * 64 * 48,
        bytes: (64 * 48) / 2 + 4 * 2 * 48,
        block: 32,
        maxError: expect.any(Number) as number,
      },
    ]);
    const [zeros] = quantise(product(64, 48), { bits: 8, zeroPoints: true }).weights;
    expect(zeros?.bytes).toBe(64 * 48 + 4 * 48 + 48);
    const written = (model: Model): number => writeModel(model).byteLength;
    const { model } = quantise(product(512, 512), { bits: 8 });
    expect(written(product(512, 512)) / written(model)).toBeGreaterThan(3.8);
  });

  it("takes blocks of 128 for 8 bits where the matrix fills them", () => {
    const block = (inputs: number, options: QuantiseOptions) =>
      quantise(product(inputs, 4), options).weights.map((weight) => weight.block);
    expect([20, 64, 127, 128, 300].flatMap((inputs) => block(inputs, { bits: 8 }))).toEqual([
      32, 64, 64, 128, 128,
    ]);
    expect(block(300, { bits: 4 })).toEqual([32]);
    expect(block(300, { bits: 8, block: 32 })).toEqual([32]);
    const odd = { bits: 8, block: 48 } as unknown as QuantiseOptions;
    expect(() => block(300, odd)).toThrow("block is 48, must be 32, 64 or 128");
  });

  it("codes a block by its definition: golden values", () => {
    const g = new GraphBuilder("golden");
    const data = new Float32Array(32);
    data.set([-7, 3.4, 0.6, 7]);
    const w = g.parameter("w", { dtype: "float32", shape: [32, 1], data });
    g.output("y", g.matmul(g.input("x", "float32", [1, 32]), w));
    const { model } = quantise(g.build(), { bits: 4 });
    expect([...(arrayOf(model, "w/4bit/scales").data as Float32Array)]).toEqual([1]);
    // -7 -> 1, 3.4 -> 11, 0.6 -> 9, 7 -> 15, 0 -> 8; the lower half of a byte is the earlier one.
    const codes = [...(arrayOf(model, "w/4bit/codes").data as Uint8Array)];
    expect(codes.slice(0, 3)).toEqual([(11 << 4) | 1, (15 << 4) | 9, (8 << 4) | 8]);
  });

  it("rewrites Gemm: transposed matrices, alpha, beta and bias", async () => {
    const g = new GraphBuilder("gemm");
    const x = g.input("x", "float32", [2, 64]);
    const w = g.parameter("w", random([24, 64], "w"));
    const b = g.parameter("b", random([24], "b"));
    const attributes = {
      transB: 1,
      alpha: { kind: "float", value: 0.5 },
      beta: { kind: "float", value: -2 },
    } as const;
    const y = g.op("Gemm", [x, w, b], { attributes })[0];
    if (y !== undefined) g.output("y", y);
    const float = g.build();
    const { model } = quantise(float, { bits: 8 });
    expect(model.graph.nodes.some(({ opType }) => opType === "Gemm")).toBe(false);
    await using before = await openLocalSession(writeModel(float));
    await using after = await openLocalSession(writeModel(model));
    const feeds = { x: random([2, 64], "x") };
    const wanted = hostArray((await before.run(feeds)).outputs, "y").data as Float32Array;
    const got = hostArray((await after.run(feeds)).outputs, "y").data as Float32Array;
    const off = norm(wanted.map((v, i) => v - (got[i] ?? NaN)));
    expect(off / norm(wanted)).toBeLessThan(0.02);
  });

  it("keeps what it is told to keep, and shares what products share", () => {
    const g = new GraphBuilder("tied");
    const table = g.parameter("table", random([64, 32], "table"));
    const x = g.gather(table, g.input("ids", "int64", ["n"]));
    const head = (name: string): void => {
      const [y] = g.op("Gemm", [x, table], { attributes: { transB: 1 } });
      if (y !== undefined) g.output(name, y);
    };
    head("a");
    head("b");
    g.output("c", g.matmul(x, g.parameter("kept", random([32, 32], "kept"))));
    const { model, weights } = quantise(g.build(), { bits: 4, keep: ["kept"] });
    assertModel(model);
    expect(weights.map(({ name }) => name)).toEqual(["table"]);
    expect(model.graph.initializers.map(({ name }) => name)).toEqual([
      // The lookup still needs the table itself.
      "table",
      "kept",
      "table/4bit/codes",
      "table/4bit/scales",
    ]);
    expect(readModel(writeModel(model)).opsets["com.microsoft"]).toBe(1);
  });

  it("never errs by more than half a step, whatever the numbers", () => {
    const number = fc.float({ min: -1000, max: 1000, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 1, maxLength: 70 }),
        fc.constantFrom<4 | 8>(4, 8),
        fc.boolean(),
        (values, bits, zeroPoints) => {
          const g = new GraphBuilder("any");
          const shape = [values.length, 1];
          const w = g.parameter("w", { dtype: "float32", shape, data: Float32Array.from(values) });
          g.output("y", g.matmul(g.input("x", "float32", [1, values.length]), w));
          const { weights } = quantise(g.build(), { bits, zeroPoints });
          const largest = Math.max(...values.map(Math.abs));
          const steps = zeroPoints ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
          const step = ((zeroPoints ? 2 : 1) * largest) / steps;
          // With a zero point its own rounding comes on top.
          const bound = (zeroPoints ? 1 : 0.5) * step * 1.0001 + 1e-30;
          expect(weights[0]?.maxError).toBeLessThanOrEqual(bound);
        },
      ),
    );
  });

  it("refuses what it cannot do", () => {
    const three = { bits: 3 } as unknown as QuantiseOptions;
    expect(() => quantise(product(32, 2), three)).toThrow("bits is 3, must be 4 or 8");
    expect(() => quantise(product(32, 2), { bits: 4, keep: ["v"] })).toThrow(
      'keep has "v", must be',
    );
    expect(() => quantise(product(32, 2), { bits: 4, keep: ["w"] })).toThrow("no MatMul or Gemm");
    const { graph, ...rest } = product(32, 2);
    const payload = { kind: "external", location: "w.bin", offset: 0, length: 256 } as const;
    const initializers = graph.initializers.map((tensor) => ({ ...tensor, payload }));
    expect(() => quantise({ ...rest, graph: { ...graph, initializers } }, { bits: 4 })).toThrow(
      'weight "w" is in the file w.bin, must be in the model',
    );
  });
});
