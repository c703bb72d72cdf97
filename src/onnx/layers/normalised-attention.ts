/**
 * Multi-head attention whose queries and keys are normalised per head (Henry et al. 2020, arXiv:2010.04245; with
 * RMS normalisation as in Dehghani et al. 2023, arXiv:2302.05442), in two halves: what is attended to becomes keys
 * and values once, and may then be attended to as often as one likes.
 */
import type { AttentionOperands } from "../attention-builder.ts";
import { allocate } from "../element-type.ts";
import type { Value } from "../graph-core.ts";
import type { StaticDim } from "../rules/rule.ts";
import type { LayerContext, Projection } from "./layers.ts";
import {
  fixed,
  lastDim,
  linear,
  projection,
  rmsNorm,
  rmsScale,
  unscaledRmsNorm,
} from "./layers.ts";

/**
 * Each `[batch, heads, length, width / heads]`. Or, of rank 2, as the two matrices that an attention to a short memory
 * consists of: `k[width, heads * length]`, which makes scores of queries, and `v[heads * length, width]`, which makes
 * of shares what comes out (`v W` of every head: the product with shares and the projection out change places).
 */
export interface KeysAndValues {
  readonly k: Value;
  readonly v: Value;
}

/** Of a memory of one thing: every share of it is 1, whatever is asked, so that there are neither keys nor queries. */
export interface OneValue {
  readonly k?: undefined;
  /** `[batch, width]`: what comes out for every row. */
  readonly v: Value;
}

interface HeadOptions {
  /** Both halves of one attention have the same name. */
  readonly name: string;
  readonly heads: number;
  /** How many sequences lie one after the other. */
  readonly batch: StaticDim;
}

