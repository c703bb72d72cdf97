/** What a policy of state sees where tasks differ: the arm, and what the goal is about. */
import type { Environment, Observation, SceneEntity, SceneGraph } from "../../core/index.ts";
import { entityNamed, movingPart } from "../../../policies/scripted/scene.ts";
import { ARM_STATE_SIZE, armNumbers, fromHand } from "./arm-state.ts";
import { withState } from "./told-state.ts";

export const TASK_STATE_SIZE = ARM_STATE_SIZE + 4;

/**
 * A world whose only observation is `state`, float32[23], of what the task's goal names first:
 *
 *     0-2    tool centre, world frame, m
 *     3-8    orientation of the hand, world frame, first two columns of its matrix
 *     9      opening of the gripper, [0, 1], 1 = open
 *     10-12  the thing from the tool centre, world axes, m
 *     13-18  orientation of the thing, world frame, first two columns of its matrix
 *     19-21  where it is to go, from the thing, world axes, m; 0 where it is to go nowhere
 *     22     joint of what moves there, m or rad; 0 where nothing does
 *
 * A drawer or knob that is to be moved is itself the thing, and is where a hand takes hold of it. What is to be done with it,
 * the instruction tells. That is ground truth, which no camera gives.
 */
export function withTaskState(env: Environment): Environment {
  return withState(env, {
    size: TASK_STATE_SIZE,
    description:
      "tool centre, hand (6d), opening, the goal's thing from the tool centre, it (6d), its place from it, joint; m, world axes",
    asks: { privileged: true },
    read: stateOf,
  });
}

function stateOf({ proprio, privileged }: Observation): readonly number[] {
  if (privileged === undefined) {
    throw new TypeError("Cannot tell the task's state: the observation has no ground truth");
  }
  const { thing, place, joint } = namedIn(privileged);
  const { quatWxyz } = thing;
  const position = thing.grasp ?? thing.position;
  return [
    ...armNumbers(proprio),
    ...fromHand(proprio, { position, quatWxyz }),
    ...position.map((value, axis) => (place === undefined ? 0 : place.position[axis]! - value)),
    joint ?? 0,
  ];
}

interface Named {
  readonly thing: SceneEntity;
  readonly place: SceneEntity | undefined;
  readonly joint: number | undefined;
}

/** What the goal names first: `(on bowl plate)` a thing and a place, `(open region)` a part that moves. */
function namedIn({ goal, entities }: SceneGraph): Named {
  const [, first = "", second] = goal[0] ?? [];
  const part = movingPart({ entities }, second ?? first);
  const joint = part?.joint?.value;
  const named = entityNamed({ entities }, first);
  return second === undefined
    ? { thing: part ?? named, place: undefined, joint }
    : { thing: named, place: entityNamed({ entities }, second), joint };
}
