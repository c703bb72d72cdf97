/** What a policy of state sees of a world with an arm: one vector, so that no picture is drawn and nothing is said twice. */
import type { Environment, NdArray, Observation, QuatWxyz, Vec3 } from "../../core/index.ts";
import { matrixFromQuatWxyz, rot6dColMajorFromMatrix } from "../../math/index.ts";
import { withBodyPoses } from "../../rollout/index.ts";

/** Numbers of the arm itself. */
const ARM_SIZE = 10;
/** Numbers of the thing. */
const THING_SIZE = 9;
export const ARM_STATE_SIZE = ARM_SIZE + THING_SIZE;

/** Where rotations begin in the state: six numbers each, the first two columns of the matrix. */
export const ROTATION_AT = { hand: 3, thing: ARM_SIZE + 3 } as const;

/**
 * A world whose only observation is `state`, float32[19]:
 *
 *     0-2    tool centre, world frame, m
 *     3-8    orientation of the hand, world frame, first two columns of its matrix
 *     9      opening of the gripper, [0, 1], 1 = open
 *     10-12  the thing's root seen from the tool centre, world axes, m
 *     13-18  orientation of the thing, world frame, first two columns of its matrix
 *
 * That is ground truth, which no camera gives. Things that stand where they always stand are left out.
 */
export function withArmState(env: Environment, thing: string): Environment {
  const inner = withBodyPoses(env, [thing]);
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
            shape: [ARM_STATE_SIZE],
            description: `tool centre, hand (6d), opening, ${thing} from the tool centre, ${thing} (6d); m, world axes`,
          },
        ],
      },
    },
    async reset(request) {
      const result = await inner.reset(request);
      return {
        ...result,
        first: { ...result.first, observation: seen(result.first.observation, thing) },
      };
    },
    async step(chunk, want) {
      const steps = await inner.step(chunk, want);
      return steps.map((step) => ({ ...step, observation: seen(step.observation, thing) }));
    },
    close: () => inner.close(),
  };
}

function seen(observation: Observation, thing: string): Observation {
  const { proprio } = observation;
  const centre = numbersOf(proprio, "eef_position") as unknown as Vec3;
  const [x, y, z, w] = numbersOf(proprio, "eef_quat_xyzw") as unknown as QuatWxyz;
  const at = numbersOf(proprio, `${thing}/position`);
  const data = Float32Array.from([
    ...centre,
    ...sixOf([w, x, y, z]),
    ...numbersOf(proprio, "gripper_opening"),
    ...at.map((value, axis) => value - (centre[axis] ?? NaN)),
    ...sixOf(numbersOf(proprio, `${thing}/quat_wxyz`) as unknown as QuatWxyz),
  ]);
  return {
    ...observation,
    images: {},
    proprio: { state: { dtype: "float32", shape: [ARM_STATE_SIZE], data } },
  };
}

function sixOf(quatWxyz: QuatWxyz): readonly number[] {
  return rot6dColMajorFromMatrix(matrixFromQuatWxyz(quatWxyz));
}

function numbersOf(proprio: Readonly<Record<string, NdArray>>, name: string): number[] {
  const found = proprio[name];
  if (found === undefined) {
    throw new TypeError(
      `Cannot read the arm's state: there is no "${name}", must be in the proprio`,
    );
  }
  return Array.from(found.data, Number);
}
