/** The package of a policy that imitates chunks: everything but the way it makes them. */
import type { GraphBuilder, Value } from "../onnx/index.ts";
import { writeModel } from "../onnx/index.ts";
import type { LayerContext } from "../onnx/layers/index.ts";
import type { ChunkSpec, InputBinding, PackageContent } from "../package/index.ts";
import { chunkManifest, flatStatistics, writeSafetensors } from "../package/index.ts";
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
import { RELATIVE } from "./observed.ts";
import { originOf } from "./relative.ts";

const STATISTICS = "statistics.safetensors";
const HISTORY = "history";
const NEXT_HISTORY = "history/next";

/** What a decision sees. */
export interface ObservedNow {
  /** `float32[1, frames, width]` */
  readonly tokens: Value;
  /** `float32[1, proprioDim]`: of the newest frame, normalised. */
  readonly proprio: Value;
  /** See `originOf`. */
  readonly origin: Value | undefined;
}

/**
 * What a decision sees, from one frame of the world. Frames of the decisions before are remembered as features, so
 * that each is looked at once: input `history`, output `history/next`.
 */
export function observedNow(context: LayerContext, imitated: Imitated): ObservedNow {
  const { g } = context;
  const request = { batch: 1, frames: 1, images: "world" } as const;
  const inputs = observationInputs(g, imitated, request);
  const now = frameFeatures(context, imitated, inputs);
  const features = withHistory(g, imitated, now);
  const { proprio } = inputs;
  return {
    tokens: observationTokens(context, imitated, { features }),
    proprio,
    origin: originOf(g, proprio, imitated),
  };
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
  const { kind, config, statistics, view, relative } = imitated;
  const { proprio, action } = statistics;
  return {
    files: {
      "model.onnx": writeModel(acting.g.build()),
      [STATISTICS]: writeSafetensors(
        flatStatistics({
          proprio,
          action,
          ...(relative === undefined ? {} : { [RELATIVE]: relative.statistics }),
        }),
      ),
    },
    manifest: chunkManifest({
      spec: policySpec(imitated),
      classPath: `efference.policies.${kind}`,
      normalised: { statistics: STATISTICS, proprio: "mean_std", action: config.actions },
      inputs: [...observationBindings(imitated), ...acting.inputs],
      own: { provenance: acting.provenance, view, ...acting.own },
    }),
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

function policySpec({ kind, config, spec, seen, proprio }: Imitated): ChunkSpec {
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
