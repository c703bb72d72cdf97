/**
 * The gradients of the convolutions of a ResNet-18 at 128 px against the convolution itself, which does as many
 * multiplications as each of them. Sets the choices in `src/autodiff/rules/convolution.ts`.
 */
import { vjp } from "../../dist/src/autodiff/index.js";
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import { openSession } from "../../dist/src/session/index.js";

const THREADS = 2;
const BATCHES = [8, 32];
const RUNS = 9;
const LAYERS = [
  { name: "stem", channels: 3, filters: 64, size: 128, kernel: 7, stride: 2, count: 1 },
  { name: "layer1", channels: 64, filters: 64, size: 32, kernel: 3, stride: 1, count: 4 },
  { name: "layer2, first", channels: 64, filters: 128, size: 32, kernel: 3, stride: 2, count: 1 },
  { name: "layer2, skip", channels: 64, filters: 128, size: 32, kernel: 1, stride: 2, count: 1 },
  { name: "layer2", channels: 128, filters: 128, size: 16, kernel: 3, stride: 1, count: 3 },
  { name: "layer3, first", channels: 128, filters: 256, size: 16, kernel: 3, stride: 2, count: 1 },
  { name: "layer3", channels: 256, filters: 256, size: 8, kernel: 3, stride: 1, count: 3 },
  { name: "layer4, first", channels: 256, filters: 512, size: 8, kernel: 3, stride: 2, count: 1 },
  { name: "layer4", channels: 512, filters: 512, size: 4, kernel: 3, stride: 1, count: 3 },
];

function noise(shape) {
  const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 12.9898) / 2;
  return { dtype: "float32", shape, data };
}

/** Milliseconds of a graph that makes `what` of one layer: `y`, `dx` or `dw`. */
async function timeLayer({ channels, filters, size, kernel, stride }, batch, what) {
  const g = new GraphBuilder("layer");
  const x = g.input("x", "float32", [batch, channels, size, size]);
  const w = g.input("w", "float32", [filters, channels, kernel, kernel]);
  const pad = (kernel - 1) / 2;
  const y = g.conv(x, w, { strides: [stride, stride], pads: [pad, pad, pad, pad] });
  const dy = g.input("dy", "float32", y.shape);
  const wrt = what === "dx" ? x : w;
  const [result] = what === "y" ? [y] : vjp(g, { outputs: [y], seeds: [dy] }, [wrt]);
  g.output("result", result);
  // Without the convolution for a gradient: that takes its cotangent only.
  const bytes = writeModel(g.build());
  const session = await openSession(bytes, { threads: THREADS });
  const feeds = { x: noise(x.shape), w: noise(w.shape), dy: noise(y.shape) };
  // The fastest run: others are of other processes.
  let fastest = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const started = performance.now();
    await session.run(feeds);
    fastest = Math.min(fastest, performance.now() - started);
  }
  await session.close();
  return fastest;
}

export default {
  title: `Gradients of convolutions, ${THREADS} threads`,
  async run(print) {
    const results = [];
    for (const batch of BATCHES) {
      const total = { y: 0, dx: 0, dw: 0 };
      for (const layer of LAYERS) {
        const ms = {};
        for (const what of ["y", "dx", "dw"]) {
          // Nobody differentiates by the images.
          ms[what] =
            what === "dx" && layer.name === "stem" ? 0 : await timeLayer(layer, batch, what);
          total[what] += ms[what] * layer.count;
        }
        const words = Object.entries(ms).map(([what, time]) => `${what} ${time.toFixed(2)} ms`);
        print(`batch ${batch}, ${layer.name} (x ${layer.count}): ${words.join(", ")}`);
      }
      const ratio = (total.dx + total.dw) / total.y;
      print(
        `batch ${batch}, all: y ${total.y.toFixed(0)} ms, dx ${total.dx.toFixed(0)} ms, dw ${total.dw.toFixed(0)} ms; ` +
          `gradients / convolution = ${ratio.toFixed(2)} (2 = as quick as the convolution)`,
      );
      results.push({ batch, ms: total, ratio });
    }
    return results;
  },
};
