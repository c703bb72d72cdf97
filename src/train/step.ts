/** One update of the parameters: loss, gradients and optimiser in one place. */
import { grad } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import { writeModel } from "../onnx/index.ts";
import type { ParameterStore } from "../onnx/layers/index.ts";
import type { LocalSession } from "../session/index.ts";
import { openLocalSession } from "../session/index.ts";
import { ParameterArena } from "./arena.ts";
import { countOf, declareScalars, parameterInfos, scalarOf, startOf } from "./loss-scalars.ts";
import type { Optimiser } from "./optimiser.ts";
import { createOptimiser, layoutFor } from "./optimiser.ts";
import { trainingSession } from "./session-options.ts";
import type { Trainable } from "./trainable.ts";
import type { StepSettings, UpdateRequest, Updater, UpdateResult } from "./updater.ts";
import { oneByOne } from "./updater.ts";

type Feeds = Readonly<Record<string, NdArray>>;

const GRADIENT = "grad/";

/**
 * Parameters, their optimiser and the graph that differentiates the loss. Runs in the caller's thread and
 * blocks it meanwhile: train in a process or a worker thread of its own.
 *
 * Parameters and gradients live in a WebAssembly memory that the engine reads and writes in place; the
 * optimiser works on them there. Equal parameters, feeds and settings give equal bits, whatever the threads.
 */
export class TrainingStep implements Updater {
  readonly arena: ParameterArena;
  readonly optimiser: Optimiser;
  readonly updatesPerRun = 1;
  readonly #session: LocalSession;
  readonly #trainable: Trainable;
  readonly #settings: StepSettings;
  readonly #scalars: readonly string[];
  /** Views of the arena, made once: its memory never moves. Gradients by the names of the outputs that fill them. */
  readonly #parameters: Feeds;
  readonly #gradients: Feeds;
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
    this.#parameters = this.arena.views("parameter");
    this.#gradients = Object.fromEntries(
      Object.entries(this.arena.views("gradient")).map(([name, array]) => [
        `${GRADIENT}${name}`,
        array,
      ]),
    );
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
    const infos = parameterInfos(made.g);
    const accumulate = (settings.accumulate ?? 1) > 1;
    const arena = new ParameterArena(layoutFor(settings.optimiser, infos, { accumulate }));
    arena.load("parameter", startOf(made.g));
    const scalars = declareScalars(made, settings.objectives);
    declareGradients(made.g, scalars.loss);
    const bytes = writeModel(made.g.build({ parameters: "fed" }));
    const session = await openLocalSession(bytes, {
      ...trainingSession(settings.session),
      fillOnly: true,
    });
    return new TrainingStep({ arena, session, trainable, settings, scalars: scalars.names });
  }

  get parameterCount(): number {
    return countOf(this.arena.parameters);
  }

  get openMs(): number {
    return this.#session.openMs;
  }

  update(requests: readonly UpdateRequest[]): Promise<readonly UpdateResult[]> {
    return oneByOne(requests, (request) => this.#update(request));
  }

  async #update({ feeds, rate, step }: UpdateRequest): Promise<UpdateResult> {
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
    const { gradNorm, applied } = this.optimiser.step({ rate, step });
    return { values, gradNorm, applied, runMs, updateMs: performance.now() - started - runMs };
  }

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

  deployed(): Promise<Record<string, NdArray>> {
    return Promise.resolve(this.arena.store(this.#deployedKind()));
  }

  weights(): Promise<Record<string, NdArray>> {
    return Promise.resolve(this.arena.store("parameter"));
  }

  optimiserState(): Promise<Record<string, NdArray>> {
    return Promise.resolve(this.optimiser.state());
  }

  restore(weights: Feeds, state: Feeds): Promise<void> {
    this.arena.load("parameter", weights);
    this.optimiser.restore(state);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#session.close();
    await this.#forward?.close();
  }

  #deployedKind(): string {
    return this.arena.kinds.includes("ema") ? "ema" : "parameter";
  }

  async #run(feeds: Feeds): Promise<{ values: [string, number][]; runMs: number }> {
    const { outputs, runMs } = await this.#session.run(
      { ...feeds, ...this.#parameters },
      { into: this.#gradients },
    );
    const values = this.#scalars.map((name): [string, number] => [
      name,
      scalarOf(outputs[name] as NdArray | undefined),
    ]);
    return { values, runMs };
  }

  async #openForward(): Promise<LocalSession> {
    const parameters: ParameterStore = {
      get: (name) => this.#parameters[name] as NdArray,
    };
    const { batchSize, objectives } = this.#settings;
    const made = this.#trainable.lossGraph({ batchSize, parameters });
    declareScalars(made, objectives);
    const bytes = writeModel(made.g.build({ parameters: "fed" }));
    return openLocalSession(bytes, trainingSession(this.#settings.session));
  }
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
