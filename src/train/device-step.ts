/** Updates of the parameters that a device makes all of. */
import type { ParameterInfo } from "../autodiff/index.ts";
import { stateName } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import type { Model } from "../onnx/index.ts";
import { loopSteps, writeModel } from "../onnx/index.ts";
import type { ParameterStore } from "../onnx/layers/index.ts";
import type { DeviceTensor, LocalSession } from "../session/index.ts";
import { hostArray, isDeviceTensor, openLocalSession } from "../session/index.ts";
import { assertFits } from "./arena.ts";
import { countOf, declareScalars, scalarOf } from "./loss-scalars.ts";
import { joinFeeds } from "./join-feeds.ts";
import type { Trainable } from "./trainable.ts";
import { SUM_OF_SQUARES, nextName, updateGraph } from "./update-graph.ts";
import type { StepSettings, UpdateRequest, Updater, UpdateResult } from "./updater.ts";
import { assertNoAccumulation, oneByOne, onlyFeed } from "./updater.ts";

type Feeds = Readonly<Record<string, NdArray>>;
type Kept = NdArray | DeviceTensor;

interface Parts {
  readonly session: LocalSession;
  readonly trainable: Trainable;
  readonly settings: StepSettings;
  readonly parameters: readonly ParameterInfo[];
  readonly scalars: readonly string[];
  readonly kept: Map<string, Kept>;
  readonly average: boolean;
  readonly updatesPerRun: number;
}

/**
 * Loss, gradient and optimiser in one graph whose outputs are the next parameters and state. Where the engine
 * lets tensors stay on the device (`webgpu`), they are fed back from there and only scalars come home; where
 * it does not (`cuda`), several updates are one run, by ONNX's `Loop`, and state travels once for all of them.
 * The numbers are those of `TrainingStep` up to the order in which sums are taken.
 */
