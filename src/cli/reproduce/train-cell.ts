/** One training of the study, resumed where it was stopped, and the packages that act with its weights. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { NdArray } from "../../core/index.ts";
import type { DatasetStatistics } from "../../episode/node.ts";
import { percentile } from "../../math/index.ts";
import { writePolicyPackage } from "../../package/index.ts";
import type { TrainConfig, TrainEvent, Trainable, TrainingData } from "../../train/index.ts";
import { configHash, parseTrainConfig, train } from "../../train/index.ts";
import { METRICS_FILE } from "../../train/metrics.ts";
import { trainableFor } from "../registry.ts";
import type { Demonstrations } from "./demonstrate.ts";
import type { CurvePoint } from "./results.ts";
import type { Budget, Cell, Method, Sampler } from "./study.ts";
import type { StudyWorld } from "./worlds.ts";
import { policyOf } from "./study.ts";
import { STUDY_WORLDS } from "./worlds.ts";

const LOG_EVERY = 20;
/** Images of a training are moved by up to so many pixels, of 64, for all methods. */
const SHIFT_PX = 3;
/** First seed of the starts that trainings are measured on; fixed states and demonstrations have others. */
export const CURVE_SEED = 5_000_000;

export interface CellTraining {
  readonly weightsHash: string;
  readonly hash: string;
  readonly parameters: number;
  readonly secondsPerUpdate: number;
  readonly curve: readonly CurvePoint[];
  /** Of the demonstrations. */
  statistics(): DatasetStatistics;
  /** Writes the package that acts by a sampler. @returns its folder */
  packageFor(sampler: Sampler): Promise<string>;
}

/** What is trained, and how. */
export interface Recipe {
  readonly cell: Cell;
  readonly method: Method;
  readonly budget: Budget;
  readonly updates: number;
}

export interface TrainCellRequest extends Recipe {
  readonly folder: string;
  readonly data: { readonly folder: string; readonly about: Demonstrations };
  readonly signal: AbortSignal;
  readonly onEvent: (event: TrainEvent) => void;
  /** Successes of a package from the starts that trainings are measured on. */
  readonly measure: (packageFolder: string) => Promise<number>;
}

/** @throws {DOMException | Error} the signal's reason, after a checkpoint, where it stopped the training */
export async function trainCell(request: TrainCellRequest): Promise<CellTraining> {
  const { cell, budget, method, folder, signal, updates, data } = request;
  const config = configOf({ ...request, episodes: episodesIn(data.folder) });
  const looks = { ...budget, ...STUDY_WORLDS[cell.world] };
  const capture = await capturing(policySection(method, method.samplers[0], looks));
  const run = join(folder, "run");
  let parameters = 0;
  const result = await train({
    config,
    folder: run,
    resume: true,
    signal,
    makeTrainable: capture.make,
    onEvent(event) {
      if (event.kind === "opened") ({ parameters } = event);
      request.onEvent(event);
    },
    async evaluate(packageFolder) {
      const successes = await request.measure(packageFolder);
      const { episodes } = budget.curve;
      return { success_rate: successes / episodes, successes, episodes };
    },
  });
  signal.throwIfAborted();
  const measured = measuredIn(run);
  const { weightsHash } = result;
  const hash = cellHash({ ...request, demonstrations: data.about });
  return {
    weightsHash,
    hash,
    parameters,
    ...measured,
    statistics: capture.statistics,
    async packageFor(sampler) {
      const path = join(folder, "packages", sampler.name.replaceAll(" ", "-"));
      const provenance = {
        ...{ study: "ebt", cell: cell.id, sampler: sampler.name, updates, hash, weightsHash },
      };
      const section = policySection(method, sampler, looks);
      const content = await capture.packageFor(section, provenance);
      await writePolicyPackage(path, content, { overwrite: true });
      return path;
    },
  };
}

/** Where the demonstrations of a folder are. */
export function episodesIn(folder: string): string {
  return join(folder, "episodes");
}

/** Of what decides the weights of a cell. */
export function cellHash(
  about: Recipe & { readonly demonstrations: Pick<Demonstrations, "hash"> },
): string {
  // Folders differ, their demonstrations do not.
  const config = configOf({ ...about, episodes: about.demonstrations.hash });
  return createHash("sha256").update(configHash(config)).digest("hex");
}

