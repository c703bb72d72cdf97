/**
 * Computes operators here instead of in the engine, where all inputs are known: the shape arithmetic that
 * exporters leave in graphs. Correct to the last bit or not at all; nothing big.
 */
import type { NdArray } from "../../core/index.ts";
import type { OpCall } from "../rules/rule.ts";
import { hasShapeRule, inferTypes } from "../shape-rules.ts";
import { ARITHMETIC_KERNELS } from "./arithmetic.ts";
import type { Kernel } from "./kernel.ts";
import { LAYOUT_KERNELS } from "./layout.ts";

const KERNELS: Readonly<Record<string, Kernel>> = { ...LAYOUT_KERNELS, ...ARITHMETIC_KERNELS };

/** Operators of the default domain that can be computed here. */
export const EVALUABLE_OPS: readonly string[] = Object.keys(KERNELS).sort();

/** Elements of a result above which nothing is computed here. */
export const EVALUATION_LIMIT = 16384;

/**
 * The results of a call, in the order of its outputs; `undefined` if an input is not known, the operator is
 * not among `EVALUABLE_OPS`, or a result would have more than `limit` elements.
 * @throws {TypeError} if the inputs do not fit the operator
 */
export function evaluate(call: OpCall, limit = EVALUATION_LIMIT): readonly NdArray[] | undefined {
  const { domain = "", opType, inputs } = call;
  if (domain !== "" || !Object.hasOwn(KERNELS, opType) || !hasShapeRule(call)) return undefined;
  const arrays: NdArray[] = [];
  for (const input of inputs) {
    if (input === undefined) continue;
    if (input.constant === undefined) return undefined;
    arrays.push(input.constant);
  }
  // An input left out before a given one would shift the rest; only `Slice` has such, and writes its axes.
  if (inputs.slice(0, arrays.length).includes(undefined)) return undefined;
  const types = inferTypes(call);
  const count = (shape: readonly (number | string)[]): number =>
    shape.reduce<number>((product, dim) => product * Number(dim), 1);
  if (types.some(({ shape }) => !(count(shape) <= limit))) return undefined;
  return KERNELS[opType]?.({ call, arrays, types });
}