export class DeviceTrainingStep implements Updater {
  readonly updatesPerRun: number;
  readonly #parts: Parts;
  #forward: LocalSession | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.updatesPerRun = parts.updatesPerRun;
  }

  /**
   * @throws {UnsupportedOpError} if something on the way to the loss has no gradient rule
   * @throws {RangeError} if `accumulate` is above 1: the device would have to keep sums, too
   */
  static async open(
    trainable: Trainable,
    parameters: ParameterStore,
    settings: StepSettings,
  ): Promise<DeviceTrainingStep> {
    assertNoAccumulation(settings);
    const { updatesPerRun = 1 } = settings;
    const looped = updatesPerRun > 1;
    const { model, start, ...graph } = updateGraph(trainable, parameters, settings);
    const whole = looped ? loopedUpdates(model, Object.keys(start), graph.scalars) : model;
    const session = await openLocalSession(writeModel(whole), {
      ...settings.session,
      deviceOutputs: looped ? [] : Object.keys(start).map(nextName),
    });
    const kept = new Map<string, Kept>(Object.entries(start));
    return new DeviceTrainingStep({ session, trainable, settings, kept, updatesPerRun, ...graph });
  }

  get parameterCount(): number {
    return countOf(this.#parts.parameters);
  }

  get openMs(): number {
    return this.#parts.session.openMs;
  }

  update(requests: readonly UpdateRequest[]): Promise<readonly UpdateResult[]> {
    if (this.updatesPerRun > 1) return this.#updateTogether(requests);
    return oneByOne(requests, (request) => this.#update(request));
  }

  async #update(request: UpdateRequest): Promise<UpdateResult> {
    const { session, kept } = this.#parts;
    const feed = onlyFeed(request);
    const started = performance.now();
    const { outputs, runMs } = await session.run(
      { ...feed, ...Object.fromEntries(kept), ...scalarFeeds(request) },
      { keepOnDevice: [...kept.keys()].map(nextName) },
    );
    const result = this.#resultAt(outputs, 0);
    for (const name of kept.keys()) {
      const next = outputs[nextName(name)] as Kept;
      const old = result.applied ? kept.get(name) : next;
      if (result.applied) kept.set(name, next);
      if (isDeviceTensor(old)) old.dispose();
    }
    return { ...result, runMs, updateMs: performance.now() - started - runMs };
  }

  async #updateTogether(requests: readonly UpdateRequest[]): Promise<readonly UpdateResult[]> {
    const { session, kept } = this.#parts;
    if (requests.length === 0) return [];
    const started = performance.now();
    const feeds = joinFeeds(requests.map((each) => ({ ...onlyFeed(each), ...scalarFeeds(each) })));
    const count = BigInt64Array.of(BigInt(requests.length));
    const { outputs, runMs } = await session.run({
      ...feeds,
      ...Object.fromEntries(kept),
      [COUNT]: { dtype: "int64", shape: [], data: count },
    });
    for (const name of kept.keys()) kept.set(name, hostArray(outputs, nextName(name)));
    const aroundMs = performance.now() - started - runMs;
    const share = { runMs: runMs / requests.length, updateMs: aroundMs / requests.length };
    return untilRefused(requests.map((_, i) => ({ ...this.#resultAt(outputs, i), ...share })));
  }

  #resultAt(
    outputs: Readonly<Record<string, Kept>>,
    index: number,
  ): Pick<UpdateResult, "values" | "gradNorm" | "applied"> {
    const at = (name: string): number => Number(hostArray(outputs, name).data[index]);
    const values = Object.fromEntries(this.#parts.scalars.map((name) => [name, at(name)]));
    const gradNorm = Math.sqrt(at(SUM_OF_SQUARES));
    return {
      values,
      gradNorm,
      applied: Number.isFinite(values["loss"]) && Number.isFinite(gradNorm),
    };
  }

  async measure(feeds: Feeds): Promise<Readonly<Record<string, number>>> {
    this.#forward ??= await this.#openForward();
    const { parameters, scalars } = this.#parts;
    const weights = parameters.map(({ name }) => [name, this.#deployedTensor(name)] as const);
    const { outputs } = await this.#forward.run({ ...feeds, ...Object.fromEntries(weights) });
    return Object.fromEntries(scalars.map((name) => [name, scalarOf(hostArray(outputs, name))]));
  }

  deployed(): Promise<Record<string, NdArray>> {
    const { parameters } = this.#parts;
    return this.#download(
      parameters.map(({ name }) => [name, this.#deployedTensor(name)] as const),
    );
  }

  weights(): Promise<Record<string, NdArray>> {
    return this.#download([...this.#parts.kept].filter(([name]) => this.#isParameter(name)));
  }

  optimiserState(): Promise<Record<string, NdArray>> {
    return this.#download([...this.#parts.kept].filter(([name]) => !this.#isParameter(name)));
  }

  async restore(weights: Feeds, state: Feeds): Promise<void> {
    const given = { ...weights, ...state };
    const { kept } = this.#parts;
    for (const [name, tensor] of kept) {
      const like = isDeviceTensor(tensor) ? await this.#parts.session.download(tensor) : tensor;
      assertFits(`restore "${name}"`, given[name], like);
    }
    const unknown = Object.keys(given).find((name) => !kept.has(name));
    if (unknown !== undefined) {
      throw new TypeError(`Cannot restore "${unknown}": the run has no such tensor`);
    }
    for (const [name, tensor] of kept) {
      if (isDeviceTensor(tensor)) tensor.dispose();
      kept.set(name, given[name] as NdArray);
    }
  }

  async close(): Promise<void> {
    for (const tensor of this.#parts.kept.values()) if (isDeviceTensor(tensor)) tensor.dispose();
    await this.#parts.session.close();
    await this.#forward?.close();
  }

  #isParameter(name: string): boolean {
    return this.#parts.parameters.some((parameter) => parameter.name === name);
  }

  #deployedTensor(name: string): Kept {
    const { kept, average } = this.#parts;
    return kept.get(average ? stateName("ema", name) : name) as Kept;
  }

  async #download(tensors: readonly (readonly [string, Kept])[]): Promise<Record<string, NdArray>> {
    const arrays: Record<string, NdArray> = {};
    for (const [name, tensor] of tensors) {
      arrays[name] = isDeviceTensor(tensor)
        ? await this.#parts.session.download(tensor)
        : { ...tensor, data: tensor.data.slice() };
    }
    return arrays;
  }

  async #openForward(): Promise<LocalSession> {
    const { trainable, settings, parameters } = this.#parts;
    const zeros: ParameterStore = {
      get: (name, shape) => {
        const size = parameters.find((info) => info.name === name)?.shape ?? shape;
        const data = new Float32Array(size.reduce((product, dim) => product * dim, 1));
        return { dtype: "float32", shape, data };
      },
    };
    const made = trainable.lossGraph({ batchSize: settings.batchSize, parameters: zeros });
    declareScalars(made, settings.objectives);
    return openLocalSession(writeModel(made.g.build({ parameters: "fed" })), settings.session);
  }
}

/** The input that says how many updates a run makes. */
const COUNT = "updates";

function loopedUpdates(model: Model, kept: readonly string[], scalars: readonly string[]): Model {
  const others = model.graph.inputs.map(({ name }) => name).filter((name) => !kept.includes(name));
  return loopSteps(model, {
    steps: COUNT,
    carry: kept.map((name) => [nextName(name), name] as const),
    perStep: others,
    collect: [...scalars, SUM_OF_SQUARES],
  });
}

function scalarFeeds({ rate, step }: UpdateRequest): Feeds {
  const f32 = (value: number): NdArray => ({
    dtype: "float32",
    shape: [],
    data: Float32Array.of(value),
  });
  return { rate: f32(rate), step: f32(step) };
}

/** The results up to the first update that was not applied: the graph left everything as it was then. */
function untilRefused(results: readonly UpdateResult[]): readonly UpdateResult[] {
  const refused = results.findIndex(({ applied }) => !applied);
  return refused < 0 ? results : results.slice(0, refused + 1);
}
