/** What training needs of a diffusion policy: the loss of a batch, and the package that trained parameters make. */
import type { NdArray } from "../../src/core/index.ts";
import { imitatedOf, imitationTrainable, packageOf } from "../../src/imitation/index.ts";
import type { Imitated } from "../../src/imitation/index.ts";
import { storedParameters } from "../../src/onnx/layers/index.ts";
import type { InputBinding, PackageContent } from "../../src/package/index.ts";
import type { Provenance, Trainable, TrainingData } from "../../src/train/index.ts";
import type { DiffusionConfig } from "./config.ts";
import { samplingSteps } from "./config.ts";
import { diffusionFeeds, diffusionLoss } from "./objective.ts";
import { actingGraph, drawsNoise } from "./sample.ts";

/**
 * Chunks made from noise by a network that was taught to take the noise away (diffusion), to follow straight paths
 * (flow matching), or, as the plain baseline, to say the chunk at once (regression).
 */
export function diffusionTrainable(config: DiffusionConfig, data: TrainingData): Trainable {
  const imitated = imitatedOf("diffusion", config, data);
  return imitationTrainable(imitated, {
    lossGraph: (request) => diffusionLoss(imitated, config, request),
    draw: (chunks, rng) => diffusionFeeds(config, chunks, rng),
    toPackage: (parameters, provenance) =>
      diffusionPackage(imitated, config, { parameters, provenance }),
  });
}

function diffusionPackage(
  imitated: Imitated,
  config: DiffusionConfig,
  made: { readonly parameters: Readonly<Record<string, NdArray>>; readonly provenance: Provenance },
): PackageContent {
  const parameters = storedParameters(made.parameters);
  const g = actingGraph({ imitated, config, parameters });
  const shape = [config.horizon, imitated.actionDim];
  const inputs: InputBinding[] = [];
  if (config.objective !== "regression") {
    inputs.push({ input: "start", from: "noise", shape: [...shape] });
  }
  if (drawsNoise(config)) {
    inputs.push({ input: "noise", from: "noise", shape: [samplingSteps(config), ...shape] });
  }
  const path = { kind: "refinement", tag: "denoising", chunks: "path/chunk", values: {} };
  return packageOf(imitated, {
    g,
    inputs,
    own: { thoughts: config.objective === "regression" ? [] : [path], policy: config },
    provenance: made.provenance,
  });
}
