/** What a policy of state sees of a world with an arm: one vector, so that no picture is drawn and nothing is said twice. */
import type { Environment, NdArray, QuatWxyz, Vec3 } from "../../core/index.ts";
import type { Pose } from "../../math/index.ts";
import {
  composePoses,
  invertPose,
  matrixFromQuatWxyz,
  rot6dColMajorFromMatrix,
} from "../../math/index.ts";
import { withBodyPoses } from "../../rollout/index.ts";
import { withState } from "./told-state.ts";

/** Numbers of the arm itself. */
const ARM_SIZE = 10;
/** Numbers of a pose: where it is, and six of how it is turned. */
const POSE_SIZE = 9;
export const ARM_STATE_SIZE = ARM_SIZE + POSE_SIZE;
/** With a goal. */
export const GOAL_STATE_SIZE = ARM_STATE_SIZE + 2 * POSE_SIZE;

/** Where rotations begin in the state: six numbers each, the first two columns of the matrix. */
export const ROTATION_AT = { hand: 3, thing: ARM_SIZE + 3 } as const;

/** Within this of the goal a pose is told finely: of a place, m; of an entry of a rotation's matrix. */
export const NEAR = { position: 0.02, rotation: 0.1 } as const;

/** Where the thing is to go on: a body of the scene, and a pose in its frame. */
export interface Goal {
  readonly body: string;
  readonly at: Pose;
}

/**
 * A world whose only observation is `state`, float32[19], or float32[37] where there is a goal:
 *
 *     0-2    tool centre, world frame, m
 *     3-8    orientation of the hand, world frame, first two columns of its matrix
 *     9      opening of the gripper, [0, 1], 1 = open
 *     10-12  the thing's root seen from the tool centre, world axes, m
 *     13-18  orientation of the thing, world frame, first two columns of its matrix
 *     19-21  the thing's root in the frame of the goal, m
 *     22-27  orientation of the thing in the frame of the goal, first two columns of its matrix
 *     28-36  19-27 once more, finely where the goal is near: tanh(x / 0.02 m), tanh(entry / 0.1)
 *
 * That is ground truth, which no camera gives. Things that stand where they always stand are told by the goal alone, if at all.
 */
export function withArmState(env: Environment, thing: string, goal?: Goal): Environment {
  const told = [
    `tool centre, hand (6d), opening, ${thing} from the tool centre, ${thing} (6d); m, world axes`,
    ...(goal === undefined ? [] : [`${thing} (9) from ${goal.body}'s goal, and the same near it`]),
  ];
  return withState(withBodyPoses(env, [thing, ...(goal === undefined ? [] : [goal.body])]), {
    size: goal === undefined ? ARM_STATE_SIZE : GOAL_STATE_SIZE,
    description: told.join("; "),
    read: ({ proprio }) => stateOf(proprio, thing, goal),
  });
}

type Proprio = Readonly<Record<string, NdArray>>;

function stateOf(proprio: Proprio, thing: string, goal: Goal | undefined): readonly number[] {
  const pose = poseOf(proprio, thing);
  return [
    ...armNumbers(proprio),
    ...fromHand(proprio, pose),
    ...(goal === undefined ? [] : fromGoal(pose, poseOf(proprio, goal.body), goal)),
  ];
}

/** Tool centre, orientation of the hand, opening of the gripper. */
export function armNumbers(proprio: Proprio): readonly number[] {
  const [x, y, z, w] = numbersOf(proprio, "eef_quat_xyzw") as unknown as QuatWxyz;
  return [
    ...numbersOf(proprio, "eef_position"),
    ...sixOf([w, x, y, z]),
    ...numbersOf(proprio, "gripper_opening"),
  ];
}

/** Where something is from the tool centre, and how it is turned, world axes. */
export function fromHand(proprio: Proprio, { position, quatWxyz }: Pose): readonly number[] {
  const centre = numbersOf(proprio, "eef_position");
  return [...position.map((value, axis) => value - (centre[axis] ?? NaN)), ...sixOf(quatWxyz)];
}

function fromGoal(thing: Pose, body: Pose, { at }: Goal): readonly number[] {
  const { position, quatWxyz } = composePoses(invertPose(composePoses(body, at)), thing);
  const six = sixOf(quatWxyz);
  return [
    ...position,
    ...six,
    ...position.map((value) => Math.tanh(value / NEAR.position)),
    ...six.map((value) => Math.tanh(value / NEAR.rotation)),
  ];
}

function poseOf(proprio: Proprio, body: string): Pose {
  return {
    position: numbersOf(proprio, `${body}/position`) as unknown as Vec3,
    quatWxyz: numbersOf(proprio, `${body}/quat_wxyz`) as unknown as QuatWxyz,
  };
}

function sixOf(quatWxyz: QuatWxyz): readonly number[] {
  return rot6dColMajorFromMatrix(matrixFromQuatWxyz(quatWxyz));
}

function numbersOf(proprio: Proprio, name: string): number[] {
  const found = proprio[name];
  if (found === undefined) {
    throw new TypeError(
      `Cannot read the arm's state: there is no "${name}", must be in the proprio`,
    );
  }
  return Array.from(found.data, Number);
}
