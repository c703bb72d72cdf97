/** Training through a step that is repeated, such as one downhill on a learned energy. */
import { grad, gradientName, vjp } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import { writeModel } from "../onnx/index.ts";
import type { ParameterStore } from "../onnx/layers/index.ts";
import type { LocalSession } from "../session/index.ts";
import { hostArray, openLocalSession } from "../session/index.ts";
import { ParameterArena } from "./arena.ts";
import { countOf, parameterInfos, scalarOf, startOf } from "./loss-scalars.ts";
import type { Optimiser } from "./optimiser.ts";
import { createOptimiser, layoutFor } from "./optimiser.ts";
import { trainingSession } from "./session-options.ts";
import type { StepSettings, UpdateResult } from "./updater.ts";

type Feeds = Readonly<Record<string, NdArray>>;

/** `x[k + 1] = f(x[k]; feeds, parameters)`, and the loss of the last x. Both graphs are deterministic. */
export interface RecurrentModel {
  readonly name: string;
  /** One step: `state` is an input, `next` of its shape; other inputs are the same in every step. */
  stepGraph(request: { readonly batchSize: number; readonly parameters: ParameterStore }): {
    readonly g: GraphBuilder;
    readonly state: Value;
    readonly next: Value;
  };
  /** A scalar of the last state, which is an input. Has no parameters. */
  lossGraph(request: { readonly batchSize: number }): {
    readonly g: GraphBuilder;
    readonly state: Value;
    readonly loss: Value;
  };
}

export interface RecurrentGradient {
  readonly loss: number;
  /** Gradient of the loss with respect to the first state. */
  readonly first: NdArray;
  /** The state after all steps. */
  readonly last: NdArray;
}

const [LOSS, NEXT, COTANGENT] = ["loss", "next", "recurrence/cotangent"];

interface Sessions {
  readonly step: LocalSession;
  readonly loss: LocalSession;
  readonly back: LocalSession;
}

/**
 * The gradient through K repetitions of a step, equal to that of the graph in which they stand one behind the other
 * (reverse sweep over stored states; Griewank & Walther 2008, ch. 12), but graph, opening time and memory do not grow
 * with K, and K may differ from update to update. States are kept on the way there; on the way back one graph
 * makes, of a state and of the cotangent of what it became, the cotangent of the state and the share of this
 * step in the gradient of the parameters:
 *
 *     c[K] = dL/dx[K],    c[k] = c[k + 1] df/dx (x[k]),    dL/dp = sum over k of  c[k + 1] df/dp (x[k])
 *
 * A step that contains a gradient itself is differentiated a second time there. The price is that the inner values of
 * each step are computed twice. Blocks its thread, like `TrainingStep`; equal bits whatever the threads.
 */
export class RecurrentStep {
  readonly arena: ParameterArena;
  readonly optimiser: Optimiser;
  readonly #sessions: Sessions;
  readonly #names: { readonly state: string; readonly lossState: string };
  readonly #parameters: Feeds;
  readonly #gradients: Feeds;

  private constructor(parts: {
    arena: ParameterArena;
    optimiser: Optimiser;
    sessions: Sessions;
    names: { readonly state: string; readonly lossState: string };
  }) {
    this.arena = parts.arena;
    this.optimiser = parts.optimiser;
    this.#sessions = parts.sessions;
    this.#names = parts.names;
    this.#parameters = this.arena.views("parameter");
    const views = Object.entries(this.arena.views("gradient"));
    this.#gradients = Object.fromEntries(views.map(([name, view]) => [gradientName(name), view]));
    this.optimiser.init();
  }

  /**
   * @param parameters where the parameters start
   * @throws {UnsupportedOpError} if something in the step or the loss has no gradient rule
   * @throws {TypeError} if the next state is not of the state's type, or the loss has parameters
   */
  static async open(
    model: RecurrentModel,
    parameters: ParameterStore,
    settings: Pick<StepSettings, "batchSize" | "optimiser" | "session">,
  ): Promise<RecurrentStep> {
    const { batchSize, optimiser: config, session } = settings;
    const request = { batchSize, parameters };
    const there = model.stepGraph(request);
    assertRepeatable(model.name, there);
    there.g.output(NEXT, there.next);
    const back = model.stepGraph(request);
    declareStepVjp(back);
    const end = model.lossGraph({ batchSize });
    declareLoss(model.name, end);
    const arena = new ParameterArena(
      layoutFor(config, parameterInfos(back.g), { accumulate: true }),
    );
    arena.load("parameter", startOf(back.g));
    const open = ({ g }: { g: GraphBuilder }): Promise<LocalSession> =>
      openLocalSession(writeModel(g.build({ parameters: "fed" })), {
        ...trainingSession(session),
        fillOnly: true,
      });
    const sessions = { step: await open(there), loss: await open(end), back: await open(back) };
    const names = { state: there.state.name, lossState: end.state.name };
    return new RecurrentStep({ arena, optimiser: createOptimiser(config, arena), sessions, names });
  }

  get parameterCount(): number {
    return countOf(this.arena.parameters);
  }

  get openMs(): number {
    const { step, loss, back } = this.#sessions;
    return step.openMs + loss.openMs + back.openMs;
  }

