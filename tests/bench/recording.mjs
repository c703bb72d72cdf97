/**
 * Recording: how fast episodes are written, compared to writing the same bytes without making them, and
 * whether the recorder makes a control loop late. Prints what its format choices rest on, too.
 */
import { mkdtemp, open, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import zstd from "@foxglove/wasm-zstd";
import { realTime, seeded } from "../../dist/src/core/index.js";
import {
  createEpisodeWriter,
  encodePng,
  encodePngAsync,
  fileSource,
  listEpisodes,
  openEpisode,
} from "../../dist/src/episode/node.js";
import { CAMERAS, frame, headerOf } from "./_episode.mjs";

const BODIES = ["world", ...Array.from({ length: 29 }, (_, i) => `body_${i}`)];
/** Writes to disk of this size are what the plain comparison does, too. */
const MEGABYTE = 2 ** 20;

function headerFor(size) {
  const what = { size, proprio: [], controlFreqHz: 50, maxSteps: 1e6 };
  const scene = { bodies: BODIES, geoms: [], cameras: [] };
  return { ...headerOf(`bench-${size}`, what), scene };
}

function timeStep(step, frames) {
  const images = {};
  for (const [i, name] of CAMERAS.entries()) images[name] = frames[(step + i) % frames.length];
  const poses = new Float64Array(BODIES.length * 7);
  for (let i = 0; i < poses.length; i++) poses[i] = Math.sin(step / 50 + i);
  const joints = { dtype: "float32", shape: [9], data: Float32Array.from(poses.subarray(0, 9)) };
  return {
    kind: step === 0 ? "first" : "mid",
    reward: 0,
    terminated: false,
    truncated: false,
    busyNs: 1000n,
    poses,
    observation: {
      images,
      proprio: { joints },
      texts: {},
      instruction: "lift the red cube",
      step,
      stampNs: BigInt(step) * 20_000_000n,
    },
  };
}

const decision = {
  chunk: { data: new Float32Array(16 * 7).fill(0.1), horizon: 16, actionDim: 7 },
  thoughts: [{ kind: "text", tag: "SUBTASK", text: "reach for the cube" }],
  timing: { totalMs: 8 },
};

async function record(path, size, steps) {
  const frames = Array.from({ length: 8 }, (_, i) => frame(size, i));
  const list = Array.from({ length: steps }, (_, step) => timeStep(step, frames));
  const action = new Float32Array(7);
  const started = performance.now();
  const writer = await createEpisodeWriter(path, headerFor(size));
  for (const [step, given] of list.entries()) {
    await writer.step({ timeStep: given, action: step === 0 ? undefined : action });
    if (step % 8 === 0) await writer.decision(step, given.observation.stampNs, decision);
  }
  await writer.end({ kind: "success", step: steps - 1 });
  return performance.now() - started;
}

/** Writes the same bytes in pieces of a megabyte, and waits for the device as the recorder does. */
async function writePlainly(path, bytes) {
  const started = performance.now();
  const file = await open(path, "wx");
  for (let at = 0; at < bytes.length; at += MEGABYTE)
    await file.write(bytes.subarray(at, at + MEGABYTE));
  await file.datasync();
  await file.close();
  return performance.now() - started;
}

const median = (values) => percentile(values, 0.5);
function percentile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

async function throughput(print, folder, size) {
  const steps = 400;
  await record(join(folder, `warm-${size}.mcap`), size, 50);
  const rounds = [];
  for (let round = 0; round < 3; round++) {
    const path = join(folder, `episode-${size}-${round}.mcap`);
    const ms = await record(path, size, steps);
    const bytes = await readFile(path);
    const plainMs = await writePlainly(`${path}.plain`, bytes);
    rounds.push({ ms, plainMs, fileMb: bytes.length / 1e6 });
  }
  const ms = median(rounds.map((round) => round.ms));
  const plainMs = median(rounds.map((round) => round.plainMs));
  const { fileMb } = rounds[0];
  const rawMb = (steps * CAMERAS.length * size * size * 3) / 1e6;
  print(
    `2 cameras of ${size} px, ${BODIES.length} bodies: ${(ms / steps).toFixed(2)} ms a step, ` +
      `${((rawMb / ms) * 1000).toFixed(0)} MB/s of observations in, ` +
      `${((fileMb / ms) * 1000).toFixed(1)} MB/s of file out (${fileMb.toFixed(1)} MB, ` +
      `${(rawMb / fileMb).toFixed(1)}x smaller than pixels); ` +
      `a plain write of the same bytes takes ${plainMs.toFixed(0)} ms, the recorder ${(ms / plainMs).toFixed(1)}x that`,
  );
  return { size, steps, ms, plainMs, fileMb, rawMb };
}

/** Lateness of a 50 Hz loop that makes an observation, with and without a recorder listening. */
async function lateness(folder, recordSize) {
  const size = recordSize ?? 128;
  const frames = Array.from({ length: 8 }, (_, i) => frame(size, i));
  const clock = realTime();
  const writer =
    recordSize === undefined
      ? undefined
      : await createEpisodeWriter(join(folder, `loop-${size}.mcap`), headerFor(size));
  const action = new Float32Array(7);
  const late = [];
  let recording = Promise.resolve();
  const periodNs = 20_000_000n;
  const startNs = clock.nowNs() + periodNs;
  for (let step = 0; step < 500; step++) {
    const deadlineNs = startNs + BigInt(step) * periodNs;
    await clock.waitUntil(deadlineNs);
    late.push(Number(clock.nowNs() - deadlineNs) / 1e6);
    const given = timeStep(step, frames);
    // As the rollout does: the loop does not wait for its listeners.
    if (writer !== undefined)
      recording = recording.then(() => writer.step({ timeStep: given, action }));
  }
  await recording;
  await writer?.end({ kind: "success", step: 499 });
  return {
    p50Ms: percentile(late, 0.5),
    p99Ms: percentile(late, 0.99),
    worstMs: Math.max(...late),
  };
}

function latenessWords({ p50Ms, p99Ms, worstMs }) {
  return `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms, worst ${worstMs.toFixed(2)} ms`;
}

function timed(repeats, work) {
  work();
  const started = performance.now();
  for (let i = 0; i < repeats; i++) work();
  return (performance.now() - started) / repeats;
}

async function choices(print) {
  for (const size of [128, 224]) {
    const image = { width: size, height: size, channels: 3, data: frame(size, 0).data };
    for (const level of [1, 3, 6]) {
      const ms = timed(30, () => encodePng(image, { level }));
      print(
        `PNG ${size} px, zlib level ${level}: ${ms.toFixed(2)} ms, ${encodePng(image, { level }).length} bytes`,
      );
    }
    const rows = Buffer.alloc(size * (size * 3 + 1));
    for (let y = 0; y < size; y++)
      rows.set(image.data.subarray(y * size * 3, (y + 1) * size * 3), y * (size * 3 + 1) + 1);
    print(
      `PNG ${size} px without filter, level 1: ${timed(30, () => deflateSync(rows, { level: 1 })).toFixed(2)} ms, ${deflateSync(rows, { level: 1 }).length} bytes`,
    );
    let blocked = 0;
    const started = performance.now();
    for (let i = 0; i < 30; i++) {
      const begun = performance.now();
      const png = encodePngAsync(image);
      blocked += performance.now() - begun;
      await png;
    }
    print(
      `PNG ${size} px on the thread pool, level 1: ${((performance.now() - started) / 30).toFixed(2)} ms, ` +
        `of which ${(blocked / 30).toFixed(2)} ms on the calling thread`,
    );
  }
  await zstd.isLoaded;
  const pngs = Array.from({ length: 40 }, (_, i) =>
    encodePng({ width: 128, height: 128, channels: 3, data: frame(128, i).data }),
  );
  const chunk = Buffer.concat(pngs);
  let packed;
  const ms = timed(5, () => (packed = zstd.compress(chunk, 1)));
  print(
    `zstd over a chunk of 40 PNGs: ${ms.toFixed(2)} ms for ${((1 - packed.length / chunk.length) * 100).toFixed(1)} % less, ` +
      "so image chunks are stored as they are",
  );
}

async function reading(print, folder) {
  const path = join(folder, "episode-224-0.mcap");
  const source = fileSource(path);
  const started = performance.now();
  const episode = await openEpisode(source);
  const openMs = performance.now() - started;
  const times = [];
  const rng = seeded(3);
  for (let i = 0; i < 200; i++) {
    const begun = performance.now();
    await episode.image(CAMERAS[i % 2], rng.int(episode.steps.length));
    times.push(performance.now() - begun);
  }
  await source.close();
  const { size } = await stat(path);
  print(
    `open ${(size / 1e6).toFixed(1)} MB (${episode.steps.length} steps): ${openMs.toFixed(1)} ms; ` +
      `image at a random step: p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms`,
  );
  return { openMs, imageP50Ms: percentile(times, 0.5), imageP99Ms: percentile(times, 0.99) };
}

async function listing(print, folder) {
  const bytes = await readFile(join(folder, "warm-128.mcap"));
  const many = await mkdtemp(join(folder, "many-"));
  for (let i = 0; i < 1000; i++) {
    const file = await open(join(many, `${i}.mcap`), "wx");
    await file.write(bytes);
    await file.close();
  }
  const cache = new Map();
  const firstMs = await timedAsync(() => listEpisodes(many, { cache }));
  const againMs = await timedAsync(() => listEpisodes(many, { cache }));
  print(
    `list of 1,000 episodes: ${firstMs.toFixed(0)} ms the first time, ${againMs.toFixed(0)} ms when nothing has changed`,
  );
  return { episodes: 1000, firstMs, againMs };
}

async function timedAsync(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

export default {
  name: "recording",
  title: "recording episodes",
  async run(print) {
    const folder = await mkdtemp(join(tmpdir(), "efference-bench-recording-"));
    try {
      const written = [];
      for (const size of [128, 224]) written.push(await throughput(print, folder, size));
      const late = { alone: await lateness(folder, undefined) };
      print(`50 Hz loop without recorder: late by ${latenessWords(late.alone)}`);
      for (const size of [128, 224]) {
        late[size] = await lateness(folder, size);
        print(
          `50 Hz loop, recording 2 cameras of ${size} px: late by ${latenessWords(late[size])}`,
        );
      }
      const read = await reading(print, folder);
      const listed = await listing(print, folder);
      // What the format's choices rest on is for people.
      await choices(print);
      return { written, late, read, listed };
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
