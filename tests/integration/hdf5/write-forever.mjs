/** Adds demonstrations to the file that it is told, until somebody kills it. Says `added` after the second. */
import { createLiberoFile } from "../../../dist/src/episode/node.js";

const STEPS = 4;
const demonstration = {
  actions: new Float32Array(7 * STEPS),
  proprio: {
    eef_position: new Float32Array(3 * STEPS),
    eef_quat_xyzw: Float32Array.from({ length: 4 * STEPS }, (_, i) => (i % 4 === 3 ? 1 : 0)),
    gripper_qpos: new Float32Array(2 * STEPS),
    joint_position: new Float32Array(7 * STEPS),
  },
  images: {},
  states: Array.from({ length: STEPS }, () => new Float64Array(20_000)),
  success: true,
  modelXml: "<mujoco/>",
};
const file = await createLiberoFile(process.argv[2], {});
for (let n = 0; ; n++) {
  file.add(demonstration);
  if (n === 1) process.stdout.write("added\n");
  await new Promise((resolve) => setTimeout(resolve, 1));
}
