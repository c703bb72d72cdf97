/** Attention in one operator, and rotary position embeddings. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";
import { composite } from "./composite.ts";
import type { VjpCall, VjpRule } from "./rule.ts";
import { cotangentOf, floatOf, inputOf, intOf, refuseVjp } from "./rule.ts";

export type AttentionOp =
  | "Attention"
  | "RotaryEmbedding"
  | "com.microsoft.MultiHeadAttention"
  | "com.microsoft.RotaryEmbedding";

function refuseInputs(call: VjpCall, indices: readonly number[], what: string): void {
  if (indices.some((index) => call.inputs[index] !== undefined)) {
    refuseVjp(call, `${what} are given`, "must be left out");
  }
}

/** ONNX `Attention` (opset 23), by its probabilities. */
const attention = composite((g, call) => {
  refuseInputs(call, [4, 5], "past keys");
  if (floatOf(call, "softcap", 0) !== 0) refuseVjp(call, "softcap is set", "must be 0");
  const [q, k, v, mask] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2), call.inputs[3]];
  const scale = floatOf(call, "scale", 0);
  const heads = q.shape.length === 3 ? intOf(call, "q_num_heads", 1) : undefined;
  const y = g.attention(
    { q, k, v },
    {
      causal: intOf(call, "is_causal", 0) === 1,
      ...(heads === undefined ? {} : { heads, keyHeads: intOf(call, "kv_num_heads", heads) }),
      ...(mask === undefined ? {} : { mask }),
      ...(scale === 0 ? {} : { scale }),
    },
  );
  return [y];
});

/** `bias` holds those of query, key and value one after the other; `attention_bias` is added to the scores. */
const multiHeadAttention = composite((g, call) => {
  refuseInputs(call, [4], "key padding masks");
  refuseInputs(call, [6, 7], "past keys");
  const [q, k, v] = biased(g, call);
  const mask = call.inputs[5];
  const scale = floatOf(call, "scale", 0);
  const y = g.attention(
    { q, k, v },
    {
      heads: intOf(call, "num_heads", 1),
      causal: intOf(call, "unidirectional", 0) === 1,
      ...(mask === undefined ? {} : { mask }),
      ...(scale === 0 ? {} : { scale }),
    },
  );
  return [y];
});

function biased(g: GraphBuilder, call: VjpCall): [Value, Value, Value] {
  const inputs: [Value, Value, Value] = [inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)];
  const bias = call.inputs[3];
  if (bias === undefined) return inputs;
  const sizes = inputs.map(({ shape }) => Number(shape.at(-1)));
  const [q, k, v] = g.split(bias, 0, sizes);
  if (q === undefined || k === undefined || v === undefined) {
    return refuseVjp(call, "the bias has not three parts", "must have");
  }
  return [g.add(inputs[0], q), g.add(inputs[1], k), g.add(inputs[2], v)];
}

/** A rotation: its adjoint is the same by the negative angles, which only turns the sign of the sines. */
function rotary(tables: { readonly cos: number; readonly sin: number }): VjpRule {
  return (g, call) => {
    if (call.needs[tables.cos] === true || call.needs[tables.sin] === true) {
      refuseVjp(call, "the tables of angles are differentiated", "must be constant");
    }
    const inputs = [...call.inputs];
    inputs[0] = cotangentOf(call);
    inputs[tables.sin] = g.neg(inputOf(call, tables.sin));
    const { opType, domain, attributes } = call.node;
    return [g.one(opType, inputs, { domain, attributes })];
  };
}

export const ATTENTION_VJPS: Readonly<Record<AttentionOp, VjpRule>> = {
  Attention: attention,
  RotaryEmbedding: rotary({ cos: 1, sin: 2 }),
  "com.microsoft.MultiHeadAttention": multiHeadAttention,
  "com.microsoft.RotaryEmbedding": rotary({ cos: 2, sin: 3 }),
};
