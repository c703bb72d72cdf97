/** One update of the parameters on a device that keeps them. */
import type { ParameterInfo, Transform } from "../autodiff/index.ts";
import { applyUpdates, grad, stateName, transformOf } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import { writeModel } from "../onnx/index.ts";
import type { ParameterStore } from "../onnx/layers/index.ts";
import type { DeviceTensor, LocalSession } from "../session/index.ts";
import { hostArray, isDeviceTensor, openLocalSession } from "../session/index.ts";
import { assertFits } from "./arena.ts";
import { countOf, declareScalars, parameterInfos, scalarOf, startOf } from "./loss-scalars.ts";
import type { Trainable } from "./trainable.ts";
import type { StepSettings, Updater, UpdateResult } from "./updater.ts";

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
}

/**
 * Loss, gradient and optimiser in one graph whose outputs are the next parameters and state: they stay in
 * the device's memory and are fed back, and only scalars come home. The numbers are those of `TrainingStep`
 * up to the order in which sums are taken.
 */
export class DeviceTrainingStep implements Updater {
  readonly #parts: Parts;
  #forward: LocalSession | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
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
    if ((settings.accumulate ?? 1) > 1) {
      throw new RangeError(
        `Cannot train on ${settings.session?.device ?? "cpu"}: accumulate is ${settings.accumulate}, must be 1 where the device keeps the state`,
      );
    }
    const made = trainable.lossGraph({ batchSize: settings.batchSize, parameters });
    const infos = parameterInfos(made.g);
    const start = startOf(made.g);
    const scalars = declareScalars(made, settings.objectives);
    const transform = transformOf(settings.optimiser);
    const outputs = declareUpdate(made.g, scalars.loss, { infos, transform });
    const kept = new Map<string, Kept>(Object.entries(start));
    for (const { kind, parameter, initial } of transform.state(infos)) {
      const from = start[parameter.name] as NdArray;
      const data = initial === "zeros" ? new Float32Array(from.data.length) : from.data.slice();
      kept.set(stateName(kind, parameter.name), { ...from, data });
    }
    const session = await openLocalSession(writeModel(made.g.build({ parameters: "fed" })), {
      ...settings.session,
      deviceOutputs: outputs,
    });
    const names = [...scalars.names];
    const average = settings.optimiser.emaDecay !== undefined;
    return new DeviceTrainingStep({
      session,
      trainable,
      settings,
      parameters: infos,
      scalars: names,
      kept,
      average,
    });
  }

  get parameterCount(): number {
    return countOf(this.#parts.parameters);
  }

  get openMs(): number {
    return this.#parts.session.openMs;
  }

  async update(
    feeds: readonly Feeds[],
    at: { readonly rate: number; readonly step: number },
  ): Promise<UpdateResult> {
    const { session, kept, scalars } = this.#parts;
    const [feed] = feeds;
    if (feed === undefined || feeds.length > 1) {
      throw new RangeError(`Cannot update: there are ${feeds.length} feeds, must be 1`);
    }
    const started = performance.now();
    const f32 = (value: number): NdArray => ({
      dtype: "float32",
      shape: [],
      data: Float32Array.of(value),
    });
    const { outputs, runMs } = await session.run(
      { ...feed, ...Object.fromEntries(kept), rate: f32(at.rate), step: f32(at.step) },
      { keepOnDevice: [...kept.keys()].map(nextName) },
    );
    const values = Object.fromEntries(
      scalars.map((name) => [name, scalarOf(hostArray(outputs, name))]),
    );
    const gradNorm = Math.sqrt(scalarOf(hostArray(outputs, SUM_OF_SQUARES)));
    const applied = Number.isFinite(values["loss"]) && Number.isFinite(gradNorm);
    for (const name of kept.keys()) {
      const next = outputs[nextName(name)] as Kept;
      const old = applied ? kept.get(name) : next;
      if (applied) kept.set(name, next);
      if (isDeviceTensor(old)) old.dispose();
    }
    return { values, gradNorm, applied, runMs, updateMs: performance.now() - started - runMs };
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

const SUM_OF_SQUARES = "sum_of_squares";

function nextName(name: string): string {
  return `next/${name}`;
}

/** Adds gradient, optimiser and what comes next. @returns the outputs that are fed back */
function declareUpdate(
  g: GraphBuilder,
  loss: Value,
  { infos, transform }: { infos: readonly ParameterInfo[]; transform: Transform },
): string[] {
  const values = infos.map(({ name }) => g.parameters.get(name) as Value);
  const gradients = grad(g, loss, values);
  const state = Object.fromEntries(
    transform.state(infos).map(({ kind, parameter }) => {
      const name = stateName(kind, parameter.name);
      return [name, g.input(name, "float32", parameter.shape)];
    }),
  );
  const scalars = { rate: g.input("rate", "float32", []), step: g.input("step", "float32", []) };
  const call = { parameters: infos, values, updates: gradients, state, scalars };
  const result = transform.update(g, call);
  const next = applyUpdates(g, values, result.updates);
  const outputs: string[] = [];
  const declare = (name: string, value: Value): void => {
    g.output(nextName(name), value);
    outputs.push(nextName(name));
  };
  for (const [i, { name }] of infos.entries()) declare(name, next[i] as Value);
  for (const [name, value] of Object.entries(result.state)) declare(name, value);
  const squares = gradients.map((d) =>
    g.reduceSum(
      g.mul(d, d),
      d.shape.map((_, axis) => axis),
    ),
  );
  const [first, ...rest] = squares;
  if (first === undefined) throw new RangeError("Cannot train: there is no parameter, must be one");
  g.output(
    SUM_OF_SQUARES,
    rest.reduce((sum, square) => g.add(sum, square), first),
  );
  return outputs;
}
