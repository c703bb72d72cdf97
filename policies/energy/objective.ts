/**
 * What training asks of the energy, as a loss graph. Descents are detached at every step, so that no
 * gradient crosses more than one: the steps before are done in a `Loop` that is not differentiated, and only the
 * steps whose result is judged are built to be.
 */
import { stopGradient } from "../../src/autodiff/index.ts";
import type { Dtype, NdArray } from "../../src/core/index.ts";
import type { Imitated, ObservedKeys } from "../../src/imitation/index.ts";
import {
  chunkKeepSizes,
  chunkKeeps,
  observedAs,
  observedByName,
  observedKeys,
  trainingTokens,
} from "../../src/imitation/index.ts";
import type { Value } from "../../src/onnx/index.ts";
import { addLoop, GraphBuilder } from "../../src/onnx/index.ts";
import type { LayerContext, ParameterStore } from "../../src/onnx/layers/index.ts";
import type { LossGraph } from "../../src/train/index.ts";
import type { EnergyConfig } from "./config.ts";
import { drawnSizes } from "./draws.ts";
import type { DescentState, DescentStep, Landscape } from "./step.ts";
import { descentFrom, energyOf, energyStep, slopeOf } from "./step.ts";

/** Keys and values of the observation, which the energy and its step are built with. */
export function observe(context: LayerContext, tokens: Value, config: EnergyConfig): ObservedKeys {
  return context.g.scope("energy", () => observedKeys(context, tokens, config));
}

interface Request {
  readonly batchSize: number;
  readonly parameters: ParameterStore;
  /** Of everything that is computed; default `float32`, `float64` for checks. */
  readonly dtype?: Dtype;
}

/** Mean squared errors are over the rows of the episode; rows past its end are predicted and not judged. */
export function energyLoss(imitated: Imitated, config: EnergyConfig, request: Request): LossGraph {
  const { batchSize, parameters, dtype = "float32" } = request;
  const g = new GraphBuilder("energy");
  const context = { g, parameters, shared: true };
  const tokens = trainingTokens(context, imitated, { batch: batchSize, dtype });
  const landscape = { observed: observe(context, tokens, config), config };
  const shape = [batchSize, config.horizon, imitated.actionDim];
  const start = g.input("start", dtype, shape);
  const target = g.input("target", dtype, shape);
  const mask = g.input("action_mask", dtype, shape.slice(0, 2));
  const judged = { target, mask };
  return config.objective === "equilibrium"
    ? equilibriumLoss(context, start, { judged, landscape })
    : descentLoss(context, start, { judged, landscape });
}

interface Judged {
  readonly target: Value;
  readonly mask: Value;
}

interface LossParts {
  readonly judged: Judged;
  readonly landscape: Landscape & { readonly config: EnergyConfig };
}

/** By chunk, `[batch]`: mean squared error over the rows that the mask keeps. */
function errors({ g }: LayerContext, chunk: Value, { target, mask }: Judged): Value {
  const off = g.sub(chunk, target);
  const perRow = g.mul(g.reduceMean(g.mul(off, off), [2]), mask);
  return g.div(g.reduceSum(perRow, [1]), g.reduceSum(mask, [1]));
}

/** Equilibrium matching (arXiv 2510.02300) of an explicit energy: its slope is to be a given one. */
function equilibriumLoss(context: LayerContext, start: Value, parts: LossParts): LossGraph {
  const { g } = context;
  const { judged, landscape } = parts;
  const [batch = 1, rows = 1] = start.shape.map(Number);
  const sizes = Object.entries(chunkKeepSizes(landscape.config, { batch, rows }));
  const keeps = chunkKeeps(
    Object.fromEntries(sizes.map(([name, size]) => [name, g.input(name, start.elementType, size)])),
  );
  const seen = keeps === undefined ? landscape : { ...landscape, keeps };
  const energy = energyOf(context, start, seen);
  const slope = slopeOf(context, { energy, at: start }, landscape.config.step);
  const loss = g.reduceMean(errors(context, slope, judged), [0]);
  return { g, objectives: { slope: loss }, metrics: { energy: g.reduceMean(energy, [0]) } };
}

