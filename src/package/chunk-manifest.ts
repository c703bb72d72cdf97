/** The manifest of a package with one graph that predicts chunks. */
import type { ActionSpec, ObservationSpec, PolicySpec } from "../core/index.ts";
import { actionDim } from "../core/index.ts";
import type { InputBinding, ManifestInput } from "./manifest.ts";
import { specToJson } from "./manifest.ts";
import type { NormalizationMode } from "./statistics.ts";

/** What a policy that is bound to a world's cameras and actions sees and decides. */
export type ChunkSpec = PolicySpec & {
  readonly observation: ObservationSpec;
  readonly action: ActionSpec;
};

export interface ChunkModel {
  readonly spec: ChunkSpec;
  /** What made it. */
  readonly classPath: string;
  /** Path of the graph, whose output `action` is `float32[1, predictHorizon, actionDim]`. Default `model.onnx`. */
  readonly model?: string;
  /** Path of the statistics of `proprio` and `action`, and what is done with them; absent = numbers go in and out as they are. */
  readonly normalised?: {
    readonly statistics: string;
    readonly proprio: NormalizationMode;
    readonly action: NormalizationMode;
  };
  readonly inputs: readonly InputBinding[];
  /** Further keys of the manifest's section `efference`. */
  readonly own?: Readonly<Record<string, unknown>>;
}

/** Hardware and horizon are those of the spec. */
export function chunkManifest(chunk: ChunkModel): ManifestInput {
  const { spec, classPath, model = "model.onnx", normalised, inputs, own } = chunk;
  const component = (type: string, feature: "proprio" | "action") => {
    if (normalised === undefined) return [];
    const { statistics: artifact, [feature]: mode } = normalised;
    return [{ type, mode, artifact, features: [feature] }];
  };
  const statistics = normalised === undefined ? {} : { statistics: normalised.statistics };
  return {
    format: "policy_package",
    version: "1.0",
    policy: { name: spec.name, source: { repo_id: "", class_path: classPath } },
    model: {
      n_obs_steps: 1,
      runner: { type: "action_chunking", chunk_size: spec.predictHorizon },
      artifacts: { model, ...statistics },
      preprocessors: component("normalize", "proprio"),
      postprocessors: component("denormalize", "action"),
    },
    hardware: {
      robots: [{ name: "main", action: { shape: [actionDim(spec.action)], dtype: "float32" } }],
      cameras: spec.observation.images.map(({ name, height, width, channels }) => ({
        name,
        shape: [channels, height, width],
        dtype: "uint8",
      })),
    },
    metadata: { created_by: "efference" },
    efference: { spec: specToJson(spec) as never, inputs: [...inputs], output: "action", ...own },
  };
}
