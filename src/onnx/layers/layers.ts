/**
 * The layers that policies are made of, with their parameters. A layer is a function: it declares its
 * parameters in the graph under its name and returns what it makes.
 */
import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graph-core.ts";
import type { WindowOptions } from "../network-builder.ts";
import type { Initialiser, ParameterStore } from "./parameters.ts";
import { glorotUniform, heNormal } from "./parameters.ts";

/** A graph, and where its parameters come from. */
export interface LayerContext {
  readonly g: GraphBuilder;
  readonly parameters: ParameterStore;
}

export interface ParameterRequest {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: Initialiser;
}

/** A learned tensor under the current scope. */
export function parameter({ g, parameters }: LayerContext, request: ParameterRequest): Value {
  const { name, shape, start } = request;
  return g.parameter(name, parameters.get(g.scopedName(name), shape, start));
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
  const { name, width, bias = true } = options;
  return g.scope(name, () => {
    const depth = lastDim(x);
    const start = options.start ?? glorotUniform(depth, width);
    const w = parameter(context, { name: "weight", shape: [depth, width], start });
    const b = bias
      ? parameter(context, { name: "bias", shape: [width], start: { kind: "zeros" } })
      : undefined;
    const lead = x.shape.slice(0, -1);
    if (lead.length === 1) return g.linear(x, w, b);
    const rows = lead.reduce<number>((n, dim) => n * fixed(dim, name), 1);
    return g.reshape(g.linear(g.reshape(x, [rows, depth]), w, b), [...lead, width]);
  });
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
