/**
 * The layers that policies are made of, with their parameters. A layer is a function: it declares its
 * parameters in the graph under its name and returns what it makes.
 */
import type { GraphBuilder } from "../builder.ts";
import { allocate } from "../element-type.ts";
import type { Value } from "../graph-core.ts";
import type { WindowOptions } from "../network-builder.ts";
import type { Initialiser, ParameterStore } from "./parameters.ts";
import { glorotUniform, heNormal } from "./parameters.ts";

/** A graph, and where its parameters come from. */
export interface LayerContext {
  readonly g: GraphBuilder;
  readonly parameters: ParameterStore;
  /** A parameter that is declared already is used again, for models that are run more than once. Default false. */
  readonly shared?: boolean;
  /** RMS normalisations have no scale: their parameters were folded into what comes after. Default false. */
  readonly folded?: boolean;
  /**
   * Projections of the same rows are one product, with their weights side by side. For graphs whose parameters are
   * constants, which the engine lays so when it opens; weights that change would be copied at every run. Default false.
   */
  readonly joined?: boolean;
}

export interface ParameterRequest {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: Initialiser;
}

/** A learned tensor under the current scope. */
export function parameter(context: LayerContext, request: ParameterRequest): Value {
  const { g, parameters, shared = false } = context;
  const { name, shape, start } = request;
  const full = g.scopedName(name);
  const known = shared ? g.parameters.get(full) : undefined;
  return known ?? g.parameter(name, parameters.get(full, shape, start));
}

export interface LinearOptions {
  readonly name: string;
  readonly width: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Default Glorot's uniform. */
  readonly start?: Initialiser;
}

/**
 * `y = x · W + b` over the last axis: `[*lead, in]` to `[*lead, width]`. Leading axes are joined, so that
 * it is one matrix product forward and two backward.
 */
export function linear(context: LayerContext, x: Value, options: LinearOptions): Value {
  const { g } = context;
  const { name, width } = options;
  const depth = lastDim(x);
  const { weight, bias } = projection(context, depth, options);
  return g.scope(name, () => {
    const lead = x.shape.slice(0, -1);
    if (lead.length === 1) return g.linear(x, weight, bias);
    const rows = lead.reduce<number>((n, dim) => n * fixed(dim, name), 1);
    return g.reshape(g.linear(g.reshape(x, [rows, depth]), weight, bias), [...lead, width]);
  });
}

/** The parameters of a linear layer. */
export interface Projection {
  /** `[in, width]` */
  readonly weight: Value;
  /** `[width]` */
  readonly bias: Value | undefined;
}

export function projection(
  context: LayerContext,
  depth: number,
  { name, width, bias = true, start = glorotUniform(depth, width) }: LinearOptions,
): Projection {
  return context.g.scope(name, () => ({
    weight: parameter(context, { name: "weight", shape: [depth, width], start }),
    bias: bias
      ? parameter(context, { name: "bias", shape: [width], start: { kind: "zeros" } })
      : undefined,
  }));
}

/** Layer normalisation over the last axis, with scale and shift (Ba et al. 2016, arXiv:1607.06450). */
export function layerNorm(context: LayerContext, x: Value, name: string): Value {
  const { g } = context;
  return g.scope(name, () => {
    const shape = [lastDim(x)];
    const scale = parameter(context, { name: "scale", shape, start: { kind: "ones" } });
    const bias = parameter(context, { name: "bias", shape, start: { kind: "zeros" } });
    return g.layerNorm(x, scale, { bias });
  });
}

/** Division by the root of the mean square over the last axis, with scale (Zhang & Sennrich 2019, arXiv:1910.07467). */
export function rmsNorm(context: LayerContext, x: Value, name: string): Value {
  if (context.folded === true) return unscaledRmsNorm(context, x);
  const scale = rmsScale(context, name, lastDim(x));
  return context.g.rmsNorm(x, scale, { epsilon: RMS_EPSILON });
}

/** `[width]`: the scale of the normalisation of that name. */
export function rmsScale(context: LayerContext, name: string, width: number): Value {
  return parameter(context, { name: `${name}/scale`, shape: [width], start: { kind: "ones" } });
}

/** The same without a scale. */
export function unscaledRmsNorm(context: LayerContext, x: Value): Value {
  return context.g.rmsNorm(x, ones(context, x, lastDim(x)), { epsilon: RMS_EPSILON });
}

