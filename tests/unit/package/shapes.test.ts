import { mkdtemp, rm, writeFile, mkdir } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Decision, Observation, Policy, PolicySpec } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { ddim } from "../../../src/math/index.ts";
import type { LoadPolicyOptions } from "../../../src/package/index.ts";
import {
  describePackage,
  loadPolicy,
  readPolicyPackage,
  writePolicyPackage,
  writeSafetensors,
} from "../../../src/package/index.ts";
import type { Shape } from "../../support/package-shapes.ts";
import {
  DIM,
  HORIZON,
  SPEC,
  STATE_INPUT,
  floats,
  graph,
  manifestOf,
  observationOf,
  rows,
  stepInputs,
  straight,
} from "../../support/package-shapes.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "efference-shapes-"));
});
afterAll(() => rm(root, { recursive: true }));
let counter = 0;

type Files = Readonly<Record<string, Uint8Array>>;

async function write(shape: Shape, files: Files): Promise<string> {
  const folder = join(root, `pack${counter++}`);
  await writePolicyPackage(folder, { manifest: manifestOf(shape), files });
  return folder;
}

async function withPolicy<T>(
  folder: string,
  options: LoadPolicyOptions,
  act: (policy: Policy) => Promise<T>,
): Promise<T> {
  const policy = await loadPolicy(folder, options);
  try {
    await policy.reset({ seed: 1 } as never);
    return await act(policy);
  } finally {
    await policy.close?.();
  }
}

async function decide(
  shape: Shape,
  files: Files,
  given: { observation?: Observation; options?: LoadPolicyOptions } = {},
): Promise<Decision["chunk"]> {
  const { observation = observationOf([0.5, -0.25, 0.1]), options = {} } = given;
  const folder = await write(shape, files);
  return withPolicy(folder, options, async (policy) => (await policy.decide(observation)).chunk);
}

/** Both rows of the chunk are these numbers. */
const bothRows = (row: readonly number[], digits = 5) =>
  [...row, ...row].map((x) => expect.closeTo(x, digits));

const tokenizerFile = (name: string) => {
  const { kinds } = JSON.parse(
    readFileSync(new URL("tokenizer.golden.json", import.meta.url), "utf8"),
  ) as { kinds: { name: string; definition: object; cases: Record<string, unknown>[] }[] };
  const kind = kinds.find((known) => known.name === name)!;
  return { bytes: new TextEncoder().encode(JSON.stringify(kind.definition)), cases: kind.cases };
};

