import type { BuiltNode } from "../onnx/index.ts";
import { ATTENTION_VJPS } from "./rules/attention.ts";
import { CHANNEL_NORMALISATION_VJPS } from "./rules/channel-normalisation.ts";
import { ACTIVATION_VJPS } from "./rules/activation.ts";
import { CONSTANT_OPS } from "./rules/constant.ts";
import { CONVOLUTION_VJPS } from "./rules/convolution.ts";
import { ELEMENTWISE_VJPS } from "./rules/elementwise.ts";
import { FUNCTION_VJPS } from "./rules/functions.ts";
import { INDEXING_VJPS } from "./rules/indexing.ts";
import { LAYOUT_VJPS } from "./rules/layout.ts";
import { LINEAR_VJPS } from "./rules/linear.ts";
import { LOSS_VJPS } from "./rules/loss.ts";
import { POOLING_VJPS } from "./rules/pooling.ts";
import { REDUCTION_VJPS } from "./rules/reduction.ts";
import { RESIZE_VJPS } from "./rules/resize.ts";
import { ROW_NORMALISATION_VJPS } from "./rules/row-normalisation.ts";
import type { VjpRule } from "./rules/rule.ts";
import { SOFTMAX_VJPS } from "./rules/softmax.ts";
import { SORTING_VJPS } from "./rules/sorting.ts";
import { WINDOW_VJPS } from "./rules/window.ts";

/**
 * Every gradient rule, by operator. The tables by family are `Record`s over literal unions, so that an
 * operator named there without a rule does not compile.
 */
const RULES: Readonly<Record<string, VjpRule>> = {
  ...ACTIVATION_VJPS,
  ...ELEMENTWISE_VJPS,
  ...FUNCTION_VJPS,
  ...INDEXING_VJPS,
  ...LAYOUT_VJPS,
  ...LINEAR_VJPS,
  ...REDUCTION_VJPS,
  ...ATTENTION_VJPS,
  ...CHANNEL_NORMALISATION_VJPS,
  ...CONVOLUTION_VJPS,
  ...LOSS_VJPS,
  ...POOLING_VJPS,
  ...RESIZE_VJPS,
  ...ROW_NORMALISATION_VJPS,
  ...SOFTMAX_VJPS,
  ...SORTING_VJPS,
  ...WINDOW_VJPS,
};

const stopped: VjpRule = () => [];

/** Operators with a rule, sorted; those of other domains as `domain.Operator`. */
export const DIFFERENTIABLE_OPS: readonly string[] = Object.keys(RULES).sort();

/** The rule of a node's operator; one that passes nothing on where its result is piecewise constant. */
export function vjpRuleOf({ domain, opType }: BuiltNode): VjpRule | undefined {
  const key = domain === "" ? opType : `${domain}.${opType}`;
  if (CONSTANT_OPS.has(key)) return stopped;
  return Object.hasOwn(RULES, key) ? RULES[key] : undefined;
}
