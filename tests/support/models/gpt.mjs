/** A small language model: transformer blocks that normalise first, an output matrix of its own. */
import { lossTrainable } from "./kit.mjs";

/** 3.44 million parameters. */
export const GPT = { layers: 4, width: 256, heads: 8, length: 64, vocabulary: 512 };

const normal = { kind: "normal", std: 0.02 };

function block(kit, context, { x, config, name }) {
  const { g } = context;
  const { linear, layerNorm } = kit.layers;
  const { width, heads } = config;
  const dense = (value, options) => linear(context, value, { start: normal, ...options });
  return g.scope(name, () => {
    const h = layerNorm(context, x, "norm1");
    const [q, k, v] = ["q", "k", "v"].map((part) => dense(h, { name: part, width }));
    const attended = g.attention({ q, k, v }, { heads, causal: true });
    const y = g.add(x, dense(attended, { name: "out", width }));
    const up = dense(layerNorm(context, y, "norm2"), { name: "up", width: 4 * width });
    return g.add(y, dense(g.gelu(up, "tanh"), { name: "down", width }));
  });
}

/** Cross-entropy of the next token; inputs `tokens` and `labels`, `int64[batch, length]`. */
export function gptTrainable(kit, config = GPT) {
  const { layers, width, length, vocabulary } = config;
  const { linear, layerNorm, parameter } = kit.layers;
  const loss = (context, batch) => {
    const { g } = context;
    const tokens = g.input("tokens", "int64", [batch, length]);
    const labels = g.input("labels", "int64", [batch, length]);
    const table = { name: "tokens/weight", shape: [vocabulary, width], start: normal };
    const places = { name: "places", shape: [length, width], start: normal };
    const embedded = g.gather(parameter(context, table), tokens);
    let x = g.add(embedded, parameter(context, places));
    for (let i = 0; i < layers; i++) x = block(kit, context, { x, config, name: `blocks/${i}` });
    const head = { name: "head", width: vocabulary, bias: false, start: normal };
    const scores = linear(context, layerNorm(context, x, "norm"), head);
    const rows = batch * length;
    return g.crossEntropy(g.reshape(scores, [rows, vocabulary]), g.reshape(labels, [rows]));
  };
  return lossTrainable(kit, { name: "gpt", loss });
}

export function gptFeeds(rng, batch, config = GPT) {
  const shape = [batch, config.length];
  const count = shape[0] * shape[1];
  const size = BigInt(config.vocabulary);
  const tokens = BigInt64Array.from({ length: count }, () => BigInt(rng.int(config.vocabulary)));
  const labels = tokens.map((token) => (token * 5n + 3n) % size);
  return {
    tokens: { dtype: "int64", shape, data: tokens },
    labels: { dtype: "int64", shape, data: labels },
  };
}
