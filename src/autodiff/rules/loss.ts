/** Losses of classifiers. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { expandTo, fixedDim, inputOf, outputOf, refuseVjp, stringOf } from "./rule.ts";
import { logSoftmaxGradient } from "./softmax.ts";

export type LossOp = "SoftmaxCrossEntropyLoss" | "NegativeLogLikelihoodLoss";

/**
 * VJP of `loss = -weight[label] * logP[label]`, with `p = softmax(scores)` along axis 1:
 *
 *     dScores = (p - oneHot(label)) * share,  share = dLoss * weight[label] (/ the sum of weights for a mean)
 */
const softmaxCrossEntropyLoss: VjpRule = (g, call) => {
  const scores = inputOf(call, 0);
  const [dLoss, dLogarithms] = call.cotangents;
  const { elementType, shape } = scores;
  const types = [outputOf(call, 0), { elementType, shape }];
  const logarithms =
    g.moreOutputs(call.node, types)[1] ?? refuseVjp(call, "no logarithms", "must be made");
  const parts: Value[] = [];
  if (dLoss !== undefined) {
    const share = shareOf(g, call, dLoss);
    const pushed = g.mul(g.exp(logarithms), share);
    parts.push(g.sub(pushed, g.where(isLabel(g, call), share, 0)));
  }
  if (dLogarithms !== undefined) {
    parts.push(logSoftmaxGradient(g, logarithms, { dy: dLogarithms, axis: 1 }));
  }
  return [parts.reduce((sum, part) => g.add(sum, part))];
};

const negativeLogLikelihoodLoss: VjpRule = (g, call) => {
  const dLoss = call.cotangents[0] ?? refuseVjp(call, "no cotangent", "must be there");
  const pulled = g.where(isLabel(g, call), g.neg(shareOf(g, call, dLoss)), 0);
  return [expandTo(g, pulled, inputOf(call, 0))];
};

/** `bool`, in the shape of the scores: whether a class is the label. */
function isLabel(g: GraphBuilder, call: VjpCall): Value {
  const [scores, labels] = [inputOf(call, 0), inputOf(call, 1)];
  const count = fixedDim(call, scores.shape[1], "the number of classes");
  const ones = scores.shape.slice(2).map(() => 1);
  const classes = g.constant({
    dtype: "int64",
    shape: [count, ...ones],
    data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)),
  });
  return g.equal(g.cast(g.unsqueeze(labels, [1]), "int64"), classes);
}

/** How much of the loss's cotangent each place gets: a scalar, or `[batch, 1, ...]`. */
function shareOf(g: GraphBuilder, call: VjpCall, dLoss: Value): Value {
  if (call.needs[2] === true) {
    refuseVjp(call, "the class weights are differentiated", "must be constant");
  }
  const reduction = stringOf(call, "reduction", "mean");
  const weight = placeWeights(g, call);
  const apart = (value: Value): Value =>
    value.shape.length === 0 ? value : g.unsqueeze(value, [1]);
  if (reduction !== "mean") {
    return apart(weight === undefined ? dLoss : g.mul(dLoss, weight));
  }
  if (weight !== undefined) {
    const axes = weight.shape.map((_, axis) => axis);
    return apart(g.mul(weight, g.div(dLoss, g.reduceSum(weight, axes))));
  }
  return g.div(dLoss, placeCount(g, inputOf(call, 1), dLoss));
}

function placeCount(g: GraphBuilder, labels: Value, like: Value): Value {
  const count = labels.shape.reduce<number>((product, dim) => product * Number(dim), 1);
  if (Number.isInteger(count)) return g.scalar(count, like.elementType);
  return g.cast(
    g.one("Size", [labels], { outputTypes: [{ elementType: "int64", shape: [] }] }),
    like.elementType,
  );
}

/** The weight of every place, 0 where it is ignored; `undefined` where all are 1. */
function placeWeights(g: GraphBuilder, call: VjpCall): Value | undefined {
  const [labels, weights] = [inputOf(call, 1), call.inputs[2]];
  const { elementType } = inputOf(call, 0);
  const ignored = call.node.attributes["ignore_index"];
  if (ignored?.kind !== "int") return weights === undefined ? undefined : g.gather(weights, labels);
  const counts = g.not(g.equal(labels, Number(ignored.value)));
  if (weights === undefined) return g.cast(counts, elementType);
  // An ignored label need not be a class.
  return g.where(counts, g.gather(weights, g.where(counts, labels, 0)), 0);
}

export const LOSS_VJPS: Readonly<Record<LossOp, VjpRule>> = {
  SoftmaxCrossEntropyLoss: softmaxCrossEntropyLoss,
  NegativeLogLikelihoodLoss: negativeLogLikelihoodLoss,
};
