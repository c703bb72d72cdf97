/**
 * Training data: batches of 32 windows with two 128 px cameras, compared to reading and copying the same
 * bytes without decoding anything, and how long a consumer waits that trains 100 ms on every batch.
 */
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createEpisodeWriter,
  decodePng,
  encodePng,
  openMcapDataset,
} from "../../dist/src/episode/node.js";
import { openBatchLoader } from "../../dist/src/train/data/index.js";
import { median } from "./_compare.mjs";
import { CAMERAS, frame, headerOf } from "./_episode.mjs";

const SIZE = 128;
const EPISODES = 12;
const STEPS = 60;
const BATCH = 32;
const IMAGE_BYTES = SIZE * SIZE * 3;

function header(episodeId) {
  const proprio = [{ name: "joints", format: "raw", dtype: "float32", shape: [9] }];
  return headerOf(episodeId, { size: SIZE, proprio, controlFreqHz: 20, maxSteps: STEPS });
}

async function writeEpisode(path, number) {
  const writer = await createEpisodeWriter(path, header(`bench-${number}`));
  for (let step = 0; step <= STEPS; step++) {
    const observation = {
      images: Object.fromEntries(CAMERAS.map((name, c) => [name, frame(SIZE, step + number, c)])),
      proprio: { joints: { dtype: "float32", shape: [9], data: new Float32Array(9).fill(step) } },
      texts: {},
      instruction: "lift the red cube",
      step,
      stampNs: BigInt(step) * 50_000_000n,
    };
    const last = step === STEPS;
    const timeStep = {
      kind: step === 0 ? "first" : last ? "last" : "mid",
      observation,
      reward: 0,
      terminated: last,
      truncated: false,
      success: last,
      busyNs: 0n,
    };
    await writer.step({
      timeStep,
      action: step === 0 ? undefined : new Float32Array(7).fill(step),
    });
  }
  await writer.end({ kind: "success", step: STEPS });
}

const ms = (value) => `${value.toFixed(2)} ms`;

/** Mean time of a batch while the consumer does nothing else. */
async function drain(loader, batches) {
  const times = [];
  for (let i = 0; i < batches; i++) {
    const started = performance.now();
    await loader.next();
    times.push(performance.now() - started);
  }
  return times.reduce((a, b) => a + b, 0) / batches;
}

/** Reads the files whole and copies as many bytes as a batch has, without decoding. */
async function plainFloor(folder, names, batches) {
  const source = new Uint8Array(BATCH * CAMERAS.length * IMAGE_BYTES).fill(3);
  const coldStarted = performance.now();
  for (const name of names) await readFile(join(folder, name));
  const readMs = performance.now() - coldStarted;
  const started = performance.now();
  for (let i = 0; i < batches; i++) new Uint8Array(source.length).set(source);
  return { readMs, copyMs: (performance.now() - started) / batches };
}

/** One PNG of a camera, decoded again and again. */
function decoding() {
  const png = encodePng({ width: SIZE, height: SIZE, channels: 3, data: frame(SIZE, 0).data });
  for (let i = 0; i < 200; i++) decodePng(png);
  const started = performance.now();
  for (let i = 0; i < 500; i++) decodePng(png);
  return { decodeMs: (performance.now() - started) / 500, pngBytes: png.length };
}

/** Batches with nothing in memory yet, and with everything; ratios to the floors. */
async function measureThreads(options, { epoch, coldFloorMs, warmFloorMs }) {
  const rows = [];
  for (const threads of [1, 2]) {
    const loader = await openBatchLoader({ ...options, threads });
    const coldMs = await drain(loader, epoch);
    await drain(loader, epoch);
    const warmMs = await drain(loader, 200);
    await loader.close();
    const ratios = { coldRatio: coldMs / coldFloorMs, warmRatio: warmMs / warmFloorMs };
    rows.push({ threads, coldMs, warmMs, ...ratios });
  }
  return rows;
}

async function measureAugmented(options, epoch) {
  const loader = await openBatchLoader(options);
  await drain(loader, 2 * epoch);
  const augmentedMs = await drain(loader, 100);
  await loader.close();
  return augmentedMs;
}