function descentLoss(context: LayerContext, start: Value, parts: LossParts): LossGraph {
  const { g } = context;
  const { judged, landscape } = parts;
  const { train } = landscape.config;
  const most = train.steps + train.extraSteps;
  const state = descentFrom(context, start, landscape.config);
  const inputs = drawnInputs(context, start, { most, landscape });
  const plan = { judged, landscape, inputs, most };
  const once = judgedAtOneStep(context, state, plan);
  if (once !== undefined) {
    const loss = g.reduceMean(errors(context, once.chunk, judged), [0]);
    return { g, objectives: { action: loss }, metrics: { energy: g.reduceMean(once.energy, [0]) } };
  }
  const every =
    most <= UNROLLED ? oneByOne(context, state, plan) : sideBySide(context, state, plan);
  const byStep = g.reduceMean(every.errors, [1]);
  const loss =
    train.loss === "one"
      ? g.reduceMean(byStep, [0])
      : g.reduceSum(g.mul(byStep, g.input("step_weights", start.elementType, [most])), [0]);
  return { g, objectives: { action: loss }, metrics: { energy: every.energy } };
}

interface DescentPlan {
  readonly judged: Judged;
  readonly landscape: LossParts["landscape"];
  readonly inputs: DrawnInputs;
  /** Steps at most. */
  readonly most: number;
}

interface JudgedSteps {
  /** `[steps, batch]`. */
  readonly errors: Value;
  /** Mean over all. */
  readonly energy: Value;
}

/** Up to so many judged steps are built one after the other: more would make the graph too large to open quickly. */
const UNROLLED = 2;

function oneByOne(
  context: LayerContext,
  start: DescentState,
  { judged, landscape, inputs, most }: DescentPlan,
): JudgedSteps {
  const { g } = context;
  const rows: Value[] = [];
  const energies: Value[] = [];
  let state = start;
  for (let k = 0; k < most; k++) {
    const draws = k === most - 1 ? inputs.last : drawsOf(context, inputs.stacked, k);
    const made = energyStep(context, state, { draws, landscape });
    rows.push(g.unsqueeze(errors(context, made.chunk, judged), [0]));
    energies.push(made.energy);
    state = mapped(stateOf(made), (value) => stopGradient(g, value));
  }
  return { errors: g.concat(rows, 0), energy: g.reduceMean(g.concat(energies, 0), [0]) };
}

function drawsOf(
  { g }: LayerContext,
  stacked: DrawnInputs["stacked"],
  k: number,
): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(stacked).map(([name, value]) => [
      name,
      g.squeeze(g.slice(value, 0, { start: k, end: k + 1 }), [0]),
    ]),
  );
}

/** All steps at once, side by side along the batch: where each begins is found first, without gradients. */
function sideBySide(context: LayerContext, start: DescentState, plan: DescentPlan): JudgedSteps {
  const { g } = context;
  const { judged, landscape, inputs, most } = plan;
  const { last, before } = descend(context, start, plan);
  const all = ofEveryStep(context, { last, before });
  const wide = { ...landscape, observed: repeated(context, landscape.observed, most) };
  const draws = ofEveryStep(context, { last: inputs.last, before: inputs.stacked });
  const each = energyStep(context, all, { draws, landscape: wide });
  const again = (x: Value): Value => g.concat(new Array<Value>(most).fill(x), 0);
  const wanted = { target: again(judged.target), mask: again(judged.mask) };
  const batch = Number(start.chunk.shape[0]);
  return {
    errors: g.reshape(errors(context, each.chunk, wanted), [most, batch]),
    energy: g.reduceMean(each.energy, [0]),
  };
}

