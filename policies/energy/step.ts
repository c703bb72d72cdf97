/** The energy of a chunk, and one step down it. */
import { vjp } from "../../src/autodiff/index.ts";
import type { BlockKeeps, ObservedKeys } from "../../src/imitation/index.ts";
import { chunkKeeps, chunkTransformer } from "../../src/imitation/index.ts";
import type { Value } from "../../src/onnx/index.ts";
import type { LayerContext } from "../../src/onnx/layers/index.ts";
import type { EnergyConfig } from "./config.ts";

type Sizes = Pick<EnergyConfig, "width" | "heads" | "layers">;

/** More energy, by chunk: `[batch, rows, actionDim]`, normalised, to `[batch]`. */
export type ChunkEnergy = (context: LayerContext, chunk: Value) => Value;

/** Everything that a step goes by and that stays the same from step to step. */
export interface Landscape {
  readonly observed: ObservedKeys;
  readonly config: Sizes & { readonly step: EnergyConfig["step"] };
  /** Instead of the rate of training. */
  readonly rate?: number;
  /** Added to the learned energy. */
  readonly extra?: ChunkEnergy;
  /** What an update sees of the attention; default all. */
  readonly keeps?: readonly BlockKeeps[];
}

/** Where a descent is. */
export interface DescentState {
  /** `[batch, rows, actionDim]`, normalised. */
  readonly chunk: Value;
  /** The same; where there is momentum. */
  readonly velocity?: Value;
}

/** What is drawn for a step; with dropout also everything that `chunkKeepSizes` names. */
export interface StepDraws {
  readonly [name: string]: Value | undefined;
  /** Added to the chunk first: `[batch, rows, actionDim]`, already of the right deviation. */
  readonly noise?: Value;
  /** `[batch, 1, 1]`: factor of the rate. */
  readonly factor?: Value;
}

export interface DescentStep extends DescentState {
  /** `[batch]`: of the chunk that was looked at. */
  readonly energy: Value;
  /** `[batch, rows, actionDim]`: dE/da there, of the mean or of the sum as `step.gradient` says. */
  readonly slope: Value;
  /** How far the chunk moved. */
  readonly move: Value;
}

/** `[batch]`: the mean of what the network says of each number of the chunk. Lower is better. */
export function energyOf(
  context: LayerContext,
  chunk: Value,
  { observed, config, extra, keeps }: Landscape,
): Value {
  const { g } = context;
  const inputs = { chunk, observed, ...(keeps === undefined ? {} : { keeps }) };
  const said = g.scope("energy", () => chunkTransformer(context, inputs, config));
  const energy = g.reduceMean(said, [1, 2]);
  return extra === undefined ? energy : g.add(energy, extra(context, chunk));
}

/**
 * One step down the energy:
 *
 *     a  <- a / rms(a)                    normalise: "sample" or "batch"
 *     a  <- a + noise
 *     x   = a + mu v                      look ahead (Nesterov)
 *     g   = dE/dx                         times rows * actionDim where gradient is "sum"
 *     r   = rate * factor / temperature * exp(E(x))     exp(E) where energyScaled
 *     v  <- mu v - r g
 *     a  <- a + v
 *
 * After EBT-Policy (arXiv 2510.27545) and its published code. Different: the velocity is carried in the open (there
 * it lives on in shared storage); normalisation is by chunk unless `normalise` is `batch`, the published coupling,
 * in which chunks of a batch change each other; and where training ends with averaged weights all of them are used,
 * while there the averaged observation encoder meets the last weights of the energy.
 */
export function energyStep(
  context: LayerContext,
  state: DescentState,
  { draws = {}, landscape }: { readonly draws?: StepDraws; readonly landscape: Landscape },
): DescentStep {
  const { g } = context;
  const { step } = landscape.config;
  let at = normalised(context, state.chunk, step.normalise);
  if (draws.noise !== undefined) at = g.add(at, draws.noise);
  const drift = state.velocity === undefined ? undefined : g.mul(state.velocity, step.momentum);
  const ahead = drift === undefined ? at : g.add(at, drift);
  const keeps = chunkKeeps(draws);
  const seen = keeps === undefined ? landscape : { ...landscape, keeps };
  const energy = energyOf(context, ahead, seen);
  const slope = slopeOf(context, { energy, at: ahead }, step);
  const length = stepLength(context, energy, { draws, landscape });
  const push = g.mul(slope, length);
  const move = drift === undefined ? g.neg(push) : g.sub(drift, push);
  const velocity = drift === undefined ? {} : { velocity: move };
  return { chunk: g.add(at, move), ...velocity, energy, slope, move };
}

/** With a velocity of 0 where there is momentum. */
export function descentFrom(
  { g }: Pick<LayerContext, "g">,
  chunk: Value,
  { step }: Pick<EnergyConfig, "step">,
): DescentState {
  return step.momentum === 0 ? { chunk } : { chunk, velocity: g.mul(chunk, 0) };
}

/** dE/da of every chunk by itself: the chunks of a batch do not see each other. */
export function slopeOf(
  { g, joined = false }: LayerContext,
  { energy, at }: { readonly energy: Value; readonly at: Value },
  { gradient, clampGradient }: EnergyConfig["step"],
): Value {
  const outputs = [g.reduceSum(energy, [0])];
  const seeds = [g.scalar(1, energy.elementType)];
  const [slope] = vjp(g, { outputs, seeds, joinSlopes: joined }, [at]) as [Value];
  const numbers = Number(at.shape[1]) * Number(at.shape[2]);
  const scaled = gradient === "sum" ? g.mul(slope, numbers) : slope;
  return clampGradient === 0 ? scaled : g.clip(scaled, -clampGradient, clampGradient);
}

/** A number, or `[batch, 1, 1]`. */
function stepLength(
  { g }: LayerContext,
  energy: Value,
  { draws: { factor }, landscape }: { readonly draws: StepDraws; readonly landscape: Landscape },
): Value | number {
  const { step } = landscape.config;
  const rate = (landscape.rate ?? step.rate) / step.temperature;
  const drawn = factor === undefined ? rate : g.mul(factor, rate);
  if (!step.energyScaled) return drawn;
  const { energyCap: cap } = step;
  const capped = cap === 0 ? energy : g.mul(g.tanh(g.div(energy, cap)), cap);
  return g.mul(g.unsqueeze(g.exp(capped), [1, 2]), drawn);
}

const EPSILON = 1e-6;

function normalised(
  { g }: LayerContext,
  chunk: Value,
  by: EnergyConfig["step"]["normalise"],
): Value {
  if (by === "none") return chunk;
  const axes = by === "sample" ? [1, 2] : [0, 1, 2];
  const square = g.reduceMean(g.mul(chunk, chunk), axes, true);
  return g.div(chunk, g.sqrt(g.add(square, EPSILON)));
}
