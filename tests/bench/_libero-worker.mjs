/** One worker of the LIBERO benchmark: a process of its own, so that its memory is its own. Answers one job and ends. */
import { performance } from "node:perf_hooks";
import { WANT_NOTHING } from "../../dist/src/core/index.js";
import { createLibero } from "../../dist/sim-bridge/sims/libero/index.js";
import { compileModel, loadMujoco } from "../../dist/sim-bridge/sims/manipulation/mujoco-engine.js";
import { defaultLiberoFolder, liberoFolder } from "../../dist/sim-bridge/sims/libero/node.js";

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
  const [suite, index] = place.split("/");
  const { name: task } = env.tasks.filter((each) => each.suite === suite)[Number(index)];
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

/** Scenes loaded and reset one after the other, nothing settled: what a process costs once, and what each scene does. */
async function load({ places }) {
  const from = performance.now();
  const mujoco = await loadMujoco();
  const engineMs = performance.now() - from;
  const folder = defaultLiberoFolder();
  const env = await createLibero(liberoFolder(folder), { settleSteps: 0, imageSize: 0 });
  const readMs = performance.now() - from - engineMs;
  const timed = async (place, initialState) => {
    const [suite, index] = place.split("/");
    const { name: task } = env.tasks.filter((each) => each.suite === suite)[Number(index)];
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
  const answer = await { episodes, load, sweep }[job.kind](job);
  process.send(answer, () => process.exit(0));
});
