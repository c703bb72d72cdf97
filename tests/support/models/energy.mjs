/**
 * A transformer that gives every action chunk an energy: blocks of self-attention over the chunk's rows,
 * cross-attention to what is observed and a feed-forward part, queries and keys normalised. Chunks are
 * predicted by descending the energy, and trained through that descent.
 */
import { gaussian, lossTrainable, meanSquare } from "./kit.mjs";

/** 5.4 million parameters. `rate` is the length of a step downhill. */
export const ENERGY = {
  layers: 8,
  width: 256,
  heads: 4,
  rows: 16,
  actionDim: 7,
  observed: 2,
  rate: 1000,
};

const EPSILON = 1e-6;

function rms(kit, context, { x, name }) {
  const { g } = context;
  const shape = [x.shape.at(-1)];
  const scale = { name: `${name}/weight`, shape, start: { kind: "ones" } };
  return g.rmsNorm(x, kit.layers.parameter(context, scale), { epsilon: EPSILON });
}

function attention(kit, context, { x, memory, mask, config, name, bias }) {
  const { g } = context;
  const { width, heads } = config;
  const apart = (value) => g.reshape(value, [value.shape[0], value.shape[1], heads, width / heads]);
  const dense = (value, part) => kit.layers.linear(context, value, { name: part, width });
  return g.scope(name, () => {
    const normed = (value, part, norm) =>
      g.transpose(rms(kit, context, { x: apart(dense(value, part)), name: norm }), [0, 2, 1, 3]);
    const q = normed(x, "q", "q_norm");
    const k = normed(memory, "k", "k_norm");
    const v = g.transpose(apart(dense(memory, "v")), [0, 2, 1, 3]);
    const attended = g.mergeHeads(g.attention({ q, k, v }, mask === undefined ? {} : { mask }));
    return kit.layers.linear(context, attended, { name: "out", width, bias });
  });
}

function block(kit, context, { x, observation, mask, config, name }) {
  const { g } = context;
  const { linear } = kit.layers;
  const { width } = config;
  const norm = (value, key) => rms(kit, context, { x: value, name: key });
  return g.scope(name, () => {
    const h = norm(x, "norm1");
    const own = { x: h, memory: h, config, name: "self", bias: true };
    const y = g.add(x, attention(kit, context, own));
    const other = {
      x: norm(y, "norm2"),
      memory: observation,
      mask,
      config,
      name: "cross",
      bias: false,
    };
    const z = g.add(y, attention(kit, context, other));
    const up = g.gelu(linear(context, norm(z, "norm3"), { name: "up", width }), "tanh");
    return g.add(z, linear(context, up, { name: "down", width }));
  });
}

/** Sines and cosines side by side (Vaswani et al. 2017, section 3.5). */
function places(g, { rows, width }) {
  const data = Float32Array.from({ length: rows * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    const angle = row * Math.exp((-Math.log(1e4) * (column - (column % 2))) / width);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
  return g.constant({ dtype: "float32", shape: [rows, width], data });
}

/** The first row sees the first observation only. */
function firstRowMask(g, { rows, observed }) {
  const data = new Float32Array(rows * observed).fill(-1e9, 1, observed);
  return g.constant({ dtype: "float32", shape: [rows, observed], data });
}

/** @returns `float32[batch]` for `actions[batch, rows, actionDim]` and `observation[batch, observed, width]` */
export function energyOf(kit, context, { actions, observation, config = ENERGY }) {
  const { g } = context;
  const { linear, layerNorm } = kit.layers;
  const { layers, width, actionDim } = config;
  const lifted = layerNorm(context, linear(context, actions, { name: "lift", width }), "lift_norm");
  const inner = linear(context, g.gelu(lifted, "tanh"), { name: "inner", width });
  let x = g.add(g.gelu(inner, "tanh"), places(g, config));
  const mask = firstRowMask(g, config);
  for (let i = 0; i < layers; i++) {
    const name = `blocks/${i}`;
    x = block(kit, context, { x, observation, mask, config, name });
  }
  const end = rms(kit, context, { x, name: "norm" });
  const last = g.gelu(linear(context, end, { name: "last", width }), "tanh");
  return g.reduceMean(linear(context, last, { name: "energy", width: actionDim }), [1, 2]);
}

/** A context in which a parameter that is there already is used again, for models that run more than once. */
function sharedContext({ g, parameters }) {
  const parameter = (name, array) =>
    g.parameters.get(g.scopedName(name)) ?? g.parameter(name, array);
  const get = (_, key) => {
    if (key === "parameter") return parameter;
    const member = g[key];
    return typeof member === "function" ? member.bind(g) : member;
  };
  return { g: new Proxy(g, { get }), parameters };
}

/** `actions` after one step downhill. */
export function descended(kit, context, { actions, observation, config = ENERGY }) {
  const { g } = context;
  const energy = g.reduceSum(energyOf(kit, context, { actions, observation, config }), [0]);
  const [slope] = kit.grad(g, energy, [actions]);
  return g.sub(actions, g.mul(slope, config.rate));
}

/** Inputs of the loss and of the step graphs. */
export function energyInputs(g, batch, config = ENERGY) {
  const { rows, actionDim, observed, width } = config;
  return {
    actions: g.input("actions", "float32", [batch, rows, actionDim]),
    observation: g.input("observation", "float32", [batch, observed, width]),
  };
}

/** Squared error of the chunk after `steps` steps downhill, differentiated through all of them. */
export function energyTrainable(kit, { steps, config = ENERGY }) {
  const loss = (context, batch) => {
    const { g } = context;
    const shared = steps === 1 ? context : sharedContext(context);
    const { actions, observation } = energyInputs(g, batch, config);
    const target = g.input("target", "float32", [batch, config.rows, config.actionDim]);
    let at = actions;
    for (let i = 0; i < steps; i++) {
      at = descended(kit, shared, { actions: at, observation, config });
    }
    return meanSquare(g, at, target);
  };
  return lossTrainable(kit, { name: "energy", loss });
}

/** The same as a step that is repeated, and the loss of what comes out, for `RecurrentStep`. */
export function energyRecurrence(kit, config = ENERGY) {
  return {
    name: "energy",
    stepGraph({ batchSize, parameters }) {
      const g = new kit.GraphBuilder("energy_step");
      const { actions, observation } = energyInputs(g, batchSize, config);
      const next = descended(kit, { g, parameters }, { actions, observation, config });
      return { g, state: actions, next };
    },
    lossGraph({ batchSize }) {
      const g = new kit.GraphBuilder("energy_loss");
      const shape = [batchSize, config.rows, config.actionDim];
      const [state, target] = ["chunk", "target"].map((name) => g.input(name, "float32", shape));
      return { g, state, loss: meanSquare(g, state, target) };
    },
  };
}

export function energyFeeds(rng, batch, config = ENERGY) {
  const { rows, actionDim, observed, width } = config;
  return {
    actions: gaussian(rng, [batch, rows, actionDim]),
    observation: gaussian(rng, [batch, observed, width]),
    target: gaussian(rng, [batch, rows, actionDim]),
  };
}
