/**
 * The result types of operators: what an operator makes of its inputs' dtypes and shapes. One rule per
 * operator, in the tables under `rules/`; adding an operator is adding a rule. Rules are strict: where a
 * result is not known while the graph is built, the graph is refused, so that every value has a shape.
 */
import { ELEMENTWISE_RULES } from "./rules/elementwise.ts";
import { GENERATE_RULES } from "./rules/generate.ts";
import { INDEXING_RULES } from "./rules/indexing.ts";
import { LAYOUT_RULES } from "./rules/layout.ts";
import { LINEAR_RULES } from "./rules/linear.ts";
import { NETWORK_RULES } from "./rules/network.ts";
import { REDUCTION_RULES } from "./rules/reduction.ts";
import type { OpCall, OpRule, TensorType } from "./rules/rule.ts";
import { callWords } from "./rules/rule.ts";

const RULES: Readonly<Record<string, OpRule>> = {
  ...ELEMENTWISE_RULES,
  ...GENERATE_RULES,
  ...INDEXING_RULES,
  ...LAYOUT_RULES,
  ...LINEAR_RULES,
  ...REDUCTION_RULES,
  ...NETWORK_RULES,
};

/** Operators of the default domain that `GraphBuilder` can type. */
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
