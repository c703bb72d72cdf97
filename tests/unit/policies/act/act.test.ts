import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NdArray, Observation } from "../../../../src/core/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import type { ColumnStatistics } from "../../../../src/episode/node.ts";
import { writeModel } from "../../../../src/onnx/index.ts";
import { freshParameters } from "../../../../src/onnx/layers/index.ts";
import {
  loadPolicy,
  readPolicyPackage,
  writePolicyPackage,
} from "../../../../src/package/index.ts";
import { openSession } from "../../../../src/session/index.ts";
import type { Batch, TrainingData } from "../../../../src/train/index.ts";
import {
  SHIPPED_ACT,
  actTrainable,
  parseActConfig,
  shippedActPackage,
} from "../../../../policies/act/index.ts";

const columns = (width: number, std = 1): ColumnStatistics => {
  const all = (value: number): Float64Array => new Float64Array(width).fill(value);
  return {
    count: 9,
    mean: all(0.5),
    std: all(std),
    min: all(-1),
    max: all(1),
    q01: all(-1),
    q99: all(1),
  };
};

/** What a small world looks like: images of 8 x 8 that are read as 4 x 4 where `small`. */
function data(small = false): TrainingData {
  const shown = { name: "front", height: 8, width: 8, channels: 3 } as const;
  const read = small ? { ...shown, height: 4, width: 4 } : shown;
  return {
    spec: {
      images: [read],
      proprio: [
        { name: "place", format: "position", dtype: "float32", shape: [3] },
        { name: "opening", format: "gripper_opening", dtype: "float32", shape: [1] },
      ],
      action: {
        components: [{ name: "move", format: "delta_position", dtype: "float32", shape: [2] }],
      },
      controlFreqHz: 20,
    },
    images: [shown],
    view: small ? { resize: { height: 4, width: 4 } } : {},
    statistics: { proprio: { place: columns(3), opening: columns(1, 0) }, action: columns(2) },
    episodes: [],
    instructions: ["lift the red cube", "Lift the CAN!"],
  };
}

const CONFIG = {
  kind: "act",
  cameras: ["front"],
  proprio: ["opening", "place"],
  horizon: 4,
  executeHorizon: 2,
  patch: 2,
  filters: 4,
  keypoints: 3,
  tokensPerCamera: 2,
  width: 8,
  heads: 2,
  hidden: 8,
  encoderLayers: 1,
  decoderLayers: 1,
};

function batch(size: number, pixels: number): Batch {
  const rng = seeded("batch");
  const floats = (shape: number[]): NdArray => ({
    dtype: "float32",
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
  });
  const mask = new Float32Array(size * 4).fill(1);
  mask[size * 4 - 1] = 0;
  return {
    images: {
      front: {
        dtype: "uint8",
        shape: [size, pixels, pixels, 3],
        data: Uint8Array.from({ length: size * pixels * pixels * 3 }, () => rng.int(256)),
      },
    },
    proprio: floats([size, 4]),
    actions: floats([size, 4, 2]),
    actionMask: { dtype: "float32", shape: [size, 4], data: mask },
    instructions: Array.from({ length: size }, (_, i) =>
      i === 0 ? "lift red cube" : "can, please",
    ),
    tasks: [],
    windows: [],
    position: { epoch: 0, index: 0 },
    next: { epoch: 0, index: size },
    waitMs: 0,
  } as unknown as Batch;
}

const parameters = freshParameters(seeded("weights"));

/** The parameters that a loss graph declares, by name. */
function parametersOf(trainable: ReturnType<typeof actTrainable>): Record<string, NdArray> {
  const { g } = trainable.lossGraph({ batchSize: 1, parameters });
  return Object.fromEntries([...g.parameters].map(([name, { constant }]) => [name, constant!]));
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "efference-act-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("actTrainable", () => {
  const trainable = actTrainable(parseActConfig(CONFIG), data());

  it("normalises proprio and actions, and marks the words of each instruction", () => {
    const { proprio, actions, words, action_mask } = trainable.feeds(batch(2, 8), seeded(0));
    const raw = batch(2, 8);
    // The opening never moves in the data: it is divided by the least deviation, not by zero.
    expect(proprio!.data[0]).toBeCloseTo((Number(raw.proprio.data[0]) - 0.5) / 0.02, 3);
    expect(proprio!.data[1]).toBeCloseTo(Number(raw.proprio.data[1]) - 0.5, 5);
    expect(actions!.data[3]).toBeCloseTo(Number(raw.actions.data[3]) - 0.5, 5);
    // Vocabulary: can, cube, lift, red, the.
    expect(Array.from(words!.data, Number)).toEqual([0, 1, 1, 1, 0, 1, 0, 0, 0, 0]);
    expect(action_mask!.data[7]).toBe(0);
  });

  it("has a loss that leaves out rows past the end, and is what the package predicts", async () => {
    const { g, objectives } = trainable.lossGraph({ batchSize: 2, parameters });
    g.output("loss", objectives["action"]!);
    await using session = await openSession(writeModel(g.build()), { device: "cpu" });
    const feeds = trainable.feeds(batch(2, 8), seeded(0));
    const loss = Number((await session.run(feeds)).outputs["loss"]!.data[0]);

    const content = trainable.toPackage(parametersOf(trainable), {});
    await using acting = await openSession(content.files["model.onnx"]!, { device: "cpu" });
    let sum = 0;
    for (const row of [0, 1]) {
      const one = (array: NdArray): NdArray => {
        const size = array.data.length / 2;
        return {
          ...array,
          shape: [1, ...array.shape.slice(1)],
          data: array.data.slice(row * size, (row + 1) * size),
        };
      };
      const { action } = (
        await acting.run({
          "image/front": one(feeds["image/front"]!),
          proprio: one(feeds["proprio"]!),
          words: one(feeds["words"]!),
        })
      ).outputs;
      const wanted = one(feeds["actions"]!).data;
      // The second window's last row does not exist.
      const rows = row === 1 ? 3 : 4;
      for (let i = 0; i < rows * 2; i++)
        sum += Math.abs(Number(action!.data[i]) - Number(wanted[i])) / 2;
    }
    expect(loss).toBeCloseTo(sum / 7, 5);
  });

  it("writes a package that can be read, says how many rows to execute and acts", async () => {
    const path = join(folder, "package");
    await writePolicyPackage(path, trainable.toPackage(parametersOf(trainable), { seed: 3 }));
    const { manifest } = await readPolicyPackage(path);
    expect(manifest.efference?.provenance).toEqual({ seed: 3 });
    const policy = await loadPolicy(path);
    expect(policy.spec).toMatchObject({ predictHorizon: 4, executeHorizon: 2 });
    expect(policy.spec.observation).toMatchObject({
      proprio: [{ name: "opening" }, { name: "place" }],
    });
    await policy.close?.();
  });

  it("names what the data lack", () => {
    const config = (changes: object): ReturnType<typeof parseActConfig> =>
      parseActConfig({ ...CONFIG, ...changes });
    expect(() => actTrainable(config({ proprio: ["speed"] }), data())).toThrow(
      /proprio "speed" is absent, must be one of place, opening/,
    );
    const side = actTrainable(config({ cameras: ["side"] }), data());
    expect(() => side.lossGraph({ batchSize: 1, parameters })).toThrow(/camera "side" is absent/);
    expect(() => parseActConfig({ ...CONFIG, widht: 3 })).toThrow(/widht/);
    expect(() => config({ executeHorizon: 5 })).toThrow(/executeHorizon is 5, must be at most 4/);
  });
});