interface SharedMemoryOptions extends HeadOptions {
  readonly scopes: readonly string[];
  /** Default false. */
  readonly dropout?: boolean;
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
 * The same for several attentions to one memory, by the scopes that their names are under. Where projections are
 * joined it is one product for all of them; and a short memory for all rows alike becomes matrices of rank 2, which
 * save every attention a product of the width by the width, and all changes of layout. A memory of one thing has no
 * keys, nor have its attentions parameters for queries. Only for attentions without mask and a bias of the projection
 * out; and without dropout, unless `dropout` says that there is some, which needs keys and values.
 */
export function keysAndValuesOf(
  context: LayerContext,
  memory: Value,
  { scopes, dropout = false, ...options }: SharedMemoryOptions,
): readonly (KeysAndValues | OneValue)[] {
  const { g } = context;
  const { name, heads, batch } = options;
  const width = lastDim(memory);
  const within = <T>(make: () => T): T[] => scopes.map((s) => g.scope(`${s}/${name}`, make));
  const length = fixed(memory.shape[0], memory.name) / fixed(batch, memory.name);
  if (length === 1 && !dropout) {
    return within(() => {
      const v = linear(context, memory, { name: "v", width });
      return { v: linear(context, v, { name: "out", width, bias: false }) };
    });
  }
  if (context.joined !== true) {
    return scopes.map((scope) => g.scope(scope, () => keysAndValues(context, memory, options)));
  }
  const projections = ["k", "v"].flatMap((part) =>
    within(() => projection(context, width, { name: part, width })),
  );
  const all = apart(context, sideBySide(context, memory, projections), {
    ...options,
    heads: projections.length * heads,
  });
  const half = scopes.length * heads;
  const [raw, v] = g.split(g.transpose(all, [0, 2, 1, 3]), 1, [half, half]) as [Value, Value];
  const perHead = within(() => rmsScale(context, "k_norm", width / heads)).flatMap((scale) =>
    new Array<Value>(heads).fill(g.unsqueeze(scale, [0, 1])),
  );
  const k = g.mul(unscaledRmsNorm(context, raw), g.concat(perHead, 0));
  if (batch !== 1 || 2 * heads * length > width) {
    const each = (x: Value): Value[] =>
      g.split(
        x,
        1,
        scopes.map(() => heads),
      );
    const [keys, values] = [each(k), each(v)];
    return keys.map((own, i) => ({ k: own, v: values[i] as Value }));
  }
  const outs = within(() => projection(context, width, { name: "out", width, bias: false }));
  return asMatrices(context, { k, v, outs: outs.map(({ weight }) => weight) }, heads);
}

/**
 * @param parts `k` and `v`: `[1, memories * heads, length, width / heads]`; `outs`: the projections out,
 *     `[width, width]` each
 */
function asMatrices(
  { g }: LayerContext,
  { k, v, outs }: { readonly k: Value; readonly v: Value; readonly outs: readonly Value[] },
  heads: number,
): readonly KeysAndValues[] {
  const { elementType } = k;
  const [length, perHead] = [fixed(k.shape[2], k.name), lastDim(k)];
  const [count, width, all] = [outs.length, heads * perHead, heads * length];
  // Queries of one head meet keys of that head alone.
  const own = allocate(elementType, heads * heads);
  for (let i = 0; i < heads; i++) own[i * (heads + 1)] = 1 / Math.sqrt(perHead);
  const diagonal = g.constant({ dtype: elementType, shape: [heads, 1, heads, 1], data: own });
  const turned = g.reshape(g.transpose(k, [0, 1, 3, 2]), [count, heads, perHead, 1, length]);
  const scoring = g.reshape(g.mul(turned, diagonal), [count * width, all]);
  const out = g.reshape(g.concat(outs, 0), [count * heads, perHead, width]);
  const said = g.matmul(g.reshape(v, [count * heads, length, perHead]), out);
  const each = (x: Value, rows: number): Value[] =>
    g.split(
      x,
      0,
      outs.map(() => rows),
    );
  const keys = each(scoring, width);
  const values = each(g.reshape(said, [count * all, width]), all);
  return keys.map((key, i) => ({ k: key, v: values[i] as Value }));
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
  const width = lastDim(x);
  return g.scope(options.name, () => {
    const projected = linear(context, x, { name: "q", width });
    if (memory.k.shape.length === 2)
      return attendByMatrices(context, { projected, memory }, options);
    const q = rmsNorm(context, apart(context, projected, options), "q_norm");
    const operands = { q: g.transpose(q, [0, 2, 1, 3]), ...memory };
    return attended(context, operands, { ...options, like: x });
  });
}

/**
 * The same where there is one thing to attend to.
 * @returns `[batch * length, width]`, or `[1, width]` where it is the same for all batches
 */
export function attendToOne(
  { g }: Pick<LayerContext, "g">,
  { v }: OneValue,
  { batch, length }: { readonly batch: number; readonly length: number },
): Value {
  if (v.shape[0] === 1) return v;
  const width = lastDim(v);
  const rows = g.expand(g.unsqueeze(v, [1]), [batch, length, width]);
  return g.reshape(rows, [batch * length, width]);
}

/** @param projected `[rows, width]`: queries before they are normalised */
function attendByMatrices(
  context: LayerContext,
  { projected, memory }: { readonly projected: Value; readonly memory: KeysAndValues },
  { heads, bias = true, causal = false, keep }: AttendOptions,
): Value {
  const { g } = context;
  const { k, v } = memory;
  if (bias || causal || keep !== undefined) {
    throw new TypeError(
      "Cannot build attention: the memory is two matrices, must be keys and values for a bias, a mask or dropout",
    );
  }
  const [rows, width] = [fixed(projected.shape[0], projected.name), lastDim(projected)];
  const all = fixed(v.shape[0], v.name);
  const perHead = g.reshape(projected, [rows * heads, width / heads]);
  const queries = g.reshape(rmsNorm(context, perHead, "q_norm"), [rows, width]);
  const scores = g.reshape(g.gemm(queries, k), [rows * heads, all / heads]);
  return g.gemm(g.reshape(g.softmax(scores), [rows, all]), v);
}

/**
 * Attention of the rows of a sequence to each other.
 * @param x `[batch * length, width]`, as what is returned
 */
export function attendToSelf(context: LayerContext, x: Value, options: AttendOptions): Value {
  const { g } = context;
  if (context.joined !== true) {
    return attendTo(context, { x, memory: keysAndValues(context, x, options) }, options);
  }
  const { name, heads } = options;
  const width = lastDim(x);
  return g.scope(name, () => {
    const projections = ["q", "k", "v"].map((part) =>
      projection(context, width, { name: part, width }),
    );
    const all = sideBySide(context, x, projections);
    const rows = g.transpose(apart(context, all, { ...options, heads: 3 * heads }), [0, 2, 1, 3]);
    const [raw, v] = g.split(rows, 1, [2 * heads, heads]) as [Value, Value];
    const [q, k] = g.split(unscaledRmsNorm(context, raw), 1, [heads, heads]) as [Value, Value];
    // Queries and keys are multiplied with each other, so one scale does for both.
    const scale = rmsScale(context, "k_norm", width / heads);
    const both =
      context.folded === true ? scale : g.mul(scale, rmsScale(context, "q_norm", width / heads));
    return attended(context, { q: g.mul(q, both), k, v }, { ...options, like: x });
  });
}

/** Shares of the values, and the projection out. */
function attended(
  context: LayerContext,
  operands: AttentionOperands,
  { bias = true, causal = false, keep, like }: AttendOptions & { readonly like: Value },
): Value {
  const { g } = context;
  const dropped = keep === undefined ? {} : { keep };
  const heads = g.attention(operands, { causal, ...dropped });
  const joined = g.reshape(g.transpose(heads, [0, 2, 1, 3]), like.shape);
  return linear(context, joined, { name: "out", width: lastDim(like), bias });
}

/** Several projections of the same rows as one product, in their order. */
function sideBySide({ g }: LayerContext, x: Value, projections: readonly Projection[]): Value {
  const weight = g.concat(
    projections.map((each) => each.weight),
    1,
  );
  const bias = g.concat(
    projections.map((each) => each.bias as Value),
    0,
  );
  return g.linear(x, weight, bias);
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
