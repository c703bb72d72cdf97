/**
 * One worker of the tabletop benchmark: steps a task in its own process and answers with the time of
 * each block of control steps.
 */
import { WANT_NOTHING } from "../../dist/src/core/index.js";
import { createTabletop, tabletopWorld } from "../../dist/sim-bridge/sims/tabletop/index.js";
import { Physics } from "../../dist/sim-bridge/sims/manipulation/mujoco.js";

const BLOCK = 10;
const WANTS = { none: WANT_NOTHING, images: { ...WANT_NOTHING, images: "all", imagesAt: "every" } };

/** A stirring motion above the table that meets things now and then; never ends an episode early. */
function stir(block) {
  const data = new Float32Array(7 * BLOCK);
  for (let row = 0; row < BLOCK; row++) {
    const t = (block * BLOCK + row) / 20;
    data.set([Math.sin(t) / 3, Math.cos(1.3 * t) / 3, Math.sin(2 * t) / 4], 7 * row);
    data[7 * row + 6] = block % 8 < 4 ? -1 : 1;
  }
  return { data, horizon: BLOCK, actionDim: 7 };
}

/** Milliseconds per control step of one block of the environment. */
async function openEnvironment(task, want) {
  const environment = await createTabletop();
  const reset = () => environment.reset({ task, seed: 1, maxSteps: 100_000, want });
  await reset();
  const timeBlock = async (block) => {
    const started = performance.now();
    const steps = await environment.step(stir(block), want);
    const ms = (performance.now() - started) / steps.length;
    if (steps.at(-1).kind === "last") await reset();
    return ms;
  };
  return { timeBlock, close: () => environment.close() };
}

/** The floor: the bare engine on the same scene, from the start anew in each block, uncontrolled. */
async function openEngine(task) {
  const world = tabletopWorld();
  const scene = world.buildScene(task);
  const physics = await Physics.compile(scene.xml, scene.files);
  const { qpos, qvel } = world.initialState(task, { seed: 1 });
  const timeBlock = async () => {
    physics.reset();
    physics.views.qpos.set(qpos);
    physics.views.qvel.set(qvel);
    const started = performance.now();
    for (let step = 0; step < 25 * BLOCK; step++) {
      physics.step1();
      physics.step2();
    }
    return (performance.now() - started) / BLOCK;
  };
  return { timeBlock, close: () => physics[Symbol.dispose]() };
}

/** Blocks of everything asked for, by turns, so that a busy machine is busy for all alike. */
async function measure({ task, kinds, blocks }) {
  const runners = await Promise.all(
    kinds.map((kind) =>
      kind === "engine" ? openEngine(task) : openEnvironment(task, WANTS[kind]),
    ),
  );
  const times = kinds.map(() => []);
  for (let block = 0; block < blocks; block++) {
    for (const [index, runner] of runners.entries()) {
      times[index].push(await runner.timeBlock(block));
    }
  }
  for (const runner of runners) await runner.close();
  return times;
}

process.on("message", async (job) => process.send({ times: await measure(job) }));
process.send({ ready: true });
