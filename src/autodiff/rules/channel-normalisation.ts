/** Normalisation with a scale and a bias for every channel of `[batch, channels, ...]`, and by a norm. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, fixedDim, floatOf, inputOf, intOf, outputOf, refuseVjp } from "./rule.ts";
import { expandTo, reshapeLike, resolvedAxis } from "./rule.ts";

export type ChannelNormalisationOp =
  "BatchNormalization" | "InstanceNormalization" | "GroupNormalization" | "LpNormalization";

/** A vector of one number for each channel, in the rank of `x`. */
function perChannel(g: GraphBuilder, vector: Value, x: Value): Value {
  return g.unsqueeze(
    vector,
    x.shape.slice(2).map((_, i) => i + 1),
  );
}

function channelSums(g: GraphBuilder, x: Value): Value {
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  return g.reduceSum(x, axes);
}

/** A tensor minus its mean along `axes`, divided by its deviation there. */
interface Standardised {
  readonly value: Value;
  readonly inverse: Value;
  readonly axes: readonly number[];
}

function standardised(
  g: GraphBuilder,
  x: Value,
  { axes, epsilon }: { readonly axes: readonly number[]; readonly epsilon: number },
): Standardised {
  const centred = g.sub(x, g.reduceMean(x, axes, true));
  const variance = g.reduceMean(g.mul(centred, centred), axes, true);
  const inverse = g.reciprocal(g.sqrt(g.add(variance, epsilon)));
  return { value: g.mul(centred, inverse), inverse, axes };
}

/** The same for the last axis; the engine does it in one pass over float32. */
function standardisedRows(g: GraphBuilder, x: Value, epsilon: number): Standardised {
  const axes = [x.shape.length - 1];
  if (x.elementType !== "float32") return standardised(g, x, { axes, epsilon });
  const width = x.shape.at(-1) ?? 1;
  const ones = g.expand(g.scalar(1, "float32"), [Number(width)]);
  const attributes = { axis: -1, epsilon: { kind: "float", value: epsilon } } as const;
  const call = { attributes, outputCount: 3 };
  const [value, , inverse] = g.op("LayerNormalization", [x, ones], call);
  if (value === undefined || inverse === undefined) throw new TypeError("Cannot normalise rows");
  return { value, inverse, axes };
}

/** `dx = inverse * (d - mean(d) - value * mean(d * value))` for a cotangent `d` of `value`. */
function destandardised(g: GraphBuilder, { value, inverse, axes }: Standardised, d: Value): Value {
  const along = g.reduceMean(g.mul(d, value), axes, true);
  const rest = g.sub(g.sub(d, g.reduceMean(d, axes, true)), g.mul(value, along));
  return g.mul(inverse, rest);
}

/** Groups of channels with all their places are rows. */
function groupwise(groupsOf: (call: VjpCall, channels: number) => number): VjpRule {
  return (g, call) => {
    const [x, scale, dy] = [inputOf(call, 0), inputOf(call, 1), cotangentOf(call)];
    const [batch = 1, channels, ...spatial] = x.shape;
    const count = fixedDim(call, channels, "the number of channels");
    const places = spatial.map((dim) => fixedDim(call, dim, "a spatial dimension"));
    const groups = groupsOf(call, count);
    const width = places.reduce((product, dim) => product * dim, count / groups);
    const rows = (value: Value): Value => g.reshape(value, [batch, groups, width]);
    const norm = standardisedRows(g, rows(x), floatOf(call, "epsilon", 1e-5));
    const dNorm = g.mul(dy, perChannel(g, scale, x));
    return [
      call.needs[0] === true ? reshapeLike(g, destandardised(g, norm, rows(dNorm)), x) : undefined,
      call.needs[1] === true ? channelSums(g, g.mul(dy, reshapeLike(g, norm.value, x))) : undefined,
      call.needs[2] === true ? channelSums(g, dy) : undefined,
    ];
  };
}

const batchNormalization: VjpRule = (g, call) =>
  intOf(call, "training_mode", 0) === 1 ? batchTraining(g, call) : batchInference(g, call);

