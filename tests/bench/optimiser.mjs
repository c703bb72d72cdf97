/**
 * Optimisers: one step of 5 million parameters in WebAssembly, compared to the same arithmetic as a graph in
 * the engine, to a plain JavaScript loop, and to the floor: copying as many bytes as the step must touch.
 */
import { transformOf, updateModel } from "../../dist/src/autodiff/index.js";
import { seeded } from "../../dist/src/core/index.js";
import { writeModel } from "../../dist/src/onnx/index.js";
import { openSession } from "../../dist/src/session/index.js";
import { ParameterArena, createOptimiser, layoutFor } from "../../dist/src/train/index.js";

const ROUNDS = 15;
/** Twelve blocks of a transformer of width 192, four matrices and their biases each, and an embedding. */
const WIDTH = 192;
const PARAMETERS = [
  { name: "embedding", shape: [800, WIDTH] },
  ...Array.from({ length: 11 }, (_, i) => [
    { name: `block${i}/qkv/w`, shape: [WIDTH, 3 * WIDTH] },
    { name: `block${i}/qkv/b`, shape: [3 * WIDTH] },
    { name: `block${i}/out/w`, shape: [WIDTH, WIDTH] },
    { name: `block${i}/out/b`, shape: [WIDTH] },
    { name: `block${i}/up/w`, shape: [WIDTH, 4 * WIDTH] },
    { name: `block${i}/up/b`, shape: [4 * WIDTH] },
    { name: `block${i}/down/w`, shape: [4 * WIDTH, WIDTH] },
    { name: `block${i}/down/b`, shape: [WIDTH] },
  ]).flat(),
];
const COUNT = PARAMETERS.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

/** Bytes read and written per parameter: without and with clipping, which reads the gradients twice. */
const CASES = {
  AdamW: { config: { kind: "adamw", weightDecay: 0.1 }, bytes: 28 },
  "AdamW, clipped": { config: { kind: "adamw", weightDecay: 0.1, clipNorm: 1 }, bytes: 32 },
  "AdamW, clipped, averaged": {
    config: { kind: "adamw", weightDecay: 0.1, clipNorm: 1, emaDecay: 0.999 },
    bytes: 44,
  },
  "SGD, Nesterov": { config: { kind: "sgd", momentum: 0.9, nesterov: true }, bytes: 20 },
  Lion: { config: { kind: "lion", weightDecay: 0.1 }, bytes: 20 },
};

function noise(seed, scale) {
  const rng = seeded(seed);
  return Object.fromEntries(
    PARAMETERS.map(({ name, shape }) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      for (let i = 0; i < data.length; i++) data[i] = scale * (rng.uniform() - 0.5);
      return [name, { dtype: "float32", shape, data }];
    }),
  );
}

const fastest = (values) => Math.min(...values);

function timed(work) {
  const started = performance.now();
  work();
  return performance.now() - started;
}

function kernelStep({ config }, weights, gradients) {
  const arena = new ParameterArena(layoutFor(config, PARAMETERS));
  arena.load("parameter", weights);
  arena.load("gradient", gradients);
  const optimiser = createOptimiser(config, arena);
  optimiser.init();
  let step = 0;
  // Without clipping nobody needs the norm; 1 stands for what a graph would have computed.
  const sum = config.clipNorm === undefined ? { sumOfSquares: 1 } : {};
  return () => timed(() => optimiser.step({ rate: 1e-4, step: ++step, ...sum }));
}

/** Milliseconds in the engine, as it returns new tensors each time; copies in and out do not count. */
async function graphStep({ config }, weights, gradients) {
  const transform = transformOf(config);
  const session = await openSession(writeModel(updateModel(transform, PARAMETERS)));
  const feeds = { ...weights };
  for (const [name, gradient] of Object.entries(gradients)) feeds[`gradient/${name}`] = gradient;
  for (const { kind, parameter, initial } of transform.state(PARAMETERS)) {
    const { data, shape } = weights[parameter.name];
    const begin = initial === "zeros" ? new Float32Array(data.length) : data;
    feeds[`${kind}/${parameter.name}`] = { dtype: "float32", shape, data: begin };
  }
  const scalar = (value) => ({ dtype: "float32", shape: [], data: Float32Array.of(value) });
  let step = 0;
  const run = async () => {
    const { runMs } = await session.run({ ...feeds, rate: scalar(1e-4), step: scalar(++step) });
    return runMs;
  };
  return { run, close: () => session.close() };
}

/** AdamW as one would write it first. */
function plainStep(weights, gradients) {
  const tensors = PARAMETERS.map(({ name, shape }) => ({
    p: weights[name].data.slice(),
    g: gradients[name].data,
    m: new Float32Array(weights[name].data.length),
    v: new Float32Array(weights[name].data.length),
    decay: shape.length > 1 ? 1e-5 : 0,
  }));
  let step = 0;
  return () =>
    timed(() => {
      step++;
      const [c1, c2] = [1 - 0.9 ** step, 1 - 0.999 ** step];
      for (const { p, g, m, v, decay } of tensors) {
        for (let i = 0; i < p.length; i++) {
          m[i] = 0.9 * m[i] + 0.1 * g[i];
          v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
          p[i] -= decay * p[i] + (1e-4 * (m[i] / c1)) / (Math.sqrt(v[i] / c2) + 1e-8);
        }
      }
    });
}

/** Copying n bytes reads n and writes n. */
function floor(bytes) {
  const half = Math.round((COUNT * bytes) / 2);
  const [from, to] = [new Uint8Array(half).fill(1), new Uint8Array(half).fill(2)];
  return () => timed(() => to.set(from));
}

async function measure(rows) {
  const times = rows.map(() => []);
  // In turns, so that a busy moment of the machine falls on all.
  for (let round = -3; round < ROUNDS; round++) {
    for (const [i, row] of rows.entries()) {
      const ms = await row();
      if (round >= 0) times[i].push(ms);
    }
  }
  return times.map(fastest);
}

export default {
  title: `optimisers: one step of ${(COUNT / 1e6).toFixed(1)} M parameters, one thread, fastest of ${ROUNDS}`,
  async run(print) {
    const [weights, gradients] = [noise(1, 0.1), noise(2, 0.01)];
    const results = [];
    for (const [name, spec] of Object.entries(CASES)) {
      const graph = await graphStep(spec, weights, gradients);
      const rows = [kernelStep(spec, weights, gradients), graph.run, floor(spec.bytes)];
      if (name === "AdamW") rows.push(plainStep(weights, gradients));
      const [kernelMs, graphMs, floorMs, plainMs] = await measure(rows);
      await graph.close();
      const peers = [
        `${(graphMs / kernelMs).toFixed(1)} x faster than the graph (${graphMs.toFixed(1)} ms)`,
        `${(kernelMs / floorMs).toFixed(2)} x the time of copying as much (${floorMs.toFixed(1)} ms)`,
      ];
      if (plainMs !== undefined) {
        peers.push(
          `${(plainMs / kernelMs).toFixed(1)} x faster than JavaScript (${plainMs.toFixed(1)} ms)`,
        );
      }
      print(`${name.padEnd(25)} ${kernelMs.toFixed(1)} ms, ${peers.join(", ")}`);
      results.push({
        name,
        kernelMs,
        graphMs,
        floorMs,
        ...(plainMs === undefined ? {} : { plainMs }),
      });
    }
    return results;
  },
};
