/** One update of the parameters: loss, gradients and optimiser in one place. */
import type { OptimiserConfig, ParameterInfo } from "../autodiff/index.ts";
import { grad } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import { writeModel } from "../onnx/index.ts";
import type { ParameterStore } from "../onnx/layers/index.ts";
import type { LocalSession, SessionOptions } from "../session/index.ts";
import { openLocalSession } from "../session/index.ts";
import { ParameterArena } from "./arena.ts";
import type { Optimiser } from "./optimiser.ts";
import { createOptimiser, layoutFor } from "./optimiser.ts";
import type { LossGraph, Trainable } from "./trainable.ts";

export interface StepSettings {
  readonly batchSize: number;
  readonly optimiser: OptimiserConfig;
  /** Weight of each objective in the loss; default 1 each. */
  readonly objectives?: Readonly<Record<string, number>>;
  /** Batches whose gradients are averaged before an update; default 1. */
  readonly accumulate?: number;
  readonly session?: SessionOptions;
}

export interface UpdateResult {
  /** `loss`, every objective and every metric; means over the micro-batches. */
  readonly values: Readonly<Record<string, number>>;
  readonly gradNorm: number;
  /** False if loss or gradients are not finite: nothing was changed. */
  readonly applied: boolean;
  readonly runMs: number;
  readonly updateMs: number;
}

type Feeds = Readonly<Record<string, NdArray>>;

const GRADIENT = "grad/";

/**
 * Parameters, their optimiser and the graph that differentiates the loss. Runs in the caller's thread and
 * blocks it meanwhile: train in a process or a worker thread of its own.
 *
 * Parameters and gradients live in a WebAssembly memory that the engine reads and writes in place; the
 * optimiser works on them there. Equal parameters, feeds and settings give equal bits, whatever the threads.
 */
export class TrainingStep {
  readonly arena: ParameterArena;
  readonly optimiser: Optimiser;
  readonly #session: LocalSession;
  readonly #trainable: Trainable;
  readonly #settings: StepSettings;
  readonly #scalars: readonly string[];
  #forward: LocalSession | undefined;

  private constructor(parts: {
    arena: ParameterArena;
    session: LocalSession;
    trainable: Trainable;
    settings: StepSettings;
    scalars: readonly string[];
  }) {
    this.arena = parts.arena;
    this.optimiser = createOptimiser(parts.settings.optimiser, parts.arena);
    this.#session = parts.session;
    this.#trainable = parts.trainable;
    this.#settings = parts.settings;
    this.#scalars = parts.scalars;
    this.optimiser.init();
  }

  /**
   * @param parameters where the parameters start
   * @throws {UnsupportedOpError} if something on the way to the loss has no gradient rule
   * @throws {RangeError} if an objective has a weight but is not made, or all parameters take 4 GiB or more
   */
  static async open(
    trainable: Trainable,
    parameters: ParameterStore,
    settings: StepSettings,
  ): Promise<TrainingStep> {
    const made = trainable.lossGraph({ batchSize: settings.batchSize, parameters });
    const infos = [...made.g.parameters].map(([name, value]) => parameterInfo(name, value));
    const accumulate = (settings.accumulate ?? 1) > 1;
    const arena = new ParameterArena(layoutFor(settings.optimiser, infos, { accumulate }));
    arena.load("parameter", startOf(made.g));
    const scalars = declareScalars(made, settings.objectives);
    declareGradients(made.g, scalars.loss);
    const bytes = writeModel(made.g.build({ parameters: "fed" }));
    const session = await openLocalSession(bytes, sessionOptions(settings));
    return new TrainingStep({ arena, session, trainable, settings, scalars: scalars.names });
  }

  get parameterCount(): number {
    return this.arena.parameters.reduce(
      (sum, { shape }) => sum + shape.reduce((product, dim) => product * dim, 1),
      0,
    );
  }

  get openMs(): number {
    return this.#session.openMs;
  }

  /**
   * One update from as many feeds as `accumulate` says.
   * @param at.step counts updates from 1
   */
  async update(
    feeds: readonly Feeds[],
    at: { readonly rate: number; readonly step: number },
  ): Promise<UpdateResult> {
    const { accumulate = 1 } = this.#settings;
    if (feeds.length !== accumulate) {
      throw new RangeError(
        `Cannot update: there are ${feeds.length} feeds, must be ${accumulate} (accumulate)`,
      );
    }
    const started = performance.now();
    const sums = new Map<string, number>();
    let runMs = 0;
    for (const feed of feeds) {
      const result = await this.#run(feed);
      runMs += result.runMs;
      for (const [name, value] of result.values) sums.set(name, (sums.get(name) ?? 0) + value);
      if (accumulate > 1) this.optimiser.accumulate();
    }
    const values = Object.fromEntries([...sums].map(([name, sum]) => [name, sum / feeds.length]));
    if (!Number.isFinite(values["loss"])) {
      const updateMs = performance.now() - started - runMs;
      return { values, gradNorm: NaN, applied: false, runMs, updateMs };
    }
    const { gradNorm, applied } = this.optimiser.step(at);
    return { values, gradNorm, applied, runMs, updateMs: performance.now() - started - runMs };
  }

