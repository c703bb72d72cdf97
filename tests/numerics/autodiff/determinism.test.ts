/** The gradients of a network of convolutions and attention are the same bits on every run, on any threads. */
import { describe, expect, it } from "vitest";
import { grad } from "../../../src/autodiff/index.ts";
import type { NdArray } from "../../../src/core/index.ts";
import { elementCount, seeded } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import type { Value } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

const BATCH = 4;
const SIZE = 32;
const WIDTH = 32;
const rng = seeded(7);

function random(shape: readonly number[], name: string): NdArray {
  const draws = rng.split(name);
  const data = Float32Array.from({ length: elementCount(shape) }, () => draws.uniform() - 0.5);
  return { dtype: "float32", shape, data };
}

/** Two convolutions, a pooling whose windows overlap, a transformer block, the loss of a classifier. */
function network(): { model: Uint8Array; feeds: Record<string, NdArray> } {
  const g = new GraphBuilder("network");
  const parameters: Value[] = [];
  const parameter = (name: string, ...shape: number[]): Value => {
    const value = g.parameter(name, random(shape, name));
    parameters.push(value);
    return value;
  };
  const images = g.input("images", "float32", [BATCH, 3, SIZE, SIZE]);
  const labels = g.input("labels", "int64", [BATCH, 16]);
  const stem = g.conv(images, parameter("stem", 16, 3, 7, 7), {
    strides: [2, 2],
    pads: [3, 3, 3, 3],
  });
  const pooled = g.maxPool(g.relu(stem), [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] });
  const deep = g.conv(pooled, parameter("deep", WIDTH, 16, 3, 3), {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
  });
  const norm = g.groupNorm(
    deep,
    { scale: parameter("group", WIDTH), bias: parameter("shift", WIDTH) },
    { groups: 4 },
  );
  const tokens = g.transpose(g.reshape(norm, [BATCH, WIDTH, 16]), [0, 2, 1]);
  const x = g.layerNorm(tokens, parameter("scale", WIDTH), { bias: parameter("bias", WIDTH) });
  const [q, k, v] = ["q", "k", "v"].map((name) => g.matmul(x, parameter(name, WIDTH, WIDTH)));
  const attended = g.attention({ q: q!, k: k!, v: v! }, { heads: 4, causal: true });
  const scores = g.matmul(g.add(tokens, attended), parameter("head", WIDTH, 5));
  const loss = g.crossEntropy(g.transpose(scores, [0, 2, 1]), labels);
  g.output("loss", loss);
  grad(g, loss, parameters).forEach((value, i) => g.output(`d ${parameters[i]!.name}`, value));
  const data = BigInt64Array.from({ length: BATCH * 16 }, (_, i) => BigInt((i * 7) % 5));
  return {
    model: writeModel(g.build()),
    feeds: {
      images: random([BATCH, 3, SIZE, SIZE], "images"),
      labels: { dtype: "int64", shape: [BATCH, 16], data },
    },
  };
}

async function gradients(threads: number): Promise<Record<string, NdArray>> {
  const { model, feeds } = network();
  await using session = await openSession(model, { threads });
  return (await session.run(feeds)).outputs;
}

describe("gradients of a network", () => {
  it("are the same bits on every run, and on one and two threads", async () => {
    const first = await gradients(1);
    expect(Object.keys(first)).toHaveLength(11);
    for (const [name, { data }] of Object.entries(first)) {
      const moves = Array.from(data, Number).some((value) => value !== 0 && Number.isFinite(value));
      expect(moves, name).toBe(true);
    }
    for (const threads of [1, 2, 2, 2]) expect(await gradients(threads)).toEqual(first);
  });
});
