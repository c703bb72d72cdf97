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

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const ms = (value) => `${value.toFixed(2)} ms`;

/** Median time of a batch while the consumer does nothing else. */
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

const folder = await mkdtemp(join(tmpdir(), "efference-bench-data-"));
try {
  for (let i = 0; i < EPISODES; i++) await writeEpisode(join(folder, `episode-${i}.mcap`), i);
  const names = await readdir(folder);
  const png = encodePng({ width: SIZE, height: SIZE, channels: 3, data: frame(SIZE, 0).data });
  for (let i = 0; i < 200; i++) decodePng(png);
  const decodeStarted = performance.now();
  for (let i = 0; i < 500; i++) decodePng(png);
  const decodeMs = (performance.now() - decodeStarted) / 500;

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
  const epoch = Math.ceil(windows / BATCH);
  const floor = await plainFloor(folder, names, 200);
  const coldFloorMs = floor.readMs / epoch + floor.copyMs;

  const rows = [];
  for (const threads of [1, 2]) {
    const loader = await openBatchLoader({ ...options, threads });
    const coldMs = await drain(loader, epoch);
    await drain(loader, epoch);
    const warmMs = await drain(loader, 200);
    await loader.close();
    rows.push({ threads, coldMs, warmMs });
  }
  const augment = { shiftPx: 4, brightness: 0.2, contrast: 0.2, saturation: 0.2 };
  const augmented = await openBatchLoader({ ...options, augment });
  await drain(augmented, 2 * epoch);
  const augmentedMs = await drain(augmented, 100);
  await augmented.close();
  const uncached = await openBatchLoader({ ...options, cacheBytes: 0 });
  await drain(uncached, 5);
  const uncachedMs = await drain(uncached, epoch);
  await uncached.close();

  // Training is a native call in another thread: the main thread sleeps.
  const trained = await openBatchLoader({ ...options, augment, cacheBytes: 0 });
  await trained.next();
  const waits = [];
  for (let i = 0; i < 40; i++) {
    await sleep(100);
    waits.push((await trained.next()).waitMs);
  }
  await trained.close();
  await dataset.close();

  console.log(
    `${EPISODES} episodes, ${windows} windows, ${CAMERAS.length} cameras of ${SIZE} px, batches of ${BATCH}`,
  );
  console.log(`decode one PNG (${(png.length / 1e3).toFixed(1)} kB)      ${ms(decodeMs)}`);
  console.log(
    `open the dataset, read its rows   ${ms(openMs)} (${ms(openMs / EPISODES)} an episode)`,
  );
  console.log(`floor, cold: read files and copy  ${ms(coldFloorMs)} a batch`);
  console.log(`floor, warm: copy                 ${ms(floor.copyMs)} a batch`);
  for (const { threads, coldMs, warmMs } of rows) {
    console.log(
      `${threads} thread(s), cold                 ${ms(coldMs)} a batch, ${(1000 / coldMs).toFixed(0)}/s; ratio to floor ${(coldMs / coldFloorMs).toFixed(1)}`,
    );
    console.log(
      `${threads} thread(s), warm                 ${ms(warmMs)} a batch, ${(1000 / warmMs).toFixed(0)}/s; ratio to floor ${(warmMs / floor.copyMs).toFixed(1)}`,
    );
  }
  console.log(`warm, augmented                   ${ms(augmentedMs)} a batch`);
  console.log(`nothing kept in memory            ${ms(uncachedMs)} a batch`);
  console.log(
    `wait of a consumer that trains 100 ms, augmented, nothing kept: median ${ms(median(waits))}, most ${ms(Math.max(...waits))}`,
  );
} finally {
  await rm(folder, { recursive: true });
}
