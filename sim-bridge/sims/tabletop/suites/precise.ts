/** Suite `precise`: things with a hole that go over a shaft, with some millimetres of room. */
import type { FixturePlacement } from "../fixtures/index.ts";
import type { TaskSpec } from "../tasks.ts";

const PEG: FixturePlacement = {
  name: "square_peg_1",
  type: "square_peg",
  x: -0.06,
  y: -0.14,
  yaw: 0,
};
const RACK: FixturePlacement = { name: "tool_rack_1", type: "tool_rack", x: 0.2, y: -0.1, yaw: 0 };

/** Handles lie towards the robot. */
const TOWARDS_ROBOT = [Math.PI - 0.6, Math.PI + 0.6] as const;

export const PRECISE_TASKS: readonly TaskSpec[] = [
  {
    name: "put_square_nut_on_peg",
    suite: "precise",
    family: "insert",
    instruction: "put the square nut over the square peg",
    fixtures: [PEG],
    objects: [{ name: "square_nut_1", at: [-0.1, 0.06, 0.02, 0.2], yaw: TOWARDS_ROBOT }],
    goal: [
      ["Threaded", "square_nut_1_hole_region", "square_peg_1_seat_region"],
      ["Released", "square_nut_1"],
    ],
    ofInterest: ["square_nut_1", "square_peg_1"],
    maxSteps: 300,
  },
  {
    name: "hang_wrench_on_rack",
    suite: "precise",
    family: "hang",
    instruction: "hang the wrench on the pin of the tool rack",
    fixtures: [RACK],
    objects: [{ name: "wrench_1", at: [-0.06, 0.06, 0.04, 0.2], yaw: TOWARDS_ROBOT }],
    goal: [
      ["Threaded", "wrench_1_hole_region", "tool_rack_1_seat_region"],
      ["Released", "wrench_1"],
    ],
    ofInterest: ["wrench_1", "tool_rack_1"],
    maxSteps: 360,
  },
];
