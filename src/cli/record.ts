import { rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { assertPerturbable, resultsTable } from "../rollout/index.ts";
import type { Results, StartStates } from "../rollout/index.ts";
import { assertNewRun, newRunFolder } from "./eval.ts";
import { EXIT, UsageError } from "./exit.ts";
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
  held: number;
  pushes: number;
  states: StartStates;
  bodies?: string[];
  /** How often a state is tried until its expert succeeds. */
  tries: number;
  keepFailures?: boolean;
  format: readonly RecordFormat[];
  out?: string;
  json?: boolean;
}

/** What is counted of several tries; `tries.json` beside the first try's results. */
interface TriesSummary {
  /** One for each try: what was tried and what succeeded. */
  readonly tries: readonly { readonly episodes: number; readonly successes: number }[];
  readonly episodes: number;
  readonly successes: number;
  readonly crashes: number;
  readonly tasks: readonly {
    readonly task: string;
    readonly episodes: number;
    readonly successes: number;
  }[];
}

type EpisodeResult = Results["episodeResults"][number];

interface RecordContext {
  readonly folder: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly settings: SimSettings;
}

/**
 * `efference record`: demonstrations, as MCAP and in other formats; failed ones are removed unless asked for. A state whose expert
 * failed is tried again as often as `tries` says, from the same initial state with other noise.
 */
export async function recordCommand(options: RecordOptions): Promise<void> {
  simulatorNamed(options.sim);
  assertPolicyExists(options.policy);
  assertTriesDiffer(options);
  assertHeldCounts(options);
  assertFormats(options.sim, options.format);
  const settings = parseSimSettings(options.simSet);
  const folder = resolve(options.out ?? newRunFolder("record"));
  assertNewRun(folder);
  const progress = createProgress();
  const interrupt = interruptSignal();
  const context: RecordContext = { folder, progress, signal: interrupt.signal, settings };
  try {
    const rounds: Results[] = [];
    while (rounds.length < options.tries) {
      const last = rounds.at(-1);
      const failed = last?.episodeResults.filter(isFailure) ?? [];
      if (last !== undefined && failed.length === 0) break;
      const results = await recordRound(options, context, { number: rounds.length + 1, failed });
      rounds.push(results);
      if (options.keepFailures !== true) await removeFailed(results, context);
    }
    await report(options, context, rounds);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    progress.line(`stopped; what was recorded is in ${folder}`);
    process.exitCode = EXIT.interrupted;
  } finally {
    interrupt.dispose();
  }
}

const isFailure = ({ outcome }: EpisodeResult): boolean => outcome.kind !== "success";

function assertTriesDiffer({ tries, noise, pushes }: RecordOptions): void {
  if (tries === 1 || noise > 0 || pushes > 0) return;
  throw new UsageError(
    `Cannot record with ${tries} tries: noise and pushes are 0, one must be above 0 (every try would be the same)`,
  );
}

/** @throws {UsageError} where a share of nothing is asked for */
function assertHeldCounts({ held, noise, pushes }: RecordOptions): void {
  if (held === 0 || noise > 0 || pushes > 0) return;
  throw new UsageError(
    `Cannot record with --held ${held}: noise and pushes are 0, one must be above 0 (it is their share)`,
  );
}

/** Folder of a try's journal and results: the first one's are the recording's own. */
function folderOfTry(folder: string, number: number): string {
  return number === 1 ? folder : join(folder, "tries", String(number));
}

