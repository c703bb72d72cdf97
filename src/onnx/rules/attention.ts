/** Attention as one operator, and the rotary position embedding that goes with it. */
import type { OpCall, OpRule, Operand, StaticDim, TensorType } from "./rule.ts";
import { fixedDim, intAttribute, operand, refuse, sameElementType, typeWords } from "./rule.ts";

/** What an operand is with its heads apart: `[batch, heads, length, width]`. */
interface Heads {
  readonly batch: StaticDim;
  readonly heads: number;
  readonly length: StaticDim;
  readonly width: number;
}

function headsOf(call: OpCall, value: Operand, heads: number): Heads {
  const { shape } = value;
  if (shape.length === 4) {
    const [batch = 1, own, length = 1, width] = shape;
    return {
      batch,
      heads: fixedDim(call, own, "the number of heads"),
      length,
      width: fixedDim(call, width, "the width of a head"),
    };
  }
  const [batch = 1, length = 1, all] = shape;
  const width = fixedDim(call, all, "the width of all heads") / heads;
  if (shape.length !== 3 || !Number.isInteger(width)) {
    refuse(
      call,
      `an input is ${typeWords(value)} with ${heads} heads`,
      "must be [batch, length, heads * width] or [batch, heads, length, width]",
    );
  }
  return { batch, heads, length, width };
}

function refusePast(call: OpCall, indices: readonly number[]): void {
  if (indices.some((index) => call.inputs[index] !== undefined)) {
    refuse(call, "past keys are given", "must be left out: write out the attention to cached keys");
  }
}

/** ONNX `Attention` (opset 23). Outputs: the result, all keys, all values, the scores. */
const attention: OpRule = (call) => {
  refusePast(call, [4, 5]);
  const [q, k, v] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  const queryHeads = intAttribute(call, "q_num_heads", 0);
  const keyHeads = intAttribute(call, "kv_num_heads", 0);
  const query = headsOf(call, q, queryHeads);
  const key = headsOf(call, k, keyHeads);
  const value = headsOf(call, v, keyHeads);
  const fits =
    key.length === value.length && key.heads === value.heads && key.width === query.width;
  if (!fits || query.heads % key.heads !== 0) {
    const words = [q, k, v].map(typeWords).join(" and ");
    refuse(call, `inputs are ${words}`, "must have one width, and heads that divide each other");
  }
  const elementType = sameElementType(call, [q, k, v]);
  const { batch, heads, length } = query;
  const shape =
    q.shape.length === 3
      ? [batch, length, heads * value.width]
      : [batch, heads, length, value.width];
  const types: TensorType[] = [
    { elementType, shape },
    { elementType, shape: [batch, key.heads, key.length, key.width] },
    { elementType, shape: [batch, key.heads, key.length, value.width] },
    { elementType, shape: [batch, heads, length, key.length] },
  ];
  return types.slice(0, call.outputCount);
};

/** `com.microsoft.MultiHeadAttention` with separate query, key and value of rank 3. */
const multiHeadAttention: OpRule = (call) => {
  refusePast(call, [6, 7]);
  const [q, k, v] = [operand(call, 0), operand(call, 1), operand(call, 2)];
  if ([q, k, v].some(({ shape }) => shape.length !== 3)) {
    const words = [q, k, v].map(typeWords).join(" and ");
    refuse(call, `inputs are ${words}`, "must each be [batch, length, heads * width]");
  }
  const heads = intAttribute(call, "num_heads", 1);
  const [query, key, value] = [q, k, v].map((x) => headsOf(call, x, heads));
  if (query?.width !== key?.width || key?.length !== value?.length) {
    refuse(call, `inputs are ${[q, k, v].map(typeWords).join(" and ")}`, "must belong together");
  }
  const shape = [q.shape[0] ?? 1, q.shape[1] ?? 1, v.shape[2] ?? 1];
  return [{ elementType: sameElementType(call, [q, k, v]), shape }];
};

const rotary: OpRule = (call) => {
  const { elementType, shape } = operand(call, 0);
  if (shape.length !== 3 && shape.length !== 4) {
    refuse(call, `the input is ${typeWords(operand(call, 0))}`, "must have rank 3 or 4");
  }
  return [{ elementType, shape }];
};

export const ATTENTION_RULES: Readonly<Record<string, OpRule>> = {
  Attention: attention,
  RotaryEmbedding: rotary,
  "com.microsoft.MultiHeadAttention": multiHeadAttention,
  "com.microsoft.RotaryEmbedding": rotary,
};
