import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { resultsTable } from "../rollout/index.ts";
import type { Results, StartStates } from "../rollout/index.ts";
import { assertNewRun, newRunFolder } from "./eval.ts";
import { EXIT } from "./exit.ts";
import { Interrupted, interruptSignal } from "./interrupt.ts";
import type { Progress } from "./progress.ts";
import { createProgress } from "./progress.ts";
import type { RecordFormat } from "./record-formats.ts";
import { assertPolicyExists, simulatorNamed } from "./registry.ts";
import { runEvaluation } from "./run-evaluation.ts";
import { selectTasks } from "./select-tasks.ts";
import type { SimSettings } from "./sim-settings.ts";
import { parseSimSettings } from "./sim-settings.ts";
import { withSimulators } from "./with-simulators.ts";

import { assertFormats, writeDemonstrations } from "./write-demonstrations.ts";

export interface RecordOptions {
  sim: string;
  simSet?: string[];
  suite?: string;
  task?: string;
  policy: string;
  episodes: number;
  workers: number;
  seed: number;
  noise: number;
  pushes: number;
  states: StartStates;
  bodies?: string[];
  keepFailures?: boolean;
  format: readonly RecordFormat[];
  out?: string;
  json?: boolean;
}

/** `efference record`: demonstrations, as MCAP and in other formats; failed ones are removed unless asked for. */
export async function recordCommand(options: RecordOptions): Promise<void> {
  simulatorNamed(options.sim);
  assertPolicyExists(options.policy);
  assertFormats(options.sim, options.format);
  const folder = resolve(options.out ?? newRunFolder("record"));
  assertNewRun(folder);
  const settings = parseSimSettings(options.simSet);
  const progress = createProgress();
  const interrupt = interruptSignal();
  try {
    const results = await withSimulators(
      { simulator: options.sim, settings, workers: options.workers, progress },
      (pool, hub) =>
        runEvaluation(
          {
            runId: folder.split(/[\\/]/).at(-1) ?? "record",
            command: `efference ${process.argv.slice(2).join(" ")}`,
            simulator: options.sim,
            simSettings: settings,
            ...(options.bodies === undefined ? {} : { bodies: options.bodies }),
            policy: options.policy,
            policyOptions: { seed: options.seed, noise: options.noise, pushes: options.pushes },
            episodes: options.episodes,
            firstState: 0,
            states: options.states,
            seed: options.seed,
            record: join(folder, "episodes"),
            workers: options.workers,
          },
          {
            folder,
            pool,
            requireSpec: (spec) => hub.requireSpec(spec),
            progress,
            resume: false,
            signal: interrupt.signal,
            workerTimeoutMs: 60_000,
            select: (tasks) => selectTasks(tasks, options),
          },
        ),
    );
    await keep(results, { options, folder, settings, progress, signal: interrupt.signal });
    if (results.crashes > 0) process.exitCode = EXIT.incomplete;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    progress.line(`stopped; what was recorded is in ${folder}`);
    process.exitCode = EXIT.interrupted;
  } finally {
    interrupt.dispose();
  }
}

interface Recorded {
  readonly options: RecordOptions;
  readonly folder: string;
  readonly settings: SimSettings;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Removes what is not wanted, writes what is, and says so. */
async function keep(results: Results, at: Recorded): Promise<void> {
  const { options, folder, settings, progress, signal } = at;
  const failed = results.episodeResults.filter(({ outcome }) => outcome.kind !== "success");
  if (options.keepFailures !== true) {
    for (const { episodeFile } of failed) {
      if (episodeFile !== undefined) await rm(join(folder, episodeFile), { force: true });
    }
  }
  const kept = options.keepFailures === true ? results.episodes : results.successes;
  const written = await writeDemonstrations({
    ...{ folder, progress, signal, settings, kept },
    simulator: options.sim,
    formats: options.format,
    outcomes: options.keepFailures === true ? "finished" : "successful",
  });
  const { episodes, successes } = results;
  const summary = { folder, episodes, kept, successes, ...written };
  if (options.json === true) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else {
    const places = Object.values(written).flat();
    process.stdout.write(
      `${resultsTable(results)}\n${kept} demonstrations${places.length > 0 ? " in" : ""} ${places.join(", ")}\n`,
    );
  }
}
