/** Operators that take or put elements at places given by other tensors. */
import type { OpCall, OpRule, StaticDim, TensorType } from "./rule.ts";
import { constantInt, fixedDim, intAttribute, needIndices, operand, refuse } from "./rule.ts";
import { resolveAxis, sameElementType, typeWords } from "./rule.ts";

const gather: OpRule = (call) => {
  const [data, indices] = [operand(call, 0), operand(call, 1)];
  needIndices(call, indices);
  const axis = resolveAxis(call, intAttribute(call, "axis", 0), data.shape.length);
  const shape = [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)];
  return [{ elementType: data.elementType, shape }];
};

/** `indices` has the rank of `data`, and on axes other than `axis` no dimension beyond it. */
function elementIndices(call: OpCall): TensorType {
  const [data, indices] = [operand(call, 0), operand(call, 1)];
  needIndices(call, indices);
  resolveAxis(call, intAttribute(call, "axis", 0), data.shape.length);
  if (data.shape.length !== indices.shape.length) {
    refuse(call, `inputs are ${typeWords(data)} and ${typeWords(indices)}`, "must have one rank");
  }
  return indices;
}

const gatherElements: OpRule = (call) => {
  const { elementType } = operand(call, 0);
  return [{ elementType, shape: elementIndices(call).shape }];
};

const scatterElements: OpRule = (call) => {
  const [data, updates] = [operand(call, 0), operand(call, 2)];
  const indices = elementIndices(call);
  if (indices.shape.join() !== updates.shape.join()) {
    refuse(call, `updates are ${typeWords(updates)}`, `must be [${indices.shape.join(", ")}]`);
  }
  return [{ elementType: sameElementType(call, [data, updates]), shape: data.shape }];
};

/** What `GatherND` makes, and `ScatterND` takes as updates: a slice of `data` for each tuple of indices. */
function slicesShape(call: OpCall): StaticDim[] {
  const [data, indices] = [operand(call, 0), operand(call, 1)];
  needIndices(call, indices);
  const batch = intAttribute(call, "batch_dims", 0);
  const depth = fixedDim(call, indices.shape.at(-1), "the length of index tuples");
  if (batch + depth > data.shape.length) {
    refuse(call, `indices are ${typeWords(indices)}`, `must fit ${typeWords(data)}`);
  }
  return [...indices.shape.slice(0, -1), ...data.shape.slice(batch + depth)];
}

const gatherNd: OpRule = (call) => [
  { elementType: operand(call, 0).elementType, shape: slicesShape(call) },
];

const scatterNd: OpRule = (call) => {
  const [data, updates] = [operand(call, 0), operand(call, 2)];
  const wanted = slicesShape(call);
  if (updates.shape.join() !== wanted.join()) {
    refuse(call, `updates are ${typeWords(updates)}`, `must be [${wanted.join(", ")}]`);
  }
  return [{ elementType: sameElementType(call, [data, updates]), shape: data.shape }];
};

/** The new axis stands at `axis` of the result. */
const oneHot: OpRule = (call) => {
  const [{ shape }, values] = [operand(call, 0), operand(call, 2)];
  const depth = constantInt(call, 1, 0);
  const axis = resolveAxis(call, intAttribute(call, "axis", -1), shape.length + 1);
  return [{ elementType: values.elementType, shape: shape.toSpliced(axis, 0, depth) }];
};

export const INDEXING_RULES: Readonly<Record<string, OpRule>> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  ScatterND: scatterNd,
  OneHot: oneHot,
};