describe("a single graph", () => {
  it("with noise, tokens and constants: a loop unrolled inside (reflex, single_shot)", async () => {
    // action = state + number of tokens + first constant + 0 * noise; 4 columns of which 3 count.
    const model = graph((g) => {
      const noise = g.input("noise", "float32", [1, HORIZON, 4]);
      const state = g.input("state", "float32", [1, DIM]);
      const tokens = g.input("lang_tokens", "int64", [1, 16]);
      const mask = g.input("lang_masks", "bool", [1, 16]);
      const imageMask = g.input("img_mask", "bool", [1]);
      const positions = g.input("position_ids", "int64", [1, 3]);
      const counted = g.reduceSum(g.cast(mask, "float32"), [1], true);
      const first = g.cast(g.slice(tokens, 1, { start: 0, end: 1 }), "float32");
      const extra = g.sum(
        counted,
        first,
        g.reshape(g.cast(imageMask, "float32"), [1, 1]),
        g.reduceMax(g.cast(positions, "float32"), [1], true),
      );
      const padded = g.concat([g.add(state, extra), extra], 1);
      g.output("actions", g.add(rows(g, padded), g.mul(noise, 0)));
    });
    const { bytes, cases } = tokenizerFile("byte_level");
    const shape: Shape = {
      runner: { type: "single_shot", chunk_size: HORIZON },
      artifacts: { onnx: "model.onnx" },
      preprocessors: [
        {
          type: "hf_tokenizer",
          artifact: "tokenizer.json",
          max_token_len: 16,
          pad_id: 0,
          ids: "lang_tokens",
          mask: "lang_masks",
        },
      ],
      inputs: [
        STATE_INPUT,
        { input: "noise", from: "noise", shape: [HORIZON, 4] },
        { input: "task", from: "instruction" },
        { input: "img_mask", from: "constant", shape: [], value: 1 },
        { input: "position_ids", from: "constant", shape: [3], value: [0, 1, 2] },
      ],
      output: "actions",
      take: { columns: DIM },
    };
    const text = "open the top drawer of the cabinet";
    const known = cases.find((c) => c["text"] === text && c["padding"] === false)!;
    const ids = known["ids"] as number[];
    expect(ids.length).toBeLessThan(16);
    const observation = observationOf([1, 2, 3], { instruction: text });
    const chunk = await decide(
      shape,
      { "model.onnx": model, "tokenizer.json": bytes },
      { observation },
    );
    const extra = ids.length + ids[0]! + 1 + 2;
    expect([...chunk.data]).toEqual(bothRows([1 + extra, 2 + extra, 3 + extra]));
  });

  it("with images in a frame and a prompt: physicalai's pi05", async () => {
    // action = [mean of images, sum of masks, number of tokens] + 0 * state.
    const model = graph((g) => {
      const images = g.input("images", "float32", [2, 1, 3, 4, 4]);
      const masks = g.input("image_masks", "bool", [2, 1]);
      g.input("tokenized_prompt", "int64", [1, 200]);
      const mask = g.input("tokenized_prompt_mask", "bool", [1, 200]);
      const counted = g.reshape(g.reduceSum(g.cast(mask, "float32"), [0, 1]), [1, 1]);
      const seen = g.reshape(g.reduceSum(g.cast(masks, "float32"), [0, 1]), [1, 1]);
      const light = g.reshape(g.reduceMean(images, [0, 1, 2, 3, 4]), [1, 1]);
      g.output("action", rows(g, g.concat([light, seen, counted], 1)));
    });
    const { bytes, cases } = tokenizerFile("pieces");
    // 12, 128 and 255 of 256 bins from -1 to 1.
    const state = [-1 + 12.5 / 128, 0, 5];
    const text = "Task: press the button, State: 12 128 255;\nAction: ";
    const known = cases.find((c) => c["text"] === text && c["padding"] === false)!;
    const shape: Shape = {
      artifacts: { model: "model.onnx" },
      preprocessors: [
        { type: "pi05", image_resolution: [4, 4], empty_cameras: 1 },
        { type: "hf_tokenizer", artifact: "tokenizer.json", max_token_len: 200, pad_id: 0 },
      ],
      inputs: [
        STATE_INPUT,
        { input: "images.front", from: "image", camera: "front", layout: "chw" },
        { input: "task", from: "instruction" },
      ],
    };
    const observation = observationOf(state, { instruction: " press the_button\n" });
    const chunk = await decide(
      shape,
      { "model.onnx": model, "tokenizer.json": bytes },
      { observation },
    );
    // A white 2 x 4 image in a 4 x 4 frame: half +1, half -1; the empty camera is all -1.
    expect([...chunk.data]).toEqual(bothRows([-0.5, 1, (known["ids"] as number[]).length]));
  });

  it("with cameras in order: physicalai's smolvla_resize and new_line", async () => {
    const model = graph((g) => {
      const images = g.input("images", "float32", [3, 1, 3, 4, 4]);
      const means = g.reshape(g.reduceMean(images, [1, 2, 3, 4]), [1, 3]);
      g.output("action", rows(g, means));
    });
    const { bytes } = tokenizerFile("pieces");
    const shape: Shape = {
      artifacts: { model: "model.onnx" },
      preprocessors: [
        {
          class_path: "physicalai.inference.preprocessors.ResizeSmolVLA",
          init_args: {
            image_resolution: [4, 4],
            image_key_reorder_map: { "images.front": 2, wrist: 0 },
            num_cameras: 3,
          },
        },
        { type: "new_line" },
        { type: "tokenize", artifact: "tokenizer.json", max_length: 8, padding: false },
      ],
      inputs: [
        { input: "images.front", from: "image", camera: "front", layout: "hwc" },
        { input: "images.wrist", from: "constant", shape: [3, 4, 4], value: 0.75 },
        { input: "task", from: "instruction" },
      ],
    };
    const files = { "model.onnx": model, "tokenizer.json": bytes };
    expect([...(await decide(shape, files)).data]).toEqual(bothRows([0.5, -1, 0]));
  });

  it("whose statistics are LeRobot's: names with dots, images by channel", async () => {
    const model = graph((g) => {
      const state = g.input("observation.state", "float32", [1, DIM]);
      const image = g.input("observation.images.front", "float32", [1, 3, 2, 4]);
      g.output("action", rows(g, g.add(state, g.reduceMean(image, [2, 3]))));
    });
    const statistics = writeSafetensors({
      "observation.state.mean": floats([DIM], [1, 2, 3]),
      "observation.state.std": floats([DIM], [2, 2, 2]),
      "observation.images.front.mean": floats([3, 1, 1], [0.5, 0.25, 0]),
      "observation.images.front.std": floats([3, 1, 1], [0.5, 0.25, 0.1]),
      "action.mean": floats([DIM], [10, 20, 30]),
      "action.std": floats([DIM], [2, 2, 2]),
    });
    const artifact = "stats.safetensors";
    const features = ["observation.state", "observation.images.front"];
    const shape: Shape = {
      runner: { type: "action_chunking", chunk_size: HORIZON, n_action_steps: 1, action_dim: DIM },
      artifacts: { model: "model.onnx" },
      preprocessors: [
        { type: "relative_actions", enabled: false },
        { type: "normalize", mode: "standard", artifact, features },
      ],
      postprocessors: [
        { type: "denormalize", mode: "mean_std", artifact, features: ["action"] },
        { type: "absolute_actions", enabled: false },
      ],
      inputs: [
        { ...STATE_INPUT, input: "observation.state" },
        { input: "observation.images.front", from: "image", camera: "front", layout: "chw" },
      ],
    };
    const observation = observationOf([1, 2, 3]);
    const chunk = await decide(
      shape,
      { "model.onnx": model, [artifact]: statistics },
      { observation },
    );
    // White is 1: (1 - mean) / std of the channels is 1, 3 and 10; times 2 plus the action's mean.
    expect([...chunk.data]).toEqual(bothRows([12, 26, 50], 3));
  });

  describe("whose actions are relative to the state (LeRobot)", () => {
    const artifact = "stats.safetensors";
    const statistics = writeSafetensors({
      "observation.state.mean": floats([DIM], [1, 2, 3]),
      "observation.state.std": floats([DIM], [2, 2, 2]),
      "action.mean": floats([DIM], [0.1, 0.2, 0.3]),
      "action.std": floats([DIM], [0.5, 0.5, 0.5]),
    });
    const relative = {
      type: "relative_actions",
      enabled: true,
      exclude_joints: ["Gripper"],
      action_names: ["shoulder", "elbow", "left_gripper.pos"],
    };
    const normalize = { type: "normalize", mode: "standard", artifact };
    const denormalize = { type: "denormalize", mode: "mean_std", artifact, features: ["action"] };
    const absolute = { type: "absolute_actions", enabled: true };
    /** Gives the state as it comes in, twice. */
    const repeated = (name = "observation.state") =>
      graph((g) => g.output("action", rows(g, g.input(name, "float32", [1, DIM]))));
    const shapeOf = (change: Partial<Shape> = {}): Shape => ({
      artifacts: { model: "model.onnx" },
      preprocessors: [relative, { ...normalize, features: ["observation.state"] }],
      postprocessors: [denormalize, absolute],
      inputs: [{ ...STATE_INPUT, input: "observation.state" }],
      ...change,
    });
    const observation = observationOf([1, 4, 7]);
    const files = { "model.onnx": repeated(), [artifact]: statistics };

    it("adds the state as it was before it was normalised, but to what is excluded", async () => {
      const chunk = await decide(shapeOf(), files, { observation });
      // (state - mean) / std is 0, 1 and 2; times 0.5 plus the action's mean is what is added to the first two.
      expect([...chunk.data]).toEqual(bothRows([1 + 0.1, 4 + 0.7, 1.3]));
    });

    it("adds all of the state where nothing is excluded, or there are no names to exclude by", async () => {
      for (const other of [{ exclude_joints: [] }, { action_names: null }]) {
        const preprocessors = [{ ...relative, ...other }, normalize];
        const chunk = await decide(shapeOf({ preprocessors }), files, { observation });
        expect([...chunk.data]).toEqual(bothRows([1.1, 4.7, 8.3]));
      }
    });

    it("adds the state as it was before it was padded", async () => {
      const model = graph((g) => {
        const state = g.input("observation.state", "float32", [1, 5]);
        g.output("action", rows(g, g.slice(state, 1, { start: 0, end: DIM })));
      });
      const preprocessors = [relative, { type: "pi05_prepare_state", max_state_dim: 5 }];
      const shape = shapeOf({ preprocessors, postprocessors: [absolute] });
      const chunk = await decide(shape, { "model.onnx": model }, { observation });
      expect([...chunk.data]).toEqual(bothRows([2, 8, 7]));
    });

    it("reads a state that is called as physicalai calls it", async () => {
      const shape = shapeOf({
        ...{ preprocessors: [relative], postprocessors: [absolute] },
        inputs: [STATE_INPUT],
      });
      const chunk = await decide(shape, { "model.onnx": repeated("state") }, { observation });
      expect([...chunk.data]).toEqual(bothRows([2, 8, 7]));
      const odd = shapeOf({
        ...{ preprocessors: [relative], postprocessors: [absolute] },
        inputs: [{ ...STATE_INPUT, input: "joints" }],
      });
      await expect(decide(odd, { "model.onnx": repeated("joints") })).rejects.toThrow(
        /the step "relative_actions" reads "observation.state", which is absent/,
      );
    });

    it("does not hold statistics of differences against the bounds of places", async () => {
      const bounds = { low: [3], high: [9] };
      const component = { name: "delta", format: "raw", dtype: "float32", shape: [DIM] } as const;
      const spec: PolicySpec = { ...SPEC, action: { components: [{ ...component, ...bounds }] } };
      const { inputs } = shapeOf();
      const options = { binding: { spec, inputs, output: "action" } };
      await decide(shapeOf(), files, { observation, options });
      const plain = shapeOf({ preprocessors: [normalize], postprocessors: [denormalize] });
      await expect(decide(plain, files, { observation, options })).rejects.toThrow(
        /its statistics put entry 0 .* must reach the bounds of its spec, 3 to 9/,
      );
    });

    it("adds the newest of several states", async () => {
      const model = graph((g) => {
        const states = g.input("observation.state", "float32", [1, 2, DIM]);
        g.output("action", g.mul(states, 0));
      });
      const folder = await write(
        shapeOf({ observeHorizon: 2, preprocessors: [relative], postprocessors: [absolute] }),
        { "model.onnx": model },
      );
      await withPolicy(folder, {}, async (policy) => {
        await policy.decide(observationOf([1, 2, 3], { step: 0 }));
        const { chunk } = await policy.decide(observationOf([4, 5, 6], { step: 1 }));
        expect([...chunk.data]).toEqual(bothRows([4, 5, 0]));
      });
    });

    it("says which entry has no state to be told from", async () => {
      const model = graph((g) => {
        const state = g.input("observation.state", "float32", [1, DIM]);
        g.output("action", rows(g, g.concat([state, state], 1)));
      });
      const shape = shapeOf({ preprocessors: [{ ...relative, exclude_joints: [] }] });
      const wide = { ...shape, postprocessors: [absolute] };
      const folder = await write(wide, { "model.onnx": model });
      const spec: PolicySpec = {
        ...SPEC,
        action: { components: [{ name: "delta", format: "raw", dtype: "float32", shape: [6] }] },
      };
      const binding = { spec, inputs: shape.inputs, output: "action" };
      await withPolicy(folder, { binding }, async (policy) => {
        await expect(policy.decide(observation)).rejects.toThrow(
          /entry 5 of the action is told from the state, which has 3 numbers, must have at least 6/,
        );
      });
    });

    it("refuses statistics that are applied to places", async () => {
      const shape = shapeOf({ postprocessors: [absolute, denormalize] });
      await expect(decide(shape, files, { observation })).rejects.toThrow(
        /model\.postprocessors\.1: it denormalises after model\.postprocessors\.0 has added the state/,
      );
    });
  });

  it("that gives more rows than are used", async () => {
    const model = graph((g) => {
      const state = g.unsqueeze(g.input("state", "float32", [1, DIM]), [1]);
      g.output("action", g.concat([state, g.mul(state, 2), g.mul(state, 3)], 1));
    });
    const shape: Shape = {
      artifacts: { model: "model.onnx" },
      postprocessors: [{ type: "action_chunk_trimmer", n_action_steps: HORIZON }],
      inputs: [STATE_INPUT],
    };
    const chunk = await decide(
      shape,
      { "model.onnx": model },
      { observation: observationOf([1, 2, 3]) },
    );
    expect([...chunk.data]).toEqual([1, 2, 3, 2, 4, 6]);
  });
});

