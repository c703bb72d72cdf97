/** Suite `goal`: one scene, different goals. The bottom drawer starts open. */
import type { FixturePlacement } from "../fixtures/index.ts";
import type { GoalAtom, ObjectPlacement, TaskSpec, ZonePlacement } from "../tasks.ts";

export const CABINET: FixturePlacement = {
  name: "cabinet_1",
  type: "drawer_cabinet",
  x: -0.06,
  y: 0.4,
  // The drawers open towards -y, the middle of the table.
  yaw: Math.PI / 2,
};
export const SHELF: FixturePlacement = {
  name: "shelf_1",
  type: "shelf",
  x: 0.05,
  y: -0.34,
  yaw: 0,
};
export const BUTTON: FixturePlacement = {
  name: "button_1",
  type: "button",
  x: -0.22,
  y: -0.28,
  yaw: 0,
};
export const PLATE: ObjectPlacement = { name: "plate_1", at: [-0.04, -0.05, -0.02, -0.03] };
export const RED_CUBE: ObjectPlacement = { name: "red_cube_1", at: [-0.23, 0, -0.19, 0.05] };
export const GREEN_CUBE: ObjectPlacement = {
  name: "green_cube_1",
  at: [-0.23, -0.12, -0.19, -0.07],
};
export const SOUP_CAN: ObjectPlacement = { name: "soup_can_1", at: [-0.12, -0.2, -0.08, -0.17] };
export const GOAL_ZONE: ZonePlacement = { name: "goal_region", rect: [0.03, -0.1, 0.15, 0.02] };
/** How far the bottom drawer is pulled out at the start, m. */
export const BOTTOM_OPEN = { cabinet_1_bottom_slide: [0.125, 0.14] } as const;

type Varying = Pick<
  TaskSpec,
  "name" | "family" | "instruction" | "goal" | "ofInterest" | "maxSteps"
>;

function goalTask(varying: Varying): TaskSpec {
  return {
    ...varying,
    suite: "goal",
    fixtures: [CABINET, SHELF, BUTTON],
    objects: [RED_CUBE, GREEN_CUBE, SOUP_CAN, PLATE],
    zones: [GOAL_ZONE],
    joints: BOTTOM_OPEN,
  };
}

function placed(goal: GoalAtom): GoalAtom[] {
  return [goal, ["Released", goal[1]!]];
}

export const GOAL_TASKS: readonly TaskSpec[] = [
  goalTask({
    name: "lift_red_cube",
    family: "lift",
    instruction: "lift the red cube",
    goal: [["Lifted", "red_cube_1"]],
    ofInterest: ["red_cube_1"],
    maxSteps: 160,
  }),
  goalTask({
    name: "lift_soup_can",
    family: "lift",
    instruction: "lift the soup can",
    goal: [["Lifted", "soup_can_1"]],
    ofInterest: ["soup_can_1"],
    maxSteps: 160,
  }),
  goalTask({
    name: "stack_green_cube_on_red_cube",
    family: "stack",
    instruction: "stack the green cube on the red cube",
    goal: placed(["On", "green_cube_1", "red_cube_1"]),
    ofInterest: ["green_cube_1", "red_cube_1"],
    maxSteps: 280,
  }),
  goalTask({
    name: "put_red_cube_on_plate",
    family: "place_on",
    instruction: "put the red cube on the plate",
    goal: placed(["On", "red_cube_1", "plate_1"]),
    ofInterest: ["red_cube_1", "plate_1"],
    maxSteps: 280,
  }),
  goalTask({
    name: "put_soup_can_on_shelf",
    family: "place_on",
    instruction: "put the soup can on the shelf",
    goal: placed(["On", "soup_can_1", "shelf_1_top_region"]),
    ofInterest: ["soup_can_1", "shelf_1"],
    maxSteps: 280,
  }),
  goalTask({
    name: "put_green_cube_on_shelf",
    family: "place_on",
    instruction: "put the green cube on the shelf",
    goal: placed(["On", "green_cube_1", "shelf_1_top_region"]),
    ofInterest: ["green_cube_1", "shelf_1"],
    maxSteps: 280,
  }),
  goalTask({
    name: "put_red_cube_in_bottom_drawer",
    family: "place_in",
    instruction: "put the red cube in the open bottom drawer",
    goal: placed(["In", "red_cube_1", "cabinet_1_bottom_region"]),
    ofInterest: ["red_cube_1", "cabinet_1"],
    maxSteps: 280,
  }),
  goalTask({
    name: "put_green_cube_behind_plate",
    family: "place_relative",
    instruction: "put the green cube behind the plate",
    goal: placed(["Behind", "green_cube_1", "plate_1"]),
    ofInterest: ["green_cube_1", "plate_1"],
    maxSteps: 280,
  }),
  goalTask({
    name: "push_plate_to_zone",
    family: "push",
    instruction: "push the plate onto the marked zone",
    goal: [["At", "plate_1", "main_table_goal_region"]],
    ofInterest: ["plate_1"],
    maxSteps: 240,
  }),
  goalTask({
    name: "open_top_drawer",
    family: "open",
    instruction: "open the top drawer of the cabinet",
    goal: [["Open", "cabinet_1_top_region"]],
    ofInterest: ["cabinet_1"],
    maxSteps: 240,
  }),
  goalTask({
    name: "close_bottom_drawer",
    family: "close",
    instruction: "close the bottom drawer of the cabinet",
    goal: [["Close", "cabinet_1_bottom_region"]],
    ofInterest: ["cabinet_1"],
    maxSteps: 240,
  }),
  goalTask({
    name: "press_button",
    family: "press",
    instruction: "press the red button",
    goal: [["Pressed", "button_1"]],
    ofInterest: ["button_1"],
    maxSteps: 160,
  }),
];
