import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Results } from "../rollout/index.ts";
import { resultsTable } from "../rollout/index.ts";
import { EXIT, UsageError } from "./exit.ts";
import { Interrupted, interruptSignal } from "./interrupt.ts";
import type { Progress } from "./progress.ts";
import { createProgress } from "./progress.ts";
import type { ThoughtRequest } from "./registry.ts";
import { assertPolicyExists, simulatorNamed } from "./registry.ts";
import type { RunConfig } from "./run-evaluation.ts";
import { configOfRun, runEvaluation } from "./run-evaluation.ts";
import { selectTasks } from "./select-tasks.ts";
import { parseSimSettings } from "./sim-settings.ts";
import type { WithSimulatorsOptions } from "./with-simulators.ts";
import { withSimulators } from "./with-simulators.ts";

export interface EvalOptions {
  sim?: string;
  simSet?: string[];
  listen?: string;
  suite?: string;
  task?: string;
  policy: string;
  episodes: number;
  firstState: number;
  drawn?: boolean;
  workers: number;
  seed: number;
  maxSteps?: number;
  bodies?: string[];
  executeHorizon?: number;
  noise?: number;
  device: "cpu" | "webgpu" | "cuda";
  thoughts?: ThoughtRequest;
  watch?: true | number;
  ahead?: number;
  record?: string | true;
  out?: string;
  resume?: string | true;
  stepTimeout: number;
  workerTimeout: number;
  serverKeyFile?: string;
  allowKey?: string[];
  json?: boolean;
}

export async function evalCommand(options: EvalOptions): Promise<void> {
  const resume = options.resume !== undefined;
  const folder = resume ? folderToResume(options) : resolve(options.out ?? newRunFolder("eval"));
  const config = resume ? configOfRun(folder) : configOf(options, folder);
  if (!resume) assertNewRun(folder);
  const progress = createProgress();
  const interrupt = interruptSignal();
  try {
    const results = await withSimulators(simulatorsOf(config, options, progress), (pool, hub) =>
      runEvaluation(config, {
        folder,
        pool,
        requireSpec: (spec) => hub.requireSpec(spec),
        progress,
        resume,
        signal: interrupt.signal,
        workerTimeoutMs: options.workerTimeout * 1000,
        select: (tasks) => selectTasks(tasks, config),
      }),
    );
    report(results, { folder, json: options.json === true, progress });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    progress.line(`stopped; go on with: efference eval --resume ${folder}`);
    process.exitCode = EXIT.interrupted;
  } finally {
    interrupt.dispose();
  }
}

function simulatorsOf(
  config: RunConfig,
  options: EvalOptions,
  progress: Progress,
): WithSimulatorsOptions {
  const { listen } = config;
  return {
    simulator: config.simulator,
    settings: config.simSettings ?? {},
    workers: config.workers,
    progress,
    stepTimeoutS: options.stepTimeout,
    log: (line) => progress.line(line),
    ...(listen === undefined
      ? {}
      : {
          endpoint: listen,
          onListening: (endpoint) => progress.line(`waiting for simulators at ${endpoint}`),
        }),
    ...(options.serverKeyFile === undefined ? {} : { serverKeyFile: options.serverKeyFile }),
    ...(options.allowKey === undefined ? {} : { allowKeys: options.allowKey }),
  };
}

function configOf(options: EvalOptions, folder: string): RunConfig {
  if ((options.sim === undefined) === (options.listen === undefined)) {
    throw new UsageError(
      "Cannot evaluate: exactly one of --sim NAME (start simulators) and " +
        "--listen ENDPOINT (wait for simulators) must be given",
    );
  }
  if (options.drawn === true && options.firstState !== 0) {
    throw new UsageError(
      "Cannot evaluate from drawn starts: --first-state is given, must be without, for it counts fixed ones",
    );
  }
  if (options.sim !== undefined) simulatorNamed(options.sim);
  assertPolicyExists(options.policy);
  const { executeHorizon, noise, device, seed, thoughts, watch, ahead } = options;
  const record =
    options.record === undefined
      ? undefined
      : resolve(options.record === true ? join(folder, "episodes") : options.record);
  return {
    runId: folder.split(/[\\/]/).at(-1) ?? "run",
    command: `efference ${process.argv.slice(2).join(" ")}`,
    simulator: options.sim ?? "",
    ...(options.simSet === undefined ? {} : { simSettings: parseSimSettings(options.simSet) }),
    ...(options.bodies === undefined ? {} : { bodies: options.bodies }),
    policy: options.policy,
    policyOptions: {
      seed,
      device,
      ...(executeHorizon === undefined ? {} : { executeHorizon }),
      ...(noise === undefined ? {} : { noise }),
      ...(thoughts === undefined ? {} : { thoughts }),
      ...(watch === undefined ? {} : { watch }),
      ...(ahead === undefined ? {} : { ahead }),
    },
    episodes: options.episodes,
    firstState: options.firstState,
    ...(options.drawn === true ? { states: "drawn" as const } : {}),
    seed,
    workers: options.workers,
    ...(options.maxSteps === undefined ? {} : { maxSteps: options.maxSteps }),
    ...(record === undefined ? {} : { record }),
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ...(options.suite === undefined ? {} : { suite: options.suite }),
    ...(options.task === undefined ? {} : { task: options.task }),
  };
}

/** @throws {UsageError} if the folder holds a run already */
export function assertNewRun(folder: string): void {
  if (!existsSync(join(folder, "journal.jsonl"))) return;
  throw new UsageError(
    `Cannot start a run in ${folder}: it holds one already, must be a new folder (or pass --resume)`,
  );
}

/** `runs/KIND-20260101-120000`, in local time. */
export function newRunFolder(kind: string): string {
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  const base = join("runs", `${kind}-${date}-${time}`);
  for (let i = 1; ; i++) {
    const folder = i === 1 ? base : `${base}-${i}`;
    if (!existsSync(folder)) return folder;
  }
}

/** `--resume DIR`, `--resume --out DIR`, or the newest unfinished run under `runs/`. */
function folderToResume(options: EvalOptions): string {
  const named = typeof options.resume === "string" ? options.resume : options.out;
  if (named !== undefined) {
    if (existsSync(join(named, "journal.jsonl"))) return resolve(named);
    throw new UsageError(
      `Cannot resume ${named}: it has no journal.jsonl, must be the folder of an earlier run`,
    );
  }
  const unfinished = existsSync("runs")
    ? readdirSync("runs")
        .map((name) => join("runs", name))
        .filter((f) => existsSync(join(f, "journal.jsonl")) && !existsSync(join(f, "results.json")))
        .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    : [];
  const newest = unfinished[0];
  if (newest === undefined) {
    throw new UsageError("Cannot resume: there is no unfinished run under runs/, name its folder");
  }
  return resolve(newest);
}

function report(results: Results, at: { folder: string; json: boolean; progress: Progress }): void {
  const table = resultsTable(results);
  const where = join(at.folder, "results.json");
  if (at.json) {
    process.stderr.write(table);
    const { episodeResults: _, ...summary } = results;
    process.stdout.write(`${JSON.stringify({ ...summary, resultsFile: where })}\n`);
  } else {
    process.stdout.write(`${table}\nresults: ${where}\n`);
  }
  const unrecorded = results.episodeResults.filter((result) => result.listenerErrors !== undefined);
  if (results.crashes > 0 || unrecorded.length > 0) process.exitCode = EXIT.incomplete;
}
