/** What a policy of state sees of a world with an arm: one vector, so that no picture is drawn and nothing is said twice. */
import type { Environment, NdArray, Observation, QuatWxyz, Vec3 } from "../../core/index.ts";
import type { Pose } from "../../math/index.ts";
import {
  composePoses,
  invertPose,
  matrixFromQuatWxyz,
  rot6dColMajorFromMatrix,
} from "../../math/index.ts";
import { withBodyPoses } from "../../rollout/index.ts";

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
  const inner = withBodyPoses(env, [thing, ...(goal === undefined ? [] : [goal.body])]);
  const size = goal === undefined ? ARM_STATE_SIZE : GOAL_STATE_SIZE;
  const seen = (observation: Observation): Observation => {
    const data = Float32Array.from(stateOf(observation.proprio, thing, goal));
    return {
      ...observation,
      images: {},
      proprio: { state: { dtype: "float32", shape: [size], data } },
    };
  };
  const told = [
    `tool centre, hand (6d), opening, ${thing} from the tool centre, ${thing} (6d); m, world axes`,
    ...(goal === undefined ? [] : [`${thing} (9) from ${goal.body}'s goal, and the same near it`]),
  ];
  return {
    tasks: inner.tasks,
    identity: inner.identity,
    spec: {
      ...inner.spec,
      snapshot: false,
      observation: {
        images: [],
        texts: [],
        proprio: [
          {
            name: "state",
            format: "raw",
            dtype: "float32",
            shape: [size],
            description: told.join("; "),
          },
        ],
      },
    },
    async reset(request) {
      const result = await inner.reset(request);
      return { ...result, first: { ...result.first, observation: seen(result.first.observation) } };
    },
    async step(chunk, want) {
      const steps = await inner.step(chunk, want);
      return steps.map((step) => ({ ...step, observation: seen(step.observation) }));
    },
    close: () => inner.close(),
  };
}

type Proprio = Readonly<Record<string, NdArray>>;

function stateOf(proprio: Proprio, thing: string, goal: Goal | undefined): readonly number[] {
  const centre = numbersOf(proprio, "eef_position");
  const [x, y, z, w] = numbersOf(proprio, "eef_quat_xyzw") as unknown as QuatWxyz;
  const { position, quatWxyz } = poseOf(proprio, thing);
  return [
    ...centre,
    ...sixOf([w, x, y, z]),
    ...numbersOf(proprio, "gripper_opening"),
    ...position.map((value, axis) => value - (centre[axis] ?? NaN)),
    ...sixOf(quatWxyz),
    ...(goal === undefined
      ? []
      : fromGoal({ position, quatWxyz }, poseOf(proprio, goal.body), goal)),
  ];
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