describe("two graphs in a row", () => {
  it("hand values over by name (two_stage)", async () => {
    const first = graph((g) => {
      const state = g.input("state", "float32", [1, DIM]);
      g.output("hidden", g.mul(state, 2));
      g.output("unused", g.add(state, 1));
    });
    const second = graph((g) => {
      g.output("action", rows(g, g.add(g.input("hidden", "float32", [1, DIM]), 1)));
    });
    const shape: Shape = {
      runner: { type: "two_stage", backend: "onnx", artifact: "second.onnx" },
      artifacts: { model: "first.onnx" },
      inputs: [STATE_INPUT],
    };
    const chunk = await decide(shape, { "first.onnx": first, "second.onnx": second });
    expect([...chunk.data]).toEqual(bothRows([2, 0.5, 1.2]));
  });
});

/** A step whose velocity leads straight to the state, told to it or encoded. */
const flowStep = (name = "state") =>
  graph((g) => {
    const { x, t } = stepInputs(g);
    const data = rows(g, g.input(name, "float32", [1, DIM]));
    g.output("v_t", straight(g, x, { data, t }));
  });
const flowRunner = {
  type: "iterative",
  scheduler: "euler",
  timestep_range: [1, 0],
  num_inference_steps: 5,
  action_dim: DIM,
  horizon: HORIZON,
};

