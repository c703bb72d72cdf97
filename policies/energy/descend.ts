/**
 * Descents for acting: one step as a graph of its own, and all of them in one graph with a `Loop` that ends early.
 * Several descents of one decision go side by side; one that is done, or has run away, stands still.
 */
import type { Imitated, ObservedKeys } from "../../src/imitation/index.ts";
import {
  observedAs,
  observedByName,
  observedNow,
  physical,
  placed,
} from "../../src/imitation/index.ts";
import type { Model, Value } from "../../src/onnx/index.ts";
import { addLoop, GraphBuilder } from "../../src/onnx/index.ts";
import type { LayerContext, ParameterStore } from "../../src/onnx/layers/index.ts";
import type { EnergyConfig } from "./config.ts";
import { foldedParameters } from "./fold.ts";
import type { EndedDescent } from "./landscape.ts";
import { declareLandscape } from "./landscape.ts";
import { observe } from "./objective.ts";
import type { DescentStep, Landscape } from "./step.ts";
import { descentFrom, energyStep } from "./step.ts";

export interface ActingRequest {
  readonly imitated: Imitated;
  readonly config: EnergyConfig;
  readonly parameters: ParameterStore;
  /** Added to the learned energy. */
  readonly extra?: AddedEnergy;
}

/**
 * More energy in view of an observation: a chunk `[batch, rows, actionDim]`, actions normalised, and the newest frame's proprio
 * `[1, proprioDim]`, in physical units, to `[batch]`.
 */
export type AddedEnergy = (context: LayerContext, chunk: Value, proprio: Value) => Value;

/** What the steps of a decision are told of its observation. */
export interface ObservedForSteps {
  readonly keys: ObservedKeys;
  /** `float32[1, proprioDim]`, physical units; where energies are added, which may look at it. */
  readonly proprio?: Value;
  /** `float32[1, actionDim]`; where energies are added and chunks are told from it. */
  readonly origin?: Value;
}

/** The same by the names of the step's inputs. */
export function observedInputs({ keys, proprio, origin }: ObservedForSteps): Record<string, Value> {
  return {
    ...observedByName(keys),
    ...(proprio === undefined ? {} : { "observed/proprio": proprio }),
    ...(origin === undefined ? {} : { "observed/origin": origin }),
  };
}

/** Names of the step's inputs that an outer loop hands on: output `next/<name>`. */
export type Carried = "chunk" | "velocity" | "alive" | "leaving" | "failed" | Reported;
/** `float32[samples]` each, of the last step that a descent did. */
export type Reported = "energy" | "moved" | "slope" | "steps";

const REPORTED: readonly Reported[] = ["energy", "moved", "slope", "steps"];

/** Carried inputs in the order of the loop. */
export function carriedNames({ step }: EnergyConfig): readonly Carried[] {
  const velocity = step.momentum === 0 ? [] : (["velocity"] as const);
  return ["chunk", ...velocity, "alive", "leaving", "failed", ...REPORTED];
}

/**
 * One step of `samples` descents. Inputs: what is carried, what `observedInputs` names, and `noise` where
 * `infer.noise` is above 0. Outputs: `next/<carried>`, `go_on` (`bool[]`, whether any descent goes on), and for the
 * record of the descent `seen/energy` and `seen/slope`, `float32[samples]`.
 *
 * A descent whose stopping rule holds does one more step; so it has at least two, as published.
 */
export function stepModel(request: ActingRequest, observed: ObservedForSteps): Model {
  const { config, imitated } = request;
  const { infer, horizon } = config;
  const g = new GraphBuilder("step");
  const context = descending(g, request);
  const { samples } = infer;
  const shape = [samples, horizon, imitated.actionDim];
  const inputs = carriedInputs(g, config, shape);
  const told = {
    keys: observedAs(observed.keys, ({ shape }, name) => g.input(name, "float32", shape)),
    ...(observed.proprio === undefined
      ? {}
      : { proprio: g.input("observed/proprio", "float32", observed.proprio.shape) }),
    ...(observed.origin === undefined
      ? {}
      : { origin: g.input("observed/origin", "float32", observed.origin.shape) }),
  };
  const landscape = { ...landscapeOf(request, told), rate: infer.rate ?? config.step.rate };
  const noise = infer.noise === 0 ? undefined : g.input("noise", "float32", shape);
  const state = { chunk: inputs.chunk, ...(inputs.velocity && { velocity: inputs.velocity }) };
  const made = energyStep(context, state, {
    draws: noise === undefined ? {} : { noise: g.mul(noise, infer.noise) },
    landscape,
  });
  declareNext(context, inputs, { made, config });
  return g.build();
}

function landscapeOf(
  { config, imitated, extra }: ActingRequest,
  observed: ObservedForSteps,
): Landscape {
  const { keys, proprio, origin } = observed;
  if (extra === undefined || proprio === undefined) return { observed: keys, config };
  return {
    observed: keys,
    config,
    extra: (context, chunk) =>
      extra(context, placed(context.g, chunk, { origin, numbers: imitated }), proprio),
  };
}

