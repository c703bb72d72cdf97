/**
 * The network that reads a chunk of actions beside what is observed: blocks of self-attention over the chunk's rows,
 * cross-attention to the observation and a feed-forward part (EBT-Policy, arXiv 2510.27545, as in its published
 * code). What it says per row becomes an energy, a velocity, noise or an action, as the policy likes.
 */
import type { GraphBuilder, Value } from "../onnx/index.ts";
import type { KeysAndValues, LayerContext, OneValue } from "../onnx/layers/index.ts";
import type { BlockKeeps } from "./dropout.ts";
import {
  attendTo,
  attendToOne,
  attendToSelf,
  fixed,
  keysAndValuesOf,
  lastDim,
  layerNorm,
  linear,
  rmsNorm,
  sinusoids,
  sinusoidsOf,
  tanhGelu,
} from "../onnx/layers/index.ts";

export interface ChunkTransformerConfig {
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
}

/** What blocks attend to of what is observed, one entry per block. They do not depend on the chunk. */
export type ObservedKeys = readonly (KeysAndValues | OneValue)[];

/**
 * @param tokens `[batch, length, width]`
 * @param config with the share of attention that updates do not see, where there is dropout
 */
export function observedKeys(
  context: LayerContext,
  tokens: Value,
  { layers, heads, dropout = 0 }: ChunkTransformerConfig & { readonly dropout?: number },
): ObservedKeys {
  const { g } = context;
  const rows = flat(g, tokens);
  const batch = fixed(tokens.shape[0], "tokens");
  const scopes = Array.from({ length: layers }, (_, i) => `blocks/${i}`);
  const options = { name: "cross", heads, batch, scopes, dropout: dropout > 0 };
  return keysAndValuesOf(context, rows, options);
}

/** The same of other values, as inputs that they are handed to; `name` is `observed/<block>/k` or `/v`. */
export function observedAs(
  observed: ObservedKeys,
  make: (value: Value, name: string) => Value,
): ObservedKeys {
  return observed.map(({ k, v }, i) => {
    const values = { v: make(v, `observed/${i}/v`) };
    return k === undefined ? values : { ...values, k: make(k, `observed/${i}/k`) };
  });
}

/** The same by those names. */
export function observedByName(observed: ObservedKeys): Record<string, Value> {
  const named: Record<string, Value> = {};
  observedAs(observed, (value, name) => (named[name] = value));
  return named;
}

/** The other way: what `layers` blocks attend to. */
export function observedFromNames(
  named: Readonly<Record<string, Value>>,
  layers: number,
): ObservedKeys {
  return Array.from({ length: layers }, (_, i) => {
    const v = named[`observed/${i}/v`] as Value;
    const k = named[`observed/${i}/k`];
    return k === undefined ? { v } : { k, v };
  });
}

export interface ChunkInputs {
  /** `[batch, rows, actionDim]`, normalised. */
  readonly chunk: Value;
  /** Of the same batch, or of batch 1 for all chunks alike. */
  readonly observed: ObservedKeys;
  /** `[batch]`, in [0, 1]: how far a noisy chunk is on its way; for networks that are told. */
  readonly time?: Value;
  /** By block: what an update sees of the attention; default all. */
  readonly keeps?: readonly BlockKeeps[];
}

/**
 * `[batch, rows, actionDim]`. Rows are told apart by fixed sinusoids. A time goes through two layers and is added to
 * every row, so that keys and values of the observation stay the same for all times.
 */
export function chunkTransformer(
  context: LayerContext,
  { chunk, observed, time, keeps = [] }: ChunkInputs,
  config: ChunkTransformerConfig,
): Value {
  const { g } = context;
  const { width } = config;
  const [batch, rows] = [fixed(chunk.shape[0], "chunk"), fixed(chunk.shape[1], "chunk")];
  const raw = linear(context, flat(g, chunk), { name: "lift", width });
  const lifted = layerNorm(context, raw, "lift_norm");
  const inner = linear(context, tanhGelu(context, lifted), { name: "inner", width });
  const apart = g.reshape(tanhGelu(context, inner), [batch, rows, width]);
  let placed = g.add(apart, places(context, { rows, width }, chunk));
  if (time !== undefined) {
    placed = g.add(placed, g.unsqueeze(timeToken(context, time, width), [1]));
  }
  let x = flat(g, placed);
  for (const [i, memory] of observed.entries()) {
    const inputs = { x, memory, keep: keeps[i] };
    x = g.scope(`blocks/${i}`, () => block(context, inputs, { ...config, batch }));
  }
  const last = linear(context, rmsNorm(context, x, "norm"), { name: "last", width });
  const said = linear(context, tanhGelu(context, last), { name: "out", width: lastDim(chunk) });
  return g.reshape(said, chunk.shape);
}