describe("a loop of flow matching", () => {
  const shape: Shape = {
    runner: flowRunner,
    artifacts: { model: "model.onnx" },
    inputs: [STATE_INPUT],
  };

  it("reaches the data whatever the noise, in as many steps as asked for", async () => {
    for (const steps of [undefined, 1, 13]) {
      const options = steps === undefined ? {} : { steps };
      const chunk = await decide(shape, { "model.onnx": flowStep() }, { options });
      expect([...chunk.data]).toEqual(bothRows([0.5, -0.25, 0.1]));
    }
  });

  it("starts from the noise of the episode's generator and takes Euler's steps", async () => {
    const still = graph((g) => {
      const { x, t } = stepInputs(g);
      const state = g.input("state", "float32", [1, DIM]);
      g.output("velocity", g.add(g.add(x, g.mul(t, 0)), g.mul(rows(g, state), 0)));
    });
    const chunk = await decide(
      shape,
      { "model.onnx": still },
      { options: { rng: seeded("given") } },
    );
    const rng = seeded("given").split(1);
    // dx/dt = x from t = 1 to 0 in five steps: x (1 - 1/5)^5.
    const noise = Array.from({ length: HORIZON * DIM }, () => rng.normal());
    expect([...chunk.data]).toEqual(noise.map((x) => expect.closeTo(x * 0.8 ** 5, 5)));
  });

  it("with noise at time 0 and integer buckets: GR00T's four steps", async () => {
    const model = graph((g) => {
      const { x, t } = stepInputs(g, { sample: "noisy_actions", dtype: "int64" });
      const positions = g.cast(g.input("position_ids", "int64", [1, HORIZON]), "float32");
      const state = rows(g, g.input("state", "float32", [1, DIM]));
      const data = g.add(state, g.unsqueeze(positions, [2]));
      const left = g.sub(1, g.div(t, 1000));
      g.output("velocity", g.div(g.sub(data, x), left));
    });
    const chunk = await decide(
      {
        runner: {
          ...flowRunner,
          num_inference_steps: 4,
          timestep_range: [0, 1],
          num_timestep_buckets: 1000,
        },
        artifacts: { model: "expert_stack.onnx" },
        inputs: [
          STATE_INPUT,
          { input: "position_ids", from: "constant", shape: [HORIZON], value: [0, 1] },
        ],
      },
      { "expert_stack.onnx": model },
    );
    const row = [0.5, -0.25, 0.1];
    expect([...chunk.data]).toEqual(
      [...row, ...row.map((x) => x + 1)].map((x) => expect.closeTo(x, 5)),
    );
  });

  it("inside action_chunking, by class and with names of its own, a scalar time", async () => {
    const model = graph((g) => {
      const { x, t } = stepInputs(g, { sample: "latent", time: "tau", scalar: true });
      const data = rows(g, g.input("state", "float32", [1, DIM]));
      g.output("v", straight(g, x, { data, t }));
      g.output("also", x);
    });
    const chunk = await decide(
      {
        runner: {
          class_path: "physicalai.inference.runners.ActionChunking",
          init_args: {
            chunk_size: HORIZON,
            runner: {
              type: "iterative",
              action_dim: DIM,
              sample_input: "latent",
              timestep_input: "tau",
              prediction_output: "v",
            },
          },
        },
        artifacts: { model: "model.onnx" },
        inputs: [STATE_INPUT],
      },
      { "model.onnx": model },
    );
    expect([...chunk.data]).toEqual(bothRows([0.5, -0.25, 0.1]));
  });
});

