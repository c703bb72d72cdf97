/**
 * Decisions of packages: one that is a single graph and one with a loop of ten steps behind an encoder, compared
 * to the floor of the same run, which is the bare sessions fed with arrays that are ready.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seeded } from "../../dist/src/core/index.js";
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import { loadPolicy, specToJson, writePolicyPackage } from "../../dist/src/package/index.js";
import { openSession } from "../../dist/src/session/index.js";
import { median } from "./_compare.mjs";

const [HORIZON, DIM, WIDTH, SIDE, STEPS] = [16, 7, 256, 224, 10];
const [WARM, DECISIONS, ROUNDS] = [5, 20, 9];

function weight(g, name, shape) {
  const rng = seeded(name);
  const length = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length }, () => 0.05 * rng.normal());
  return g.constant({ dtype: "float32", shape, data });
}

/** An image's rows and the state as a condition of `WIDTH` numbers. */
function condition(g) {
  const image = g.input("image", "float32", [1, 3, SIDE, SIDE]);
  const state = g.input("state", "float32", [1, DIM]);
  const seen = g.reshape(g.reduceMean(image, [3]), [1, 3 * SIDE]);
  const both = g.concat([seen, state], 1);
  return g.tanh(g.matmul(both, weight(g, "condition", [3 * SIDE + DIM, WIDTH])));
}

function encoder() {
  const g = new GraphBuilder("encoder");
  g.output("cond", condition(g));
  return writeModel(g.build());
}

function hidden(g, x, cond) {
  const lifted = g.add(g.matmul(x, weight(g, "in", [DIM, WIDTH])), g.unsqueeze(cond, [1]));
  const middle = g.silu(g.matmul(g.silu(lifted), weight(g, "middle", [WIDTH, WIDTH])));
  return g.matmul(middle, weight(g, "out", [WIDTH, DIM]));
}

function denoiser() {
  const g = new GraphBuilder("denoise");
  const x = g.input("x_t", "float32", [1, HORIZON, DIM]);
  const t = g.reshape(g.input("timestep", "float32", [1]), [1, 1, 1]);
  g.output("v_t", hidden(g, g.add(x, t), g.input("cond", "float32", [1, WIDTH])));
  return writeModel(g.build());
}

function single() {
  const g = new GraphBuilder("single");
  const cond = condition(g);
  const start = g.constant({
    dtype: "float32",
    shape: [1, HORIZON, DIM],
    data: new Float32Array(HORIZON * DIM),
  });
  g.output("action", hidden(g, start, cond));
  return writeModel(g.build());
}

const component = (name) => ({ name, format: "raw", dtype: "float32", shape: [DIM] });
const SPEC = {
  name: "bench",
  observation: {
    images: [{ name: "front", height: SIDE, width: SIDE, channels: 3 }],
    proprio: [component("position")],
    texts: [],
  },
  action: { components: [component("delta")] },
  predictHorizon: HORIZON,
  privileged: false,
};
const OBSERVATION = {
  images: {
    front: {
      dtype: "uint8",
      shape: [SIDE, SIDE, 3],
      data: new Uint8Array(SIDE * SIDE * 3).fill(9),
    },
  },
  proprio: { position: { dtype: "float32", shape: [DIM], data: new Float32Array(DIM) } },
  texts: {},
  instruction: "",
  step: 0,
  stampNs: 0n,
};

async function openPolicy(folder, { runner, files, artifacts }) {
  const inputs = [
    { input: "image", from: "image", camera: "front", layout: "chw" },
    { input: "state", from: "proprio", components: ["position"] },
  ];
  const manifest = {
    format: "policy_package",
    version: "1.0",
    policy: { name: "bench" },
    model: { runner, artifacts },
    efference: { spec: specToJson(SPEC), inputs, output: "action" },
  };
  await writePolicyPackage(folder, { manifest, files });
  const policy = await loadPolicy(folder);
  await policy.reset({ seed: 0 });
  return policy;
}

const floats = (shape) => ({
  dtype: "float32",
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

/** The graphs alone, as often as the package runs them. */
async function openFloor(models, loop) {
  const sessions = [];
  for (const model of models) sessions.push(await openSession(model));
  const seen = () => ({ image: floats([1, 3, SIDE, SIDE]), state: floats([1, DIM]) });
  const run = async () => {
    const [first, step] = sessions;
    const { outputs } = await first.run(seen(), { transfer: true });
    for (let i = 0; i < loop; i++) {
      const feeds = { x_t: floats([1, HORIZON, DIM]), timestep: floats([1]), cond: outputs.cond };
      await step.run(feeds);
    }
  };
  return { run, close: () => Promise.all(sessions.map((session) => session.close())) };
}

async function timed(work, times) {
  const started = performance.now();
  for (let i = 0; i < times; i++) await work();
  return (performance.now() - started) / times;
}

async function compare(policy, floor) {
  const decide = () => policy.decide(OBSERVATION);
  await timed(decide, WARM);
  await timed(floor.run, WARM);
  const [ours, bare] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await timed(decide, DECISIONS));
    bare.push(await timed(floor.run, DECISIONS));
  }
  return { oursMs: median(ours), floorMs: median(bare), ratio: median(ours) / median(bare) };
}

export default {
  title: "packages: a decision against the bare sessions",
  async run(print) {
    const folder = await mkdtemp(join(tmpdir(), "efference-bench-package-"));
    const shapes = {
      "one graph": {
        runner: { type: "single_pass" },
        files: { "model.onnx": single() },
        artifacts: { model: "model.onnx" },
        loop: 0,
      },
      [`encoder and ${STEPS} steps`]: {
        runner: {
          type: "kv_cache",
          num_inference_steps: STEPS,
          action_dim: DIM,
          chunk_size: HORIZON,
        },
        files: { "encoder.onnx": encoder(), "denoise.onnx": denoiser() },
        artifacts: { encoder: "encoder.onnx", denoise: "denoise.onnx" },
        loop: STEPS,
      },
    };
    const results = {};
    try {
      for (const [name, shape] of Object.entries(shapes)) {
        const policy = await openPolicy(join(folder, name.replaceAll(" ", "-")), shape);
        const floor = await openFloor(Object.values(shape.files), shape.loop);
        const result = await compare(policy, floor);
        await Promise.all([policy.close(), floor.close()]);
        const { oursMs, floorMs, ratio } = result;
        print(
          `${name.padEnd(24)} ${oursMs.toFixed(2)} ms a decision, bare sessions ${floorMs.toFixed(2)} ms, ratio ${ratio.toFixed(2)}`,
        );
        results[name] = result;
      }
    } finally {
      await rm(folder, { recursive: true });
    }
    return results;
  },
};
