/** A package must see what training saw: frames of decisions before, words, images made smaller. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diffusionTrainable, parseDiffusionConfig } from "../../../policies/diffusion/index.ts";
import type { Observation } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { imitatedOf, needsOf } from "../../../src/imitation/index.ts";
import { writeModel } from "../../../src/onnx/index.ts";
import { storedParameters } from "../../../src/onnx/layers/index.ts";
import { loadPolicy, writePolicyPackage } from "../../../src/package/index.ts";
import { openSession } from "../../../src/session/index.ts";
import type { TrainingData } from "../../../src/train/index.ts";
import { freshOf, worldBatch, worldData } from "../../support/imitation.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "efference-observed-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const CONFIG = {
  kind: "diffusion",
  objective: "regression",
  horizon: 4,
  executeHorizon: 3,
  width: 8,
  heads: 2,
  layers: 1,
  frameLayers: 1,
  image: { kernel: 3, stride: 2, filters: [4], groupSize: 2, keypoints: 3, features: 5 },
};
const INSTRUCTIONS = ["lift the cube", "open the drawer"];

/** Observations whose images have squares of one colour, so that both ways of making them smaller agree. */
function observations(count: number, pixels: number, scale: number): Observation[] {
  const rng = seeded("observations");
  return Array.from({ length: count }, (_, step) => {
    const small = Array.from({ length: pixels * pixels * 3 }, () => rng.int(256));
    const size = pixels * scale;
    const data = new Uint8Array(size * size * 3);
    for (let i = 0; i < data.length; i++) {
      const [y, x, c] = [Math.floor(i / (3 * size)), Math.floor(i / 3) % size, i % 3];
      data[i] = small[(Math.floor(y / scale) * pixels + Math.floor(x / scale)) * 3 + c]!;
    }
    const state = Float32Array.from({ length: 3 }, () => rng.normal());
    return {
      images: { front: { dtype: "uint8", shape: [size, size, 3], data } },
      proprio: { state: { dtype: "float32", shape: [3], data: state } },
      texts: {},
      instruction: INSTRUCTIONS[0]!,
      step,
      stampNs: 0n,
    };
  });
}

describe("what a package sees", () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
  ])("is what training saw, of %i frames and images %i times as large", async (frames, scale) => {
    const config = parseDiffusionConfig({ ...CONFIG, cameras: ["front"], observeHorizon: frames });
    const pixels = 8;
    const small = worldData({ pixels, instructions: INSTRUCTIONS });
    const data: TrainingData = {
      ...small,
      images: small.images.map((image) => ({ ...image, height: 8 * scale, width: 8 * scale })),
      view: scale === 1 ? {} : { resize: { height: pixels, width: pixels } },
    };
    const trainable = diffusionTrainable(config, data);
    const needs = needsOf(imitatedOf("diffusion", config, data));
    expect(needs).toMatchObject(frames === 1 ? {} : { observeHorizon: frames, observeStride: 3 });
    const parameters = freshOf(trainable);
    const path = join(folder, `package-${frames}-${scale}`);
    await writePolicyPackage(path, trainable.toPackage(parameters, {}));
    const policy = await loadPolicy(path);
    const [seen, read] = [observations(3, pixels, scale), observations(3, pixels, 1)];
    const { g, objectives } = trainable.lossGraph({
      batchSize: 1,
      parameters: storedParameters(parameters),
    });
    g.output("loss", objectives["action"]!);
    await using session = await openSession(writeModel(g.build()));
    await policy.reset({ task: "", instruction: "", seed: 0, spec: undefined as never });
    for (let decision = 0; decision < 3; decision++) {
      const { chunk } = await policy.decide(seen[decision]!);
      // The window that training would cut there; before the beginning the first frame repeats.
      const window = Array.from(
        { length: frames },
        (_, i) => read[Math.max(0, decision - frames + 1 + i)]!,
      );
      const batch = worldBatch({
        size: 1,
        horizon: 4,
        frames,
        pixels,
        instructions: INSTRUCTIONS,
        actions: chunk.data,
        state: Float32Array.from(
          window.flatMap(({ proprio }) => [...proprio["state"]!.data].map(Number)),
        ),
      });
      const image = batch.images["front"]!;
      const pixelsOf = window.flatMap(({ images }) => [...images["front"]!.data].map(Number));
      const front = { ...image, data: Uint8Array.from(pixelsOf) };
      const feeds = trainable.feeds({ ...batch, images: { front } }, seeded(0));
      const { outputs } = await session.run(feeds);
      // What the package decided is what the training graph predicts, so that it has no error.
      expect(Number(outputs["loss"]!.data[0])).toBeLessThan(1e-10);
    }
    await policy.close?.();
  });

  it("names what the data lack", () => {
    const of = (changes: object, data = worldData()) =>
      diffusionTrainable(parseDiffusionConfig({ ...CONFIG, ...changes }), data);
    expect(() => of({ proprio: ["speed"] })).toThrow(
      /proprio "speed" is absent, must be one of state/,
    );
    const parameters = storedParameters({});
    expect(() => of({ cameras: ["side"] }).lossGraph({ batchSize: 1, parameters })).toThrow(
      /camera "side" is absent, must be an RGB camera/,
    );
    const none = worldData();
    const blind = { ...none, spec: { ...none.spec, proprio: [] } };
    expect(() => of({}, blind)).toThrow(/the data have no proprio/);
  });
});