  /** Loss, objectives and metrics without an update, from the parameters or from their moving average. */
  async measure(feeds: Feeds): Promise<Readonly<Record<string, number>>> {
    this.#forward ??= await this.#openForward();
    const { outputs } = await this.#forward.run({
      ...feeds,
      ...this.arena.views(this.#deployedKind()),
    });
    return Object.fromEntries(
      this.#scalars.map((name) => [name, scalarOf(outputs[name] as NdArray | undefined)]),
    );
  }

  /** Copies of the parameters that a policy is made of: their moving average, where one is kept. */
  deployed(): Record<string, NdArray> {
    return this.arena.store(this.#deployedKind());
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.#forward?.close();
  }

  #deployedKind(): string {
    return this.arena.kinds.includes("ema") ? "ema" : "parameter";
  }

  async #run(feeds: Feeds): Promise<{ values: [string, number][]; runMs: number }> {
    const gradients = Object.entries(this.arena.views("gradient")).map(
      ([name, array]) => [`${GRADIENT}${name}`, array] as const,
    );
    const { outputs, runMs } = await this.#session.run(
      { ...feeds, ...this.arena.views("parameter") },
      { into: Object.fromEntries(gradients) },
    );
    const values = this.#scalars.map((name): [string, number] => [
      name,
      scalarOf(outputs[name] as NdArray | undefined),
    ]);
    return { values, runMs };
  }

  async #openForward(): Promise<LocalSession> {
    const parameters: ParameterStore = {
      get: (name) => this.arena.views("parameter")[name] as NdArray,
    };
    const { batchSize, objectives } = this.#settings;
    const made = this.#trainable.lossGraph({ batchSize, parameters });
    declareScalars(made, objectives);
    const bytes = writeModel(made.g.build({ parameters: "fed" }));
    return openLocalSession(bytes, sessionOptions(this.#settings));
  }
}

function sessionOptions({ session = {} }: StepSettings): SessionOptions {
  // Masked softmax makes denormals, which are slow in it and in everything after it.
  return { denormalsAsZero: true, allowSpinning: true, planMemory: false, ...session };
}

function parameterInfo(name: string, { shape, constant }: Value): ParameterInfo {
  if (constant?.dtype !== "float32") {
    const is = constant?.dtype ?? "without a value";
    throw new TypeError(`Cannot train parameter "${name}": it is ${is}, must be float32`);
  }
  return { name, shape: shape.map(Number) };
}

/** The numbers that the builder's parameters were declared with. */
function startOf(g: GraphBuilder): Record<string, NdArray> {
  return Object.fromEntries(
    [...g.parameters].map(([name, { constant }]) => [name, constant as NdArray]),
  );
}

/** Declares `loss`, the objectives and the metrics as outputs. */
function declareScalars(
  { g, objectives, metrics = {} }: LossGraph,
  weights: Readonly<Record<string, number>> = {},
): { readonly loss: Value; readonly names: readonly string[] } {
  const names = Object.keys(objectives);
  const unknown = Object.keys(weights).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot train: objective "${unknown}" has a weight, must be one of ${names.join(", ")}`,
    );
  }
  const terms = Object.entries(objectives).map(([name, value]) => {
    const weight = weights[name] ?? 1;
    return weight === 1 ? value : g.mul(value, weight);
  });
  const [first, ...rest] = terms;
  if (first === undefined) throw new RangeError("Cannot train: there is no objective, must be one");
  const loss = rest.reduce((sum, term) => g.add(sum, term), first);
  const scalars: Record<string, Value> = { loss, ...objectives, ...metrics };
  for (const [name, value] of Object.entries(scalars)) g.output(name, value);
  return { loss, names: Object.keys(scalars) };
}

function declareGradients(g: GraphBuilder, loss: Value): void {
  const parameters = [...g.parameters];
  const gradients = grad(
    g,
    loss,
    parameters.map(([, value]) => value),
  );
  for (const [i, [name]] of parameters.entries()) {
    const gradient = gradients[i];
    if (gradient !== undefined) g.output(`${GRADIENT}${name}`, gradient);
  }
}

function scalarOf(array: NdArray | undefined): number {
  return array === undefined ? NaN : Number(array.data[0]);
}
