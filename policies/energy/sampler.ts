/** Descents driven from here, one run of the step graph after another: what the graph with the loop does in one run. */
import type { NdArray } from "../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../src/onnx/index.ts";
import type { LocalSession, SessionOptions } from "../../src/session/index.ts";
import { hostArray, openLocalSession } from "../../src/session/index.ts";
import type { ActingRequest, Carried, Reported } from "./descend.ts";
import {
  carriedNames,
  isFlag,
  observedForSteps,
  observedInputs,
  startOf,
  stepModel,
} from "./descend.ts";

type Feeds = Readonly<Record<string, NdArray>>;

/** All samples of one decision after a step. */
export interface SampledStep {
  /** Steps done, from 1. */
  readonly index: number;
  /** `float32[samples, horizon, actionDim]`, as the network makes them. */
  readonly chunk: Float32Array;
  /** `[samples]`: of the chunks before the step. */
  readonly energy: Float32Array;
  readonly slope: Float32Array;
  /** Descents that go on. */
  readonly alive: readonly boolean[];
}

export interface SampledDescent {
  /** `float32[samples, horizon, actionDim]` as the network makes them; `physicalChunks` of `src/imitation` says what is to be done. */
  readonly chunk: Float32Array;
  /** `[samples]` each; see `actingGraph`. */
  readonly reported: Readonly<Record<Reported, Float32Array>>;
  /** Descents that ran away. */
  readonly failed: readonly boolean[];
  readonly path: readonly SampledStep[];
  /** Of the descent to be taken: the lowest energy of those that did not run away; -1 = there is none. */
  readonly best: number;
}

/**
 * Two sessions, one that observes and one that steps. For whoever wants to look at a descent while it goes on, or to
 * end it by a rule of their own; the packaged graph is quicker by the calls that it saves. Blocks the thread it runs in.
 */
export class EnergySampler {
  readonly #request: ActingRequest;
  readonly #observer: LocalSession;
  readonly #stepper: LocalSession;

  private constructor(request: ActingRequest, observer: LocalSession, stepper: LocalSession) {
    this.#request = request;
    this.#observer = observer;
    this.#stepper = stepper;
  }

  static async open(request: ActingRequest, options: SessionOptions = {}): Promise<EnergySampler> {
    const g = new GraphBuilder("observer");
    const observed = observedForSteps(g, request);
    for (const [name, value] of Object.entries(observedInputs(observed))) g.output(name, value);
    const observer = await openLocalSession(writeModel(g.build()), options);
    try {
      const step = writeModel(stepModel(request, observed));
      return new EnergySampler(request, observer, await openLocalSession(step, options));
    } catch (error) {
      await observer.close();
      throw error;
    }
  }

  /**
   * @param observation the observation's inputs, as a package binds them; with several frames also `history`
   * @param draws `start`: `float32[samples, horizon, actionDim]` of standard normal numbers; `noise`: the same for
   *     every step, where `infer.noise` is above 0
   * @param onStep called after every step; false ends all descents
   */
  async descend(
    observation: Feeds,
    draws: { readonly start: Float32Array; readonly noise?: readonly Float32Array[] },
    onStep: (step: SampledStep) => boolean = () => true,
  ): Promise<SampledDescent> {
    const { config, imitated } = this.#request;
    const { outputs } = await this.#observer.run(observation);
    const observed = Object.fromEntries(
      Object.keys(outputs)
        .filter((name) => name.startsWith("observed/"))
        .map((name) => [name, hostArray(outputs, name)]),
    );
    const shape = [config.infer.samples, config.horizon, imitated.actionDim];
    let state = this.#start(draws.start, shape);
    const path: SampledStep[] = [];
    for (let index = 1; index <= config.infer.steps; index++) {
      const data = draws.noise?.[index - 1];
      const noise = data === undefined ? {} : { noise: { dtype: "float32" as const, shape, data } };
      const made = await this.#stepper.run({ ...state, ...observed, ...noise });
      const host = (name: string): NdArray => hostArray(made.outputs, name);
      state = Object.fromEntries(
        carriedNames(config).map((name) => [name, host(`next/${name}`)]),
      ) as Record<Carried, NdArray>;
      const step = {
        index,
        chunk: floats(state.chunk),
        energy: floats(host("seen/energy")),
        slope: floats(host("seen/slope")),
        alive: flags(state.alive),
      };
      path.push(step);
      if (!onStep(step) || !step.alive.includes(true)) break;
    }
    return this.#result(state, path);
  }

  async close(): Promise<void> {
    await this.#observer.close();
    await this.#stepper.close();
  }

  #start(chunk: Float32Array, shape: readonly number[]): Record<Carried, NdArray> {
    const { config } = this.#request;
    const { samples } = config.infer;
    const of = (name: Carried): NdArray => {
      if (name === "chunk") return { dtype: "float32", shape, data: chunk };
      if (name === "velocity") {
        return { dtype: "float32", shape, data: new Float32Array(chunk.length) };
      }
      const first = startOf(name);
      return isFlag(name)
        ? { dtype: "bool", shape: [samples], data: new Uint8Array(samples).fill(first) }
        : { dtype: "float32", shape: [samples], data: new Float32Array(samples).fill(first) };
    };
    return Object.fromEntries(carriedNames(config).map((name) => [name, of(name)])) as Record<
      Carried,
      NdArray
    >;
  }

  #result(state: Readonly<Record<Carried, NdArray>>, path: readonly SampledStep[]): SampledDescent {
    const { energy, moved, slope, steps } = state;
    const failed = flags(state.failed);
    const energies = floats(energy);
    let best = -1;
    for (const [i, value] of energies.entries()) {
      if (failed[i] === false && (best < 0 || value < (energies[best] ?? Infinity))) best = i;
    }
    return {
      chunk: floats(state.chunk),
      reported: {
        energy: energies,
        moved: floats(moved),
        slope: floats(slope),
        steps: floats(steps),
      },
      failed,
      path,
      best,
    };
  }
}

function floats({ data }: NdArray): Float32Array {
  return data as Float32Array;
}

function flags({ data }: NdArray): boolean[] {
  return Array.from(data as Uint8Array, (value) => value !== 0);
}
