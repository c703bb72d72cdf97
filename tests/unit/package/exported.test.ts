import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Observation, PolicySpec, Rng } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import type { InputBinding, ManifestInput } from "../../../src/package/index.ts";
import { loadPolicy, specToJson, writePolicyPackage } from "../../../src/package/index.ts";

/** Made by tests/support/torch/export_policies.py: graphs by PyTorch's exporter, and PyTorch's own actions. */
const FOLDER = new URL("../../support/exported/", import.meta.url);
const file = (name: string) => new Uint8Array(readFileSync(new URL(name, FOLDER)));
interface Run {
  readonly noise: readonly number[];
  readonly actions: readonly number[];
}
const golden = JSON.parse(readFileSync(new URL("exported.golden.json", FOLDER), "utf8")) as Record<
  "ddim" | "ddpm" | "flow",
  Run
>;

const [HORIZON, DIM, SIDE] = [8, 3, 8];
const raw = (name: string) => ({ name, format: "raw", dtype: "float32", shape: [DIM] }) as const;
const SPEC: PolicySpec = {
  name: "exported",
  observation: {
    images: [{ name: "front", height: SIDE, width: SIDE, channels: 3 }],
    proprio: [raw("position")],
    texts: [],
  },
  action: { components: [raw("delta")] },
  predictHorizon: HORIZON,
  privileged: false,
};
const OBSERVATION: Observation = {
  images: {
    front: {
      dtype: "uint8",
      shape: [SIDE, SIDE, 3],
      data: Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 37) % 256),
    },
  },
  proprio: {
    position: { dtype: "float32", shape: [DIM], data: Float32Array.of(0.3, -0.7, 1.1) },
  },
  texts: {},
  instruction: "",
  step: 0,
  stampNs: 0n,
};

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "efference-exported-"));
});
afterAll(() => rm(root, { recursive: true }));

/** The normal numbers that PyTorch drew, in the same order. */
function replay(numbers: readonly number[]): Rng {
  let at = 0;
  const rng: Rng = {
    ...seeded(0),
    normal: () => numbers[at++] ?? NaN,
    split: () => rng,
  };
  return rng;
}

async function actionsOf(
  name: string,
  parts: { runner: object; encoder: string; denoise: string; inputs: readonly InputBinding[] },
  noise: readonly number[],
): Promise<readonly number[]> {
  const folder = join(root, name);
  const manifest: ManifestInput = {
    format: "policy_package",
    version: "1.0",
    policy: { name },
    model: {
      runner: { num_inference_steps: 10, action_dim: DIM, horizon: HORIZON, ...parts.runner },
      artifacts: { encoder: parts.encoder, denoise: parts.denoise },
    },
    efference: { spec: specToJson(SPEC) as never, inputs: [...parts.inputs], output: "action" },
  };
  const files = { [parts.encoder]: file(parts.encoder), [parts.denoise]: file(parts.denoise) };
  await writePolicyPackage(folder, { manifest, files });
  const policy = await loadPolicy(folder, { rng: replay(noise) });
  try {
    return [...(await policy.decide(OBSERVATION)).chunk.data];
  } finally {
    await policy.close?.();
  }
}

function assertClose(got: readonly number[], want: readonly number[]): void {
  expect(got.length).toBe(want.length);
  const worst = Math.max(...got.map((x, i) => Math.abs(x - (want[i] ?? NaN))));
  // The networks agree to about 1e-6; ten steps of them and float32 schedules add up.
  expect(worst).toBeLessThan(2e-5);
}

const STATE: InputBinding = { input: "state", from: "proprio", components: ["position"] };

describe("policies exported from PyTorch act as they do there", () => {
  it.each(["ddim", "ddpm"] as const)("encoder and denoising U-Net, %s", async (scheduler) => {
    const { noise, actions } = golden[scheduler];
    const runner = {
      type: "iterative",
      scheduler,
      num_train_timesteps: 50,
      beta_schedule: "squaredcos_cap_v2",
    };
    const inputs: InputBinding[] = [
      STATE,
      { input: "image", from: "image", camera: "front", layout: "chw" },
    ];
    const graphs = { encoder: "diffusion-encoder.onnx", denoise: "diffusion-denoise.onnx" };
    assertClose(await actionsOf(scheduler, { runner, ...graphs, inputs }, noise), actions);
  });

  it("prefix of keys and values, flow matching", async () => {
    const { noise, actions } = golden.flow;
    const inputs: InputBinding[] = [
      STATE,
      { input: "tokens", from: "constant", shape: [6], value: [3, 14, 15, 9, 2, 6] },
      { input: "lang_mask", from: "constant", shape: [6], value: [1, 1, 1, 1, 0, 0] },
    ];
    const graphs = { encoder: "flow-prefix.onnx", denoise: "flow-denoise.onnx" };
    const runner = { type: "kv_cache" };
    assertClose(await actionsOf("flow", { runner, ...graphs, inputs }, noise), actions);
  });
});
