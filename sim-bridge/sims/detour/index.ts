/** Detour: a point passes a disc on either side on its way to a target. The smallest world with two ways to go. */
export { createDetour } from "./environment.ts";
export type { Side, Start } from "./world.ts";
export { DISTURBED_AFTER_STEP, INITIAL_STATES, drawStart, initialStart } from "./world.ts";
