/** One worker of the LIBERO benchmark: a process of its own, so that its memory is its own. Answers one job and ends. */
import { performance } from "node:perf_hooks";
import { WANT_NOTHING } from "../../dist/src/core/index.js";
import { createLibero } from "../../dist/sim-bridge/sims/libero/index.js";
import { readIndex } from "../../dist/sim-bridge/sims/libero/data.js";
import { liberoWorld } from "../../dist/sim-bridge/sims/libero/world.js";
import { createManipulationEnvironment } from "../../dist/sim-bridge/sims/manipulation/environment.js";
import { compileModel, loadMujoco } from "../../dist/sim-bridge/sims/manipulation/mujoco-engine.js";
import {
  createCameraRenderer,
  createPlainCameraRenderer,
} from "../../dist/sim-bridge/sims/manipulation/render/renderer.js";
import { defaultLiberoFolder, liberoFolder } from "../../dist/sim-bridge/sims/libero/node.js";
import { taskAt } from "./_libero.mjs";

const BLOCK = 8;
/** What is asked for, by case. */
const WANTS = {
  state: WANT_NOTHING,
  pictures: { ...WANT_NOTHING, images: "all", imagesAt: "every" },
};
/** Without pictures nothing of them is loaded. */
const OPTIONS = { state: { imageSize: 0 }, pictures: { imageSize: 128, quality: "fast" } };
const mib = (bytes) => bytes / 2 ** 20;

/** Small motions that are the same in every run. */
function chunkAt(step) {
  const data = Float32Array.from(
    { length: 7 * BLOCK },
    (_, i) => 0.3 * Math.sin(12.9898 * (7 * step + i)),
  );
  return { data, horizon: BLOCK, actionDim: 7 };
}

/** What `libero_loop.py` measures: construction, then episodes with their resets. */
async function episodes({ task: place, steps, episodes: count, want }) {
  const before = performance.now();
  const env = await createLibero(liberoFolder(defaultLiberoFolder()), OPTIONS[want]);
  const task = taskAt(env, place);
  const request = (initialState) => ({
    task,
    seed: 0,
    initialState,
    maxSteps: steps,
    want: WANTS[want],
  });
  await env.reset(request(0));
  const loadMs = performance.now() - before;
  const resetsMs = [];
  let done = 0;
  const started = performance.now();
  for (let episode = 0; episode < count; episode++) {
    const from = performance.now();
    await env.reset(request(episode));
    resetsMs.push(performance.now() - from);
    for (let isLast = false; !isLast;) {
      const answers = await env.step(chunkAt(done), WANTS[want]);
      done += answers.length;
      isLast = answers.at(-1).kind === "last";
    }
  }
  const seconds = (performance.now() - started) / 1000;
  await env.close();
  return { loadMs, resetsMs, steps: done, seconds, peakMib: process.resourceUsage().maxRSS / 1024 };
}

/** Poses of an episode as its cameras are given them, and what draws them. */
async function recordPoses(place, steps) {
  const files = liberoFolder(defaultLiberoFolder());
  const world = await liberoWorld(files, await readIndex(files), OPTIONS.pictures);
  const task = taskAt(world, place);
  const recorded = { model: undefined, options: undefined, frames: [] };
  const black = { rgb: new Uint8Array(3 * OPTIONS.pictures.imageSize ** 2) };
  const createRenderer = (model, options) => {
    Object.assign(recorded, { model, options });
    const render = (camera, { bodyXpos, bodyXmat, geomColours }) => {
      recorded.frames.push({
        camera,
        poses: {
          bodyXpos: bodyXpos.slice(),
          bodyXmat: bodyXmat.slice(),
          geomColours: geomColours?.slice(),
        },
      });
      return black;
    };
    return { render, invalidate() {}, dispose() {} };
  };
  const env = await createManipulationEnvironment(world, { createRenderer });
  await env.reset({ task, seed: 0, initialState: 0, maxSteps: steps, want: WANTS.pictures });
  for (let done = 0; done < steps; done += BLOCK) await env.step(chunkAt(done), WANTS.pictures);
  await env.close();
  return recorded;
}

