/**
 * LIBERO in one process on one core, without and with pictures: control steps per second, what a process costs once and each
 * scene, resets, memory, and all 130 tasks once. Against robosuite and the original LIBERO in the same run where `EFFERENCE_LIBERO_ASSETS`
 * names its meshes and textures (`EFFERENCE_LIBERO_PYTHON` a Python that has the packages; else one is made).
 * Needs a prepared data folder.
 */
import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { delimiter } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ensureLiberoPython } from "../../dist/src/cli/libero-python.js";
import { flipImage } from "../../dist/src/tensor/index.js";
import { median } from "./_compare.mjs";
import { liberoNeeds } from "./_libero.mjs";

const run = promisify(execFile);
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const TASKS = ["object/0", "spatial/0", "goal/0"];
/** As long as episodes of evaluations; goals are from the smallest of the tasks' ratios. */
const STEPS = 250;
/** One of every kind of scene; the first pays for what is made once per process. */
const SCENES = [
  "object/0",
  "spatial/0",
  "goal/0",
  "10/0",
  "90/0",
  "90/20",
  "90/34",
  "90/50",
  "90/80",
];
const EPISODES = 1;
const ROUNDS = 3;
const GOALS = {
  stepsPerS: 2.5,
  sweepS: 60,
  sceneMs: 100,
  resetMs: 5,
  workerMib: 250,
  picturesPerS: { "object/0": 150, "spatial/0": 90, "goal/0": 120 },
};

async function ours(job) {
  const child = fork(file("_libero-worker.mjs"));
  const ended = once(child, "exit");
  child.send(job);
  const answered = once(child, "message").then(([answer]) => answer);
  const answer = await Promise.race([
    answered,
    ended.then(([code]) => Promise.reject(new Error(`the worker ended with ${code}`))),
  ]);
  await ended;
  return answer;
}

