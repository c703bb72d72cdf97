/** Operators that make tensors from numbers: filled, counted, measured. */
import type { OpCall, OpRule } from "./rule.ts";
import { constantInts, intAttribute, operand, refuse, sameElementType } from "./rule.ts";
import { elementTypeFromCode, isDtype } from "../element-type.ts";

/** A given integer vector. */
function dims(call: OpCall): number[] {
  return constantInts(call, 0) ?? refuse(call, "no shape is given", "must be a constant");
}

const constantOfShape: OpRule = (call) => {
  const { value } = call.attributes;
  const elementType = value?.kind === "tensor" ? value.value.elementType : "float32";
  if (!isDtype(elementType)) refuse(call, `value is ${elementType}`, "must be numeric");
  const shape = dims(call);
  if (shape.some((dim) => dim < 0)) {
    refuse(call, `shape is [${shape.join(", ")}]`, "must have dimensions of 0 or more");
  }
  return [{ elementType, shape }];
};

const range: OpRule = (call) => {
  const inputs = [operand(call, 0), operand(call, 1), operand(call, 2)];
  const elementType = sameElementType(call, inputs);
  const [start, limit, step] = inputs.map(({ constant }) => {
    if (constant === undefined) refuse(call, "an end or the step is computed", "must be constant");
    return Number(constant.data[0]);
  });
  if (start === undefined || limit === undefined || step === undefined || step === 0) {
    return refuse(call, "the step is 0", "must not be");
  }
  return [{ elementType, shape: [Math.max(0, Math.ceil((limit - start) / step))] }];
};

/** Numbers of one dtype from the shape of another tensor, such as `RandomNormalLike`. */
const like: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  const code = intAttribute(call, "dtype", 0);
  const wanted = code === 0 ? elementType : elementTypeFromCode(code);
  if (!isDtype(wanted)) refuse(call, `dtype is ${wanted}`, "must be numeric");
  return [{ elementType: wanted, shape }];
};

export const GENERATE_RULES: Readonly<Record<string, OpRule>> = {
  ConstantOfShape: constantOfShape,
  Range: range,
  Size: (call) => [{ elementType: "int64", shape: operand(call, 0).shape.slice(0, 0) }],
  RandomNormalLike: like,
  RandomUniformLike: like,
  EyeLike: like,
};
