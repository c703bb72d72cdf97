/**
 * A Llama-like decoder (RMSNorm, rotary positions, SwiGLU, tied head) with random weights, of any size, as
 * the graph that `KvDecoder` wants, or as one that sees the whole sequence and knows no cache.
 */

/** Weights of a config, `shape -> array`, from one seeded stream; `gain` scales the matrices. */
export function llamaWeights(config, rng) {
  const { layers, width, hidden, vocabulary, spread = 0.05 } = config;
  const random = (shape, scale) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < data.length; i++) data[i] = scale * (2 * rng.uniform() - 1);
    return { dtype: "float32", shape, data };
  };
  const ones = () => {
    const array = random([width], 0.1);
    for (let i = 0; i < width; i++) array.data[i] += 1;
    return array;
  };
  return {
    embedding: random([vocabulary, width], spread),
    norm: ones(),
    blocks: Array.from({ length: layers }, () => ({
      attentionNorm: ones(),
      qkv: random([width, 3 * width], spread),
      out: random([width, width], spread),
      feedNorm: ones(),
      gateUp: random([width, 2 * hidden], spread),
      down: random([hidden, width], spread),
    })),
  };
}

/** `float32[context, headDim]`: cosines and sines of the angles `position * 10000^(-2i / headDim)`. */
function rotations({ context, width, heads }) {
  const dim = width / heads;
  const table = (f) => {
    const data = new Float32Array(context * dim);
    for (let p = 0; p < context; p++) {
      for (let i = 0; i < dim; i++) {
        data[p * dim + i] = f(p * 10_000 ** ((-2 * (i % (dim / 2))) / dim));
      }
    }
    return { dtype: "float32", shape: [context, dim], data };
  };
  return { cos: table(Math.cos), sin: table(Math.sin) };
}

/** What the layers have in common: operators on values whose sizes are known only at run time. */
class Layers {
  constructor(g, config) {
    this.g = g;
    this.config = config;
    this.dim = config.width / config.heads;
    this.slots = config.slots ?? "C";
  }

  typed(opType, inputs, shape, attributes = {}) {
    const outputTypes = [{ elementType: "float32", shape }];
    return this.g.one(opType, inputs, { attributes, outputTypes });
  }

  rmsNorm(x, scale) {
    const { g } = this;
    const variance = g.reduceMean(g.pow(x, 2), [-1], true);
    return g.mul(g.div(x, g.sqrt(g.add(variance, 1e-6))), scale);
  }

  /** `[tokens, width]` to `[heads, tokens, headDim]` */
  heads(x) {
    const { g, config, dim } = this;
    const split = this.typed(
      "Reshape",
      [x, g.ints([-1, config.heads, dim])],
      ["S", config.heads, dim],
    );
    return g.transpose(split, [1, 0, 2]);
  }

  rotate(x, { cos, sin }) {
    const { g, dim } = this;
    const low = g.slice(x, 2, { start: 0, end: dim / 2 });
    const high = g.slice(x, 2, { start: dim / 2, end: dim });
    const turned = g.concat([g.neg(high), low], 2);
    return g.add(g.mul(x, cos), g.mul(turned, sin));
  }

  scores(q, k, columns) {
    const { g, config, dim } = this;
    const turned = g.transpose(k, [0, 2, 1]);
    const product = this.typed("MatMul", [q, turned], [config.heads, "S", columns]);
    return g.mul(product, 1 / Math.sqrt(dim));
  }

  /** Attention over the new tokens and, where there is one, the cache. */
  attend({ q, k, v }, { causal, cache }) {
    const { g, config, dim } = this;
    const own = this.typed("Add", [this.scores(q, k, "S"), causal], [config.heads, "S", "S"]);
    const mixed = (weights, values) =>
      this.typed("MatMul", [weights, values], [config.heads, "S", dim]);
    if (cache === undefined) return mixed(g.softmax(own), v);
    const past = g.add(this.scores(q, cache.keys, this.slots), cache.mask);
    const all = this.typed("Concat", [past, own], [config.heads, "S", "C+S"], { axis: 2 });
    const weights = g.softmax(all);
    const part = (start, end, size) =>
      this.typed("Slice", [weights, start, end, g.ints([2])], [config.heads, "S", size]);
    const end = g.ints([2 ** 31]);
    return g.add(
      mixed(part(g.ints([0]), cache.slots, this.slots), cache.values),
      mixed(part(cache.slots, end, "S"), v),
    );
  }