describe("a loop of diffusion behind an encoder", () => {
  const T = 20;
  const { alphasCumprod } = ddim({ trainTimesteps: T, betaSchedule: "squaredcos_cap_v2" });
  const encoder = graph((g) => {
    g.output("cond", g.mul(g.input("state", "float32", [1, DIM]), 0.5));
  });
  /** Tells the noise (or v, or the sample) of a sample whose clean form is the condition. */
  const denoise = (kind: string) =>
    graph((g) => {
      const { x, told } = stepInputs(g, { sample: "sample", dtype: "int64" });
      const table = g.constant(floats([T], [...alphasCumprod]));
      const alpha = g.reshape(g.gather(table, told), [1, 1, 1]);
      const [signal, noisy] = [g.sqrt(alpha), g.sqrt(g.sub(1, alpha))];
      const data = rows(g, g.input("cond", "float32", [1, DIM]));
      const epsilon = g.div(g.sub(x, g.mul(signal, data)), noisy);
      const v = g.sub(g.mul(signal, epsilon), g.mul(noisy, data));
      const told2 = { epsilon, v_prediction: v }[kind] ?? g.add(data, g.mul(x, 0));
      g.output("model_output", told2);
    });

  it.each([
    ["ddim", "epsilon", "leading"],
    ["DDIM", "v_prediction", "trailing"],
    ["ddpm", "epsilon", "leading"],
    ["ddpm", "sample", "trailing"],
    ["DDPM", "v_prediction", "leading"],
  ])("reaches the clean sample: %s told %s, %s", async (scheduler, kind, spacing) => {
    const shape: Shape = {
      runner: {
        type: "iterative",
        scheduler,
        prediction_type: kind,
        timestep_spacing: spacing,
        num_train_timesteps: T,
        beta_schedule: "squaredcos_cap_v2",
        num_inference_steps: 10,
        timestep_range: [T - 1, 0],
        action_dim: DIM,
        horizon: HORIZON,
      },
      artifacts: { encoder: "encoder.onnx", denoise: "denoise.onnx" },
      inputs: [STATE_INPUT],
    };
    const files = { "encoder.onnx": encoder, "denoise.onnx": denoise(kind) };
    const chunk = await decide(shape, files);
    expect([...chunk.data]).toEqual(bothRows([0.25, -0.125, 0.05], 3));
  });

  it("clips to what the manifest says, and back to physical units after it", async () => {
    const statistics = writeSafetensors({
      "action/min": floats([DIM], [0, 0, 0]),
      "action/max": floats([DIM], [10, 10, 10]),
    });
    const shape: Shape = {
      runner: {
        type: "iterative",
        scheduler: "ddim",
        prediction_type: "sample",
        num_train_timesteps: T,
        num_inference_steps: 5,
        clip_sample_range: 0.1,
        action_dim: DIM,
        horizon: HORIZON,
      },
      artifacts: { encoder: "encoder.onnx", denoise: "denoise.onnx" },
      postprocessors: [{ type: "denormalize", artifact: "stats.safetensors", mode: "min_max" }],
      inputs: [STATE_INPUT],
    };
    const chunk = await decide(shape, {
      "encoder.onnx": encoder,
      "denoise.onnx": denoise("sample"),
      "stats.safetensors": statistics,
    });
    // Conditions 0.25, -0.125 and 0.05 clipped to 0.1 in [-1, 1], which is [0, 10].
    expect([...chunk.data]).toEqual(bothRows([5.5, 4.5, 5.25], 4));
  });
});

describe("a cached prefix and a step (kv_cache, as SmolVLA and pi0.5 are exported)", () => {
  const WIDE = 5;
  const encoder = graph((g) => {
    const image = g.input("image_0", "float32", [1, 3, 2, 4]);
    const imageMask = g.input("img_mask_0", "float32", [1]);
    const tokens = g.input("observation.language.tokens", "int64", [1, 16]);
    const mask = g.input("observation.language.attention_mask", "bool", [1, 16]);
    const light = g.reshape(g.mul(g.reduceMean(image, [0, 1, 2, 3]), imageMask), [1, 1, 1]);
    const counted = g.reduceSum(g.cast(mask, "float32"), [1], true);
    g.output("prefix_pad_mask", mask);
    g.output("past_key_0", g.unsqueeze(g.add(counted, 0), [2]));
    g.output("past_value_0", light);
    g.output("token_sum", g.reduceSum(g.cast(tokens, "float32"), [1], true));
  });
  const step = graph((g) => {
    const { x, t } = stepInputs(g, { dim: WIDE });
    const mask = g.input("prefix_pad_mask", "bool", [1, 16]);
    const key = g.input("past_key_0", "float32", [1, 1, 1]);
    const value = g.input("past_value_0", "float32", [1, 1, 1]);
    const state = g.input("state", "float32", [1, WIDE]);
    const counted = g.reshape(g.reduceSum(g.cast(mask, "float32"), [1], true), [1, 1, 1]);
    const past = g.sum(key, value, g.neg(counted));
    g.output("v_t", straight(g, x, { data: g.add(rows(g, state), past), t }));
  });
  const { bytes } = tokenizerFile("pieces");
  const shape: Shape = {
    runner: {
      type: "kv_cache",
      scheduler: "euler",
      num_inference_steps: 3,
      action_dim: WIDE,
      chunk_size: HORIZON,
      n_action_steps: HORIZON,
      num_layers: 1,
      num_kv_heads: 1,
      head_dim: 1,
      state_dim: WIDE,
      input_mapping: {
        "observation.state": "state",
        "observation.images.front": "image_0",
      },
    },
    artifacts: { encoder: "encoder.onnx", denoise: "denoise.onnx" },
    preprocessors: [
      { type: "pi05_prepare_state", max_state_dim: 4 },
      { type: "tokenize", artifact: "tokenizer", max_length: 16, padding: "max_length" },
    ],
    inputs: [
      { ...STATE_INPUT, input: "observation.state" },
      { input: "observation.images.front", from: "image", camera: "front", layout: "chw" },
      { input: "task", from: "instruction" },
    ],
    take: { columns: DIM },
  };
  const files = {
    "encoder.onnx": encoder,
    "denoise.onnx": step,
    "tokenizer/tokenizer.json": bytes,
    "tokenizer/tokenizer_config.json": new TextEncoder().encode('{"pad_token":"<pad>"}'),
  };

  it("runs the prefix once, names bound, state padded, masks made, columns taken", async () => {
    const chunk = await decide(shape, files);
    // Tokens cancel; the white image adds 1 to every entry of the padded state.
    expect([...chunk.data]).toEqual(bothRows([1.5, 0.75, 1.1], 4));
  });

  it("is described by what runs and what its graphs take and give", async () => {
    const description = await describePackage(await readPolicyPackage(await write(shape, files)));
    expect(description).toMatchObject({
      runnable: true,
      runner: "the encoder once, then 3 euler steps on float32[1, 2, 5]",
      preprocessors: ["pi05_prepare_state", "tokenize"],
      graphs: [
        { role: "encoder", path: "encoder.onnx" },
        { role: "step", outputs: ["v_t float32[1, 2, 5]"] },
      ],
    });
    expect(description.graphs[1]?.inputs).toContain("past_key_0 float32[1, 1, 1]");
  });
});