async function theirs({ python, env }, task, want) {
  const images = want === "pictures" ? ["--images", "128"] : [];
  const args = ["--task", task, "--steps", `${STEPS}`, "--episodes", `${EPISODES}`, ...images];
  const assets = ["--assets", process.env.EFFERENCE_LIBERO_ASSETS];
  const PYTHONPATH = [env.PYTHONPATH, process.env.PYTHONPATH].filter(Boolean).join(delimiter);
  // One core each: a matrix of 7 x 7 gains nothing by threads.
  const one = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };
  const { stdout } = await run(python, [file("python/libero_loop.py"), ...args, ...assets], {
    env: { ...process.env, ...one, PYTHONPATH },
    maxBuffer: 1 << 26,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** The original's environment, or words why there is none. */
async function findOriginal() {
  if ((process.env.EFFERENCE_LIBERO_ASSETS ?? "") === "") {
    return { absent: "no ratios: EFFERENCE_LIBERO_ASSETS must name LIBERO's meshes and textures" };
  }
  return ensureLiberoPython();
}

/** Resets apart: they are a row of their own. */
const stepRate = (answers) =>
  median(
    answers.map(({ steps, seconds, resetsMs }) => {
      const resetS = resetsMs.reduce((sum, ms) => sum + ms, 0) / 1000;
      return steps / (seconds - resetS);
    }),
  );
const resetMs = (answers) => median(answers.flatMap(({ resetsMs }) => resetsMs));
const of = (key) => (answers) => median(answers.map((answer) => answer[key]));

const ROWS = [
  { name: "control steps/s", value: stepRate, digits: 0, unit: "", more: true },
  { name: "loading the first task", value: of("loadMs"), digits: 0, unit: " ms" },
  { name: "reset", value: resetMs, digits: 0, unit: " ms" },
  { name: "peak memory", value: of("peakMib"), digits: 0, unit: " MiB" },
];

/** Ours and theirs by turns; the rows of one task, ratios above 1 being in our favour. */
async function measureTask(print, original, { task, want }) {
  const [mine, other] = [[], []];
  const rounds = want === "pictures" ? 1 : ROUNDS;
  for (let round = 0; round < rounds; round++) {
    mine.push(await ours({ kind: "episodes", task, steps: STEPS, episodes: EPISODES, want }));
    if (original.python !== undefined) other.push(await theirs(original, task, want));
  }
  const result = {};
  for (const { name, value, digits, unit, more = false } of ROWS) {
    const [a, b] = [value(mine), other.length === 0 ? undefined : value(other)];
    const ratio = b === undefined ? undefined : more ? a / b : b / a;
    result[name] = { ours: a, ...(b === undefined ? {} : { original: b, ratio }) };
    const peer = b === undefined ? "" : `original ${b.toFixed(digits)}${unit}`;
    const words = ratio === undefined ? "" : `${ratio.toFixed(1)} x`;
    const mineWords = `${a.toFixed(digits)}${unit}`;
    print(
      `${task.padEnd(12)}${name.padEnd(24)}${mineWords.padEnd(12)}${peer.padEnd(22)}${words}`.trimEnd(),
    );
  }
  return result;
}

async function tasks(print, original) {
  const results = {};
  for (const task of TASKS) {
    results[task] = await measureTask(print, original, { task, want: "state" });
  }
  const ratios = Object.values(results).map((rows) => rows["control steps/s"].ratio);
  if (!ratios.includes(undefined)) {
    print(
      `least ratio of control steps/s ${Math.min(...ratios).toFixed(1)} (goal ${GOALS.stepsPerS})`,
    );
  }
  return results;
}

/** Both cameras at 128 px after every control step, level `fast`; the original draws by software. */
async function pictures(print, original) {
  const results = {};
  for (const task of TASKS) {
    results[task] = await measureTask(print, original, { task, want: "pictures" });
    const goal = GOALS.picturesPerS[task];
    print(`${task.padEnd(12)}goal for control steps/s with pictures: ${goal}`);
  }
  return results;
}

/** Each camera alone, on the poses of an episode: the kernels against the plain JavaScript that defines them. */
async function cameras(print) {
  const results = {};
  for (const task of TASKS) {
    const { times, isEqual } = await ours({ kind: "cameras", task, steps: 96, rounds: 4 });
    if (!isEqual) throw new Error(`Cannot compare ${task}: pictures differ, they must be equal`);
    results[task] = {};
    for (const [camera, { kernelMs, plainMs }] of Object.entries(times)) {
      const [ms, peerMs] = [median(kernelMs), median(plainMs)];
      results[task][camera] = { ms, plainMs: peerMs, ratio: peerMs / ms };
      print(
        `${task.padEnd(12)}${camera.padEnd(24)}${`${ms.toFixed(2)} ms`.padEnd(12)}` +
          `${`plain ${peerMs.toFixed(2)} ms`.padEnd(22)}${(peerMs / ms).toFixed(1)} x`,
      );
    }
  }
  return results;
}

/** A process that plays task after task, without pictures: what it pays once, and for each scene. */
async function load(print) {
  const runs = [];
  for (let round = 0; round < ROUNDS; round++) {
    runs.push(await ours({ kind: "load", places: SCENES }));
  }
  const all = (key) => median(runs.flatMap((run) => run[key]));
  const [sceneMs, floorMs, resetMs] = [all("othersMs"), all("floorsMs"), all("resetsMs")];
  const worstMs = Math.max(...runs.flatMap(({ othersMs }) => othersMs));
  print(
    `once per process: engine ${all("engineMs").toFixed(0)} ms, index of the data ${all("readMs").toFixed(0)} ms, ` +
      `first scene ${all("firstMs").toFixed(0)} ms`,
  );
  print(
    `each further scene, to its first state: ${sceneMs.toFixed(0)} ms (worst ${worstMs.toFixed(0)}, goal ${GOALS.sceneMs}), ` +
      `${(sceneMs / floorMs).toFixed(2)} of compiling it with new meshes (${floorMs.toFixed(0)} ms)`,
  );
  print(`another official state of it: ${resetMs.toFixed(1)} ms (goal ${GOALS.resetMs})`);
  print(`peak memory: ${all("peakMib").toFixed(0)} MiB (goal ${GOALS.workerMib})`);
  return { scenes: SCENES.length, sceneMs, worstMs, floorMs, resetMs, ...onceOf(all) };
}

const onceOf = (all) =>
  Object.fromEntries(["engineMs", "readMs", "firstMs", "peakMib"].map((key) => [key, all(key)]));

async function sweep(print) {
  const { tasks: count, seconds, slowest, endMib } = await ours({ kind: "sweep", steps: 10 });
  print(
    `all ${count} tasks loaded, reset, stepped 10 times: ${seconds.toFixed(1)} s (goal ${GOALS.sweepS} s), ` +
      `slowest ${slowest.ms.toFixed(0)} ms, memory at the end ${endMib.toFixed(0)} MiB`,
  );
  return { count, seconds, slowest, endMib };
}

/** Two pictures of 256 px turned as other evaluation loops want them; the floor is copying them. */
function conventions(print) {
  const size = 256;
  const pixels = Uint8Array.from({ length: 3 * size * size }, (_, i) => i % 251);
  const time = (work) => {
    const timesMs = Array.from({ length: 60 }, () => {
      const from = performance.now();
      work();
      work();
      return performance.now() - from;
    });
    return median(timesMs.slice(20));
  };
  const copyMs = time(() => pixels.slice());
  const results = { copyMs };
  for (const [name, axes] of Object.entries({
    mirrored: { columns: true },
    upsideDown: { rows: true },
  })) {
    const ms = time(() => flipImage(pixels, [size, size, 3], axes));
    results[name] = { ms, ratio: ms / copyMs };
    print(
      `two pictures of ${size} px ${name.padEnd(12)} ${ms.toFixed(2)} ms, ${(ms / copyMs).toFixed(1)} x copying them`,
    );
  }
  return results;
}

const CASES = { tasks, pictures, cameras, load, sweep, conventions };

export default {
  name: "libero",
  title: "LIBERO: one process, one core",
  cases: Object.keys(CASES),
  needs: ({ cases = Object.keys(CASES) }) =>
    cases.some((name) => name !== "conventions") ? liberoNeeds() : undefined,
  async run(print, { cases = Object.keys(CASES) } = {}) {
    const original =
      cases.includes("tasks") || cases.includes("pictures") ? await findOriginal() : {};
    if (original.absent !== undefined) print(original.absent);
    const results = {};
    for (const name of cases) results[name] = await CASES[name](print, original);
    return results;
  },
};
