/**
 * LIBERO (Liu et al. 2023, arXiv:2306.03310): all 130 tasks of its five suites, in the manipulation runtime,
 * from data that `efference libero prepare` exports once. No Python at run time. See README.md.
 */
import type { Environment } from "../../../src/core/index.ts";
import type { ManipulationOptions } from "../manipulation/environment.ts";
import { createManipulationEnvironment } from "../manipulation/environment.ts";
import type { LiberoFiles } from "./data.ts";
import { readIndex } from "./data.ts";
import type { LiberoWorldOptions } from "./world.ts";
import { liberoWorld } from "./world.ts";
import { DEFAULT_LEVEL, DRAWN_WITH } from "./visual/levels.ts";

export type { LiberoFiles, LiberoIndex, LiberoSuite, LiberoTask } from "./data.ts";
export { LIBERO_SUITES, readIndex } from "./data.ts";
export type { QualityLevel } from "./visual/levels.ts";
export { QUALITY_LEVELS } from "./visual/levels.ts";
export { MAX_STEPS, SETTLE_STEPS, officialLanguage } from "./suites.ts";
export { LIBERO_VERSION, liberoWorld } from "./world.ts";

export interface LiberoOptions extends ManipulationOptions, LiberoWorldOptions {}

/**
 * Makes a LIBERO environment.
 * @param options two defaults follow the official evaluation: `firstSubstep` is `held`, because after
 *   `set_init_state` robosuite's controller still sees the arm as it was at `reset` for one substep, and
 *   `observes` is `early`, because robosuite samples its observables one substep before the end
 * @throws {RangeError} if the data are not there, naming the command that brings them
 */
export async function createLibero(
  files: LiberoFiles,
  options: LiberoOptions = {},
): Promise<Environment> {
  const world = await liberoWorld(files, await readIndex(files), options);
  const { quality = DEFAULT_LEVEL, ...settings } = options;
  return createManipulationEnvironment(world, {
    firstSubstep: "held",
    observes: "early",
    ...settings,
    renderer: { ...DRAWN_WITH[quality], ...options.renderer },
  });
}
