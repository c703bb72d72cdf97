/**
 * Time per camera image of 128 x 128 on a tabletop scene whose arm moves from frame to frame, against
 * MuJoCo's own ray caster (`mj_multiRay`: labels and depth only, no colour) on the same frames; then what a
 * planar mirror adds.
 */
import loadMujoco from "@mujoco/mujoco";
import { readRenderModel } from "../../dist/sim-bridge/sims/manipulation/render/read-model.js";
import { createCameraRenderer } from "../../dist/sim-bridge/sims/manipulation/render/renderer.js";
import { GOLDEN_SCENES } from "../support/render/golden-scenes.mjs";
import { ARM_POSE, tabletopXml } from "../support/render/scenes.mjs";

const SIZE = 128;
const WARM_UP_FRAMES = 150;
const FRAMES = 300;

const CASES = [
  { camera: "front", note: "static camera, baked background", samples: 4, cacheBackground: true },
  { camera: "front", note: "static camera, everything drawn", samples: 4, cacheBackground: false },
  { camera: "wrist", note: "moving camera", samples: 4, cacheBackground: true },
  { camera: "front", note: "static camera, baked, 1 sample", samples: 1, cacheBackground: true },
  { camera: "wrist", note: "moving camera, 1 sample", samples: 1, cacheBackground: true },
];

/** Milliseconds that a tenth and a half of the frames stay below. */
function timeFrames(move, draw) {
  for (let frame = 0; frame < WARM_UP_FRAMES; frame++) {
    move(frame);
    draw();
  }
  const times = [];
  for (let frame = 0; frame < FRAMES; frame++) {
    move(frame);
    const start = performance.now();
    draw();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { p10: times[Math.floor(FRAMES / 10)], p50: times[Math.floor(FRAMES / 2)] };
}

/**
 * What a mirror and exact pictures cost: the frames of a scene with a mirror, whose ball moves, against the
 * same scene without reflectance.
 */
function timeMirror(mujoco, print) {
  const { xml, frames } = GOLDEN_SCENES.find(({ name }) => name === "mirror");
  const model = mujoco.MjModel.from_xml_string(xml);
  const data = new mujoco.MjData(model);
  const move = (frame) => {
    data.qpos.set(frames[0]);
    data.qpos[0] = 0.1 * Math.sin(0.1 * frame);
    mujoco.mj_kinematics(model, data);
  };
  const poses = { bodyXpos: data.xpos, bodyXmat: data.xmat };
  const mirroring = readRenderModel(model);
  const { materials } = mirroring;
  const reflectance = new Float32Array(materials.count);
  const plain = { ...mirroring, materials: { ...materials, reflectance } };
  const results = [];
  for (const fidelity of ["fast", "exact"]) {
    for (const camera of ["front", "hand"]) {
      const time = (renderModel) => {
        const options = { width: SIZE, height: SIZE, fidelity };
        const renderer = createCameraRenderer(renderModel, options);
        const times = timeFrames(move, () => renderer.render(camera, poses));
        renderer.dispose();
        return times;
      };
      const without = time(plain);
      const ours = time(mirroring);
      print(
        `${camera.padEnd(6)}${`a mirror, ${fidelity}`.padEnd(36)}${ours.p10.toFixed(2)} / ${ours.p50.toFixed(2)}` +
          `   without ${without.p10.toFixed(2)} / ${without.p50.toFixed(2)}` +
          `   ${(ours.p10 / without.p10).toFixed(2)} of the time without`,
      );
      results.push({ camera, note: `a mirror, ${fidelity}`, oursMs: ours, withoutMs: without });
    }
  }
  data.delete();
  model.delete();
  return results;
}

/** One ray through the centre of each pixel. */
function createRayCaster(mujoco, model, data, camera) {
  const count = SIZE * SIZE;
  const index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA.value, camera);
  const focal = SIZE / 2 / Math.tan((model.cam_fovy[index] * Math.PI) / 360);
  const directions = new Float64Array(3 * count);
  const geomIds = mujoco.IntBuffer.FromArray(new Array(count).fill(0));
  const distances = mujoco.DoubleBuffer.FromArray(new Array(count).fill(0));
  return () => {
    const axes = data.cam_xmat.subarray(9 * index, 9 * index + 9);
    for (let pixel = 0; pixel < count; pixel++) {
      const x = ((pixel % SIZE) + 0.5 - SIZE / 2) / focal;
      const y = (SIZE / 2 - Math.floor(pixel / SIZE) - 0.5) / focal;
      const scale = 1 / Math.sqrt(x * x + y * y + 1);
      for (let k = 0; k < 3; k++) {
        directions[3 * pixel + k] =
          (axes[3 * k] * x + axes[3 * k + 1] * y - axes[3 * k + 2]) * scale;
      }
    }
    const origin = [...data.cam_xpos.subarray(3 * index, 3 * index + 3)];
    const rest = [null, true, -1, geomIds, distances, null, count, 1e6];
    mujoco.mj_multiRay(model, data, origin, directions, ...rest);
  };
}

export default {
  name: "render",
  title: "camera images of 128 x 128, ms per image (a tenth / half of the images are faster)",
  async run(print) {
    const mujoco = await loadMujoco();
    const model = mujoco.MjModel.from_xml_string(tabletopXml({ objectCount: 12 }));
    const data = new mujoco.MjData(model);
    mujoco.mj_forward(model, data);
    const move = (frame) => {
      ARM_POSE.forEach((angle, joint) => {
        data.qpos[joint] = angle + 0.1 * Math.sin(0.1 * frame + joint);
      });
      mujoco.mj_kinematics(model, data);
      mujoco.mj_camlight(model, data);
    };
    const renderModel = readRenderModel(model);
    const poses = { bodyXpos: data.xpos, bodyXmat: data.xmat };
    print(`${renderModel.geoms.count} geoms, ${FRAMES} frames of a moving arm`);
    const results = [];
    for (const { camera, note, samples, cacheBackground } of CASES) {
      const options = { width: SIZE, height: SIZE, samples, cacheBackground };
      const renderer = createCameraRenderer(renderModel, options);
      const ours = timeFrames(move, () => renderer.render(camera, poses));
      const rays = timeFrames(move, createRayCaster(mujoco, model, data, camera));
      renderer.dispose();
      print(
        `${camera.padEnd(6)}${note.padEnd(36)}${ours.p10.toFixed(2)} / ${ours.p50.toFixed(2)}` +
          `   rays ${rays.p10.toFixed(2)} / ${rays.p50.toFixed(2)}` +
          `   ${(rays.p50 / ours.p50).toFixed(1)}x faster than rays`,
      );
      results.push({ camera, note, oursMs: ours, raysMs: rays });
    }
    data.delete();
    model.delete();
    return [...results, ...timeMirror(mujoco, print)];
  },
};
