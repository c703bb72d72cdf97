/**
 * What the bridge costs beyond ZeroMQ: round trips over tcp loopback between two processes, against
 * bare sockets that carry frames of the same sizes, in turns, in one run.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { Router } from "zeromq";
import { createHub } from "../../dist/sim-bridge/index.js";
import { encodeMessage } from "../../dist/sim-bridge/wire/codec.js";
import { SPEC, actions, timed } from "./_bridge-world.mjs";

const TURNS = 12;
const PER_TURN = 250;
const WARM_UP = 2000;
const WANT = {
  images: "all",
  imagesAt: "last",
  poses: false,
  privileged: false,
  depth: false,
  segmentation: false,
};

function percentiles(ms) {
  const sorted = Float64Array.from(ms).sort();
  const at = (q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** Measures both ways in turns, so that whatever else the machine does hits both. */
async function compare(name, { bridge, raw }) {
  await bridge(WARM_UP);
  await raw(WARM_UP);
  const ms = { bridge: [], raw: [] };
  for (let turn = 0; turn < TURNS; turn++) {
    ms.bridge.push(...(await bridge(PER_TURN)));
    ms.raw.push(...(await raw(PER_TURN)));
  }
  return { name, n: ms.bridge.length, bridge: percentiles(ms.bridge), raw: percentiles(ms.raw) };
}

/** A thread that computes for 100 ms at a time, as inference does. */
function startBusyThread() {
  const code = `
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      const until = performance.now() + 100;
      while (performance.now() < until) Math.sqrt(until);
      Atomics.wait(pause, 0, 0, 1);
    }`;
  return new Worker(code, { eval: true });
}

/** Bare ROUTER: sends a request of the bridge's size, and waits for the answer. */
function rawSimulator(router, id, horizon) {
  const body = { kind: "step", chunk: actions(horizon), want: WANT };
  const request = [id, ...encodeMessage({ seq: 1000, inReplyTo: 0, body })];
  return async (waiting) => {
    const answered = waiting();
    await router.send(request);
    await answered;
  };
}

/** Bare ROUTER: answers a robot's observation with a decision of the bridge's size. */
function decisionFrames() {
  const body = { kind: "decided", chunk: actions(10), thoughts: [], timing: { totalMs: 1 } };
  return encodeMessage({ seq: 1000, inReplyTo: 1000, body });
}

async function openRawRouter() {
  const router = new Router({ linger: 0 });
  await router.bind("tcp://127.0.0.1:*");
  const decision = decisionFrames();
  let resolveSimulator;
  const simulator = new Promise((resolve) => (resolveSimulator = resolve));
  let resolveAnswer = () => undefined;
  void (async () => {
    for await (const frames of router) {
      if (frames.length === 2) resolveSimulator(frames[0]);
      else if (frames[0].equals(await simulator)) resolveAnswer();
      else await router.send([frames[0], ...decision]);
    }
  })();
  const answer = () => new Promise((resolve) => (resolveAnswer = resolve));
  return { router, simulator, answer };
}

async function withPeers(work) {
  const hub = await createHub({ endpoint: "tcp://127.0.0.1:*" });
  const policy = {
    spec: {
      name: "bench",
      observation: "any",
      action: SPEC.action,
      predictHorizon: 10,
      privileged: false,
    },
    async reset() {},
    decide: async () => ({ chunk: actions(10), thoughts: [], timing: { totalMs: 1 } }),
  };
  hub.servePolicy(() => policy);
  const raw = await openRawRouter();
  const peer = fileURLToPath(new URL("./_bridge-peer.mjs", import.meta.url));
  const child = fork(peer, [hub.endpoint, raw.router.lastEndpoint]);
  try {
    const [environment] = await Promise.all([hub.nextSimulator(), once(child, "message")]);
    return await work({ environment, raw, simulator: await raw.simulator, child });
  } finally {
    await hub.close();
    raw.router.close();
    child.kill();
  }
}

async function measure(print) {
  return withPeers(async ({ environment, raw, simulator, child }) => {
    await environment.reset({ task: "idle", seed: 0, want: WANT });
    const stepping = (horizon) => {
      const chunk = actions(horizon);
      const ask = rawSimulator(raw.router, simulator, horizon);
      return {
        bridge: (count) => timed(count, () => environment.step(chunk, WANT)),
        raw: (count) => timed(count, () => ask(raw.answer)),
      };
    };
    const asRobot = (how) => async (count) => {
      child.send({ how, count });
      const [{ ms }] = await once(child, "message");
      return ms;
    };
    const rows = [];
    const add = async (name, ways) => {
      rows.push(await compare(name, ways));
      print(line(rows.at(-1)));
    };
    print(HEADER);
    await add("step: float32[1, 7] -> 2 images + float32[8]", stepping(1));
    await add("step: float32[10, 7] -> 2 images + 10 x float32[8]", stepping(10));
    await add("decide: 2 images + float32[8] -> float32[10, 7]", {
      bridge: asRobot("bridge"),
      raw: asRobot("raw"),
    });
    const busy = startBusyThread();
    try {
      await add("the first, while a thread computes", stepping(1));
    } finally {
      await busy.terminate();
    }
    return rows;
  });
}

const HEADER = `${"round trip, ms".padEnd(52)}${["p50", "p99", "max", "raw p50", "raw p99", "p50 ratio"].map((w) => w.padStart(10)).join("")}`;

function line({ name, bridge, raw }) {
  const figures = [bridge.p50, bridge.p99, bridge.max, raw.p50, raw.p99].map((ms) => ms.toFixed(3));
  const ratio = (bridge.p50 / raw.p50).toFixed(2);
  return `${name.padEnd(52)}${[...figures, ratio].map((w) => w.padStart(10)).join("")}`;
}

export default {
  name: "bridge",
  title: "bridge: round trips over tcp loopback, and bare ZeroMQ with the same frames",
  async run(print) {
    const rows = await measure(print);
    print("goals: p50 ratio at most 1.30; p99 at most 5 ms while a thread computes");
    return { name: "bridge", rows };
  },
};
