/**
 * The engine with small functions inlined (`npm run engine`) against the one of the package that it was made from: steps of
 * the same scenes from the same states, by turns in one process, sensors computed by neither. LIBERO's where a data folder is prepared.
 */
import { performance } from "node:perf_hooks";
import createModule from "@mujoco/mujoco";
import { readIndex } from "../../dist/sim-bridge/sims/libero/data.js";
import { defaultLiberoFolder, liberoFolder } from "../../dist/sim-bridge/sims/libero/node.js";
import { liberoWorld } from "../../dist/sim-bridge/sims/libero/world.js";
import { compileModel, loadMujoco } from "../../dist/sim-bridge/sims/manipulation/mujoco-engine.js";
import { DISABLE_SENSORS } from "../../dist/sim-bridge/sims/manipulation/mujoco-module.js";
import { tabletopWorld } from "../../dist/sim-bridge/sims/tabletop/world.js";
import { median } from "./_compare.mjs";
import { liberoNeeds, taskAt } from "./_libero.mjs";

const TABLETOP = ["lift_red_cube", "put_red_cube_in_bottom_drawer", "stack_three_cubes"];
const LIBERO = ["object/0", "spatial/0", "goal/0"];
const STEPS = 400;
const ROUNDS = 15;

/** What runs a scene from its first state for some steps and says how long that took and where it led. */
function openScene(mujoco, { scene, state, label }) {
  const model = compileModel(mujoco, scene, `/bench/${label}`);
  model.opt.disableflags |= DISABLE_SENSORS;
  const data = new mujoco.MjData(model);
  return {
    run() {
      mujoco.mj_resetData(model, data);
      data.qpos.set(state.qpos);
      data.qvel.set(state.qvel);
      const from = performance.now();
      for (let step = 0; step < STEPS; step++) {
        mujoco.mj_step1(model, data);
        mujoco.mj_step2(model, data);
      }
      return { ms: performance.now() - from, qpos: Buffer.from(data.qpos.slice().buffer) };
    },
    close() {
      data.delete();
      model.delete();
    },
  };
}

async function scenes(print) {
  const found = [];
  const add = (world, task, label) => {
    const state = world.initialState(task, { index: 0 });
    found.push({ label, scene: world.buildScene(task), state });
  };
  const tabletop = tabletopWorld();
  for (const task of TABLETOP) add(tabletop, task, task);
  const needed = await liberoNeeds();
  if (needed !== undefined) {
    print(`no scenes of LIBERO, which need ${needed}`);
    return found;
  }
  const files = liberoFolder(defaultLiberoFolder());
  const libero = await liberoWorld(files, await readIndex(files), { imageSize: 0 });
  for (const place of LIBERO) {
    const task = taskAt(libero, place);
    await libero.prepare(task);
    add(libero, task, place);
  }
  return found;
}

async function run(print) {
  const engines = { ours: await loadMujoco(), theirs: await createModule() };
  const results = {};
  for (const scene of await scenes(print)) {
    const sides = Object.entries(engines).map(([name, mujoco]) => [name, openScene(mujoco, scene)]);
    const times = { ours: [], theirs: [] };
    let isEqual = true;
    for (let round = 0; round < ROUNDS; round++) {
      const ends = sides.map(([name, side]) => {
        const { ms, qpos } = side.run();
        if (round > 1) times[name].push((1000 * ms) / STEPS); // the compilers' turns before
        return qpos;
      });
      isEqual &&= ends[0].equals(ends[1]);
    }
    for (const [, side] of sides) side.close();
    if (!isEqual) throw new Error(`${scene.label}: the engines go different ways`);
    const [ours, theirs] = [median(times.ours), median(times.theirs)];
    results[scene.label] = { oursUs: ours, theirsUs: theirs, ratio: theirs / ours };
    print(
      `${scene.label.padEnd(32)}${ours.toFixed(0).padStart(6)} us a step   the package's ${theirs.toFixed(0).padStart(5)} us   ${(theirs / ours).toFixed(2)} x, states equal`,
    );
  }
  return results;
}

export default {
  name: "engine",
  title: "MuJoCo in WebAssembly: inlined against the package's",
  run,
};
