/** Operators that shift and scale so that some mean and variance become 0 and 1. */
import type { OpCall, OpRule, Operand, StaticDim, TensorType } from "./rule.ts";
import { fixedDim, intAttribute, operand, refuse, resolveAxis } from "./rule.ts";
import { sameElementType, typeWords } from "./rule.ts";

/** `x` and the type of a statistic of its rows, which the engine computes in float32. */
function rows(call: OpCall): { y: TensorType; statistic: TensorType } {
  const [x, scale] = [operand(call, 0), operand(call, 1)];
  const axis = resolveAxis(call, intAttribute(call, "axis", -1), x.shape.length);
  const normalised = x.shape.slice(axis);
  if (normalised.join() !== scale.shape.join()) {
    refuse(call, `scale is ${typeWords(scale)}`, `must be [${normalised.join(", ")}]`);
  }
  const given = call.inputs.filter((input) => input !== undefined);
  const shape: StaticDim[] = x.shape.map((dim, i) => (i < axis ? dim : 1));
  return {
    y: { elementType: sameElementType(call, given), shape: x.shape },
    statistic: { elementType: "float32", shape },
  };
}

/** Outputs: the result, the means, the reciprocal standard deviations. */
const layerNormalization: OpRule = (call) => {
  const { y, statistic } = rows(call);
  return [y, statistic, statistic].slice(0, call.outputCount);
};

const simplified: OpRule = (call) => {
  const { y, statistic } = rows(call);
  return [y, statistic].slice(0, call.outputCount);
};

const rms: OpRule = (call) => [rows(call).y];

/** Outputs: the result, mean, reciprocal standard deviation, and the sum that was normalised. */
const skipLayerNormalization: OpRule = (call) => {
  const [x, skip, scale] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  if (x.shape.join() !== skip.shape.join()) {
    refuse(call, `inputs are ${typeWords(x)} and ${typeWords(skip)}`, "must have one shape");
  }
  if (scale.shape.join() !== `${x.shape.at(-1)}`) {
    refuse(call, `scale is ${typeWords(scale)}`, `must be [${x.shape.at(-1)}]`);
  }
  const { elementType, shape } = x;
  const statistic = { elementType: "float32" as const, shape: [...shape.slice(0, -1), 1] };
  return [{ elementType, shape }, statistic, statistic, { elementType, shape }].slice(
    0,
    call.outputCount,
  );
};

function perChannel(call: OpCall, first: number, last: number): Operand {
  const x = operand(call, 0);
  const channels = x.shape[1];
  for (let i = first; i <= last; i++) {
    const vector = operand(call, i);
    if (vector.shape.join() !== `${channels}`) {
      refuse(call, `input ${i} is ${typeWords(vector)}`, `must be [${channels}]`);
    }
  }
  return x;
}

const instanceNormalization: OpRule = (call) => {
  const { elementType, shape } = perChannel(call, 1, 2);
  return [{ elementType, shape }];
};

const groupNormalization: OpRule = (call) => {
  const { elementType, shape } = perChannel(call, 1, 2);
  const groups = intAttribute(call, "num_groups", 0);
  const channels = fixedDim(call, shape[1], "the channel dimension");
  if (groups < 1 || channels % groups !== 0) {
    refuse(call, `num_groups is ${groups}`, `must divide ${channels}`);
  }
  return [{ elementType, shape }];
};

/** Outputs: the result and, in training mode, the running mean and variance after this batch. */
const batchNormalization: OpRule = (call) => {
  const { elementType, shape } = perChannel(call, 1, 4);
  const running = { elementType, shape: [shape[1] ?? 1] };
  return [{ elementType, shape }, running, running].slice(0, call.outputCount);
};

const lpNormalization: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  resolveAxis(call, intAttribute(call, "axis", -1), shape.length);
  return [{ elementType, shape }];
};

export const NORMALISATION_RULES: Readonly<Record<string, OpRule>> = {
  LayerNormalization: layerNormalization,
  SimplifiedLayerNormalization: simplified,
  RMSNormalization: rms,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  BatchNormalization: batchNormalization,
  LpNormalization: lpNormalization,
  "com.microsoft.SkipLayerNormalization": skipLayerNormalization,
};
