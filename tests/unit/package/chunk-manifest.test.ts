import { describe, expect, it } from "vitest";
import type { ChunkSpec, InputBinding } from "../../../src/package/index.ts";
import {
  chunkManifest,
  flatStatistics,
  groupStatistics,
  parseManifest,
} from "../../../src/package/index.ts";

const SPEC: ChunkSpec = {
  name: "two",
  observation: {
    images: [{ name: "front", height: 4, width: 6, channels: 1 }],
    proprio: [{ name: "joints", format: "raw", dtype: "float32", shape: [3] }],
    texts: [],
  },
  action: {
    components: [
      { name: "move", format: "raw", dtype: "float32", shape: [2, 3] },
      { name: "grip", format: "raw", dtype: "float32", shape: [1] },
    ],
  },
  predictHorizon: 5,
  privileged: false,
};
const INPUTS: InputBinding[] = [{ input: "joints", from: "proprio", components: ["joints"] }];

describe("chunkManifest()", () => {
  it("takes horizon, cameras and width of the actions from the spec", () => {
    const manifest = chunkManifest({ spec: SPEC, classPath: "a.b", inputs: INPUTS });
    expect(manifest.model).toMatchObject({
      runner: { type: "action_chunking", chunk_size: 5 },
      artifacts: { model: "model.onnx" },
      preprocessors: [],
      postprocessors: [],
    });
    expect(manifest.hardware).toEqual({
      robots: [{ name: "main", action: { shape: [7], dtype: "float32" } }],
      cameras: [{ name: "front", shape: [1, 4, 6], dtype: "uint8" }],
    });
    const bytes = new TextEncoder().encode(JSON.stringify(manifest));
    expect(parseManifest(bytes).policy).toEqual({
      name: "two",
      source: { repo_id: "", class_path: "a.b" },
    });
  });

  it("says which statistics normalise what, each in its own way", () => {
    const { model, efference } = chunkManifest({
      spec: SPEC,
      classPath: "a.b",
      model: "graph.onnx",
      normalised: { statistics: "s.safetensors", proprio: "mean_std", action: "min_max" },
      inputs: INPUTS,
      own: { provenance: { seed: 3 } },
    });
    expect(model).toMatchObject({
      artifacts: { model: "graph.onnx", statistics: "s.safetensors" },
      preprocessors: [
        { type: "normalize", mode: "mean_std", artifact: "s.safetensors", features: ["proprio"] },
      ],
      postprocessors: [
        { type: "denormalize", mode: "min_max", artifact: "s.safetensors", features: ["action"] },
      ],
    });
    expect(efference).toMatchObject({ output: "action", provenance: { seed: 3 } });
  });
});

it("groupStatistics() reads what flatStatistics() names", () => {
  const row = (value: number) => ({
    dtype: "float32" as const,
    shape: [1],
    data: Float32Array.of(value),
  });
  const features = { "a/b": { mean: row(1), std: row(2) }, c: { min: row(3) } };
  expect(Object.fromEntries(groupStatistics(flatStatistics(features)))).toEqual(features);
});
