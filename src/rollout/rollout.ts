import type { Environment } from "../core/index.ts";
import type { Controller } from "./controller.ts";
import type { RolloutOptions, RolloutResult } from "./episode-loop.ts";
import { runEpisode } from "./episode-loop.ts";
import { runtimeVersions } from "./versions.ts";

export type { RolloutOptions, RolloutResult } from "./episode-loop.ts";

/**
 * Runs one episode: observe, decide, act, until the world or the time limit ends it.
 *
 * With a paced clock every step starts at `t0 + n * period` on a monotonic clock, where t0 is when the
 * first action is ready; a late step is recorded and does not shift those after it. Otherwise all rows
 * of a command go to the simulator in one request. Either way only the frames that somebody looks at are
 * rendered: those of a command's last row, unless a listener wants every one.
 *
 * An error of the policy or the environment ends the episode as `crash` for the listeners and is then
 * thrown on; a failing listener is dropped and reported in the result.
 *
 * @throws {SpecMismatchError} before anything moves, if policy and environment do not fit
 */
export async function rollout(
  controller: Controller,
  env: Environment,
  options: RolloutOptions = {},
): Promise<RolloutResult> {
  return runEpisode(controller, env, { ...options, versions: runtimeVersions() });
}
