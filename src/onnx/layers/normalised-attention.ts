/**
 * Multi-head attention whose queries and keys are normalised per head (Henry et al. 2020, arXiv:2010.04245; with
 * RMS normalisation as in Dehghani et al. 2023, arXiv:2302.05442), in two halves: what is attended to becomes keys
 * and values once, and may then be attended to as often as one likes.
 */
import type { Value } from "../graph-core.ts";
import type { StaticDim } from "../rules/rule.ts";
import type { LayerContext } from "./layers.ts";
import { fixed, lastDim, linear, rmsNorm } from "./layers.ts";

/** Each `[batch, heads, length, width / heads]`. */
export interface KeysAndValues {
  readonly k: Value;
  readonly v: Value;
}

interface HeadOptions {
  /** Both halves of one attention have the same name. */
  readonly name: string;
  readonly heads: number;
  /** How many sequences lie one after the other. */
  readonly batch: StaticDim;
}

export interface AttendOptions extends HeadOptions {
  /** Of the projection out; default true. */
  readonly bias?: boolean;
  /** Whether row `i` sees rows 0 to `i` of the memory only; default false. */
  readonly causal?: boolean;
  /** Factors of the shares, `[batch, heads, length, length of the memory]`: dropout. */
  readonly keep?: Value;
}

/**
 * What `memory[batch * length, width]` is to those who attend to it. Sequences lie one after the other, so that every
 * projection is one matrix product without a change of shape.
 * @throws {RangeError} unless the width is a multiple of `heads`
 */
export function keysAndValues(
  context: LayerContext,
  memory: Value,
  options: HeadOptions,
): KeysAndValues {
  const { g } = context;
  const width = lastDim(memory);
  return g.scope(options.name, () => {
    const k = apart(context, linear(context, memory, { name: "k", width }), options);
    const v = apart(context, linear(context, memory, { name: "v", width }), options);
    return {
      // Where scales are folded this one has that of the queries, too, which has nothing else to go into.
      k: g.transpose(rmsNorm({ ...context, folded: false }, k, "k_norm"), [0, 2, 1, 3]),
      v: g.transpose(v, [0, 2, 1, 3]),
    };
  });
}

/**
 * Attention of `x[batch * length, width]` to a memory, whose batch may also be 1 for all alike.
 * @returns `[batch * length, width]`
 */
export function attendTo(
  context: LayerContext,
  { x, memory }: { readonly x: Value; readonly memory: KeysAndValues },
  options: AttendOptions,
): Value {
  const { g } = context;
  const { name, bias = true, causal = false, keep } = options;
  const width = lastDim(x);
  return g.scope(name, () => {
    const q = apart(context, linear(context, x, { name: "q", width }), options);
    const normed = g.transpose(rmsNorm(context, q, "q_norm"), [0, 2, 1, 3]);
    const dropped = keep === undefined ? {} : { keep };
    const attended = g.attention({ q: normed, ...memory }, { causal, ...dropped });
    const joined = g.reshape(g.transpose(attended, [0, 2, 1, 3]), x.shape);
    return linear(context, joined, { name: "out", width, bias });
  });
}

/** `[batch * length, width]` to `[batch, length, heads, width / heads]`. */
function apart({ g }: LayerContext, x: Value, { heads, batch }: HeadOptions): Value {
  const perHead = lastDim(x) / heads;
  if (!Number.isInteger(perHead)) {
    throw new RangeError(
      `Cannot build attention: ${heads} heads share a width of ${lastDim(x)}, must divide it`,
    );
  }
  const length = fixed(x.shape[0], x.name) / fixed(batch, x.name);
  return g.reshape(x, [batch, length, heads, perHead]);
}