type CarriedInputs = Readonly<Record<Exclude<Carried, "velocity">, Value>> & {
  readonly velocity?: Value;
};

function carriedInputs(
  g: GraphBuilder,
  config: EnergyConfig,
  shape: readonly number[],
): CarriedInputs {
  const [samples = 1] = shape;
  const entries = carriedNames(config).map((name) => [
    name,
    name === "chunk" || name === "velocity"
      ? g.input(name, "float32", shape)
      : g.input(name, isFlag(name) ? "bool" : "float32", [samples]),
  ]);
  return Object.fromEntries(entries) as CarriedInputs;
}

export function isFlag(name: Carried): boolean {
  return name === "alive" || name === "leaving" || name === "failed";
}

function declareNext(
  context: LayerContext,
  inputs: CarriedInputs,
  { made, config }: { readonly made: DescentStep; readonly config: EnergyConfig },
): void {
  const { g } = context;
  const { stop, limit } = config.infer;
  const { alive } = inputs;
  const wide = g.unsqueeze(alive, [1, 2]);
  const moved = rootMeanSquare(g, made.move);
  const slope = g.reduceL2(made.slope, [1, 2]);
  const sound = soundness(g, made, limit);
  const near = g.less(stop.by === "step" ? moved : slope, stop.below);
  const next: Partial<Record<Carried, Value>> = {
    chunk: g.where(wide, made.chunk, inputs.chunk),
    ...(inputs.velocity !== undefined && made.velocity !== undefined
      ? { velocity: g.where(wide, made.velocity, inputs.velocity) }
      : {}),
    alive: g.and(g.and(alive, g.not(inputs.leaving)), sound),
    leaving: g.or(inputs.leaving, near),
    failed: g.or(inputs.failed, g.and(alive, g.not(sound))),
    energy: g.where(alive, made.energy, inputs.energy),
    moved: g.where(alive, moved, inputs.moved),
    slope: g.where(alive, slope, inputs.slope),
    steps: g.add(inputs.steps, g.cast(alive, "float32")),
  };
  for (const [name, value] of Object.entries(next)) g.output(`next/${name}`, value);
  const going = g.reduceMax(g.cast(next.alive as Value, "float32"), [0]);
  g.output("go_on", g.greater(going, 0));
  g.output("seen/energy", made.energy);
  g.output("seen/slope", slope);
}

function rootMeanSquare(g: GraphBuilder, x: Value): Value {
  return g.sqrt(g.reduceMean(g.mul(x, x), [1, 2]));
}

/** `bool[samples]`: everything is finite, and no action is beyond the limit. */
function soundness(g: GraphBuilder, { chunk, energy }: DescentStep, limit: number): Value {
  const size = g.abs(chunk);
  const within = g.less(g.reduceMax(size, [1, 2]), limit);
  // A maximum may pass over NaN, a sum does not.
  const total = g.add(g.reduceSum(size, [1, 2]), g.abs(energy));
  return g.and(within, g.less(total, Infinity));
}

/**
 * The whole policy as one graph. Inputs beside those of the observation: `start`, `float32[1, samples, horizon,
 * actionDim]` of standard normal numbers, and `noise`, `[1, steps, samples, horizon, actionDim]`, where
 * `infer.noise` is above 0.
 *
 * | output | |
 * | --- | --- |
 * | `action` | `[1, horizon, actionDim]`, normalised: the chunk of lowest energy; NaN where all descents ran away |
 * | `energy`, `moved`, `slope`, `steps` | `[1]`: of that descent: energy before its last step, root mean square of that step, norm of the slope there, steps done |
 * | `disagreement` | `[1]`: standard deviation over the samples, mean over the chunk; only with several |
 * | `descent/energy`, `descent/slope` | `[steps done]`: what that descent saw |
 * | `descent/chunk` | `[steps done, horizon, actionDim]`: and where it was after each step |
 * | `descent/start` | `[horizon, actionDim]`: where it began |
 * | `landscape/...` | with `infer.landscape`: see `declareLandscape` |
 *
 * Keys and values of the observation are computed once, outside of the loop. Of `policy.relative` nothing is left in these chunks; `moved`,
 * `disagreement` and the landscape are of what the network makes, told from where the chunk begins.
 */
