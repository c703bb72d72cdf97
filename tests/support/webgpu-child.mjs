/**
 * Runs graphs on `webgpu` and on `cpu` and prints what came out as one line of JSON. A process of its own,
 * because the Vulkan driver is chosen by its environment and may take the process down with it.
 */
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import { isDeviceTensor, openLocalSession, openSession } from "../../dist/src/session/index.js";

const f32 = (shape, at) => {
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) data[i] = at(i);
  return { dtype: "float32", shape, data };
};
const wave = (shape, scale = 1) => f32(shape, (i) => scale * Math.sin(1 + 1.7 * i));

/** One block of a transformer: layer norm, attention, GELU, softmax, gather, reductions. */
function block() {
  const g = new GraphBuilder("block");
  const x = g.input("x", "float32", [4, 16]);
  const normed = g.layerNorm(x, g.parameter("scale", wave([16])));
  const [q, k, v] = ["q", "k", "v"].map((name) =>
    g.matmul(normed, g.parameter(name, wave([16, 16], 0.3))),
  );
  const weights = g.softmax(g.mul(g.matmul(q, g.transpose(k, [1, 0])), 0.25));
  const mixed = g.add(x, g.matmul(weights, v));
  const hidden = g.gelu(g.linear(mixed, g.parameter("up", wave([16, 32], 0.2))));
  g.output("weights", weights);
  g.output("y", g.add(mixed, g.linear(hidden, g.parameter("down", wave([32, 16], 0.2)))));
  g.output("largest", g.reduceMax(mixed, [0, 1]));
  return writeModel(g.build());
}

/** One step of gradient descent on |w - target|^2. */
function descent(size) {
  const g = new GraphBuilder("descent");
  const w = g.input("w", "float32", [size]);
  const off = g.sub(w, g.input("target", "float32", [size]));
  g.output("w_next", g.sub(w, g.mul(off, 0.125)));
  g.output("loss", g.reduceMean(g.mul(off, off), [0]));
  return writeModel(g.build());
}

const plain = ({ shape, data }) => ({ shape: [...shape], values: Array.from(data, Number) });

async function agreement() {
  const x = wave([4, 16]);
  const results = {};
  for (const device of ["cpu", "webgpu"]) {
    for (const [kind, open] of [
      ["local", openLocalSession],
      ["threaded", openSession],
    ]) {
      const session = await open(block(), { device });
      const { outputs } = await session.run({ x });
      results[`${device} ${kind}`] = {
        device: session.device,
        outputs: Object.fromEntries(Object.entries(outputs).map(([n, a]) => [n, plain(a)])),
      };
      await session.close();
    }
  }
  return results;
}

async function state(device, steps) {
  const session = await openLocalSession(descent(64), { device, deviceOutputs: ["w_next"] });
  const target = wave([64]);
  const losses = [];
  const kept = [];
  let w = f32([64], () => 0);
  for (let step = 0; step < steps; step++) {
    const { outputs } = await session.run({ w, target }, { keepOnDevice: ["w_next"] });
    losses.push(Number(outputs.loss.data[0]));
    kept.push(isDeviceTensor(outputs.w_next) && outputs.w_next.device === device);
    if (isDeviceTensor(w)) w.dispose();
    w = outputs.w_next;
  }
  const last = plain(await session.download(w));
  const again = plain(await session.download(w));
  await session.close();
  return { losses, keptThroughout: kept.every(Boolean), last, again };
}

/** What runs with outputs on the device give when they do not keep them. */
async function backToHost() {
  const session = await openLocalSession(descent(4), {
    device: "webgpu",
    deviceOutputs: ["w_next"],
  });
  const feeds = { w: f32([4], () => 8), target: f32([4], () => 0) };
  const all = await session.run(feeds);
  const loss = await session.run(feeds, { outputs: ["loss"] });
  const buffer = f32([4], () => 0);
  const lossBuffer = f32([], () => 0);
  const into = await session.run(feeds, { into: { w_next: buffer, loss: lossBuffer } });
  await session.close();
  return {
    all: plain(all.outputs.w_next),
    names: Object.keys(loss.outputs),
    buffer: plain(buffer),
    lossBuffer: plain(lossBuffer),
    same: into.outputs.w_next === buffer && into.outputs.loss === lossBuffer,
  };
}

async function dtypes() {
  const result = {};
  for (const dtype of ["float32", "int32", "uint32", "int64", "bool"]) {
    const g = new GraphBuilder(dtype);
    g.output("y", g.cast(g.input("x", "float32", [3]), dtype));
    const session = await openLocalSession(writeModel(g.build()), {
      device: "webgpu",
      deviceOutputs: ["y"],
    });
    const x = f32([3], (i) => i);
    const { outputs } = await session.run({ x }, { keepOnDevice: ["y"] });
    const array = await session.download(outputs.y);
    result[dtype] = { dtype: array.dtype, ...plain(array) };
    await session.close();
  }
  return result;
}

async function strangers() {
  const message = (run) => run().then(String, (error) => error.message);
  const here = await openLocalSession(descent(4), { deviceOutputs: ["w_next"] });
  const there = await openLocalSession(descent(4), { device: "webgpu" });
  const feeds = { w: f32([4], () => 8), target: f32([4], () => 0) };
  const { outputs } = await here.run(feeds, { keepOnDevice: ["w_next"] });
  const fed = await message(() => there.run({ ...feeds, w: outputs.w_next }));
  const undeclared = await message(() => there.run(feeds, { keepOnDevice: ["w_next"] }));
  await Promise.all([here.close(), there.close()]);
  return { fed, undeclared };
}

/** 4 MiB kept and freed a hundred times. */
async function growthMib() {
  const size = 1 << 20;
  const session = await openLocalSession(descent(size), {
    device: "webgpu",
    deviceOutputs: ["w_next"],
  });
  const target = f32([size], () => 1);
  let w = f32([size], () => 0);
  let before = 0;
  for (let run = 0; run < 120; run++) {
    if (run === 20) before = process.memoryUsage().rss;
    const { outputs } = await session.run({ w, target }, { keepOnDevice: ["w_next"] });
    if (isDeviceTensor(w)) w.dispose();
    w = outputs.w_next;
  }
  const grown = process.memoryUsage().rss - before;
  await session.close();
  return grown / 2 ** 20;
}

const report = {
  agreement: await agreement(),
  onGpu: await state("webgpu", 20),
  onCpu: await state("cpu", 20),
  backToHost: await backToHost(),
  dtypes: await dtypes(),
  strangers: await strangers(),
  growthMib: await growthMib(),
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
