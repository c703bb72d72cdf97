/** Transformer blocks (Vaswani et al. 2017, arXiv:1706.03762), normalising first (Xiong et al. 2020, arXiv:2002.04745). */
import type { Value } from "../graph-core.ts";
import type { LayerContext } from "./layers.ts";
import { fixed, lastDim, layerNorm, linear } from "./layers.ts";

export interface AttentionOptions {
  readonly name: string;
  readonly heads: number;
}

/**
 * Multi-head attention of `queries[batch, q, width]` to `memory[batch, k, width]`, with projections in and
 * out. No mask.
 * @throws {RangeError} unless the width is a multiple of `heads`
 */
export function attention(
  context: LayerContext,
  { queries, memory }: { readonly queries: Value; readonly memory: Value },
  { name, heads }: AttentionOptions,
): Value {
  const { g } = context;
  const width = lastDim(queries);
  const perHead = width / heads;
  if (!Number.isInteger(perHead)) {
    throw new RangeError(
      `Cannot build attention "${name}": ${heads} heads share a width of ${width}, must divide it`,
    );
  }
  return g.scope(name, () => {
    const [batch = 1, length = 1] = queries.shape;
    const split = (x: Value, perm: readonly number[]): Value =>
      g.transpose(g.reshape(x, [batch, fixed(x.shape[1], name), heads, perHead]), perm);
    const q = split(linear(context, queries, { name: "q", width }), [0, 2, 1, 3]);
    const k = split(linear(context, memory, { name: "k", width }), [0, 2, 3, 1]);
    const v = split(linear(context, memory, { name: "v", width }), [0, 2, 1, 3]);
    const weights = g.softmax(g.mul(g.matmul(q, k), 1 / Math.sqrt(perHead)));
    const joined = g.reshape(g.transpose(g.matmul(weights, v), [0, 2, 1, 3]), [
      batch,
      length,
      width,
    ]);
    return linear(context, joined, { name: "out", width });
  });
}

export interface BlockOptions extends AttentionOptions {
  /** Width of the hidden layer of the feed-forward part. */
  readonly hidden: number;
}

function feedForward(context: LayerContext, x: Value, hidden: number): Value {
  const width = lastDim(x);
  const inner = context.g.gelu(linear(context, x, { name: "up", width: hidden }));
  return linear(context, inner, { name: "down", width });
}

/** Self-attention and feed-forward, each added to what comes in. */
export function encoderBlock(context: LayerContext, x: Value, options: BlockOptions): Value {
  const { g } = context;
  return g.scope(options.name, () => {
    const h = layerNorm(context, x, "norm1");
    const own = { name: "self", heads: options.heads };
    const y = g.add(x, attention(context, { queries: h, memory: h }, own));
    return g.add(y, feedForward(context, layerNorm(context, y, "norm2"), options.hidden));
  });
}

/** The same with attention to a memory in between. */
export function decoderBlock(
  context: LayerContext,
  { x, memory }: { readonly x: Value; readonly memory: Value },
  options: BlockOptions,
): Value {
  const { g } = context;
  const { heads, hidden } = options;
  return g.scope(options.name, () => {
    const h = layerNorm(context, x, "norm1");
    const own = attention(context, { queries: h, memory: h }, { name: "self", heads });
    const y = g.add(x, own);
    const queries = layerNorm(context, y, "norm2");
    const z = g.add(y, attention(context, { queries, memory }, { name: "cross", heads }));
    return g.add(z, feedForward(context, layerNorm(context, z, "norm3"), hidden));
  });
}