export function actingGraph(request: ActingRequest): GraphBuilder {
  const { config, imitated } = request;
  const { infer, horizon } = config;
  const g = new GraphBuilder("energy");
  const { observed, origin } = observing(g, request);
  const place = (chunk: Value): Value => placed(g, chunk, { origin, numbers: imitated });
  const shape = [infer.samples, horizon, imitated.actionDim];
  const start = g.reshape(g.input("start", "float32", [1, ...shape]), shape);
  const starts = startingValues(g, start, config);
  const noise =
    infer.noise === 0
      ? {}
      : {
          noise: g.reshape(g.input("noise", "float32", [1, infer.steps, ...shape]), [
            infer.steps,
            ...shape,
          ]),
        };
  const { carried, collected } = addLoop(g, {
    name: "loop",
    step: stepModel(request, observed),
    most: g.scalar(infer.steps, "int64"),
    goOn: "go_on",
    carry: Object.fromEntries(
      Object.entries(starts).map(([name, value]) => [name, { start: value, next: `next/${name}` }]),
    ),
    perStep: noise,
    given: observedInputs(observed),
    collect: ["seen/energy", "seen/slope", "next/chunk"],
  });
  const descent = declareResult(g, { start, carried, collected, samples: infer.samples, place });
  if (infer.landscape !== undefined) {
    const context = descending(g, request);
    const landscape = landscapeOf(request, observed);
    declareLandscape(context, descent, { landscape, sides: infer.landscape });
  }
  return g;
}

/** How energies are built where a policy acts: scales are in the weights after them, projections side by side. */
function descending(g: GraphBuilder, { parameters }: ActingRequest): LayerContext {
  return { g, parameters: foldedParameters(parameters), folded: true, joined: true };
}

/** What the steps take, computed once: keys and values with the scales that steps leave out. */
export function observedForSteps(g: GraphBuilder, request: ActingRequest): ObservedForSteps {
  return observing(g, request).observed;
}

function observing(
  g: GraphBuilder,
  { imitated, config, parameters, extra }: ActingRequest,
): { readonly observed: ObservedForSteps; readonly origin: Value | undefined } {
  const context = { g, parameters: foldedParameters(parameters), joined: true };
  const { tokens, proprio, origin } = observedNow(context, imitated);
  const keys = observe(context, tokens, config);
  if (extra === undefined) return { observed: { keys }, origin };
  const own = origin === undefined ? {} : { origin };
  return {
    observed: { keys, proprio: physical(g, proprio, imitated.affine.proprio), ...own },
    origin,
  };
}

/** What is carried before the first step. */
function startingValues(
  g: GraphBuilder,
  chunk: Value,
  config: EnergyConfig,
): Record<string, Value> {
  const { samples } = config.infer;
  const { velocity } = descentFrom({ g }, chunk, config);
  const of = (name: Carried): Value => {
    if (name === "chunk") return chunk;
    if (name === "velocity") return velocity as Value;
    const first = startOf(name);
    const data = isFlag(name)
      ? new Uint8Array(samples).fill(first)
      : new Float32Array(samples).fill(first);
    const dtype = isFlag(name) ? "bool" : "float32";
    return g.constant({ dtype, shape: [samples], data });
  };
  return Object.fromEntries(carriedNames(config).map((name) => [name, of(name)]));
}

/** Every descent is alive at first, and has done nothing. */
export function startOf(name: Carried): number {
  return name === "alive" ? 1 : 0;
}

interface Ended {
  readonly start: Value;
  readonly carried: Readonly<Record<string, Value>>;
  readonly collected: Readonly<Record<string, Value>>;
  readonly samples: number;
  /** See `placed`. */
  readonly place: (chunk: Value) => Value;
}

function declareResult(
  g: GraphBuilder,
  { start, carried, collected, samples, place }: Ended,
): EndedDescent {
  const of = (name: Carried): Value => carried[name] as Value;
  const ranked = g.where(of("failed"), RANK_OF_FAILURE, of("energy"));
  const best = g.argMax(g.neg(ranked), 0, true);
  const take = (x: Value, axis = 0): Value => (samples === 1 ? x : g.gather(x, best, axis));
  const failed = g.unsqueeze(take(of("failed")), [1, 2]);
  g.output("action", g.where(failed, NaN, place(take(of("chunk")))));
  for (const name of REPORTED) g.output(name, take(of(name)));
  if (samples > 1) g.output("disagreement", disagreement(g, of("chunk")));
  const stacked = (name: string): Value => take(collected[name] as Value, 1);
  for (const name of ["energy", "slope"]) {
    g.output(`descent/${name}`, g.squeeze(stacked(`seen/${name}`), [1]));
  }
  const path = g.squeeze(stacked("next/chunk"), [1]);
  g.output("descent/chunk", place(path));
  g.output("descent/start", place(g.squeeze(take(start), [0])));
  return { start: take(start), path, chosen: take(of("chunk")) };
}

/** Above every energy that float32 can tell from it; finite, so that nothing is infinity minus infinity. */
const RANK_OF_FAILURE = 3e38;

/** `[1]`: how far the samples are apart. */
function disagreement(g: GraphBuilder, chunks: Value): Value {
  const off = g.sub(chunks, g.reduceMean(chunks, [0], true));
  const deviation = g.sqrt(g.reduceMean(g.mul(off, off), [0], true));
  return g.reduceMean(deviation, [1, 2]);
}