async function recordRound(
  options: RecordOptions,
  { folder, progress, signal, settings }: RecordContext,
  { number, failed }: { readonly number: number; readonly failed: readonly EpisodeResult[] },
): Promise<Results> {
  const { noise, pushes, held, seed } = options;
  const runId = folder.split(/[\\/]/).at(-1) ?? "record";
  if (number > 1) progress.line(`try ${number}: ${failed.length} again`);
  const { sim: simulator, workers } = options;
  return withSimulators({ simulator, settings, workers, progress }, (pool, hub) =>
    runEvaluation(
      {
        runId: number === 1 ? runId : `${runId}-try${number}`,
        command: `efference ${process.argv.slice(2).join(" ")}`,
        simulator,
        simSettings: settings,
        ...(options.bodies === undefined ? {} : { bodies: options.bodies }),
        policy: options.policy,
        policyOptions: { seed: seed + number - 1, noise, pushes, held },
        episodes: options.episodes,
        firstState: 0,
        states: options.states,
        seed,
        ...(number === 1 ? {} : { jobs: failed.map(({ job }, index) => ({ ...job, index })) }),
        record: join(folder, "episodes"),
        workers,
      },
      {
        folder: folderOfTry(folder, number),
        pool,
        requireSpec: (spec) => {
          // Otherwise every episode would say so, as a crash.
          if (noise > 0 || pushes > 0) assertPerturbable(spec.action);
          hub.requireSpec(spec);
        },
        progress,
        resume: false,
        signal,
        workerTimeoutMs: 60_000,
        select: (tasks) => selectTasks(tasks, options),
      },
    ),
  );
}

/** Recordings are named from the folder of the try that made them. */
async function removeFailed({ episodeResults }: Results, { folder }: RecordContext): Promise<void> {
  for (const { episodeFile, outcome } of episodeResults) {
    if (outcome.kind === "success" || episodeFile === undefined) continue;
    await rm(join(folder, "episodes", basename(episodeFile)), { force: true });
  }
}

function summarised(rounds: readonly Results[]): TriesSummary {
  const [first] = rounds;
  const succeeded = new Map<string, number>();
  for (const { job } of rounds.flatMap((round) =>
    round.episodeResults.filter((r) => !isFailure(r)),
  )) {
    succeeded.set(job.task, (succeeded.get(job.task) ?? 0) + 1);
  }
  const tasks = (first?.tasks ?? []).map(({ task, episodes }) => {
    return { task, episodes, successes: succeeded.get(task) ?? 0 };
  });
  return {
    tries: rounds.map(({ episodes, successes }) => ({ episodes, successes })),
    episodes: first?.episodes ?? 0,
    successes: rounds.reduce((sum, { successes }) => sum + successes, 0),
    crashes: rounds.at(-1)?.crashes ?? 0,
    tasks,
  };
}

/** Writes the other formats and says what there is. */
async function report(
  options: RecordOptions,
  { folder, progress, signal, settings }: RecordContext,
  rounds: readonly Results[],
): Promise<void> {
  const { tries, keepFailures = false, json } = options;
  const counted = summarised(rounds);
  const { episodes, successes } = counted;
  const recorded = counted.tries.reduce((sum, round) => sum + round.episodes, 0);
  const kept = keepFailures ? recorded : successes;
  if (tries > 1) {
    await writeFile(join(folder, "tries.json"), `${JSON.stringify(counted, undefined, 2)}\n`);
  }
  const written = await writeDemonstrations({
    ...{ folder, progress, signal, settings, kept },
    simulator: options.sim,
    formats: options.format,
    outcomes: keepFailures ? "finished" : "successful",
  });
  if (counted.crashes > 0) process.exitCode = EXIT.incomplete;
  if (json === true) {
    const more = tries > 1 ? { tries: counted.tries } : {};
    const summary = { folder, episodes, kept, successes, ...more, ...written };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const [first] = rounds;
  if (first !== undefined) process.stdout.write(`${resultsTable(first)}\n`);
  if (tries > 1) process.stdout.write(`${triesLine(counted, tries)}\n`);
  const places = Object.values(written).flat();
  process.stdout.write(
    `${kept} demonstrations${places.length > 0 ? " in" : ""} ${places.join(", ")}\n`,
  );
}

function triesLine({ episodes, successes, tries }: TriesSummary, allowed: number): string {
  const each = tries.map((round, i) => `try ${i + 1}: ${round.successes} of ${round.episodes}`);
  return `within ${allowed} tries: ${successes} of ${episodes} (${each.join(", ")})`;
}
