/** Losses of classifiers: scores against the indices of the right classes. */
import type { OpCall, OpRule, TensorType } from "./rule.ts";
import { operand, refuse, stringAttribute, typeWords } from "./rule.ts";

/** `scores[batch, classes, ...]` and `labels[batch, ...]`. */
function lossType(call: OpCall): TensorType {
  const [scores, labels] = [operand(call, 0), operand(call, 1)];
  const words = `inputs are ${typeWords(scores)} and ${typeWords(labels)}`;
  const { elementType, shape } = scores;
  const places = [shape[0], ...shape.slice(2)];
  if (shape.length < 2 || places.join() !== labels.shape.join()) {
    refuse(call, words, "must be [batch, classes, ...] and [batch, ...]");
  }
  if (labels.elementType !== "int64" && labels.elementType !== "int32") {
    refuse(call, words, "the labels must be int32 or int64");
  }
  const weights = call.inputs[2];
  if (weights !== undefined && weights.shape.join() !== `${shape[1]}`) {
    refuse(call, `the weights are ${typeWords(weights)}`, `must be [${shape[1]}]`);
  }
  const reduction = stringAttribute(call, "reduction", "mean");
  return { elementType, shape: reduction === "none" ? labels.shape : [] };
}

/** Outputs: the loss, the logarithms of the probabilities. */
const softmaxCrossEntropyLoss: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  return [lossType(call), { elementType, shape }].slice(0, call.outputCount);
};

export const LOSS_RULES: Readonly<Record<string, OpRule>> = {
  SoftmaxCrossEntropyLoss: softmaxCrossEntropyLoss,
  NegativeLogLikelihoodLoss: (call) => [lossType(call)],
};