/** `policy` of the training configuration for a network of such a size in a world where so much is seen. */
export function policySection(
  method: Method,
  sampler: Sampler,
  looks: Pick<Budget, "network" | "horizon" | "executeHorizon"> &
    Pick<StudyWorld, "cameras" | "derived" | "relative">,
): TrainConfig["policy"] {
  const { cameras, derived, relative } = looks;
  const looking = cameras.length === 0 ? {} : { cameras };
  const deriving = derived === undefined ? {} : { derived };
  const relating = relative === undefined ? {} : { relative };
  return { ...policyOf(method, looks), ...looking, ...deriving, ...relating, infer: sampler.infer };
}

/** Of a training of the episodes in a folder. */
export function configOf(recipe: Recipe & { readonly episodes: string }): TrainConfig {
  const { cell, method, budget, updates, episodes } = recipe;
  const { curve, batchSize, idle } = budget;
  const { cameras, simulator } = STUDY_WORLDS[cell.world];
  const augment = cameras.length === 0 ? {} : { augment: { shiftPx: SHIFT_PX } };
  return parseTrainConfig({
    name: cell.id,
    policy: policySection(method, method.samplers[0], { ...budget, ...STUDY_WORLDS[cell.world] }),
    data: {
      ...{ folders: [episodes], validation: 0, threads: 0 },
      ...augment,
      ...(idle === 0 ? {} : { idle: { below: idle } }),
    },
    seed: cell.seed,
    batchSize,
    steps: updates,
    threads: 1,
    optimiser: { kind: "adamw", betas: [0.9, 0.95], weightDecay: 1e-6, clipNorm: 1 },
    schedule: { kind: "cosine", peak: 1e-3, warmUp: Math.min(100, Math.ceil(updates / 10)) },
    logEvery: LOG_EVERY,
    evaluate: {
      sim: simulator,
      episodes: curve.episodes,
      seed: CURVE_SEED,
      everySteps: Math.ceil(updates / curve.points),
    },
    checkpoint: { everySteps: Math.ceil(updates / curve.points), keep: 1 },
  });
}

/** Keeps the parameters that the training's last package was made of, to make others with them. */
async function capturing(section: TrainConfig["policy"]): Promise<{
  readonly make: (data: TrainingData) => Trainable;
  readonly statistics: () => DatasetStatistics;
  packageFor(
    variant: TrainConfig["policy"],
    provenance: Readonly<Record<string, unknown>>,
  ): Promise<ReturnType<Trainable["toPackage"]>>;
}> {
  const make = await trainableFor(section);
  let kept:
    | { readonly data: TrainingData; readonly parameters: Readonly<Record<string, NdArray>> }
    | undefined;
  const trainedOnce = (): NonNullable<typeof kept> => {
    if (kept !== undefined) return kept;
    throw new RangeError("Cannot make a package: nothing was trained, must be first");
  };
  return {
    make(data) {
      const trainable = make(data);
      return {
        ...trainable,
        toPackage(parameters, provenance) {
          kept = { data, parameters };
          return trainable.toPackage(parameters, provenance);
        },
      };
    },
    statistics: () => trainedOnce().data.statistics,
    async packageFor(variant, provenance) {
      const { data, parameters } = trainedOnce();
      const trainable = (await trainableFor(variant))(data);
      return trainable.toPackage(parameters, provenance);
    },
  };
}

/**
 * Times and the curve, from what the run wrote: also of the part before a kill. Times are the processor's, which other work on the
 * machine makes longer by less than the wall's.
 */
function measuredIn(run: string): Pick<CellTraining, "secondsPerUpdate" | "curve"> {
  const lines = readFileSync(join(run, METRICS_FILE), "utf8").trimEnd().split("\n");
  const rows = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const cpuMs = rows.flatMap(({ kind, cpu_ms }) => (kind === "train" ? [Number(cpu_ms)] : []));
  const secondsPerUpdate = percentile(cpuMs, 0.5) / 1000;
  const curve = rows.flatMap(({ kind, step, successes, episodes }) =>
    kind === "evaluation"
      ? [
          {
            updates: Number(step),
            seconds: Number(step) * secondsPerUpdate,
            successes: Number(successes),
            episodes: Number(episodes),
          },
        ]
      : [],
  );
  return { secondsPerUpdate, curve };
}
