import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { seeded } from "../core/index.ts";
import { freshParameters } from "../onnx/layers/index.ts";
import { writePolicyPackage, writeSafetensors } from "../package/index.ts";
import type { Checkpoint, CheckpointState } from "./checkpoint.ts";
import {
  listCheckpoints,
  pruneCheckpoints,
  readCheckpoint,
  writeCheckpoint,
} from "./checkpoint.ts";
import { checkpointName } from "./checkpoint.ts";
import type { TrainConfig } from "./config.ts";
import { configHash } from "./config.ts";
import type { Batch, BatchLoader } from "./data/index.ts";
import type { MetricsLog } from "./metrics.ts";
import { openMetrics } from "./metrics.ts";
import { scheduleOf } from "./schedules.ts";
import { openUpdater, stepSettings } from "./open-updater.ts";
import { heldOutBatches, openRunData, openTrainingLoader } from "./train-data.ts";
import type { RunData } from "./train-data.ts";
import type { Provenance, Trainable, TrainingData } from "./trainable.ts";
import type { UpdateRequest, Updater, UpdateResult } from "./updater.ts";

/** What a run says while it goes on. */
export type TrainEvent =
  | {
      readonly kind: "opened";
      readonly parameters: number;
      readonly episodes: number;
      readonly heldOut: number;
      readonly windows: number;
      /** Left out by `data.idle`. */
      readonly idleSteps: number;
      readonly openMs: number;
      /** Updates done before; above 0 for a run that goes on. */
      readonly step: number;
    }
  | {
      readonly kind: "updated";
      readonly step: number;
      readonly loss: number;
      readonly rate: number;
      readonly gradNorm: number;
      /** Of this update: waited for data, and in all. */
      readonly waitMs: number;
      readonly stepMs: number;
    }
  | {
      readonly kind: "measured";
      readonly what: "validation" | "evaluation";
      readonly step: number;
      readonly values: Readonly<Record<string, number>>;
      readonly best: boolean;
    }
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string };

export interface TrainOptions {
  readonly config: TrainConfig;
  /** Folder of the run: checkpoints, metrics, packages. */
  readonly folder: string;
  readonly makeTrainable: (data: TrainingData) => Trainable;
  /** Goes on from the newest checkpoint, if there is one. Default false. */
  readonly resume?: boolean;
  /** Stops after so many updates; the schedule stays that of `config.steps`. */
  readonly maxSteps?: number;
  /** Acts in a world with a package; `success_rate` of what it returns decides which is best. */
  readonly evaluate?: (
    packageFolder: string,
    step: number,
  ) => Promise<Readonly<Record<string, number>>>;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Stops after the update at hand, with a checkpoint. */
  readonly signal?: AbortSignal;
  readonly provenance?: Provenance;
}

export interface TrainResult {
  readonly step: number;
  /** Why it ended. */
  readonly ended: "steps" | "patience" | "stopped";
  readonly best: CheckpointState["best"];
  /** SHA-256 of the weights as a safetensors file. */
  readonly weightsHash: string;
  readonly checkpoint: string;
  /** Folder of the package of the last weights, and of the best if anything was measured. */
  readonly lastPackage: string;
  readonly bestPackage?: string;
  /** Waited for data and spent in all, ms. */
  readonly waitMs: number;
  readonly totalMs: number;
}

/** The loss or a gradient is not finite; the last checkpoint is as it was. */
export class NonFiniteLossError extends Error {
  readonly step: number;
  constructor(step: number, what: string, batch: string) {
    super(
      `Cannot go on training: ${what} at update ${step}, must be finite; the batch was ${batch}. ` +
        "The last checkpoint is from before; a lower rate, clipNorm or other data may help",
    );
    this.name = "NonFiniteLossError";
    this.step = step;
  }
}