/** With fixed statistics, `y = (x - mean) / sqrt(variance + epsilon) * scale + bias`; all five have gradients. */
const batchInference: VjpRule = (g, call) => {
  const [x, scale, mean, variance] = [0, 1, 3, 4].map((i) => inputOf(call, i));
  if (x === undefined || scale === undefined || mean === undefined || variance === undefined) {
    return refuseVjp(call, "inputs are missing", "must be given");
  }
  const dy = cotangentOf(call);
  const [needX, needScale, needBias, needMean, needVariance] = call.needs;
  const inverse = g.reciprocal(g.sqrt(g.add(variance, floatOf(call, "epsilon", 1e-5))));
  const slope = g.mul(scale, inverse);
  const sums = needBias === true || needMean === true ? channelSums(g, dy) : undefined;
  const centred = (): Value => channelSums(g, g.mul(dy, g.sub(x, perChannel(g, mean, x))));
  const along = needScale === true || needVariance === true ? centred() : undefined;
  return [
    needX === true ? g.mul(dy, perChannel(g, slope, x)) : undefined,
    needScale === true && along !== undefined ? g.mul(along, inverse) : undefined,
    needBias === true ? sums : undefined,
    needMean === true && sums !== undefined ? g.neg(g.mul(sums, slope)) : undefined,
    needVariance === true && along !== undefined
      ? g.mul(g.mul(along, slope), g.mul(g.mul(inverse, inverse), -0.5))
      : undefined,
  ];
};

/**
 * With the batch's own statistics. Outputs 1 and 2 are running statistics, `momentum * old + (1 - momentum) * new`,
 * of the batch's mean and its population variance.
 */
const batchTraining: VjpRule = (g, call) => {
  const [x, scale] = [inputOf(call, 0), inputOf(call, 1)];
  const [dy, dMean, dVariance] = call.cotangents;
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const count = axes.reduce(
    (product, axis) => product * fixedDim(call, x.shape[axis], "an axis"),
    1,
  );
  const momentum = floatOf(call, "momentum", 0.9);
  const norm = standardised(g, x, { axes, epsilon: floatOf(call, "epsilon", 1e-5) });
  const parts: Value[] = [];
  if (dy !== undefined) parts.push(destandardised(g, norm, g.mul(dy, perChannel(g, scale, x))));
  if (dMean !== undefined) {
    const share = g.mul(perChannel(g, dMean, x), (1 - momentum) / count);
    parts.push(expandTo(g, g.unsqueeze(share, [0]), x));
  }
  if (dVariance !== undefined) {
    const centred = g.div(norm.value, norm.inverse);
    const share = g.mul(perChannel(g, dVariance, x), (2 * (1 - momentum)) / count);
    parts.push(g.mul(centred, share));
  }
  const dx = parts.reduce((sum, part) => g.add(sum, part));
  const kept = (d: Value | undefined): Value | undefined =>
    d === undefined ? undefined : g.mul(d, momentum);
  return [
    dx,
    dy === undefined ? undefined : channelSums(g, g.mul(dy, norm.value)),
    dy === undefined ? undefined : channelSums(g, dy),
    kept(dMean),
    kept(dVariance),
  ];
};

/** `y = x / n`. A row of zeros has the gradient of `y = x`, instead of none. */
const lpNormalization: VjpRule = (g, call) => {
  const [x, y, dy] = [inputOf(call, 0), outputOf(call, 0), cotangentOf(call)];
  const axes = [resolvedAxis(intOf(call, "axis", -1), x.shape.length)];
  const isEuclidean = intOf(call, "p", 2) === 2;
  const total = g.reduceSum(isEuclidean ? g.mul(x, x) : g.abs(x), axes, true);
  const norm = isEuclidean ? g.sqrt(total) : total;
  const safe = g.where(g.equal(total, 0), 1, norm);
  const along = g.reduceSum(g.mul(dy, y), axes, true);
  const direction = isEuclidean ? y : g.sign(x);
  return [g.div(g.sub(dy, g.mul(direction, along)), safe)];
};

export const CHANNEL_NORMALISATION_VJPS: Readonly<Record<ChannelNormalisationOp, VjpRule>> = {
  BatchNormalization: batchNormalization,
  InstanceNormalization: groupwise((_, channels) => channels),
  GroupNormalization: groupwise((call) => intOf(call, "num_groups", 1)),
  LpNormalization: lpNormalization,
};
