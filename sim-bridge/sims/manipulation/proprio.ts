import type { NdArray } from "../../../src/core/index.ts";
import { quatAt, vec3At } from "./frames.ts";
import type { Physics } from "./mujoco.ts";
import type { ArmMeta } from "./world.ts";

/** Reads the arm's own state from a running scene. */
export interface ArmSenses {
  /** The components of the Panda's `proprio` spec (robots/panda), float32, by name. */
  read(): Readonly<Record<string, NdArray>>;
  /** How far the fingers are apart: [0, 1], 1 = open. */
  opening(): number;
}

/**
 * Resolves the arm's names.
 *
 * The position is the tool centre's, the orientation the hand body's, as LIBERO reports them. Both
 * lag joint values by one substep of the physics (2 ms in LIBERO's scenes), as they do there.
 */
export function armSenses(physics: Physics, arm: ArmMeta): ArmSenses {
  const site = physics.id("site", arm.site);
  const hand = physics.id("body", arm.handBody);
  const joints = arm.joints.map((name) => physics.joint(name));
  const first = physics.joint(arm.fingerJoints[0]);
  const second = physics.joint(arm.fingerJoints[1]);
  // Fully open the first finger stands at its upper end and the second at its lower.
  const travel = first.high - second.low;

  const opening = (): number => {
    const { qpos } = physics.views;
    const apart = (qpos[first.qposAddress]! - qpos[second.qposAddress]!) / travel;
    return Math.min(1, Math.max(0, apart));
  };
  return {
    opening,
    read() {
      const { qpos, qvel, siteXpos, xquat } = physics.views;
      const [w, x, y, z] = quatAt(xquat, hand);
      return {
        eef_position: float32(vec3At(siteXpos, site)),
        eef_quat_xyzw: float32([x, y, z, w]),
        gripper_qpos: float32([qpos[first.qposAddress]!, qpos[second.qposAddress]!]),
        gripper_opening: float32([opening()]),
        joint_position: float32(joints.map(({ qposAddress }) => qpos[qposAddress]!)),
        joint_velocity: float32(joints.map(({ dofAddress }) => qvel[dofAddress]!)),
      };
    },
  };
}

function float32(values: readonly number[]): NdArray {
  return { dtype: "float32", shape: [values.length], data: Float32Array.from(values) };
}