/**
 * Trains and leaves everything behind in a folder. Killed at any moment it goes on from its newest checkpoint
 * (`resume`) and ends with the same bits as if it had not been.
 *
 * @throws {NonFiniteLossError} naming update and batch
 * @throws {RangeError} if the newest checkpoint is of another configuration or other data
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  await mkdir(join(options.folder, "checkpoints"), { recursive: true });
  const data = await openRunData(options.config);
  try {
    const run = await Run.open(options, data);
    try {
      return await run.go();
    } finally {
      await run.close();
    }
  } finally {
    await data.close();
  }
}

interface RunParts {
  readonly trainable: Trainable;
  readonly step: Updater;
  readonly loader: BatchLoader;
  readonly heldOut: readonly Batch[];
  readonly metrics: MetricsLog;
  readonly state: CheckpointState;
}

/** An update that is asked for, and what it is made from. */
interface Asked {
  readonly batches: readonly Batch[];
  readonly request: UpdateRequest;
}

class Run {
  readonly #options: TrainOptions;
  readonly #parts: RunParts;
  readonly #rate: (step: number) => number;
  #state: CheckpointState;
  #waitMs = 0;

  private constructor(options: TrainOptions, parts: RunParts) {
    this.#options = options;
    this.#parts = parts;
    this.#state = parts.state;
    this.#rate = scheduleOf(options.config.schedule);
  }

  static async open(options: TrainOptions, data: RunData): Promise<Run> {
    const { config, folder } = options;
    const trainable = options.makeTrainable(data.about);
    const checkpoint = options.resume === true ? await newest(folder) : undefined;
    const state = checkpoint?.state ?? initialState(config, data, options.provenance ?? {});
    if (checkpoint !== undefined) assertSame(state, config, data);
    const step = await openUpdater(
      trainable,
      freshParameters(seeded(config.seed).split("parameters")),
      stepSettings(config),
    );
    if (checkpoint !== undefined) {
      await step.restore(checkpoint.weights, checkpoint.optimiser);
    }
    const { needs } = trainable;
    const heldOut = await heldOutBatches(config, data, needs);
    const loader = await openTrainingLoader(config, data, { needs, start: state.position });
    options.onEvent?.({
      kind: "opened",
      parameters: step.parameterCount,
      episodes: data.training.reduce((sum, list) => sum + list.length, 0),
      heldOut: data.heldOut.reduce((sum, list) => sum + list.length, 0),
      windows: loader.epochLength,
      idleSteps: data.idleSteps,
      openMs: step.openMs,
      step: state.step,
    });
    const metrics = openMetrics(folder, state.step);
    return new Run(options, { trainable, step, loader, heldOut, metrics, state });
  }