  feedForward(x, block, name) {
    const { g, config } = this;
    const both = g.matmul(x, g.parameter(`${name}/gate_up`, block.gateUp));
    const [gate, up] = g.split(both, 1, [config.hidden, config.hidden]);
    return g.matmul(g.mul(g.silu(gate), up), g.parameter(`${name}/down`, block.down));
  }
}

/**
 * @param GraphBuilder the class, so that tests use the sources and benchmarks what is built
 * @param cached whether the graph takes a cache; without one `logits` has a row for every token
 */
export function buildLlama(GraphBuilder, { config, weights, cached }) {
  const { layers, heads, width } = config;
  const g = new GraphBuilder("llama");
  const make = new Layers(g, config);
  const { dim } = make;
  const tokens = g.input("tokens", "int64", ["S"]);
  const positions = g.input("positions", "int64", ["S"]);
  const mask = cached ? g.input("mask", "float32", [make.slots]) : undefined;
  const slots = cached
    ? g.one("Shape", [mask], { outputTypes: [{ elementType: "int64", shape: [1] }] })
    : undefined;
  const table = rotations(config);
  const turns = {
    cos: g.gather(g.constant(table.cos), positions),
    sin: g.gather(g.constant(table.sin), positions),
  };
  const later = g.less(g.unsqueeze(positions, [1]), g.unsqueeze(positions, [0]));
  const causal = g.where(later, -1e9, 0);
  const embedding = g.parameter("embedding", weights.embedding);
  let x = g.gather(embedding, tokens);
  const rows = { keys: [], values: [] };
  weights.blocks.forEach((block, i) => {
    const name = `block_${i}`;
    const normed = make.rmsNorm(x, g.parameter(`${name}/attention_norm`, block.attentionNorm));
    const joined = g.matmul(normed, g.parameter(`${name}/qkv`, block.qkv));
    const [q, k, v] = g.split(joined, 1, [width, width, width]).map((part) => make.heads(part));
    const turned = make.rotate(k, turns);
    const cache = cached
      ? {
          keys: g.input(`keys_${i}`, "float32", [heads, make.slots, dim]),
          values: g.input(`values_${i}`, "float32", [heads, make.slots, dim]),
          mask,
          slots,
        }
      : undefined;
    const mixed = make.attend({ q: make.rotate(q, turns), k: turned, v }, { causal, cache });
    const flat = make.typed(
      "Reshape",
      [g.transpose(mixed, [1, 0, 2]), g.ints([-1, width])],
      ["S", width],
    );
    x = g.add(x, g.matmul(flat, g.parameter(`${name}/out`, block.out)));
    const feed = make.rmsNorm(x, g.parameter(`${name}/feed_norm`, block.feedNorm));
    x = g.add(x, make.feedForward(feed, block, name));
    rows.keys.push(g.unsqueeze(turned, [0]));
    rows.values.push(g.unsqueeze(v, [0]));
  });
  const last = [g.ints([-1]), g.ints([2 ** 31]), g.ints([0])];
  const out = cached ? make.typed("Slice", [x, ...last], [1, width]) : x;
  const normed = make.rmsNorm(out, g.parameter("norm", weights.norm));
  g.output("logits", g.one("Gemm", [normed, embedding], { attributes: { transB: 1 } }));
  if (cached) {
    const shape = [layers, heads, "S", dim];
    g.output("new_keys", make.typed("Concat", rows.keys, shape, { axis: 0 }));
    g.output("new_values", make.typed("Concat", rows.values, shape, { axis: 0 }));
  }
  return g.build();
}