async function measureUncached(options, epoch) {
  const loader = await openBatchLoader({ ...options, cacheBytes: 0 });
  await drain(loader, 5);
  const uncachedMs = await drain(loader, epoch);
  await loader.close();
  return uncachedMs;
}

/** How long each batch is waited for. Training is a native call in another thread: the main thread sleeps. */
async function measureWaits(options) {
  const loader = await openBatchLoader({ ...options, cacheBytes: 0 });
  await loader.next();
  const waits = [];
  for (let i = 0; i < 40; i++) {
    await sleep(100);
    waits.push((await loader.next()).waitMs);
  }
  await loader.close();
  return { medianMs: median(waits), mostMs: Math.max(...waits) };
}

function printBatches(print, what, { ms: took, floorMs }) {
  const rate = `${ms(took)} a batch, ${(1000 / took).toFixed(0)}/s`;
  print(`${what.padEnd(34)}${rate}; ratio to floor ${(took / floorMs).toFixed(1)}`);
}

async function measure(print, folder) {
  for (let i = 0; i < EPISODES; i++) await writeEpisode(join(folder, `episode-${i}.mcap`), i);
  const names = await readdir(folder);
  const { decodeMs, pngBytes } = decoding();
  const openStarted = performance.now();
  const dataset = await openMcapDataset(folder);
  const windows = dataset.episodes.reduce((sum, { length }) => sum + length, 0);
  const options = {
    datasets: [{ dataset }],
    batchSize: BATCH,
    predictHorizon: 16,
    cameras: CAMERAS,
    seed: 1,
  };
  await (await openBatchLoader(options)).close();
  const openMs = performance.now() - openStarted;
  print(
    `${EPISODES} episodes, ${windows} windows, ${CAMERAS.length} cameras of ${SIZE} px, batches of ${BATCH}`,
  );
  print(`decode one PNG (${(pngBytes / 1e3).toFixed(1)} kB)          ${ms(decodeMs)}`);
  print(`open the dataset, read its rows   ${ms(openMs)} (${ms(openMs / EPISODES)} an episode)`);

  const epoch = Math.ceil(windows / BATCH);
  const floor = await plainFloor(folder, names, 200);
  const [coldFloorMs, warmFloorMs] = [floor.readMs / epoch + floor.copyMs, floor.copyMs];
  print(`floor, cold: read files and copy  ${ms(coldFloorMs)} a batch`);
  print(`floor, warm: copy                 ${ms(warmFloorMs)} a batch`);
  const rows = await measureThreads(options, { epoch, coldFloorMs, warmFloorMs });
  for (const { threads, coldMs, warmMs } of rows) {
    printBatches(print, `${threads} thread(s), cold`, { ms: coldMs, floorMs: coldFloorMs });
    printBatches(print, `${threads} thread(s), warm`, { ms: warmMs, floorMs: warmFloorMs });
  }
  const augment = { shiftPx: 4, brightness: 0.2, contrast: 0.2, saturation: 0.2 };
  const augmentedMs = await measureAugmented({ ...options, augment }, epoch);
  printBatches(print, "warm, augmented", { ms: augmentedMs, floorMs: warmFloorMs });
  const uncachedMs = await measureUncached(options, epoch);
  printBatches(print, "nothing kept in memory", { ms: uncachedMs, floorMs: warmFloorMs });
  const wait = await measureWaits({ ...options, augment });
  await dataset.close();
  print(
    `wait of a consumer that trains 100 ms, augmented, nothing kept: median ${ms(wait.medianMs)}, most ${ms(wait.mostMs)}`,
  );
  const floors = { coldFloorMs, warmFloorMs };
  return { windows, decodeMs, openMs, ...floors, rows, augmentedMs, uncachedMs, wait };
}

export default {
  name: "data",
  title: "training data: batches against reading and copying the same bytes",
  async run(print) {
    const folder = await mkdtemp(join(tmpdir(), "efference-bench-data-"));
    try {
      return await measure(print, folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
