import { join, relative } from "node:path";
import type { Environment, EnvironmentSpec, TaskInfo } from "../core/index.ts";
import { BridgeTimeoutError, assertSpecsFit } from "../core/index.ts";
import type {
  EvaluationEvent,
  Job,
  JobResult,
  Results,
  RunInfo,
  StartStates,
} from "../rollout/index.ts";
import {
  Journal,
  evaluate,
  makeResults,
  planJobs,
  readJournal,
  recordTo,
  runtimeVersions,
  withBodyPoses,
  writeResults,
} from "../rollout/index.ts";
import type { RemoteEnvironment } from "../../sim-bridge/index.ts";
import type { SimulatorPool } from "./pool.ts";
import type { Progress } from "./progress.ts";
import { durationWords } from "./progress.ts";
import type { PolicyOptions } from "./registry.ts";
import { createPolicy } from "./registry.ts";
import type { SimSettings } from "./sim-settings.ts";

/** Everything that decides a run's results; stored in its journal, so that it can be resumed. */
export interface RunConfig {
  readonly runId: string;
  readonly command: string;
  readonly simulator: string;
  readonly simSettings?: SimSettings;
  /** Bodies whose poses are part of what is seen. */
  readonly bodies?: readonly string[];
  readonly policy: string;
  readonly policyOptions: PolicyOptions;
  readonly episodes: number;
  readonly firstState: number;
  /** Default `fixed`. */
  readonly states?: StartStates;
  readonly seed: number;
  /** What to run instead of what `episodes`, `firstState`, `states` and `seed` plan; numbered from 0. */
  readonly jobs?: readonly Job[];
  readonly maxSteps?: number;
  /** Folder for episodes; absent = not recorded. */
  readonly record?: string;
  readonly workers: number;
  readonly listen?: string;
  readonly suite?: string;
  readonly task?: string;
}

export interface RunContext {
  readonly folder: string;
  readonly pool: SimulatorPool<RemoteEnvironment>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly workerTimeoutMs: number;
  /** Chooses among the simulator's tasks once one has dialled in. */
  readonly select: (tasks: readonly TaskInfo[]) => readonly TaskInfo[];
  readonly resume: boolean;
  /** Called with the first simulator's spec: later ones must agree with it. */
  readonly requireSpec: (spec: EnvironmentSpec) => void;
  readonly onResult?: (result: JobResult) => void;
}

/** Runs (or goes on with) one evaluation and writes its `results.json`. */
export async function runEvaluation(config: RunConfig, context: RunContext): Promise<Results> {
  const { pool, folder, signal } = context;
  const started = performance.now();
  // Everything that can be wrong with the command line shows before the first line is written.
  const firstPolicy = await createPolicy(config.policy, config.policyOptions);
  const simulator = await firstSimulator(context);
  context.requireSpec(simulator.spec);
  const first = seen(simulator, config);
  assertSpecsFit(`evaluate "${config.policy}" on "${first.identity.name}"`, {
    policy: firstPolicy.controller.spec,
    environment: first.spec,
  });
  const spare = [firstPolicy];
  const arrivals = pool.arrivals(signal);
  const { journal, jobs, done, attempts } = await openJournal(config, context, first.tasks);
  try {
    const results = await evaluate({
      jobs,
      done,
      attempts,
      journal,
      arrivals: config.bodies === undefined ? arrivals : allSeen(arrivals, config),
      runId: config.runId,
      signal,
      workerTimeoutMs: context.workerTimeoutMs,
      ...(config.maxSteps === undefined ? {} : { maxSteps: config.maxSteps }),
      onProgress: reporter(context, { total: jobs.length, done }),
      seat: async () => {
        const policy = spare.pop() ?? (await createPolicy(config.policy, config.policyOptions));
        return {
          controller: policy.controller,
          listeners: () => recorders(config.record, folder),
          ...(policy.controller.close === undefined
            ? {}
            : { close: policy.controller.close.bind(policy.controller) }),
        };
      },
    });
    const { hash } = firstPolicy;
    const run = runInfo(config, { first, jobs, wallS: (performance.now() - started) / 1000 });
    const made = makeResults(results, {
      ...run,
      policy: { name: config.policy, ...(hash === undefined ? {} : { hash }) },
    });
    await writeResults(join(folder, "results.json"), made);
    return made;
  } finally {
    context.progress.clear();
    journal.close();
  }
}

/** A world as the policy is to see it. */
function seen(env: Environment, { bodies }: RunConfig): Environment {
  return bodies === undefined ? env : withBodyPoses(env, bodies);
}

async function* allSeen(
  arrivals: AsyncIterable<Environment>,
  config: RunConfig,
): AsyncGenerator<Environment, void, void> {
  for await (const env of arrivals) yield seen(env, config);
}

