/** Evaluates a package in a simulator in the middle of training. */
import { join } from "node:path";
import { mean } from "../math/index.ts";
import type { EvaluationConfig } from "../train/index.ts";
import type { Progress } from "./progress.ts";
import { runEvaluation } from "./run-evaluation.ts";
import { selectTasks } from "./select-tasks.ts";
import { withSimulators } from "./with-simulators.ts";

/** @returns a function that acts with a package and tells its rates by task and in all */
export function evaluatorFor(
  config: EvaluationConfig,
  at: { readonly folder: string; readonly progress: Progress; readonly signal: AbortSignal },
): (packageFolder: string, step: number) => Promise<Record<string, number>> {
  const { sim, workers, suite, task } = config;
  const quiet: Progress = {
    live: (text) => at.progress.live(text),
    line: () => undefined,
    clear: () => at.progress.clear(),
  };
  return async (packageFolder, step) => {
    const results = await withSimulators(
      { simulator: sim, workers, progress: at.progress },
      (pool, hub) =>
        runEvaluation(
          {
            runId: `update-${step}`,
            command: `efference ${process.argv.slice(2).join(" ")}`,
            simulator: sim,
            ...(config.bodies === undefined ? {} : { bodies: config.bodies }),
            policy: packageFolder,
            policyOptions: {
              seed: 0,
              ...(config.executeHorizon === undefined
                ? {}
                : { executeHorizon: config.executeHorizon }),
            },
            episodes: config.episodes,
            firstState: 0,
            states: config.states,
            seed: config.seed,
            workers,
          },
          {
            folder: join(at.folder, "evaluations", `update-${String(step).padStart(8, "0")}`),
            pool,
            requireSpec: (spec) => hub.requireSpec(spec),
            progress: quiet,
            resume: false,
            signal: at.signal,
            workerTimeoutMs: 60_000,
            select: (tasks) =>
              selectTasks(tasks, {
                ...(suite === undefined ? {} : { suite }),
                ...(task === undefined ? {} : { task }),
              }),
          },
        ),
    );
    const { successRate, successes, episodes, crashes, episodeResults } = results;
    return {
      success_rate: successRate,
      successes,
      scored: episodes - crashes,
      crashes,
      steps: mean(episodeResults.map((result) => result.steps)),
    };
  };
}