describe("a policy trained on smaller images", () => {
  it("takes the world's images and makes them smaller as training does", async () => {
    const trainable = actTrainable(parseActConfig(CONFIG), data(true));
    const content = trainable.toPackage(parametersOf(trainable), {});
    await using acting = await openSession(content.files["model.onnx"]!, { device: "cpu" });
    expect(acting.inputs.find(({ name }) => name === "image/front")?.shape).toEqual([1, 8, 8, 3]);
    // Every square of 2 x 2 has one colour, so that both ways of looking see the same.
    const small = batch(1, 4);
    const pixels = small.images["front"]!.data;
    const large = new Uint8Array(8 * 8 * 3);
    for (let i = 0; i < large.length; i++) {
      const [y, x, c] = [Math.floor(i / 24), Math.floor(i / 3) % 8, i % 3];
      large[i] = pixels[(Math.floor(y / 2) * 4 + Math.floor(x / 2)) * 3 + c]!;
    }
    const { proprio, words } = trainable.feeds(small, seeded(0));
    const shown = { dtype: "uint8", shape: [1, 8, 8, 3], data: large } as const;
    const { outputs } = await acting.run({
      "image/front": shown,
      proprio: proprio!,
      words: words!,
    });

    const same = actTrainable(parseActConfig(CONFIG), {
      ...data(true),
      images: data(true).spec.images,
    });
    const reference = same.toPackage(parametersOf(same), {});
    await using direct = await openSession(reference.files["model.onnx"]!, { device: "cpu" });
    const expected = await direct.run({
      "image/front": small.images["front"]!,
      proprio: proprio!,
      words: words!,
    });
    expect(outputs["action"]!.data).toEqual(expected.outputs["action"]!.data);
  });

  it("refuses sizes that are no multiple", () => {
    const odd = data();
    const spec = { ...odd.spec, images: [{ ...odd.images[0]!, height: 6, width: 6 }] };
    const view = { resize: { height: 6, width: 6 } };
    const trainable = actTrainable(parseActConfig(CONFIG), { ...odd, spec, view });
    expect(() => trainable.toPackage(parametersOf(trainable), {})).toThrow(
      /must be whole multiples/,
    );
  });
});

describe("the shipped packages", () => {
  it.each(SHIPPED_ACT)(
    "%s is below 8 MB, names no place of the machine it was made on, and acts",
    async (name) => {
      const { artifacts, manifest } = await readPolicyPackage(shippedActPackage(name));
      expect(Object.keys(artifacts).sort()).toEqual(["model", "statistics"]);
      const bytes = Object.values(artifacts).map((path) => statSync(path).size);
      expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(8e6);
      expect(JSON.stringify(manifest)).not.toMatch(/"\/|\/tmp|\/root|\/home/);
      const policy = await loadPolicy(shippedActPackage(name));
      const image = (): NdArray => ({
        dtype: "uint8",
        shape: [128, 128, 3],
        data: new Uint8Array(128 * 128 * 3).fill(90),
      });
      const f32 = (values: number[]): NdArray => ({
        dtype: "float32",
        shape: [values.length],
        data: Float32Array.from(values),
      });
      const observation: Observation = {
        images: Object.fromEntries(
          (manifest.hardware?.cameras ?? []).map((camera) => [camera.name, image()]),
        ),
        proprio: {
          eef_position: f32([0, 0, 0.2]),
          eef_quat_xyzw: f32([1, 0, 0, 0]),
          gripper_opening: f32([1]),
        },
        texts: {},
        instruction: "lift the red cube",
        step: 0,
        stampNs: 0n,
      };
      await policy.reset({ task: "", instruction: "", seed: 0, spec: undefined as never });
      const { chunk } = await policy.decide(observation);
      expect([chunk.horizon, chunk.actionDim]).toEqual([16, 7]);
      expect(chunk.data.every(Number.isFinite)).toBe(true);
      await policy.close?.();
    },
  );
});
