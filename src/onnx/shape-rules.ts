/**
 * The result types of operators: what an operator makes of its inputs' dtypes and shapes. One rule per
 * operator, in the tables under `rules/`; adding an operator is adding a rule. Rules are strict: where a
 * result is not known while the graph is built, the graph is refused, so that every value has a shape.
 */
import { ATTENTION_RULES } from "./rules/attention.ts";
import { CONVOLUTION_RULES } from "./rules/convolution.ts";
import { ELEMENTWISE_RULES } from "./rules/elementwise.ts";
import { GENERATE_RULES } from "./rules/generate.ts";
import { INDEXING_RULES } from "./rules/indexing.ts";
import { LAYOUT_RULES } from "./rules/layout.ts";
import { LINEAR_RULES } from "./rules/linear.ts";
import { LOSS_RULES } from "./rules/loss.ts";
import { NORMALISATION_RULES } from "./rules/normalisation.ts";
import { POOLING_RULES } from "./rules/pooling.ts";
import { REDUCTION_RULES } from "./rules/reduction.ts";
import type { OpCall, OpRule, TensorType } from "./rules/rule.ts";
import { callWords } from "./rules/rule.ts";
import { SORTING_RULES } from "./rules/sorting.ts";

const RULES: Readonly<Record<string, OpRule>> = {
  ...ELEMENTWISE_RULES,
  ...GENERATE_RULES,
  ...INDEXING_RULES,
  ...LAYOUT_RULES,
  ...LINEAR_RULES,
  ...REDUCTION_RULES,
  ...ATTENTION_RULES,
  ...CONVOLUTION_RULES,
  ...LOSS_RULES,
  ...NORMALISATION_RULES,
  ...POOLING_RULES,
  ...SORTING_RULES,
};

/** Operators that `GraphBuilder` can type; those outside the default domain as `domain.Operator`. */
export const KNOWN_OPS: readonly string[] = Object.keys(RULES).sort();

/** Types of a call's outputs. @throws {TypeError} if the operator is unknown or the inputs do not fit */
export function inferTypes(call: OpCall): readonly TensorType[] {
  const key = ruleKey(call);
  if (!Object.hasOwn(RULES, key)) {
    throw new TypeError(
      `Cannot build ${callWords(call)}: the operator has no shape rule, must be one of KNOWN_OPS or be given its output types`,
    );
  }
  const rule = RULES[key];
  return rule === undefined ? [] : rule(call);
}

/** Whether `inferTypes` can type an operator. */
export function hasShapeRule(call: Pick<OpCall, "opType" | "domain">): boolean {
  return Object.hasOwn(RULES, ruleKey(call));
}

/** Operators of other domains stand in the tables as `domain.Operator`. */
function ruleKey({ domain = "", opType }: Pick<OpCall, "opType" | "domain">): string {
  return domain === "" ? opType : `${domain}.${opType}`;
}