/** Milliseconds per picture of each camera by the kernels and by plain JavaScript, by turns, and whether they are equal. */
async function cameras({ task, steps, rounds }) {
  const { model, options, frames } = await recordPoses(task, steps);
  const kernel = createCameraRenderer(model, options);
  const plain = createPlainCameraRenderer(model, options);
  const times = {};
  let isEqual = true;
  for (let round = 0; round < rounds; round++) {
    for (const { camera, poses } of frames) {
      const from = performance.now();
      const ours = kernel.render(camera, poses).rgb;
      const middle = performance.now();
      const theirs = plain.render(camera, poses).rgb;
      const end = performance.now();
      isEqual &&= Buffer.compare(ours, theirs) === 0;
      if (round === 0) continue; // the compilers' turn
      times[camera] ??= { kernelMs: [], plainMs: [] };
      times[camera].kernelMs.push(middle - from);
      times[camera].plainMs.push(end - middle);
    }
  }
  return { times, isEqual };
}

/** Scenes loaded and reset one after the other, nothing settled: what a process costs once, and what each scene does. */
async function load({ places }) {
  const from = performance.now();
  const mujoco = await loadMujoco();
  const engineMs = performance.now() - from;
  const folder = defaultLiberoFolder();
  const env = await createLibero(liberoFolder(folder), { settleSteps: 0, imageSize: 0 });
  const readMs = performance.now() - from - engineMs;
  const timed = async (place, initialState) => {
    const task = taskAt(env, place);
    const before = performance.now();
    await env.reset({ task, seed: 0, initialState, want: WANT_NOTHING });
    return { task, ms: performance.now() - before };
  };
  const [scenes, resetsMs, floorsMs] = [[], [], []];
  for (const place of places) {
    scenes.push(await timed(place, 0));
    for (let state = 1; state <= 3; state++) resetsMs.push((await timed(place, state)).ms);
  }
  await env.close();
  const peakMib = process.resourceUsage().maxRSS / 1024;
  const [{ ms: firstMs }, ...others] = scenes;
  for (const { task } of others) floorsMs.push(await compileAnew({ mujoco, folder, task }));
  const othersMs = others.map(({ ms }) => ms);
  return { engineMs, readMs, firstMs, othersMs, resetsMs, floorsMs, peakMib };
}

/** The floor: the engine compiles a scene whose files are in memory and whose meshes it does not know. */
async function compileAnew({ mujoco, folder, task }) {
  const files = liberoFolder(folder);
  const { tasks } = JSON.parse(Buffer.from(await files.read("libero.json")).toString());
  const own = tasks.find(({ suite, name }) => `${suite}/${name}` === task).folder;
  const xml = Buffer.from(await files.read(`${own}/scene.xml`)).toString();
  const names = new Set([...xml.matchAll(/ file="([^"]+)"/g)].map((match) => match[1]));
  const meshes = {};
  for (const name of names) meshes[name] = await files.read(name);
  const before = performance.now();
  compileModel(mujoco, { xml, files: meshes }, `/anew/${task}`).delete();
  return performance.now() - before;
}

/** Every task loaded, reset to its first state and stepped. */
async function sweep({ steps }) {
  const started = performance.now();
  const env = await createLibero(liberoFolder(defaultLiberoFolder()), {
    settleSteps: 0,
    imageSize: 0,
  });
  const slowest = { task: "", ms: 0 };
  for (const { name: task } of env.tasks) {
    const from = performance.now();
    await env.reset({ task, seed: 0, initialState: 0, want: WANT_NOTHING });
    for (let step = 0; step < steps; step++) {
      const { data } = chunkAt(step);
      await env.step({ data: data.slice(0, 7), horizon: 1, actionDim: 7 }, WANT_NOTHING);
    }
    const ms = performance.now() - from;
    if (ms > slowest.ms) Object.assign(slowest, { task, ms });
  }
  const seconds = (performance.now() - started) / 1000;
  const { length: tasks } = env.tasks;
  await env.close();
  return { tasks, seconds, slowest, endMib: mib(process.memoryUsage.rss()) };
}

process.once("message", async (job) => {
  const answer = await { episodes, cameras, load, sweep }[job.kind](job);
  process.send(answer, () => process.exit(0));
});
