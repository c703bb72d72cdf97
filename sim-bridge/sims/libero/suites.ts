/** What the field agrees on about LIBERO's suites besides their tasks. */
import type { LiberoSuite } from "./data.ts";

/**
 * Control steps after which the published evaluations give up: the longest demonstration of each suite and
 * some (OpenVLA's `run_libero_eval.py`; openpi and LeRobot took the numbers over). Settling is not counted.
 */
export const MAX_STEPS: Readonly<Record<LiberoSuite, number>> = {
  spatial: 220,
  object: 280,
  goal: 300,
  "10": 520,
  "90": 400,
};

/**
 * Actions that let things fall into place before a policy is asked: nothing moves, the gripper opens. The
 * same evaluations send ten of them.
 */
export const SETTLE_STEPS = 10;
export const SETTLE_ACTION: readonly number[] = [0, 0, 0, 0, 0, 0, -1];

/**
 * The instruction of a task by the official rule (`grab_language_from_filename` of LIBERO's benchmark): the
 * file's name without its scene and number, underscores as spaces. The BDDL file's own words differ in places.
 */
export function officialLanguage(name: string): string {
  const words = name.replace(/^[A-Z_]*SCENE\d+_/, "");
  return words.replaceAll("_", " ");
}
