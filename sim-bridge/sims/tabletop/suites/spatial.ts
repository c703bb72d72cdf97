/**
 * Suite `spatial`: one kind of object, different relations. Either WHICH mug is said by where it is
 * (two equal mugs, one plate), or WHERE it goes is said relative to the plate.
 * Left is the robot's left (+y); "in front of" is on the robot's side.
 */
import type { FixturePlacement } from "../fixtures/index.ts";
import type { ObjectPlacement, Rect, TaskSpec } from "../tasks.ts";

const SHELF: FixturePlacement = { name: "shelf_1", type: "shelf", x: 0, y: 0.36, yaw: 0 };
const PLATE: ObjectPlacement = { name: "plate_1", at: around(-0.06, 0, 0.012) };
const CAN: ObjectPlacement = { name: "soup_can_1", at: around(-0.18, -0.28, 0.01) };
const COOKIES: ObjectPlacement = {
  name: "cookie_box_1",
  at: around(0.06, -0.2, 0.01),
  yaw: [-0.3, 0.3],
};

/** Where a mug can stand, and the words for it. */
const PLACES = {
  left_of_plate: { at: around(-0.06, 0.17, 0.015), words: "to the left of the plate" },
  right_of_plate: { at: around(-0.06, -0.165, 0.012), words: "to the right of the plate" },
  behind_plate: { at: around(0.095, 0, 0.012), words: "behind the plate" },
  in_front_of_plate: { at: around(-0.215, 0, 0.01), words: "in front of the plate" },
  next_to_can: { at: around(-0.085, -0.285, 0.01), words: "next to the soup can" },
  between_plate_and_can: {
    at: around(-0.125, -0.15, 0.006),
    words: "between the plate and the soup can",
  },
  next_to_cookie_box: { at: around(-0.06, -0.25, 0.01), words: "next to the cookie box" },
  on_shelf: { at: "shelf_1_top_region", words: "on the shelf" },
} as const;
type Place = keyof typeof PLACES;

/** Which mug to take, and where its twin stands. */
const PICKS: readonly (readonly [place: Place, twin: Place])[] = [
  ["left_of_plate", "right_of_plate"],
  ["right_of_plate", "behind_plate"],
  ["behind_plate", "in_front_of_plate"],
  ["in_front_of_plate", "left_of_plate"],
  ["next_to_can", "behind_plate"],
  ["between_plate_and_can", "left_of_plate"],
  ["next_to_cookie_box", "in_front_of_plate"],
  ["on_shelf", "right_of_plate"],
];

const DIRECTIONS = [
  { name: "left_of", predicate: "LeftOf", words: "to the left of", start: "right_of_plate" },
  { name: "right_of", predicate: "RightOf", words: "to the right of", start: "left_of_plate" },
  { name: "behind", predicate: "Behind", words: "behind", start: "in_front_of_plate" },
  { name: "in_front_of", predicate: "FrontOf", words: "in front of", start: "behind_plate" },
] as const;

export const SPATIAL_TASKS: readonly TaskSpec[] = [
  ...PICKS.map(([place, twin]): TaskSpec => ({
    name: place === "on_shelf" ? "put_mug_from_shelf_on_plate" : `put_mug_${place}_on_plate`,
    suite: "spatial",
    family: "place_on",
    instruction: `pick up the red mug ${PLACES[place].words} and put it on the plate`,
    fixtures: [SHELF],
    objects: [mug("red_mug_1", place), mug("red_mug_2", twin), PLATE, CAN, COOKIES],
    goal: [
      ["On", "red_mug_1", "plate_1"],
      ["Released", "red_mug_1"],
    ],
    ofInterest: ["red_mug_1", "plate_1"],
    maxSteps: 280,
  })),
  ...DIRECTIONS.map(({ name, predicate, words, start }): TaskSpec => ({
    name: `move_mug_${name}_plate`,
    suite: "spatial",
    family: "place_relative",
    instruction: `put the red mug ${words} the plate`,
    fixtures: [SHELF],
    objects: [mug("red_mug_1", start), PLATE, CAN, COOKIES],
    goal: [
      [predicate, "red_mug_1", "plate_1"],
      ["Released", "red_mug_1"],
    ],
    ofInterest: ["red_mug_1", "plate_1"],
    maxSteps: 280,
  })),
];

function mug(name: string, place: Place): ObjectPlacement {
  return { name, at: PLACES[place].at, yaw: [-Math.PI, Math.PI] };
}

function around(x: number, y: number, half: number): Rect {
  return [x - half, y - half, x + half, y + half];
}
