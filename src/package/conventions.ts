/**
 * How the field's evaluation loops show LIBERO to a policy, and what they do to its actions: one table. A policy that
 * was trained for one of them acts here when it is wrapped by `inConvention`, or when its package's manifest names one.
 *
 * All of them begin with robosuite's observations, whose images have row 0 at the bottom; ours have it at the top.
 */
import type { ComponentFormat } from "../core/index.ts";
import type { FlipAxes } from "../tensor/index.ts";

export const CONVENTION_NAMES = ["openvla", "lerobot", "openpi", "robosuite"] as const;
export type ConventionName = (typeof CONVENTION_NAMES)[number];

/** What a camera looks at: the whole scene from in front, or what the hand sees. */
export type CameraRole = "scene" | "wrist";
export const CAMERA_ROLES: readonly CameraRole[] = ["scene", "wrist"];

/** A component of ours, as it is or (a quaternion, x y z w) as robosuite's rotation vector. */
export interface StatePart {
  readonly from: string;
  readonly as: "itself" | "signed_axis_angle";
  /** Numbers that come of it. */
  readonly size: number;
}

export interface Convention {
  readonly name: ConventionName;
  /** Whose loop it is, and where it can be read. */
  readonly source: string;
  /** How its images differ from ours. */
  readonly image: FlipAxes;
  /** Its names of images. */
  readonly images: Readonly<Record<CameraRole, string>>;
  /** Its names of states, `float32`, and what each is put together from. */
  readonly states: Readonly<Record<string, readonly StatePart[]>>;
  /** What its policies' gripper number means. */
  readonly gripper: Extract<ComponentFormat, "gripper_opening" | "gripper_close_positive">;
}

const itself = (from: string, size: number): StatePart => ({ from, as: "itself", size });

/** Tool centre (m), the hand's rotation vector (rad), both fingers (m). */
const STATE_8: readonly StatePart[] = [
  itself("eef_position", 3),
  { from: "eef_quat_xyzw", as: "signed_axis_angle", size: 3 },
  itself("gripper_qpos", 2),
];

/** Half a turn of robosuite's image: ours, mirrored. */
const HALF_TURN: FlipAxes = { columns: true };

export const CONVENTIONS: Readonly<Record<ConventionName, Convention>> = {
  openvla: {
    name: "openvla",
    source:
      "openvla and openvla-oft, experiments/robot/libero/run_libero_eval.py, libero_utils.py (get_libero_image, get_libero_wrist_image), experiments/robot/robot_utils.py",
    image: HALF_TURN,
    images: { scene: "full_image", wrist: "wrist_image" },
    states: { state: STATE_8 },
    // Made binary at one half and turned round before it is executed.
    gripper: "gripper_opening",
  },
  lerobot: {
    name: "lerobot",
    source: "lerobot, src/lerobot/envs/libero.py, src/lerobot/processor/env_processor.py",
    image: HALF_TURN,
    images: { scene: "observation.images.image", wrist: "observation.images.image2" },
    states: { "observation.state": STATE_8 },
    gripper: "gripper_close_positive",
  },
  openpi: {
    name: "openpi",
    source: "openpi, examples/libero/main.py",
    image: HALF_TURN,
    images: { scene: "observation/image", wrist: "observation/wrist_image" },
    states: { "observation/state": STATE_8 },
    gripper: "gripper_close_positive",
  },
  robosuite: {
    name: "robosuite",
    source: "robosuite 1.4, observables of robosuite/robots/single_arm.py, IMAGE_CONVENTION opengl",
    image: { rows: true },
    images: { scene: "agentview_image", wrist: "robot0_eye_in_hand_image" },
    states: {
      robot0_eef_pos: [itself("eef_position", 3)],
      robot0_eef_quat: [itself("eef_quat_xyzw", 4)],
      robot0_gripper_qpos: [itself("gripper_qpos", 2)],
      robot0_joint_pos: [itself("joint_position", 7)],
      robot0_joint_vel: [itself("joint_velocity", 7)],
    },
    gripper: "gripper_close_positive",
  },
};
