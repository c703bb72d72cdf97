/**
 * Tabletop: a Panda at a table with blocks, groceries, a drawer cabinet, a bin, a shelf and a button.
 * Everything in it is our own (MJCF from primitives and turned profiles, generated textures), so it
 * runs from the package alone. Tasks come in four suites that mirror LIBERO's, and one of precise ones; see README.md.
 *
 * This folder knows scenes, tasks and initial states. It steps and draws nothing: that is
 * `sims/manipulation`, which runs any world of this kind.
 */
import type { Environment } from "../../../src/core/index.ts";
import type { ManipulationOptions } from "../manipulation/environment.ts";
import { createManipulationEnvironment } from "../manipulation/environment.ts";
import { tabletopWorld } from "./world.ts";

export type { Family, Suite } from "./tasks.ts";
export { FAMILIES, SUITES } from "./tasks.ts";
export type { TabletopTask } from "./world.ts";
export {
  INITIAL_STATES,
  TABLETOP_VERSION,
  suites,
  tabletopWorld,
  tasks,
  tasksOf,
} from "./world.ts";

/**
 * Makes a tabletop environment. Scenes are compiled at the first `reset` that needs them.
 * @param options those of `createManipulationEnvironment`: image sizes, renderer, scenes kept
 */
export function createTabletop(options: ManipulationOptions = {}): Promise<Environment> {
  return createManipulationEnvironment(tabletopWorld(), options);
}