/** @throws {BridgeTimeoutError} if none dials in in time */
async function firstSimulator(context: RunContext): Promise<RemoteEnvironment> {
  const { pool, signal, workerTimeoutMs: timeoutMs } = context;
  const patience = new AbortController();
  const timer = setTimeout(() => {
    const peer = "any simulator";
    patience.abort(new BridgeTimeoutError("begin the evaluation", { peer, timeoutMs }));
  }, timeoutMs);
  try {
    return await pool.first(AbortSignal.any([signal, patience.signal]));
  } finally {
    clearTimeout(timer);
  }
}

async function openJournal(
  config: RunConfig,
  context: RunContext,
  tasks: readonly TaskInfo[],
): Promise<{
  journal: Journal;
  jobs: readonly Job[];
  done: readonly JobResult[];
  attempts: ReadonlyMap<number, number>;
}> {
  const path = join(context.folder, "journal.jsonl");
  if (context.resume) {
    const { journal, state } = Journal.resume(path);
    return { journal, jobs: state.jobs, done: state.results, attempts: state.attempts };
  }
  const planned = planJobs(context.select(tasks), {
    episodes: config.episodes,
    seed: config.seed,
    firstInitialState: config.firstState,
    ...(config.states === undefined ? {} : { states: config.states }),
  });
  const jobs = config.jobs ?? planned;
  const journal = await Journal.create(path, { config, jobs });
  return { journal, jobs, done: [], attempts: new Map() };
}

/** The configuration a stopped run was started with. */
export function configOfRun(folder: string): RunConfig {
  return readJournal(join(folder, "journal.jsonl")).config as RunConfig;
}

function recorders(
  record: string | undefined,
  folder: string,
): { listeners: ReturnType<typeof recordTo>[]; episodeFile?: () => string | undefined } {
  if (record === undefined) return { listeners: [] };
  const recorder = recordTo(record);
  return {
    listeners: [recorder],
    episodeFile: () => (recorder.path === undefined ? undefined : relative(folder, recorder.path)),
  };
}

function runInfo(
  config: RunConfig,
  at: { first: Environment; jobs: readonly Job[]; wallS: number },
): Omit<RunInfo, "policy"> {
  return {
    runId: config.runId,
    command: config.command,
    seed: config.seed,
    environment: at.first.identity,
    spec: at.first.spec,
    jobs: at.jobs,
    versions: runtimeVersions(),
    device: config.policyOptions.device ?? "cpu",
    workers: config.workers,
    wallS: at.wallS,
  };
}

/** One live line with counts and the time left; a line of its own for what a person must know. */
function reporter(
  context: RunContext,
  start: { total: number; done: readonly JobResult[] },
): (event: EvaluationEvent) => void {
  const startedMs = performance.now();
  let workers = 0;
  // Counted as they come: `summarise` sorts every timing so far, too much work for each event.
  const counts = { success: 0, failure: 0, crash: 0 };
  let done = 0;
  const count = ({ outcome }: JobResult): void => {
    counts[outcome.kind]++;
    done++;
  };
  start.done.forEach(count);
  const show = (): void => {
    const { success: successes, crash: crashes } = counts;
    const finished = done - start.done.length;
    const perEpisodeS = (performance.now() - startedMs) / 1000 / Math.max(1, finished);
    const leftS = perEpisodeS * (start.total - done);
    context.progress.live(
      `${done}/${start.total} episodes  ${successes} succeeded  ` +
        `${crashes === 0 ? "" : `${crashes} crashed  `}${workers} worker${workers === 1 ? "" : "s"}` +
        (finished === 0 ? "" : `  about ${durationWords(leftS)} left`),
    );
  };
  return (event) => {
    switch (event.kind) {
      case "worker_joined":
        workers = event.workers;
        break;
      case "worker_lost":
        workers = event.workers;
        context.progress.line(`worker lost, its episode is dealt again: ${event.reason}`);
        break;
      case "episode_started":
        break;
      case "episode_finished":
        count(event.result);
        context.onResult?.(event.result);
        if (!process.stderr.isTTY)
          context.progress.line(resultLine(event.result, start.total, done));
        for (const error of event.result.listenerErrors ?? []) context.progress.line(error);
        break;
    }
    show();
  };
}

function resultLine(result: JobResult, total: number, done: number): string {
  const { job, outcome } = result;
  const words =
    outcome.kind === "success"
      ? "success"
      : outcome.kind === "failure"
        ? `failure (${outcome.reason})`
        : `crash: ${outcome.error}`;
  const state = job.initialState === undefined ? `seed ${job.seed}` : `state ${job.initialState}`;
  return `[${done}/${total}] ${job.task}, ${state}: ${words}, ${result.steps} steps in ${durationWords(result.durationS)}`;
}