describe("several observations at a time", () => {
  // action = newest state - oldest state, for a graph that sees two steps.
  const model = graph((g) => {
    const states = g.input("state", "float32", [1, 2, DIM]);
    const image = g.input("image", "uint8", [1, 2, 2, 4, 3]);
    const at = (i: number) => g.slice(states, 1, { start: i, end: i + 1 });
    const difference = g.sub(at(1), at(0));
    const none = g.mul(
      g.reshape(g.reduceMean(g.cast(image, "float32"), [0, 1, 2, 3, 4]), [1, 1, 1]),
      0,
    );
    g.output("action", g.add(g.concat([difference, difference], 1), none));
  });
  const shape: Shape = {
    observeHorizon: 2,
    artifacts: { model: "model.onnx" },
    inputs: [STATE_INPUT, { input: "image", from: "image", camera: "front", layout: "hwc" }],
  };

  it("are the last ones, the first of an episode repeated; gaps are refused", async () => {
    const folder = await write(shape, { "model.onnx": model });
    await withPolicy(folder, {}, async (policy) => {
      // So that whoever executes chunks asks at every step.
      expect(policy.spec.executeHorizon).toBe(1);
      const at = async (step: number, position: number[]) =>
        [...(await policy.decide(observationOf(position, { step }))).chunk.data].slice(0, DIM);
      expect(await at(0, [1, 1, 1])).toEqual([0, 0, 0]);
      expect(await at(1, [2, 3, 4])).toEqual([1, 2, 3]);
      expect(await at(2, [2, 3, 5])).toEqual([0, 0, 1]);
      await expect(at(8, [0, 0, 0])).rejects.toThrow(
        /before step 8 is of step 2, must be of step 7.*executeHorizon 1/,
      );
      await policy.reset({ seed: 2 } as never);
      expect(await at(0, [7, 7, 7])).toEqual([0, 0, 0]);
    });
  });

  it("may not be those of a policy that is asked less often", async () => {
    const folder = await write(shape, { "model.onnx": model });
    const spec = { ...SPEC, executeHorizon: 2 };
    const binding = { spec, inputs: shape.inputs, output: "action" };
    await expect(loadPolicy(folder, { binding })).rejects.toThrow(
      "executeHorizon 2 and its model n_obs_steps 2, must have executeHorizon 1",
    );
  });
});

describe("a legacy package (metadata.yaml)", () => {
  const model = graph((g) => {
    g.output("action", rows(g, g.input("state", "float32", [1, DIM])));
  });
  const legacy = async (name: string, text: string, graphs = ["act.onnx"]): Promise<string> => {
    const folder = join(root, `legacy${counter++}`);
    await mkdir(folder);
    await writeFile(join(folder, name), text);
    for (const file of graphs) await writeFile(join(folder, file), model);
    return folder;
  };
  const TEXT =
    "policy_class: physicalai.policies.act.policy.ACT\nbackend: onnx\nchunk_size: 2\nuse_action_queue: true\ncolour: red\n";
  const binding = { spec: SPEC, inputs: [STATE_INPUT], output: "action" };

  it("is the same manifest in memory, and runs", async () => {
    const folder = await legacy("metadata.yaml", TEXT);
    const { manifest } = await readPolicyPackage(folder);
    expect(manifest).toMatchObject({
      policy: { name: "act", source: { class_path: "physicalai.policies.act.policy.ACT" } },
      model: {
        runner: { type: "action_chunking", chunk_size: 2 },
        artifacts: { model: "act.onnx" },
      },
      metadata: { legacy: { colour: "red", use_action_queue: true } },
    });
    const chunk = await withPolicy(folder, { binding }, async (policy) => {
      return (await policy.decide(observationOf([1, 2, 3]))).chunk;
    });
    expect([...chunk.data]).toEqual([1, 2, 3, 1, 2, 3]);
    await expect(loadPolicy(folder)).rejects.toThrow('no "efference" section');
  });

  it("may be JSON, and is one pass without a queue", async () => {
    const folder = await legacy("metadata.json", '{"policy_class":"a.B","backend":"onnx"}');
    const { manifest } = await readPolicyPackage(folder);
    expect(manifest.model.runner).toEqual({ type: "single_pass" });
    expect(manifest.policy.name).toBe("b");
  });

  it.each<[string, string, RegExp]>([
    ["another backend", "backend: openvino", /backend: must be onnx.*it is "openvino"/],
    ["a size that is none", "backend: onnx\nchunk_size: many", /chunk_size: .*it is "many"/],
    ["a queue that is a word", "backend: onnx\nuse_action_queue: maybe", /use_action_queue: /],
    ["a list", "- onnx", /expected object/],
    ["broken YAML", "backend: [onnx", /it is no YAML/],
    ["an object of Python", "backend: !!python/object:os.system onnx", /it is no YAML/],
    ["aliases", "a: &a [1]\nb: *a\nbackend: onnx", /it is no YAML/],
  ])("is refused with %s", async (_, text, message) => {
    const folder = await legacy("metadata.yaml", text);
    await expect(readPolicyPackage(folder)).rejects.toThrow(SyntaxError);
    await expect(readPolicyPackage(folder)).rejects.toThrow(message);
  });

  it("needs exactly one model", async () => {
    const none = await legacy("metadata.yaml", TEXT, []);
    await expect(readPolicyPackage(none)).rejects.toThrow("no .onnx file, must be one");
    const two = await legacy("metadata.yaml", TEXT, ["a.onnx", "b.onnx"]);
    await expect(readPolicyPackage(two)).rejects.toThrow("a.onnx, b.onnx, must be one");
  });
});

