/** Suite `object`: one place, different objects. Half of them are lifted, half go into the bin. */
import type { FixturePlacement } from "../fixtures/index.ts";
import { kindOf } from "../objects.ts";
import type { Rect, TaskSpec } from "../tasks.ts";

const BIN: FixturePlacement = { name: "bin_1", type: "bin", x: -0.04, y: -0.27, yaw: 0 };
/** Everything starts anywhere here, with room for a gripper around it. */
const AREA: Rect = [-0.22, -0.07, 0.07, 0.27];

const LIFTS: readonly (readonly [target: string, ...distractors: string[]])[] = [
  ["blue_cube_1", "yellow_cube_1", "sponge_1", "soup_can_1"],
  ["milk_carton_1", "butter_box_1", "red_cube_1", "juice_bottle_1"],
  ["juice_bottle_1", "soup_can_1", "wooden_block_1", "milk_carton_1"],
  ["purple_cylinder_1", "orange_cube_1", "cookie_box_1", "white_mug_1"],
  ["sponge_1", "tuna_can_1", "butter_box_1", "green_cube_1"],
];

const INTO_BIN: readonly (readonly [target: string, ...distractors: string[]])[] = [
  ["red_cube_1", "blue_cube_1", "soup_can_1", "butter_box_1"],
  ["soup_can_1", "tuna_can_1", "milk_carton_1", "sponge_1"],
  ["butter_box_1", "cookie_box_1", "juice_bottle_1", "yellow_cube_1"],
  ["milk_carton_1", "soup_can_1", "purple_cylinder_1", "red_mug_1"],
  ["juice_bottle_1", "butter_box_1", "white_mug_1", "blue_cube_1"],
  ["white_mug_1", "red_mug_1", "milk_carton_1", "wooden_block_1"],
  ["wooden_block_1", "sponge_1", "red_cube_1", "tuna_can_1"],
  ["yellow_cube_1", "orange_cube_1", "green_cube_1", "soup_can_1"],
];

export const OBJECT_TASKS: readonly TaskSpec[] = [
  ...LIFTS.map((names): TaskSpec => {
    const { type, kind } = kindOf(names[0]);
    return {
      name: `lift_${type}`,
      suite: "object",
      family: "lift",
      instruction: `lift the ${kind.category}`,
      ...sceneOf(names),
      goal: [["Lifted", names[0]]],
      ofInterest: [names[0]],
      maxSteps: 160,
    };
  }),
  ...INTO_BIN.map((names): TaskSpec => {
    const { type, kind } = kindOf(names[0]);
    return {
      name: `put_${type}_in_bin`,
      suite: "object",
      family: "place_in",
      instruction: `put the ${kind.category} in the bin`,
      ...sceneOf(names),
      goal: [
        ["In", names[0], "bin_1_contain_region"],
        ["Released", names[0]],
      ],
      ofInterest: [names[0], "bin_1"],
      maxSteps: 280,
    };
  }),
];

function sceneOf(names: readonly string[]): Pick<TaskSpec, "fixtures" | "objects"> {
  return { fixtures: [BIN], objects: names.map((name) => ({ name, at: AREA })) };
}