  /**
   * One update by the gradient through all steps.
   * @param feeds inputs of both graphs; the state's is the first one
   * @param at.steps repetitions, K; `at.step` counts updates from 1
   */
  async update(
    feeds: Feeds,
    at: { readonly steps: number; readonly rate: number; readonly step: number },
  ): Promise<UpdateResult> {
    const started = performance.now();
    const { loss } = await this.accumulate(feeds, at.steps);
    const runMs = performance.now() - started;
    const { gradNorm, applied } = this.optimiser.step({ rate: at.rate, step: at.step });
    const updateMs = performance.now() - started - runMs;
    return { values: { loss }, gradNorm, applied, runMs, updateMs };
  }

  /**
   * Computes loss and gradients. Those of the parameters are added to the optimiser's sum, K times, so that its mean
   * over them (`optimiser.step`) is the gradient.
   * @throws {RangeError} unless `steps` is a whole number from 1
   */
  async accumulate(feeds: Feeds, steps: number): Promise<RecurrentGradient> {
    if (!Number.isInteger(steps) || steps < 1) {
      throw new RangeError(
        `Cannot differentiate recurrence: steps is ${steps}, must be a whole number from 1`,
      );
    }
    const { back } = this.#sessions;
    const states = await this.#states(feeds, steps);
    const last = states.pop() as NdArray;
    const { loss, slope } = await this.#endOf(feeds, last);
    let cotangent = scaled(slope, steps);
    for (const state of states.reverse()) {
      const at = { ...this.#of(back, feeds), [this.#names.state]: state, [COTANGENT]: cotangent };
      const { outputs } = await back.run(at, { into: this.#gradients });
      cotangent = hostArray(outputs, gradientName(this.#names.state));
      this.optimiser.accumulate();
    }
    return { loss, first: scaled(cotangent, 1 / steps), last };
  }

  async close(): Promise<void> {
    await Promise.all(
      Object.values(this.#sessions).map((session: LocalSession) => session.close()),
    );
  }

  /** The first state and what each step makes of the one before. */
  async #states(feeds: Feeds, steps: number): Promise<NdArray[]> {
    const { step } = this.#sessions;
    const { state } = this.#names;
    let at = feeds[state];
    if (at === undefined) {
      throw new TypeError(
        `Cannot differentiate recurrence: feed "${state}" is absent, must be the first state`,
      );
    }
    const states = [at];
    for (let k = 0; k < steps; k++) {
      const { outputs } = await step.run({ ...this.#of(step, feeds), [state]: at });
      at = hostArray(outputs, NEXT);
      states.push(at);
    }
    return states;
  }

  async #endOf(feeds: Feeds, last: NdArray): Promise<{ loss: number; slope: NdArray }> {
    const { loss: session } = this.#sessions;
    const { lossState } = this.#names;
    const { outputs } = await session.run({ ...this.#of(session, feeds), [lossState]: last });
    return {
      loss: scalarOf(hostArray(outputs, LOSS)),
      slope: hostArray(outputs, gradientName(lossState), "float32"),
    };
  }

  /** What of the feeds and parameters a session takes. */
  #of({ inputs }: LocalSession, feeds: Feeds): Feeds {
    const all = { ...feeds, ...this.#parameters };
    return Object.fromEntries(
      inputs.flatMap(({ name }) => {
        const array = all[name];
        return array === undefined ? [] : [[name, array]];
      }),
    );
  }
}

/** @throws {TypeError} unless what comes out of a step can go into the next */
function assertRepeatable(name: string, { state, next }: { state: Value; next: Value }): void {
  const words = ({ elementType, shape }: Value): string => `${elementType}[${shape.join(", ")}]`;
  if (state.elementType === "float32" && words(state) === words(next)) return;
  throw new TypeError(
    `Cannot repeat step of "${name}": it makes ${words(next)} of ${words(state)}, ` +
      "must make float32 of its own shape",
  );
}

function declareStepVjp(made: { g: GraphBuilder; state: Value; next: Value }): void {
  const { g, state, next } = made;
  const seed = g.input(COTANGENT, next.elementType, next.shape);
  const learned = [...g.parameters];
  const wanted = [state, ...learned.map(([, value]) => value)];
  const slopes = vjp(g, { outputs: [next], seeds: [seed] }, wanted);
  const names = [state.name, ...learned.map(([name]) => name)];
  for (const [i, name] of names.entries()) g.output(gradientName(name), slopes[i] as Value);
}

function declareLoss(name: string, made: { g: GraphBuilder; state: Value; loss: Value }): void {
  const { g, state, loss } = made;
  const [parameter] = g.parameters.keys();
  if (parameter !== undefined) {
    throw new TypeError(
      `Cannot train "${name}": the loss of its last state has parameter "${parameter}", must have none`,
    );
  }
  const [slope] = grad(g, loss, [state]);
  g.output(LOSS, loss);
  g.output(gradientName(state.name), slope as Value);
}

function scaled({ dtype, shape, data }: NdArray, factor: number): NdArray {
  return { dtype, shape, data: (data as Float32Array).map((value) => factor * value) };
}
