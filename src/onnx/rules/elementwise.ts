/** One output element per (broadcast) input element. */
import { elementTypeFromCode, isDtype } from "../element-type.ts";
import type { OpCall, OpRule, TensorType } from "./rule.ts";
import { broadcast, intAttribute, needFloat, operand, refuse, rulesFor } from "./rule.ts";
import { sameElementType, typeWords } from "./rule.ts";

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

/** The exponent may have another dtype; the result has that of the base. */
const power: OpRule = (call) => {
  const [base, exponent] = [operand(call, 0), operand(call, 1)];
  return [{ elementType: base.elementType, shape: broadcast(call, [base, exponent]) }];
};

/** The second input broadcasts to the first, not the other way round. */
const oneWay: OpRule = (call) => {
  const [x, other] = [operand(call, 0), operand(call, 1)];
  const elementType = sameElementType(call, [x, other]);
  const shape = broadcast(call, [x, other]);
  if (shape.join() !== x.shape.join()) {
    refuse(
      call,
      `inputs are ${typeWords(x)} and ${typeWords(other)}`,
      "must broadcast to the first",
    );
  }
  return [{ elementType, shape }];
};

const test: OpRule = (call) => {
  needFloat(call, operand(call, 0));
  return [{ elementType: "bool", shape: operand(call, 0).shape }];
};

const castLike: OpRule = (call) => {
  const { elementType } = operand(call, 1);
  return [{ elementType, shape: operand(call, 0).shape }];
};

/** Optional second output: which elements were kept. */
const dropout: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const outputs = [{ elementType, shape }, { elementType: "bool", shape } as const];
  return outputs.slice(0, call.outputCount);
};

const biasedGelu: OpRule = (call) =>
  call.inputs[1] === undefined ? floatUnary(call) : oneWay(call);

export const ELEMENTWISE_RULES: Readonly<Record<string, OpRule>> = {
  ...rulesFor("Identity Abs Neg Sign Relu", same),
  ...rulesFor("Exp Log Sqrt Reciprocal Tanh Sigmoid Softplus Softsign Erf Gelu", floatUnary),
  ...rulesFor("Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh", floatUnary),
  ...rulesFor("Floor Ceil Round LeakyRelu Elu Selu Celu ThresholdedRelu", floatUnary),
  ...rulesFor("HardSigmoid HardSwish Mish com.microsoft.QuickGelu", floatUnary),
  ...rulesFor("Add Sub Mul Div Min Max Mod Sum Mean", arithmetic),
  ...rulesFor("Equal Greater GreaterOrEqual Less LessOrEqual", comparison),
  ...rulesFor("And Or Xor Not", logical),
  ...rulesFor("IsNaN IsInf", test),
  ...rulesFor("com.microsoft.FastGelu com.microsoft.BiasGelu", biasedGelu),
  Pow: power,
  PRelu: oneWay,
  Where: where,
  Cast: cast,
  CastLike: castLike,
  Clip: clip,
  Dropout: dropout,
};