/** What is made of every chunk where it is judged at one step alone; undefined where it is at all of them. */
function judgedAtOneStep(
  context: LayerContext,
  start: DescentState,
  plan: DescentPlan,
): DescentStep | undefined {
  const { landscape, inputs, most } = plan;
  const { loss } = landscape.config.train;
  if (loss === "last") {
    const { last } = descend(context, start, plan);
    return energyStep(context, last, { draws: inputs.last, landscape });
  }
  const isEnough = Number(start.chunk.shape[0]) >= most;
  return loss === "one" && isEnough ? eachAtItsStep(context, start, plan) : undefined;
}

/**
 * As many chunks at each step, in the order of the batch: the first are judged after one step, the next after two. Those of later
 * steps get there without gradients, so that an update costs the gradients of one step, whatever their number is.
 */
function eachAtItsStep(context: LayerContext, start: DescentState, plan: DescentPlan): DescentStep {
  const { g } = context;
  const { landscape, inputs, most } = plan;
  const batch = Number(start.chunk.shape[0]);
  const part = <T extends object>(values: T, from: number, to: number): T =>
    mapped(values, (value) => g.slice(value, 0, { start: from, end: to }));
  const endOf = (steps: number): number => Math.round((steps * batch) / most);
  const begun: DescentState[] = [];
  const drawn: Readonly<Record<string, Value>>[] = [];
  let rest = start;
  for (let k = 0; k < most; k++) {
    const draws = k === most - 1 ? inputs.last : drawsOf(context, inputs.stacked, k);
    const [from, to] = [endOf(k), endOf(k + 1)];
    begun.push(part(rest, 0, to - from));
    drawn.push(part(draws, from, to));
    if (to === batch) break;
    const observed = observedAs(landscape.observed, (value) =>
      g.slice(value, 0, { start: to, end: batch }),
    );
    const moved = energyStep(context, part(rest, to - from, batch - from), {
      draws: part(draws, to, batch),
      landscape: { ...landscape, observed },
    });
    rest = mapped(stateOf(moved), (value) => stopGradient(g, value));
  }
  const draws = joined(context, drawn);
  return energyStep(context, joined(context, begun), { draws, landscape });
}

/** Objects of the same values, joined along the batch. */
function joined<T extends object>({ g }: LayerContext, parts: readonly T[]): T {
  return mapped(parts[0] as T, (_, key) =>
    g.concat(
      parts.map((part) => part[key] as Value),
      0,
    ),
  );
}

function stateOf({ chunk, velocity }: DescentStep): DescentState {
  return velocity === undefined ? { chunk } : { chunk, velocity };
}

/** An object of values with each of them changed. */
function mapped<T extends object>(values: T, change: (value: Value, key: keyof T) => Value): T {
  const entries = Object.entries(values) as [string, Value][];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, change(value, key as keyof T)]),
  ) as T;
}

/** Inputs for what is drawn: stacked for the steps of the loop, and apart for the one after them. */
interface DrawnInputs {
  readonly stacked: Readonly<Record<string, Value>>;
  readonly last: Readonly<Record<string, Value>>;
}

function drawnInputs(
  { g }: LayerContext,
  { shape, elementType }: Value,
  { most, landscape }: { readonly most: number; readonly landscape: LossParts["landscape"] },
): DrawnInputs {
  const sizes = drawnSizes(landscape.config, shape.map(Number));
  const entries = Object.entries(sizes);
  const stacked = most === 1 ? [] : entries;
  return {
    stacked: Object.fromEntries(
      stacked.map(([name, size]) => [name, g.input(name, elementType, [most - 1, ...size])]),
    ),
    last: Object.fromEntries(
      entries.map(([name, size]) => [name, g.input(`last_${name}`, elementType, size)]),
    ),
  };
}

interface Begun {
  /** Where the last step begins. */
  readonly last: DescentState;
  /** Where each step of the loop began, stacked. */
  readonly before: Readonly<Record<string, Value>>;
}

