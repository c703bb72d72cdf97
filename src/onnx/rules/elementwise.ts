/** One output element per (broadcast) input element. */
import type { Dtype } from "../../core/index.ts";
import { elementTypeFromCode, isDtype } from "../element-type.ts";
import type { OpCall, OpRule, TensorType } from "./rule.ts";
import { broadcast, intAttribute, operand, refuse, sameElementType } from "./rule.ts";

const FLOATS: ReadonlySet<Dtype> = new Set(["float16", "bfloat16", "float32", "float64"]);

function needFloat(call: OpCall, type: TensorType): void {
  if (!FLOATS.has(type.elementType)) {
    refuse(call, `input is ${type.elementType}`, "must be a floating-point tensor");
  }
}

const same: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  return [{ elementType, shape }];
};

const floatUnary: OpRule = (call) => {
  needFloat(call, operand(call, 0));
  return same(call);
};

function given(call: OpCall): TensorType[] {
  return call.inputs.map((_, index) => operand(call, index));
}

const arithmetic: OpRule = (call) => {
  const inputs = given(call);
  return [{ elementType: sameElementType(call, inputs), shape: broadcast(call, inputs) }];
};

const comparison: OpRule = (call) => {
  const inputs = given(call);
  sameElementType(call, inputs);
  return [{ elementType: "bool", shape: broadcast(call, inputs) }];
};

const logical: OpRule = (call) => {
  const inputs = given(call);
  if (sameElementType(call, inputs) !== "bool") refuse(call, "inputs are numbers", "must be bool");
  return [{ elementType: "bool", shape: broadcast(call, inputs) }];
};

const where: OpRule = (call) => {
  const [condition, yes, no] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  if (condition.elementType !== "bool") {
    refuse(call, `the condition is ${condition.elementType}`, "must be bool");
  }
  const shape = broadcast(call, [condition, yes, no]);
  return [{ elementType: sameElementType(call, [yes, no]), shape }];
};

const cast: OpRule = (call) => {
  const to = elementTypeFromCode(intAttribute(call, "to", 0));
  if (!isDtype(to)) refuse(call, `target type is ${to}`, "must be a Dtype");
  return [{ elementType: to, shape: operand(call, 0).shape }];
};

const clip: OpRule = (call) => {
  const bounds = call.inputs.slice(1).filter((input) => input !== undefined);
  sameElementType(call, [operand(call, 0), ...bounds]);
  if (bounds.some(({ shape }) => shape.length > 0)) {
    refuse(call, "bounds are tensors", "must be scalars");
  }
  return same(call);
};

function table(names: string, rule: OpRule): Record<string, OpRule> {
  return Object.fromEntries(names.split(" ").map((name) => [name, rule]));
}

export const ELEMENTWISE_RULES: Readonly<Record<string, OpRule>> = {
  ...table("Identity Abs Neg Sign Relu", same),
  ...table("Exp Log Sqrt Reciprocal Tanh Sigmoid Softplus Softsign Erf Gelu", floatUnary),
  ...table("Sin Cos Floor Ceil Round LeakyRelu Elu HardSigmoid", floatUnary),
  ...table("Add Sub Mul Div Pow Min Max Mod", arithmetic),
  ...table("Equal Greater GreaterOrEqual Less LessOrEqual", comparison),
  ...table("And Or Xor Not", logical),
  Where: where,
  Cast: cast,
  Clip: clip,
};
