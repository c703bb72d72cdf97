/** Suite `long`: two things to do. Where order matters, the goal forces it. */
import type { FixturePlacement } from "../fixtures/index.ts";
import type { GoalAtom, ObjectPlacement, TaskSpec } from "../tasks.ts";
import {
  BOTTOM_OPEN,
  BUTTON,
  CABINET,
  GOAL_ZONE,
  GREEN_CUBE,
  PLATE,
  RED_CUBE,
  SHELF,
  SOUP_CAN,
} from "./goal.ts";

const BIN: FixturePlacement = { name: "bin_1", type: "bin", x: -0.04, y: -0.27, yaw: 0 };
const BIN_BUTTON: FixturePlacement = { ...BUTTON, x: -0.2, y: 0.26 };
const FREE: ObjectPlacement["at"] = [-0.22, -0.07, 0.07, 0.27];
const MUG: ObjectPlacement = { name: "red_mug_1", at: [-0.23, 0, -0.19, 0.05] };

type Rest = Pick<TaskSpec, "fixtures" | "objects" | "ofInterest"> &
  Partial<Pick<TaskSpec, "zones" | "joints">>;

function longTask(
  [name, instruction]: readonly [name: string, instruction: string],
  goal: readonly GoalAtom[],
  rest: Rest,
): TaskSpec {
  return { name, instruction, suite: "long", family: "two_step", goal, maxSteps: 600, ...rest };
}

/** Things dealt out anywhere in the free area. */
function scattered(...names: string[]): ObjectPlacement[] {
  return names.map((name) => ({ name, at: FREE }));
}

export const LONG_TASKS: readonly TaskSpec[] = [
  longTask(
    ["open_top_drawer_and_put_red_cube_inside", "open the top drawer and put the red cube inside"],
    [
      ["In", "red_cube_1", "cabinet_1_top_region"],
      ["Released", "red_cube_1"],
    ],
    {
      fixtures: [CABINET, SHELF, BUTTON],
      objects: [RED_CUBE, GREEN_CUBE, SOUP_CAN],
      ofInterest: ["red_cube_1", "cabinet_1"],
    },
  ),
  longTask(
    [
      "put_red_cube_in_bottom_drawer_and_close_it",
      "put the red cube in the bottom drawer and close it",
    ],
    [
      ["In", "red_cube_1", "cabinet_1_bottom_region"],
      ["Close", "cabinet_1_bottom_region"],
    ],
    {
      fixtures: [CABINET, SHELF, BUTTON],
      objects: [RED_CUBE, GREEN_CUBE, SOUP_CAN],
      joints: BOTTOM_OPEN,
      ofInterest: ["red_cube_1", "cabinet_1"],
    },
  ),
  longTask(
    [
      "close_bottom_drawer_and_open_top_drawer",
      "close the bottom drawer, then open the top drawer",
    ],
    [
      ["Close", "cabinet_1_bottom_region"],
      ["Open", "cabinet_1_top_region"],
    ],
    {
      fixtures: [CABINET, SHELF, BUTTON],
      objects: [RED_CUBE, SOUP_CAN],
      joints: BOTTOM_OPEN,
      ofInterest: ["cabinet_1"],
    },
  ),
  longTask(
    ["open_top_drawer_and_press_button", "open the top drawer, then press the red button"],
    [
      ["Open", "cabinet_1_top_region"],
      ["Pressed", "button_1"],
    ],
    {
      fixtures: [CABINET, SHELF, BUTTON],
      objects: [GREEN_CUBE, SOUP_CAN],
      ofInterest: ["cabinet_1", "button_1"],
    },
  ),
  longTask(
    ["put_soup_can_and_butter_box_in_bin", "put the soup can and the butter box in the bin"],
    [
      ["In", "soup_can_1", "bin_1_contain_region"],
      ["In", "butter_box_1", "bin_1_contain_region"],
      ["Released", "soup_can_1"],
      ["Released", "butter_box_1"],
    ],
    {
      fixtures: [BIN],
      objects: scattered("soup_can_1", "butter_box_1", "milk_carton_1", "red_mug_1"),
      ofInterest: ["soup_can_1", "butter_box_1", "bin_1"],
    },
  ),
  longTask(
    [
      "put_green_cube_in_bin_and_press_button",
      "put the green cube in the bin, then press the red button",
    ],
    [
      ["In", "green_cube_1", "bin_1_contain_region"],
      ["Pressed", "button_1"],
    ],
    {
      fixtures: [BIN, BIN_BUTTON],
      objects: scattered("green_cube_1", "yellow_cube_1", "tuna_can_1"),
      ofInterest: ["green_cube_1", "bin_1", "button_1"],
    },
  ),
  longTask(
    ["stack_three_cubes", "stack the green cube on the red cube and the blue cube on top"],
    [
      ["On", "green_cube_1", "red_cube_1"],
      ["On", "blue_cube_1", "green_cube_1"],
      ["Released", "blue_cube_1"],
    ],
    {
      fixtures: [BIN],
      objects: scattered("red_cube_1", "green_cube_1", "blue_cube_1"),
      ofInterest: ["green_cube_1", "red_cube_1", "blue_cube_1"],
    },
  ),
  longTask(
    [
      "put_mug_on_plate_and_can_on_shelf",
      "put the red mug on the plate and the soup can on the shelf",
    ],
    [
      ["On", "red_mug_1", "plate_1"],
      ["On", "soup_can_1", "shelf_1_top_region"],
      ["Released", "red_mug_1"],
      ["Released", "soup_can_1"],
    ],
    {
      fixtures: [CABINET, SHELF],
      objects: [MUG, PLATE, SOUP_CAN],
      ofInterest: ["red_mug_1", "plate_1", "soup_can_1", "shelf_1"],
    },
  ),
  longTask(
    [
      "put_red_cube_on_plate_and_green_cube_in_bowl",
      "put the red cube on the plate and the green cube in the bowl",
    ],
    [
      ["On", "red_cube_1", "plate_1"],
      ["On", "green_cube_1", "bowl_1"],
      ["Released", "red_cube_1"],
      ["Released", "green_cube_1"],
    ],
    {
      fixtures: [SHELF, BUTTON],
      objects: [RED_CUBE, GREEN_CUBE, PLATE, { name: "bowl_1", at: [-0.06, 0.15, -0.02, 0.19] }],
      ofInterest: ["red_cube_1", "plate_1", "green_cube_1", "bowl_1"],
    },
  ),
  longTask(
    [
      "push_plate_to_zone_and_put_red_cube_on_it",
      "push the plate onto the marked zone, then put the red cube on it",
    ],
    [
      ["At", "plate_1", "main_table_goal_region"],
      ["On", "red_cube_1", "plate_1"],
      ["Released", "red_cube_1"],
    ],
    {
      fixtures: [SHELF, BUTTON],
      objects: [RED_CUBE, GREEN_CUBE, PLATE],
      zones: [GOAL_ZONE],
      ofInterest: ["plate_1", "red_cube_1"],
    },
  ),
];
