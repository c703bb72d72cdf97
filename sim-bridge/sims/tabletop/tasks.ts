/** What a task is made of, before it becomes MJCF and BDDL. */
import type { FixturePlacement } from "./fixtures/index.ts";

/** `[xMin, yMin, xMax, yMax]` on the table, m: where an object's root may start. */
export type Rect = readonly [number, number, number, number];

export const SUITES = ["spatial", "object", "goal", "long", "precise"] as const;
export type Suite = (typeof SUITES)[number];

export const FAMILIES = [
  "lift",
  "stack",
  "place_in",
  "place_on",
  "place_relative",
  "push",
  "open",
  "close",
  "press",
  "two_step",
  "insert",
  "hang",
] as const;
export type Family = (typeof FAMILIES)[number];

export interface ObjectPlacement {
  /** `<type>_<number>`. */
  readonly name: string;
  /** A rectangle of the table, or a region of a fixture (`shelf_1_top_region`). */
  readonly at: Rect | string;
  /** Range of the starting turn about z, rad; default -0.6 to 0.6. */
  readonly yaw?: readonly [number, number];
}

/** A coloured mark on the table, the region `main_table_<name>`. */
export interface ZonePlacement {
  readonly name: string;
  readonly rect: Rect;
}

/** A goal atom: predicate (as written in BDDL) and its arguments. */
export type GoalAtom = readonly [predicate: string, ...names: string[]];

export interface TaskSpec {
  readonly name: string;
  readonly suite: Suite;
  readonly family: Family;
  readonly instruction: string;
  readonly fixtures: readonly FixturePlacement[];
  readonly objects: readonly ObjectPlacement[];
  readonly zones?: readonly ZonePlacement[];
  /** Range of a fixture joint's starting value, m; others start at 0. */
  readonly joints?: Readonly<Record<string, readonly [number, number]>>;
  readonly goal: readonly GoalAtom[];
  /** Objects and fixtures the instruction speaks of, most important first. */
  readonly ofInterest: readonly string[];
  /** Control steps. */
  readonly maxSteps: number;
}
