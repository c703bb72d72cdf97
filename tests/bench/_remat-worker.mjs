/**
 * One variant of the rematerialisation benchmark, `_remat-worker.mjs kept|again`: a process of its own, because the peak
 * of a process never falls. Prints one line of JSON: its peak, the fastest step, and a sum over squared gradients.
 */
import { grad, rematerialised } from "../../dist/src/autodiff/index.js";
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import { openSession } from "../../dist/src/session/index.js";

const [BLOCKS, WIDTH, ROWS, STEPS] = [16, 128, 4096, 3];

/** Residual blocks that are four times as wide inside. */
function gradients(wrap) {
  const g = new GraphBuilder("deep");
  const x = g.input("x", "float32", [ROWS, WIDTH]);
  const weights = [];
  const weight = (name, shape) => {
    const data = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => 0.05 * Math.sin(i));
    weights.push(g.parameter(name, { dtype: "float32", shape, data }));
    return weights.at(-1);
  };
  let h = x;
  for (let i = 0; i < BLOCKS; i++) {
    const [up, down] = [
      weight(`up${i}`, [WIDTH, 4 * WIDTH]),
      weight(`down${i}`, [4 * WIDTH, WIDTH]),
    ];
    h = wrap(g, `block${i}`, () => g.add(h, g.matmul(g.silu(g.matmul(h, up)), down)));
  }
  const loss = g.reduceMean(g.mul(h, h), [0, 1]);
  g.output("loss", loss);
  grad(g, loss, weights).forEach((d, i) => g.output(`d${i}`, d));
  return writeModel(g.build());
}

async function measure(kind) {
  const wrap = kind === "again" ? rematerialised : (_g, _name, make) => make();
  const session = await openSession(gradients(wrap));
  const data = Float32Array.from({ length: ROWS * WIDTH }, (_, i) => Math.cos(i));
  const times = [];
  let sum = 0;
  for (let step = 0; step < STEPS; step++) {
    const { outputs, runMs } = await session.run({
      x: { dtype: "float32", shape: [ROWS, WIDTH], data },
    });
    times.push(runMs);
    sum = Object.values(outputs).reduce(
      (s, { data: d }) => s + d.reduce((a, b) => a + b * b, 0),
      0,
    );
  }
  await session.close();
  const peakMib = process.resourceUsage().maxRSS / 1024;
  return { peakMib, ms: Math.min(...times), sum };
}

process.stdout.write(`${JSON.stringify(await measure(process.argv[2]))}\n`);
