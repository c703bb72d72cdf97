/** The package of a policy that imitates chunks: everything but the way it makes them. */
import type { NdArray, PolicySpec } from "../core/index.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import { writeModel } from "../onnx/index.ts";
import type { LayerContext } from "../onnx/layers/index.ts";
import type { FeatureStatistics, InputBinding, PackageContent } from "../package/index.ts";
import { specToJson, writeSafetensors } from "../package/index.ts";
import type { Provenance } from "../train/index.ts";
import { executedRows } from "./config.ts";
import {
  cameraOf,
  featureDim,
  frameFeatures,
  observationInputs,
  observationTokens,
} from "./encode.ts";
import type { Imitated } from "./observed.ts";

const STATISTICS = "statistics.safetensors";
const HISTORY = "history";
const NEXT_HISTORY = "history/next";

/**
 * What a decision sees as tokens `[1, frames, width]`, from one frame of the world. Frames of the decisions before
 * are remembered as features, so that each is looked at once: input `history`, output `history/next`.
 */
export function observedNow(context: LayerContext, imitated: Imitated): Value {
  const { g } = context;
  const request = { batch: 1, frames: 1, images: "world" } as const;
  const inputs = observationInputs(g, imitated, request);
  const now = frameFeatures(context, imitated, inputs);
  return observationTokens(context, imitated, { features: withHistory(g, imitated, now) });
}

/** `[1, frames, features]`, oldest first. At the first decision all frames are the present one. */
function withHistory(g: GraphBuilder, imitated: Imitated, now: Value): Value {
  const before = imitated.config.observeHorizon - 1;
  if (before === 0) return now;
  const width = featureDim(imitated);
  const history = g.input(HISTORY, "float32", [1, ...historyShape(imitated)]);
  const [past, known] = g.split(history, 2, [width, 1]) as [Value, Value];
  const filled = g.where(g.greater(known, 0), past, now);
  const frames = g.concat([filled, now], 1);
  const kept = g.slice(frames, 1, { start: 1, end: before + 1 });
  const one = g.constant({
    dtype: "float32",
    shape: [1, before, 1],
    data: new Float32Array(before).fill(1),
  });
  g.output(NEXT_HISTORY, g.concat([kept, one], 2));
  return frames;
}

/** Features and whether they are known, of every frame before the present one. */
function historyShape(imitated: Imitated): number[] {
  return [imitated.config.observeHorizon - 1, featureDim(imitated) + 1];
}

/** What a package adds to that of its observation. */
export interface ActingGraph {
  /** With an output `action`, `float32[1, horizon, actionDim]`, normalised. */
  readonly g: GraphBuilder;
  /** Inputs beside those of the observation. */
  readonly inputs: readonly InputBinding[];
  /** Keys that go into the manifest's `efference` section as they are. */
  readonly own?: Readonly<Record<string, unknown>>;
  /** Summary for people, in the manifest's `metadata`. */
  readonly provenance: Provenance;
}

export function packageOf(imitated: Imitated, acting: ActingGraph): PackageContent {
  const { kind, config, statistics, seen, actionDim } = imitated;
  const cameras = config.cameras.map((camera) => cameraOf(kind, seen, camera));
  const normalisation = { mode: "mean_std", artifact: STATISTICS };
  return {
    files: {
      "model.onnx": writeModel(acting.g.build()),
      [STATISTICS]: writeSafetensors({
        ...prefixed("proprio", statistics.proprio),
        ...prefixed("action", statistics.action),
      }),
    },
    manifest: {
      format: "policy_package",
      version: "1.0",
      policy: { name: kind, source: { repo_id: "", class_path: `efference.policies.${kind}` } },
      model: {
        n_obs_steps: 1,
        runner: { type: "action_chunking", chunk_size: config.horizon },
        artifacts: { model: "model.onnx", statistics: STATISTICS },
        preprocessors: [{ type: "normalize", ...normalisation, features: ["proprio"] }],
        postprocessors: [
          { type: "denormalize", ...normalisation, mode: config.actions, features: ["action"] },
        ],
      },
      hardware: {
        robots: [{ name: "main", action: { shape: [actionDim], dtype: "float32" } }],
        cameras: cameras.map(({ name, height, width }) => ({
          name,
          shape: [3, height, width],
          dtype: "uint8",
        })),
      },
      metadata: { created_by: "efference" },
      efference: {
        spec: specToJson(policySpec(imitated)) as never,
        inputs: [...observationBindings(imitated), ...acting.inputs],
        output: "action",
        provenance: acting.provenance,
        view: imitated.view,
        ...acting.own,
      },
    },
  };
}

/** Where the inputs of the observation come from. */
function observationBindings(imitated: Imitated): InputBinding[] {
  const { config, proprio, vocabulary } = imitated;
  const bindings: InputBinding[] = [
    { input: "proprio", from: "proprio", components: proprio.map(({ name }) => name) },
  ];
  for (const camera of config.cameras) {
    bindings.push({ input: `image/${camera}`, from: "image", camera, layout: "hwc" });
  }
  if (vocabulary.length > 0) {
    bindings.push({ input: "words", from: "words", vocabulary: [...vocabulary] });
  }
  if (config.observeHorizon > 1) {
    const shape = historyShape(imitated);
    bindings.push({ input: HISTORY, from: "memory", output: NEXT_HISTORY, shape });
  }
  return bindings;
}

function policySpec({ kind, config, spec, seen, proprio }: Imitated): PolicySpec {
  const { action, controlFreqHz } = spec;
  return {
    name: kind,
    observation: {
      images: config.cameras.map((camera) => cameraOf(kind, seen, camera)),
      proprio,
      texts: [],
    },
    action,
    predictHorizon: config.horizon,
    executeHorizon: executedRows(config),
    privileged: false,
    controlFreqHz,
  };
}

function prefixed(feature: string, statistics: FeatureStatistics): Record<string, NdArray> {
  return Object.fromEntries(
    Object.entries(statistics).map(([name, array]) => [`${feature}/${name}`, array]),
  );
}
