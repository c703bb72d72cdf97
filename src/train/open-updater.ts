import type { ParameterStore } from "../onnx/layers/index.ts";
import { DeviceTrainingStep } from "./device-step.ts";
import { TrainingStep } from "./step.ts";
import type { Trainable } from "./trainable.ts";
import type { StepSettings, Updater } from "./updater.ts";

/**
 * Where training runs best: on `webgpu` parameters and state stay on the device; elsewhere they live in this
 * process, and a WebAssembly kernel updates them.
 */
export function openUpdater(
  trainable: Trainable,
  parameters: ParameterStore,
  settings: StepSettings,
): Promise<Updater> {
  return settings.session?.device === "webgpu"
    ? DeviceTrainingStep.open(trainable, parameters, settings)
    : TrainingStep.open(trainable, parameters, settings);
}
