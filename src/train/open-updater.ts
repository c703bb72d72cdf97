import type { ParameterStore } from "../onnx/layers/index.ts";
import { DeviceTrainingStep } from "./device-step.ts";
import { TrainingStep } from "./step.ts";
import type { TrainConfig } from "./config.ts";
import type { Trainable } from "./trainable.ts";
import type { StepSettings, Updater } from "./updater.ts";

/** Of one run on CUDA, where the engine keeps no state between runs: it travels a twentieth as often. */
const UPDATES_PER_RUN = 20;

/**
 * Where training runs best: on `webgpu` and `cuda` all of an update is part of the graph (on `cuda` unless
 * micro-batches are summed); elsewhere parameters and state live in this process, and a WebAssembly kernel
 * updates them.
 */
export function openUpdater(
  trainable: Trainable,
  parameters: ParameterStore,
  settings: StepSettings,
): Promise<Updater> {
  const { session, accumulate = 1 } = settings;
  const { updatesPerRun = session?.device === "cuda" && accumulate === 1 ? UPDATES_PER_RUN : 1 } =
    settings;
  return session?.device === "webgpu" || updatesPerRun > 1
    ? DeviceTrainingStep.open(trainable, parameters, { ...settings, updatesPerRun })
    : TrainingStep.open(trainable, parameters, settings);
}

/** How a run updates. */
export function stepSettings(config: TrainConfig): StepSettings {
  const { batchSize, optimiser, accumulate, threads, device, objectives, updatesPerRun } = config;
  return {
    ...{ batchSize, optimiser, accumulate },
    session: { threads, device },
    ...(objectives === undefined ? {} : { objectives }),
    ...(updatesPerRun === undefined ? {} : { updatesPerRun }),
  };
}