  async go(): Promise<TrainResult> {
    const { config, maxSteps = Infinity, signal } = this.#options;
    const started = performance.now();
    const last = Math.min(config.steps, maxSteps);
    let ended: TrainResult["ended"] = "steps";
    while (this.#state.step < last) {
      await this.#update(last);
      await this.#measure();
      const stopped = signal?.aborted === true;
      const tired = this.#state.sinceBest >= (config.patience ?? Infinity);
      if (this.#state.step % config.checkpoint.everySteps === 0) await this.#save();
      if (stopped || tired) {
        ended = stopped ? "stopped" : "patience";
        break;
      }
    }
    return this.#finish(ended, started);
  }

  async close(): Promise<void> {
    await this.#parts.loader.close();
    await this.#parts.step.close();
    this.#parts.metrics.close();
  }

  /** Updates up to the next thing that is due, or as many as are worth a run. */
  async #update(last: number): Promise<void> {
    const { step } = this.#parts;
    const started = now();
    const first = this.#state.step + 1;
    const count = Math.min(step.updatesPerRun, this.#untilDue(last));
    const asked: Asked[] = [];
    for (let i = 0; i < count; i++) asked.push(await this.#ask(first + i));
    const results = await step.update(asked.map(({ request }) => request));
    const ended = now();
    const took = {
      stepMs: (ended.wallMs - started.wallMs) / results.length,
      cpuMs: (ended.cpuMs - started.cpuMs) / results.length,
    };
    for (const [i, result] of results.entries()) this.#applied(asked[i] as Asked, result, took);
  }

  /** Updates until something is measured or stored, or the run ends. */
  #untilDue(last: number): number {
    const { validate, evaluate, checkpoint } = this.#options.config;
    const { step } = this.#state;
    const every = [validate.everySteps, evaluate?.everySteps ?? Infinity, checkpoint.everySteps];
    const until = every.map((steps) => (steps === Infinity ? Infinity : steps - (step % steps)));
    return Math.min(last - step, ...until);
  }

  async #ask(number: number): Promise<Asked> {
    const { config } = this.#options;
    const { loader, trainable } = this.#parts;
    const batches: Batch[] = [];
    for (let i = 0; i < config.accumulate; i++) batches.push(await loader.next());
    const rng = seeded(config.seed).split("update").split(number);
    const feeds = batches.map((batch, i) => trainable.feeds(batch, rng.split(i)));
    return { batches, request: { feeds, rate: this.#rate(number), step: number } };
  }

  #applied(
    { batches, request }: Asked,
    result: UpdateResult,
    { stepMs, cpuMs }: { readonly stepMs: number; readonly cpuMs: number },
  ): void {
    const { config } = this.#options;
    const { rate, step } = request;
    if (!result.applied) {
      const what = Number.isFinite(result.values["loss"])
        ? "the gradients are not finite"
        : `the loss is ${result.values["loss"]}`;
      throw new NonFiniteLossError(step, what, batches.map(batchWords).join("; "));
    }
    const waitMs = batches.reduce((sum, batch) => sum + batch.waitMs, 0);
    const position = batches.at(-1)?.next ?? this.#state.position;
    this.#state = { ...this.#state, step, position };
    this.#waitMs += waitMs;
    const loss = result.values["loss"] ?? NaN;
    const { gradNorm } = result;
    this.#options.onEvent?.({ kind: "updated", step, loss, rate, gradNorm, waitMs, stepMs });
    if (step % config.logEvery !== 0) return;
    const values = {
      ...result.values,
      rate,
      grad_norm: gradNorm,
      wait_ms: waitMs,
      step_ms: stepMs,
      cpu_ms: cpuMs,
    };
    this.#log("train", values);
  }

  /** Measures what is due after this update, and keeps the package of the best. */
  async #measure(): Promise<void> {
    const { config, evaluate } = this.#options;
    const { step } = this.#state;
    const due = (every: number | undefined): boolean => every !== undefined && step % every === 0;
    const { heldOut } = this.#parts;
    if (heldOut.length > 0 && due(config.validate.everySteps)) {
      const values = await this.#validate();
      const loss = values["loss"] ?? NaN;
      // Where a world decides, the held-out loss is only reported.
      const best = config.evaluate === undefined && (await this.#consider(-loss));
      this.#options.onEvent?.({ kind: "measured", what: "validation", step, values, best });
    }
    if (evaluate !== undefined && due(config.evaluate?.everySteps)) {
      const folder = await this.#writePackage("candidate");
      const values = await evaluate(folder, step);
      this.#log("evaluation", values);
      const best = await this.#consider(values["success_rate"] ?? NaN);
      this.#options.onEvent?.({ kind: "measured", what: "evaluation", step, values, best });
    }
  }

  async #validate(): Promise<Readonly<Record<string, number>>> {
    const { heldOut, trainable, step } = this.#parts;
    const sums = new Map<string, number>();
    for (const [i, batch] of heldOut.entries()) {
      const rng = seeded(this.#options.config.seed).split("validate").split(i);
      for (const [name, value] of Object.entries(await step.measure(trainable.feeds(batch, rng)))) {
        sums.set(name, (sums.get(name) ?? 0) + value / heldOut.length);
      }
    }
    const values = Object.fromEntries(sums);
    this.#log("validation", values);
    return values;
  }

  /** @param value larger is better */
  async #consider(value: number): Promise<boolean> {
    const { best, step, sinceBest } = this.#state;
    if (best !== null && !(value > best.value)) {
      this.#state = { ...this.#state, sinceBest: sinceBest + 1 };
      return false;
    }
    this.#state = { ...this.#state, best: { step, value }, sinceBest: 0 };
    await this.#writePackage("best");
    return true;
  }