const RMS_EPSILON = 1e-6;

function ones({ g }: LayerContext, { elementType }: Value, width: number): Value {
  const data = allocate(elementType, width);
  for (let i = 0; i < width; i++) data[i] = 1;
  return g.constant({ dtype: elementType, shape: [width], data });
}

/**
 * GELU with tanh in place of erf (Hendrycks & Gimpel 2016, arXiv:1606.08415). In float64 it is spelt out, because the
 * engine has float32 constants there.
 */
export function tanhGelu({ g }: Pick<LayerContext, "g">, x: Value): Value {
  if (x.elementType !== "float64") return g.gelu(x, "tanh");
  const a = 2 * Math.sqrt(2 / Math.PI);
  const inner = g.mul(x, g.add(g.mul(g.mul(x, x), 0.044715 * a), a));
  // 1/2 (1 + tanh(z)) is the sigmoid of 2 z.
  return g.mul(x, g.sigmoid(inner));
}

/** Group normalisation over the second axis and all after it (Wu & He 2018, arXiv:1803.08494). */
export function groupNorm(
  context: LayerContext,
  x: Value,
  { name, groups }: { readonly name: string; readonly groups: number },
): Value {
  const { g } = context;
  return g.scope(name, () => {
    const shape = [fixed(x.shape[1], name)];
    const scale = parameter(context, { name: "scale", shape, start: { kind: "ones" } });
    const bias = parameter(context, { name: "bias", shape, start: { kind: "zeros" } });
    return g.groupNorm(x, { scale, bias }, { groups });
  });
}

export interface ConvolutionOptions {
  readonly name: string;
  readonly filters: number;
  /** Square kernel, in pixels. */
  readonly kernel: number;
  readonly stride?: number;
  /** Pixels added on every side; default half the kernel, which keeps the size where the stride is 1. */
  readonly padding?: number;
}

/** `[batch, channels, height, width]` to `[batch, filters, height / stride, width / stride]`. */
export function convolution2d(context: LayerContext, x: Value, options: ConvolutionOptions): Value {
  const { g } = context;
  const { name, filters, kernel, stride = 1 } = options;
  return g.scope(name, () => {
    const channels = fixed(x.shape[1], name);
    const shape = [filters, channels, kernel, kernel];
    const start = heNormal(channels * kernel * kernel);
    const w = parameter(context, { name: "weight", shape, start });
    const bias = parameter(context, { name: "bias", shape: [filters], start: { kind: "zeros" } });
    const pad = options.padding ?? Math.floor(kernel / 2);
    const window: WindowOptions = { strides: [stride, stride], pads: [pad, pad, pad, pad] };
    return g.conv(x, w, { bias, ...window });
  });
}

/** `[batch, channels, length]` to `[batch, filters, length / stride]`; the kernel is odd. */
export function convolution1d(context: LayerContext, x: Value, options: ConvolutionOptions): Value {
  const { g } = context;
  const { name, filters, kernel, stride = 1 } = options;
  return g.scope(name, () => {
    const channels = fixed(x.shape[1], name);
    const shape = [filters, channels, kernel];
    const w = parameter(context, { name: "weight", shape, start: heNormal(channels * kernel) });
    const bias = parameter(context, { name: "bias", shape: [filters], start: { kind: "zeros" } });
    const pad = options.padding ?? Math.floor(kernel / 2);
    return g.conv(x, w, { bias, strides: [stride], pads: [pad, pad] });
  });
}

/** Doubles the length of `[batch, channels, length]` by a transposed convolution of kernel 4. */
export function doubled1d(context: LayerContext, x: Value, name: string): Value {
  const { g } = context;
  return g.scope(name, () => {
    const channels = fixed(x.shape[1], name);
    const shape = [channels, channels, 4];
    const w = parameter(context, { name: "weight", shape, start: heNormal(channels * 4) });
    const bias = parameter(context, { name: "bias", shape: [channels], start: { kind: "zeros" } });
    return g.convTranspose(x, w, { bias, strides: [2], pads: [1, 1] });
  });
}

/** The last dimension, which a layer must know. */
export function lastDim(x: Value): number {
  return fixed(x.shape.at(-1), x.name);
}

export function fixed(dim: number | string | undefined, where: string): number {
  if (typeof dim === "number") return dim;
  throw new TypeError(
    `Cannot build layer "${where}": a dimension is ${dim ?? "absent"}, must be a number`,
  );
}