/** All steps but the last, from which no gradient comes back. */
function descend(
  context: LayerContext,
  start: DescentState,
  { landscape, inputs, most }: DescentPlan,
): Begun {
  const { g } = context;
  if (most === 1) return { last: start, before: {} };
  const every = landscape.config.train.loss !== "last";
  const step = stepModel(context, start, { landscape, draws: Object.keys(inputs.stacked) });
  const given: Record<string, Value> = { ...step.observed };
  for (const [name, value] of step.parameters) {
    given[name] = g.parameters.get(name) ?? g.parameter(name, value.constant as NdArray);
  }
  const keys = Object.keys(start) as (keyof DescentState)[];
  const loop = addLoop(g, {
    name: "loop",
    step: step.model,
    most: every ? g.scalar(most - 1, "int64") : g.input("loop_steps", "int64", []),
    carry: Object.fromEntries(
      keys.map((key) => [key, { start: start[key] as Value, next: `next/${key}` }]),
    ),
    perStep: inputs.stacked,
    given,
    collect: every ? keys.map((key) => `before/${key}`) : [],
  });
  const stopped = (values: Readonly<Record<string, Value>>, prefix: string): DescentState =>
    Object.fromEntries(
      keys.map((key) => [key, stopGradient(g, values[`${prefix}${key}`] as Value)]),
    ) as unknown as DescentState;
  return {
    last: stopped(loop.carried, ""),
    before: every ? { ...stopped(loop.collected, "before/") } : {},
  };
}

/** A step of the loop as a model of its own. Parameters and observation are inputs that the loop hands in. */
function stepModel(
  { parameters }: LayerContext,
  start: DescentState,
  { landscape, draws }: { landscape: LossParts["landscape"]; draws: readonly string[] },
): {
  model: ReturnType<GraphBuilder["build"]>;
  parameters: ReadonlyMap<string, Value>;
  observed: Readonly<Record<string, Value>>;
} {
  const g = new GraphBuilder("descent");
  const context = { g, parameters };
  const like = (name: string, value: Value): Value => g.input(name, value.elementType, value.shape);
  const state = Object.fromEntries(
    Object.entries(start).map(([key, value]) => [key, like(key, value as Value)]),
  ) as unknown as DescentState;
  const shape = start.chunk.shape.map(Number);
  const sizes = drawnSizes(landscape.config, shape);
  const drawn = Object.fromEntries(
    draws.map((name) => [name, g.input(name, start.chunk.elementType, sizes[name] ?? [])]),
  );
  const observed = observedByName(landscape.observed);
  const inner = observedAs(landscape.observed, (value, name) => like(name, value));
  const made = energyStep(context, state, {
    draws: drawn,
    landscape: { ...landscape, observed: inner },
  });
  for (const [key, value] of Object.entries(state)) g.output(`before/${key}`, value as Value);
  g.output("next/chunk", made.chunk);
  if (made.velocity !== undefined) g.output("next/velocity", made.velocity);
  return { model: g.build({ parameters: "fed" }), parameters: g.parameters, observed };
}

/** `[steps * batch, ...]`: of the steps of the loop, which are stacked, and of the last. */
function ofEveryStep<T extends object>(
  { g }: LayerContext,
  { last, before }: { readonly last: T; readonly before: Readonly<Record<string, Value>> },
): T {
  return mapped(last, (end, key) => {
    const stack = before[key as string];
    if (stack === undefined) return end;
    const [steps = 1] = stack.shape.map(Number);
    const [batch = 1, ...rest] = end.shape.map(Number);
    return g.concat([g.reshape(stack, [steps * batch, ...rest]), end], 0);
  });
}

function repeated({ g }: LayerContext, observed: ObservedKeys, times: number): ObservedKeys {
  const again = (x: Value): Value => g.concat(new Array<Value>(times).fill(x), 0);
  return observedAs(observed, again);
}