  #log(
    kind: "train" | "validation" | "evaluation",
    values: Readonly<Record<string, number>>,
  ): void {
    const { step, position } = this.#state;
    const epoch = position.epoch + position.index / this.#parts.loader.epochLength;
    this.#parts.metrics.append({ kind, step, epoch: Number(epoch.toFixed(4)), values });
  }

  async #writePackage(name: string): Promise<string> {
    const { trainable, step } = this.#parts;
    const { config, provenance = {} } = this.#options;
    const folder = join(this.#options.folder, "packages", name);
    const content = trainable.toPackage(await step.deployed(), {
      ...provenance,
      training: { config, step: this.#state.step, dataHashes: this.#state.dataHashes },
    });
    await mkdir(join(this.#options.folder, "packages"), { recursive: true });
    await writePolicyPackage(folder, content, { overwrite: true });
    return folder;
  }

  async #save(): Promise<string> {
    const folder = join(this.#options.folder, "checkpoints");
    const { step } = this.#parts;
    const path = await writeCheckpoint(folder, {
      state: this.#state,
      weights: await step.weights(),
      optimiser: await step.optimiserState(),
    });
    const { best } = this.#state;
    const spare = best === null ? [] : [join(folder, checkpointName(best.step))];
    await pruneCheckpoints(folder, { keep: this.#options.config.checkpoint.keep, spare });
    this.#options.onEvent?.({ kind: "checkpoint", step: this.#state.step, path });
    return path;
  }

  async #finish(ended: TrainResult["ended"], started: number): Promise<TrainResult> {
    const checkpoint = await this.#save();
    const lastPackage = await this.#writePackage("last");
    const weights = writeSafetensors(await this.#parts.step.weights());
    const { best, step } = this.#state;
    return {
      step,
      ended,
      best,
      weightsHash: createHash("sha256").update(weights).digest("hex"),
      checkpoint,
      lastPackage,
      ...(best === null ? {} : { bestPackage: join(this.#options.folder, "packages", "best") }),
      waitMs: this.#waitMs,
      totalMs: performance.now() - started,
    };
  }
}

/** Milliseconds on the wall's clock, and those that all threads of this process have computed. */
function now(): { readonly wallMs: number; readonly cpuMs: number } {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1000 };
}

function initialState(config: TrainConfig, data: RunData, provenance: Provenance): CheckpointState {
  return {
    step: 0,
    position: { epoch: 0, index: 0 },
    seed: config.seed,
    configHash: configHash(config),
    dataHashes: data.datasets.map(({ hash }) => hash),
    best: null,
    sinceBest: 0,
    provenance,
  };
}

async function newest(folder: string): Promise<Checkpoint | undefined> {
  const path = (await listCheckpoints(join(folder, "checkpoints"))).at(-1);
  return path === undefined ? undefined : readCheckpoint(path);
}

function assertSame(state: CheckpointState, config: TrainConfig, data: RunData): void {
  if (state.configHash !== configHash(config)) {
    throw new RangeError(
      "Cannot resume training: the checkpoint is of another configuration, must be the same (config.json of " +
        "the run has it); start a new run in another folder",
    );
  }
  const hashes = data.datasets.map(({ hash }) => hash);
  const other = hashes.findIndex((hash, i) => hash !== state.dataHashes[i]);
  if (other >= 0 || hashes.length !== state.dataHashes.length) {
    const name = data.datasets[other]?.name ?? "";
    throw new RangeError(
      `Cannot resume training: dataset "${name}" is not what the checkpoint was trained on, must have the same files`,
    );
  }
}

function batchWords({ windows, tasks, position }: Batch): string {
  const some = windows.slice(0, 4).map(({ episode, step }, i) => `${tasks[i]} ${episode}:${step}`);
  return `at epoch ${position.epoch}, window ${position.index} (task episode:step ${some.join(", ")}, ...)`;
}
