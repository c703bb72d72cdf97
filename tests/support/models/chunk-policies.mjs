/**
 * The policies of `policies/energy` and `policies/diffusion` as graphs that act, with drawn parameters, for measuring.
 * Whoever uses this hands in the modules, as for the other models here.
 */
import { gaussian } from "./kit.mjs";

/** The published sizes: 5.4 million parameters that read the chunk, 3.2 million that read the observation. */
export const CHUNK_POLICY = {
  width: 256,
  heads: 4,
  layers: 8,
  frameLayers: 8,
  frames: 2,
  rows: 16,
  actionDim: 7,
  state: 53,
};

/** The same with a quarter of the blocks, so that the weights of both directions stay in a cache. */
export const SHORT_CHUNK_POLICY = { ...CHUNK_POLICY, layers: 2 };

/** Preset `small`, one frame: 0.6 million parameters. */
export const SMALL_CHUNK_POLICY = {
  ...CHUNK_POLICY,
  width: 128,
  layers: 4,
  frameLayers: 0,
  frames: 1,
  state: 39,
};

/** Ways to make a chunk that are measured, with the steps of one decision. */
export const CHUNK_POLICY_CASES = [
  { name: "energy-2", kind: "energy", steps: 2 },
  { name: "energy-20", kind: "energy", steps: 20 },
  { name: "flow-4", kind: "flow", steps: 4 },
  { name: "ddim-10", kind: "ddim", steps: 10 },
  { name: "ddpm-100", kind: "ddpm", steps: 100 },
];

/** What is known of data with a state of so many numbers. */
function dataOf({ state, actionDim }) {
  const columns = (width) => {
    const all = (value) => new Float64Array(width).fill(value);
    const [mean, std, min, max, q01, q99] = [0, 0.5, -1, 1, -1, 1].map(all);
    return { count: 9, mean, std, min, max, q01, q99 };
  };
  const part = (name, width) => ({ name, format: "raw", dtype: "float32", shape: [width] });
  return {
    spec: {
      images: [],
      proprio: [part("state", state)],
      action: { components: [part("move", actionDim)] },
      controlFreqHz: 20,
    },
    images: [],
    view: {},
    statistics: { proprio: { state: columns(state) }, action: columns(actionDim) },
    instructions: [""],
  };
}

function trainableOf({ energy, diffusion }, policy, data) {
  return policy.kind === "energy"
    ? energy.energyTrainable(energy.parseEnergyConfig(policy), data)
    : diffusion.diffusionTrainable(diffusion.parseDiffusionConfig(policy), data);
}

/** State, as of a precise task of the study, of whose policies `chunkObjective` makes updates. */
const STUDY_STATE = { state: 37, actionDim: 7 };

/**
 * What an update of a policy of the study costs: its trainable, with one frame of state, and what draws feeds of a batch.
 * @param {object} modules `energy` and `diffusion`
 * @param {object} policy of the training configuration, with `kind` and `horizon`
 */
export function chunkObjective(modules, rng, { policy, batchSize }) {
  const data = dataOf(STUDY_STATE);
  const trainable = trainableOf(modules, policy, data);
  const { state, actionDim } = STUDY_STATE;
  const chunk = [batchSize, policy.horizon];
  const mask = new Float32Array(batchSize * policy.horizon).fill(1);
  const batch = {
    images: {},
    proprio: gaussian(rng, [batchSize, state]),
    actions: gaussian(rng, [...chunk, actionDim]),
    actionMask: { dtype: "float32", shape: chunk, data: mask },
    instructions: Array.from({ length: batchSize }, () => ""),
  };
  // Drawn anew for every update, as in training: the number of steps may depend on it.
  let count = 0;
  return { trainable, draw: () => trainable.feeds(batch, rng.split(count++)) };
}

function sizesOf(config) {
  const { width, heads, layers, frameLayers, frames, rows } = config;
  return { width, heads, layers, frameLayers, observeHorizon: frames, horizon: rows };
}

/**
 * @param {object} modules `energy` and `diffusion` (the policies), `store` (of parameters)
 * @param {"energy" | "ddpm" | "ddim" | "flow"} kind
 * @returns the trainable's package, and feeds of its graph
 */
export function chunkPolicy({ store, ...modules }, rng, { kind, steps, config = CHUNK_POLICY }) {
  const sizes = sizesOf(config);
  const policy =
    kind === "energy"
      ? // A descent of exactly so many steps: no step is as short as 0.
        { kind, ...sizes, infer: { rate: 0.1, steps, stop: { below: 0 }, limit: 1e9 } }
      : {
          kind: "diffusion",
          ...sizes,
          objective: kind === "flow" ? "flow" : "diffusion",
          infer: { steps, ...(kind === "flow" ? {} : { sampler: kind }) },
        };
  const trainable = trainableOf(modules, policy, dataOf(config));
  const { g } = trainable.lossGraph({ batchSize: 1, parameters: store });
  const parameters = Object.fromEntries(
    [...g.parameters].map(([name, { constant }]) => [name, constant]),
  );
  const content = trainable.toPackage(parameters, {});
  const feeds = Object.fromEntries(
    content.manifest.efference.inputs.map(({ input, shape }) => [
      input,
      gaussian(rng, [1, ...(shape ?? [config.state])]),
    ]),
  );
  return { model: content.files["model.onnx"], feeds };
}
