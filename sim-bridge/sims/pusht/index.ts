/**
 * PushT: a disc pushes a T onto its outline in the plane. A world of its own, without Python: it agrees with
 * gym-pusht 0.1.8 on pymunk 6.11.1; see README.md.
 */
export { GOAL, SUCCESS_COVERAGE, coverageOf } from "./coverage.ts";
export type { Start } from "./dynamics.ts";
export { PushTDynamics } from "./dynamics.ts";
export { createPushT } from "./environment.ts";
export { INITIAL_STATES, drawStart, initialStart } from "./starts.ts";