/** `[batch, length, width]` to `[batch * length, width]`: blocks work on rows, whatever sequence they are of. */
function flat(g: GraphBuilder, x: Value): Value {
  const [batch, length, width] = x.shape.map((dim) => fixed(dim, x.name)) as [
    number,
    number,
    number,
  ];
  return g.reshape(x, [batch * length, width]);
}

function places(
  { g }: LayerContext,
  size: { readonly rows: number; readonly width: number },
  { elementType }: Value,
): Value {
  return g.constant(sinusoids(size, elementType));
}

/** Times in [0, 1] are spread over the wavelengths that tell 1000 steps apart. */
const TIME_SCALE = 1000;

/** `[batch, width]`: sinusoids of the time through two layers (Ho et al. 2020, arXiv:2006.11239, appendix B). */
export function timeToken(context: LayerContext, time: Value, width: number): Value {
  const { g } = context;
  return g.scope("time", () => {
    const waves = sinusoidsOf(g, g.mul(time, TIME_SCALE), width);
    const hidden = tanhGelu(context, linear(context, waves, { name: "up", width }));
    return linear(context, hidden, { name: "down", width });
  });
}

interface BlockInputs {
  readonly x: Value;
  readonly memory: ObservedKeys[number];
  readonly keep: BlockKeeps | undefined;
}

function block(
  context: LayerContext,
  { x, memory, keep }: BlockInputs,
  { width, heads, batch }: ChunkTransformerConfig & { readonly batch: number },
): Value {
  const { g } = context;
  const h = rmsNorm(context, x, "norm1");
  const own = { name: "self", heads, batch, ...keeping(keep?.self) };
  const y = g.add(x, attendToSelf(context, h, own));
  const z = g.add(y, acrossTo(context, { x: y, memory, keep }, { heads, batch }));
  return g.add(z, feedForward(context, rmsNorm(context, z, "norm3"), width));
}

/** What a block takes from the observation. */
function acrossTo(
  context: LayerContext,
  { x, memory, keep }: BlockInputs,
  { heads, batch }: { readonly heads: number; readonly batch: number },
): Value {
  if (memory.k === undefined) {
    return attendToOne(context, memory, { batch, length: fixed(x.shape[0], x.name) / batch });
  }
  const across = { name: "cross", heads, batch, bias: false, ...keeping(keep?.cross) };
  return attendTo(context, { x: rmsNorm(context, x, "norm2"), memory }, across);
}

function keeping(keep: Value | undefined): { readonly keep?: Value } {
  return keep === undefined ? {} : { keep };
}

/** The hidden layer is as wide as the block: no factor of four. */
function feedForward(context: LayerContext, x: Value, width: number): Value {
  const up = tanhGelu(context, linear(context, x, { name: "up", width }));
  return linear(context, up, { name: "down", width });
}

/**
 * Tokens of successive frames, each of which sees itself and those before it: `layers` blocks of causal
 * self-attention and a feed-forward part over `[batch, frames, width]`.
 * @param inputs `keeps` by block: what an update sees of the attention; default all
 */
export function frameTransformer(
  context: LayerContext,
  { tokens, keeps = [] }: { readonly tokens: Value; readonly keeps?: readonly Value[] },
  config: ChunkTransformerConfig,
): Value {
  const { g } = context;
  const batch = fixed(tokens.shape[0], "tokens");
  let x = flat(g, tokens);
  for (let i = 0; i < config.layers; i++) {
    x = g.scope(`frames/${i}`, () => {
      const h = rmsNorm(context, x, "norm1");
      const heads = { name: "self", heads: config.heads, batch };
      const own = { ...heads, causal: true, ...keeping(keeps[i]) };
      const y = g.add(x, attendToSelf(context, h, own));
      return g.add(y, feedForward(context, rmsNorm(context, y, "norm2"), config.width));
    });
  }
  return g.reshape(x, tokens.shape);
}
