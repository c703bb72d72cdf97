/**
 * Action chunking with transformers as published (Zhao et al. 2023, arXiv:2304.13705), without the variational
 * encoder: ResNet-18 with frozen normalisation, blocks that normalise after adding, one decoder block.
 */
import { gaussian, lossTrainable } from "./kit.mjs";
import { resnet18 } from "./resnet.mjs";

/** One camera of 128 x 128 pixels, chunks of 16 rows; 34.4 million parameters. */
export const ACT = {
  width: 512,
  heads: 8,
  hidden: 3200,
  encoderLayers: 4,
  image: 128,
  state: 8,
  rows: 16,
  actionDim: 7,
};

function attention(kit, context, { q, k, v, heads, name }) {
  const { linear, lastDim } = kit.layers;
  const width = lastDim(q);
  return context.g.scope(name, () => {
    const operands = Object.fromEntries(
      Object.entries({ q, k, v }).map(([part, x]) => [
        part,
        linear(context, x, { name: part, width }),
      ]),
    );
    return linear(context, context.g.attention(operands, { heads }), { name: "out", width });
  });
}

/** What `x` becomes by adding `change` and normalising. */
function settled(kit, context, { x, change, name }) {
  return kit.layers.layerNorm(context, context.g.add(x, change), name);
}

function feedForward(kit, context, { x, hidden }) {
  const { linear, lastDim } = kit.layers;
  const inner = context.g.relu(linear(context, x, { name: "up", width: hidden }));
  return linear(context, inner, { name: "down", width: lastDim(x) });
}

/** Places are added to queries and keys of every block. */
function encoderBlock(kit, context, { x, places, config, name }) {
  const { g } = context;
  return g.scope(name, () => {
    const q = g.add(x, places);
    const own = { q, k: q, v: x, heads: config.heads, name: "self" };
    const y = settled(kit, context, { x, change: attention(kit, context, own), name: "norm1" });
    const change = feedForward(kit, context, { x: y, hidden: config.hidden });
    return settled(kit, context, { x: y, change, name: "norm2" });
  });
}

function decoderBlock(kit, context, { x, queries, memory, places, config, name }) {
  const { g } = context;
  const { heads, hidden } = config;
  return g.scope(name, () => {
    const q = g.add(x, queries);
    const own = attention(kit, context, { q, k: q, v: x, heads, name: "self" });
    const y = settled(kit, context, { x, change: own, name: "norm1" });
    const other = {
      q: g.add(y, queries),
      k: g.add(memory, places),
      v: memory,
      heads,
      name: "cross",
    };
    const change = attention(kit, context, other);
    const z = settled(kit, context, { x: y, change, name: "norm2" });
    const last = feedForward(kit, context, { x: z, hidden });
    return settled(kit, context, { x: z, change: last, name: "norm3" });
  });
}

/** `[batch, rows, actionDim]` from `image[batch, 3, size, size]` and `state[batch, state]`. */
export function actChunk(kit, context, { image, state, config = ACT }) {
  const { g } = context;
  const { width, rows, actionDim } = config;
  const { linear, parameter } = kit.layers;
  const [batch] = image.shape;
  const learned = (name, count) =>
    parameter(context, { name, shape: [count, width], start: { kind: "normal", std: 0.02 } });
  const map = g.scope("backbone", () => resnet18(kit, context, { x: image, norm: "frozen" }));
  const [, channels, height, across] = map.shape;
  const pixels = g.transpose(g.reshape(map, [batch, channels, height * across]), [0, 2, 1]);
  const seen = linear(context, pixels, { name: "pixels", width });
  const felt = linear(context, state, { name: "state", width });
  let memory = g.concat([g.unsqueeze(felt, [1]), seen], 1);
  const places = learned("places", height * across + 1);
  for (let i = 0; i < config.encoderLayers; i++) {
    const at = { x: memory, places, config, name: `encoder/${i}` };
    memory = encoderBlock(kit, context, at);
  }
  const queries = learned("queries", rows);
  const zeros = new Float32Array(batch * rows * width);
  const x = g.constant({ dtype: "float32", shape: [batch, rows, width], data: zeros });
  const y = decoderBlock(kit, context, { x, queries, memory, places, config, name: "decoder" });
  const end = kit.layers.layerNorm(context, y, "norm");
  return linear(context, end, { name: "action", width: actionDim });
}

function actInputs(g, batch, { image, state }) {
  return {
    image: g.input("image", "float32", [batch, 3, image, image]),
    state: g.input("state", "float32", [batch, state]),
  };
}

/** The mean absolute error of a chunk. */
export function actTrainable(kit, config = ACT) {
  const loss = (context, batch) => {
    const { g } = context;
    const chunk = actChunk(kit, context, { ...actInputs(g, batch, config), config });
    const target = g.input("target", "float32", [batch, config.rows, config.actionDim]);
    return g.reduceMean(g.abs(g.sub(chunk, target)), [0, 1, 2]);
  };
  return lossTrainable(kit, { name: "act", loss });
}

/** The model alone, for inference. */
export function actGraph(kit, { batch, parameters, config = ACT }) {
  const g = new kit.GraphBuilder("act");
  const chunk = actChunk(kit, { g, parameters }, { ...actInputs(g, batch, config), config });
  g.output("chunk", chunk);
  return g.build();
}

export function actFeeds(rng, batch, config = ACT) {
  return {
    image: gaussian(rng, [batch, 3, config.image, config.image]),
    state: gaussian(rng, [batch, config.state]),
    target: gaussian(rng, [batch, config.rows, config.actionDim]),
  };
}