describe("loadPolicy() refuses", () => {
  const plain: Shape = {
    runner: flowRunner,
    artifacts: { model: "model.onnx" },
    inputs: [STATE_INPUT],
  };
  const change = (runner: object, more: Partial<Shape> = {}): Shape => ({
    ...plain,
    ...more,
    runner: { ...flowRunner, ...runner },
  });
  it.each<[string, Shape, RegExp]>([
    [
      "a scheduler it does not have",
      change({ scheduler: "heun" }),
      /model\.runner\.scheduler: .*it is "heun"/,
    ],
    ["no width", change({ action_dim: undefined }), /model\.runner\.action_dim: .*it is absent/],
    [
      "no length",
      change({ horizon: undefined }),
      /model\.runner\.chunk_size: it is absent, must be/,
    ],
    ["half a step", change({ num_inference_steps: 2.5 }), /num_inference_steps: .*it is 2\.5/],
    [
      "more steps than trained",
      change({ scheduler: "ddim", num_train_timesteps: 4 }),
      /num_inference_steps: it is 5, must be at most 4/,
    ],
    [
      "a path in time that is none",
      change({ timestep_range: [1, 0.5] }),
      /timestep_range: it is \[1, 0\.5\], must be \[1, 0\] or/,
    ],
    [
      "betas of another kind",
      change({ scheduler: "ddpm", beta_schedule: "sigmoid" }),
      /beta_schedule: .*it is "sigmoid"/,
    ],
    ["a beta of 2", change({ scheduler: "ddpm", beta_end: 2 }), /beta_end: .*it is 2/],
    [
      "too few alphas",
      change({ scheduler: "ddpm", alphas_cumprod: [0.5] }),
      /alphasCumprod is 1 numbers, must be 1000/,
    ],
    [
      "dynamic thresholds",
      change({ scheduler: "ddpm", thresholding: true }),
      /thresholding: must be false/,
    ],
    [
      "spacing of Euler's in diffusion",
      change({ scheduler: "ddpm", timestep_spacing: "linear" }),
      /timestep_spacing: it is linear, must be/,
    ],
    ["a mapping of numbers", change({ input_mapping: { a: 1 } }), /input_mapping\.a: .*it is 1/],
    [
      "an encoder that is not there",
      change({ encoder_artifact: "front" }),
      /model\.artifacts: they are model, must have front/,
    ],
    [
      "a cache without encoder",
      change({ type: "kv_cache" }),
      /model\.artifacts: they are model, must have encoder or prefix/,
    ],
    [
      "a queue in a queue",
      change({ type: "action_chunking", runner: { type: "action_chunking" } }),
      /action_chunking again/,
    ],
    [
      "a stage on another engine",
      { ...plain, runner: { type: "two_stage", backend: "torch", artifact: "b.onnx" } },
      /model\.runner\.backend: must be onnx.*"torch"/,
    ],
    [
      "a stage without graph",
      { ...plain, runner: { type: "two_stage", backend: "onnx" } },
      /model\.runner\.artifact: .*absent/,
    ],
    [
      "a stage outside",
      { ...plain, runner: { type: "two_stage", backend: "onnx", artifact: "../b.onnx" } },
      /no plain path/,
    ],
    [
      "a step that is no ONNX file",
      change({}, { artifacts: { denoise: "model.xml", model: "model.onnx" } }),
      /model\.artifacts\.denoise: it is "model\.xml"/,
    ],
    [
      "a sample under another name",
      change({ sample_input: "z" }),
      /the sample of its step may be any of x_t, timestep, state, must be one of z .*model\.runner\.sample_input/,
    ],
    [
      "a prediction under another name",
      change({ prediction_output: "z" }),
      /prediction of its step.*must be one of z/,
    ],
    [
      "a tokeniser by name",
      change({}, { preprocessors: [{ type: "hf_tokenizer", tokenizer_name: "gpt2" }] }),
      /model\.preprocessors\.0\.artifact: must be the path of a tokenizer\.json/,
    ],
    [
      "a tokeniser outside",
      change({}, { preprocessors: [{ type: "tokenize", artifact: "../t.json" }] }),
      /no plain path/,
    ],
    [
      "statistics without file",
      change({}, { preprocessors: [{ type: "normalize" }] }),
      /model\.preprocessors\.0\.artifact: it is absent/,
    ],
    [
      "a mode of normalisation",
      change({}, { postprocessors: [{ type: "denormalize", artifact: "a", mode: "magic" }] }),
      /model\.postprocessors\.0\.mode: .*"magic"/,
    ],
    [
      "actions relative to a state that nobody adds",
      change({}, { preprocessors: [{ type: "relative_actions", enabled: true }] }),
      /model\.postprocessors: no "absolute_actions" is enabled, must be \(model\.preprocessors\.0 is/,
    ],
    [
      "a state added to actions that are not relative",
      change(
        {},
        {
          preprocessors: [{ type: "relative_actions" }],
          postprocessors: [{ type: "absolute_actions", enabled: true }],
        },
      ),
      /model\.preprocessors: no "relative_actions" is enabled, must be \(model\.postprocessors\.0 is/,
    ],
    [
      "a state that is added twice",
      change(
        {},
        {
          preprocessors: [{ type: "relative_actions", enabled: true }],
          postprocessors: [
            { type: "absolute_actions", enabled: true },
            { type: "absolute_actions", enabled: true },
          ],
        },
      ),
      /model\.postprocessors\.1: "absolute_actions" is enabled at model\.postprocessors\.0, too/,
    ],
    [
      "names of joints that are numbers",
      change(
        {},
        {
          preprocessors: [{ type: "relative_actions", enabled: true, exclude_joints: [7] }],
          postprocessors: [{ type: "absolute_actions", enabled: true }],
        },
      ),
      /model\.preprocessors\.0\.exclude_joints\.0/,
    ],
    [
      "an unknown last step",
      change({}, { postprocessors: [{ type: "smooth" }] }),
      /a step "smooth", must be one of denormalize/,
    ],
    [
      "images of a size that is none",
      change({}, { preprocessors: [{ type: "pi05", image_resolution: [0, 4] }] }),
      /model\.preprocessors\.0\.image_resolution\.0/,
    ],
    [
      "a prompt without text",
      change({}, { preprocessors: [{ type: "new_line" }] }),
      /the step "new_line" reads "task", which is absent, must be a text among "state"/,
    ],
    [
      "a frame without images",
      change({}, { preprocessors: [{ type: "smolvla_resize" }] }),
      /finds no images/,
    ],
    [
      "a text that nobody reads",
      change({}, { inputs: [STATE_INPUT, { input: "task", from: "instruction" }] }),
      /"task" is bound, must be an input/,
    ],
    [
      "a text as numbers",
      change({}, { inputs: [{ input: "state", from: "instruction" }] }),
      /input "state" is float32, must be text/,
    ],
    [
      "a binding twice",
      change({}, { inputs: [STATE_INPUT, STATE_INPUT] }),
      /"state" is bound twice/,
    ],
    [
      "a constant of another length",
      change({}, { inputs: [{ input: "state", from: "constant", shape: [3], value: [1] }] }),
      /has 1 values, must have 3/,
    ],
    ["no bindings", change({}, { inputs: [] as never }), /efference\.inputs/],
  ])("%s", async (_, shape, message) => {
    const files = { "model.onnx": flowStep(), "model.xml": new Uint8Array(1) };
    const failure = await decide(shape, files).then(() => "nothing", String);
    expect(failure).toMatch(message);
  });

  it.each<[string, (shape: Shape) => Promise<unknown>, RegExp]>([
    [
      "steps of a runner without loop",
      () =>
        decide(
          { artifacts: { model: "model.onnx" }, inputs: [STATE_INPUT] },
          { "model.onnx": flowStep() },
          { options: { steps: 3 } },
        ),
      /in 3 steps: its runner has no loop/,
    ],
    [
      "no steps",
      (shape) => decide(shape, { "model.onnx": flowStep() }, { options: { steps: 0 } }),
      /Cannot schedule 0 steps/,
    ],
    [
      "a time that is no integer for a network that wants one",
      (shape) =>
        decide(shape, {
          "model.onnx": graph((g) => {
            const { x, t } = stepInputs(g, { dtype: "int64" });
            const data = rows(g, g.input("state", "float32", [1, DIM]));
            g.output("v_t", straight(g, x, { data, t: g.add(t, 1) }));
          }),
        }),
      /timestep is 0\.8, must be an integer.*num_timestep_buckets/,
    ],
    [
      "a prediction of another shape",
      (shape) =>
        decide(shape, {
          "model.onnx": graph((g) => {
            const { x, t } = stepInputs(g);
            const data = rows(g, g.input("state", "float32", [1, DIM]));
            const v = straight(g, x, { data, t });
            g.output("v_t", g.slice(v, 1, { start: 0, end: 1 }));
          }),
        }),
      /prediction "v_t" is float32\[1, 1, 3\], must be float32\[1, 2, 3\]/,
    ],
    [
      "a sample of two dimensions",
      (shape) =>
        decide(shape, {
          "model.onnx": graph((g) => {
            const x = g.input("x_t", "float32", [2, DIM]);
            const t = g.input("timestep", "float32", [1]);
            const state = g.input("state", "float32", [1, DIM]);
            g.output("v_t", g.unsqueeze(g.add(g.mul(x, t), state), [0]));
          }),
        }),
      /"x_t" of its step is float32\[2, 3\], must be float32 with 3 dimensions/,
    ],
    [
      "an encoder that does not give what the step takes",
      () =>
        decide(
          {
            runner: { ...flowRunner, type: "kv_cache" },
            artifacts: { encoder: "encoder.onnx", denoise: "model.onnx" },
            inputs: [STATE_INPUT],
          },
          {
            "encoder.onnx": graph((g) => {
              g.output("past", g.input("state", "float32", [1, DIM]));
            }),
            "model.onnx": flowStep("past_key_0"),
          },
        ),
      /input "past_key_0" is unbound, must have a binding \(or come from a step or graph before\)/,
    ],
  ])("%s", async (_, act, message) => {
    const failure = await act(plain).then(() => "nothing", String);
    expect(failure).toMatch(message);
  });
});
