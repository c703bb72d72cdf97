/** What the loss graphs of both kinds of training step have in common. */
import type { ParameterInfo } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import type { LossGraph } from "./trainable.ts";

export function parameterInfos(g: GraphBuilder): ParameterInfo[] {
  return [...g.parameters].map(([name, { shape, constant }]) => {
    if (constant?.dtype !== "float32") {
      const is = constant?.dtype ?? "without a value";
      throw new TypeError(`Cannot train parameter "${name}": it is ${is}, must be float32`);
    }
    return { name, shape: shape.map(Number) };
  });
}

/** Numbers to be learned, of all parameters together. */
export function countOf(infos: readonly ParameterInfo[]): number {
  return infos.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** The numbers that the builder's parameters were declared with. */
export function startOf(g: GraphBuilder): Record<string, NdArray> {
  return Object.fromEntries(
    [...g.parameters].map(([name, { constant }]) => [name, constant as NdArray]),
  );
}

/** Declares `loss`, the objectives and the metrics as outputs. */
export function declareScalars(
  { g, objectives, metrics = {} }: LossGraph,
  weights: Readonly<Record<string, number>> = {},
): { readonly loss: Value; readonly names: readonly string[] } {
  const names = Object.keys(objectives);
  const unknown = Object.keys(weights).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot train: objective "${unknown}" has a weight, must be one of ${names.join(", ")}`,
    );
  }
  const terms = Object.entries(objectives).map(([name, value]) => {
    const weight = weights[name] ?? 1;
    return weight === 1 ? value : g.mul(value, weight);
  });
  const [first, ...rest] = terms;
  if (first === undefined) throw new RangeError("Cannot train: there is no objective, must be one");
  const loss = rest.reduce((sum, term) => g.add(sum, term), first);
  const scalars: Record<string, Value> = { loss, ...objectives, ...metrics };
  for (const [name, value] of Object.entries(scalars)) g.output(name, value);
  return { loss, names: Object.keys(scalars) };
}

export function scalarOf(array: NdArray | undefined): number {
  return array === undefined ? NaN : Number(array.data[0]);
}
