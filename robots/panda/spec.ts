/**
 * The Franka Emika Panda with its parallel hand, as an embodiment: names, limits, components.
 * Knows no simulator and no policy.
 *
 * Frames: `robot_base` has its origin at the centre of the base plate, x forward, z up. `hand` is
 * the flange turned by -45 degrees; its z points out through the fingers and the fingers slide along
 * its y. `grip_site` is the tool centre between the finger pads, oriented as the hand.
 */
import type { ComponentSpec } from "../../src/core/index.ts";
import type { Embodiment, JointSpec } from "../embodiment.ts";

/**
 * Joint limits of the manufacturer's data sheet (Franka Emika, "Robot and interface specifications",
 * Panda). Efforts are the torque limits LIBERO's controller clips to (robosuite 1.4), which lie below
 * the data sheet's 87 and 12 N m.
 */
const ARM_JOINTS: readonly (readonly [low: number, high: number, vel: number, effort: number])[] = [
  [-2.8973, 2.8973, 2.175, 80],
  [-1.7628, 1.7628, 2.175, 80],
  [-2.8973, 2.8973, 2.175, 80],
  [-3.0718, -0.0698, 2.175, 80],
  [-2.8973, 2.8973, 2.61, 80],
  [-0.0175, 3.7525, 2.61, 12],
  [-2.8973, 2.8973, 2.61, 12],
];

/** Furthest a finger slides from the centre, m; the opening is twice that. */
export const FINGER_TRAVEL_M = 0.04;
/** Largest force of one finger's servo, N. */
const FINGER_FORCE_N = 20;

/** Names in the MJCF of `pandaMjcf`. */
export const PANDA_NAMES = {
  baseBody: "panda_link0",
  handBody: "panda_hand",
  gripSite: "grip_site",
  wristCamera: "wrist",
  joints: [1, 2, 3, 4, 5, 6, 7].map((i) => `panda_joint${i}`),
  actuators: [1, 2, 3, 4, 5, 6, 7].map((i) => `panda_torque${i}`),
  fingerJoints: ["panda_finger_joint1", "panda_finger_joint2"],
  fingerActuators: ["panda_finger_servo1", "panda_finger_servo2"],
  fingerGeoms: [
    ["panda_finger1_pad", "panda_finger1_body"],
    ["panda_finger2_pad", "panda_finger2_body"],
  ],
} as const;

/** Arm pose at reset, rad: LIBERO's (robosuite's Panda), hand pointing straight down. */
export const PANDA_INITIAL_QPOS: readonly number[] = [
  0,
  -0.161037389,
  0,
  -2.44459747,
  0,
  2.2267522,
  Math.PI / 4,
];

/**
 * Finger positions at reset, m: half open, where the controller's setpoint starts too (as in LIBERO),
 * so that nothing moves until it is told.
 */
export const PANDA_INITIAL_FINGERS: readonly [number, number] = [
  FINGER_TRAVEL_M / 2,
  -FINGER_TRAVEL_M / 2,
];

const ARM_DOFS = ARM_JOINTS.length;

/** What the body says about itself. Orientation is the hand's, position the tool centre's, as in LIBERO. */
const PROPRIO: readonly ComponentSpec[] = [
  component("eef_position", "position", { shape: [3], unit: "m", frame: "world" }),
  component("eef_quat_xyzw", "quat_xyzw", { shape: [4], unit: "1", frame: "world" }),
  component("gripper_qpos", "joint_position", { shape: [2], unit: "m" }),
  component("gripper_opening", "gripper_opening", { shape: [1], unit: "1", low: [0], high: [1] }),
  component("joint_position", "joint_position", { shape: [ARM_DOFS], unit: "rad" }),
  component("joint_velocity", "joint_velocity", { shape: [ARM_DOFS], unit: "rad/s" }),
];

/**
 * Operational-space deltas, LIBERO's seven numbers: translation in units of 0.05 m and rotation
 * vector in units of 0.5 rad per control step, both in the world frame and clipped to [-1, 1].
 */
const ACTION: readonly ComponentSpec[] = [
  component("delta_position", "delta_position", {
    shape: [3],
    unit: "0.05 m",
    frame: "world",
    low: [-1],
    high: [1],
  }),
  component("delta_rotation", "delta_axis_angle", {
    shape: [3],
    unit: "0.5 rad",
    frame: "world",
    low: [-1],
    high: [1],
  }),
  component("gripper", "gripper_close_positive", { shape: [1], unit: "1", low: [-1], high: [1] }),
];

/** The Panda as LIBERO drives it: 20 Hz operational-space deltas and a gripper command. */
export function panda(): Embodiment {
  const fingers = PANDA_NAMES.fingerJoints.map((name, index): JointSpec => ({
    name,
    kind: "slide",
    low: index === 0 ? 0 : -FINGER_TRAVEL_M,
    high: index === 0 ? FINGER_TRAVEL_M : 0,
    // Data sheet of the hand: 50 mm/s per finger.
    maxVelocity: 0.05,
    maxEffort: FINGER_FORCE_N,
  }));
  return {
    name: "panda",
    joints: [
      ...ARM_JOINTS.map(([low, high, maxVelocity, maxEffort], index): JointSpec => ({
        name: PANDA_NAMES.joints[index]!,
        kind: "hinge",
        low,
        high,
        maxVelocity,
        maxEffort,
      })),
      ...fingers,
    ],
    initialQpos: [...PANDA_INITIAL_QPOS, ...PANDA_INITIAL_FINGERS],
    controlFreqHz: 20,
    proprio: PROPRIO,
    action: ACTION,
    holdAction(last) {
      const hold = new Float32Array(7);
      // The gripper is commanded by sign: repeating the last command keeps its grip.
      if (last !== undefined) hold[6] = last[6] ?? 0;
      return hold;
    },
  };
}

function component(
  name: string,
  format: ComponentSpec["format"],
  rest: Omit<ComponentSpec, "name" | "format" | "dtype">,
): ComponentSpec {
  return { name, format, dtype: "float32", ...rest };
}
