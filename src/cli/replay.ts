/** `efference sim replay`: recorded actions, open loop. */
import { createHash } from "node:crypto";
import type { Environment, TimeStep } from "../core/index.ts";
import { WANT_NOTHING, actionDim } from "../core/index.ts";
import { restRow } from "../rollout/index.ts";
import { EXIT, UsageError } from "./exit.ts";
import { readActions } from "./read-actions.ts";
import { createSimulator, simulatorNamed } from "./registry.ts";
import { selectTasks } from "./select-tasks.ts";
import { parseSimSettings } from "./sim-settings.ts";

export interface ReplayOptions {
  sim: string;
  simSet?: string[];
  suite?: string;
  task: string;
  init: number;
  actions: string;
  /** The controller's first substep sees the present state. */
  freshController?: boolean;
  settle?: number;
  wait: number;
  json?: boolean;
}

interface ReplayResult {
  readonly task: string;
  readonly initialState: number;
  readonly rows: number;
  /** Control steps executed, waiting included. */
  readonly steps: number;
  readonly success: boolean;
  /** Step after which the goal held for the first time. */
  readonly successStep: number | null;
  /** SHA-256 of the simulator's own bytes of its last state, where it can give them. */
  readonly stateHash: string | null;
}

/** Steps a file of actions from a fixed initial state and says how that ended. */
export async function replayCommand(options: ReplayOptions): Promise<void> {
  const settings = settingsOf(options);
  const env = await createSimulator(options.sim, settings);
  try {
    const rows = await readActions(options.actions, actionDim(env.spec.action));
    const [task] = selectTasks(env.tasks, { task: taskWords(options, env) });
    if (task === undefined) throw new UsageError("Cannot replay: no task is named, must be one");
    const result = await replay(env, { task: task.name, rows, options });
    if (options.json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
    else process.stdout.write(`${words(result)}\n`);
    if (!result.success) process.exitCode = EXIT.failed;
  } finally {
    await env.close();
  }
}

function settingsOf(options: ReplayOptions): Record<string, string> {
  const known = simulatorNamed(options.sim).settings ?? {};
  const settings: Record<string, string> = { ...parseSimSettings(options.simSet) };
  if (options.freshController === true) settings["controller"] = "fresh";
  // Recorded actions bring their own waiting along.
  if ("settle" in known) settings["settle"] ??= String(options.settle ?? 0);
  return settings;
}

/** `--suite object --task 0`, `--task object/0`, or a task's whole name. */
function taskWords({ suite, task }: ReplayOptions, env: Environment): string {
  const whole = suite === undefined ? task : `${suite}/${task}`;
  return env.tasks.some(({ name }) => name === task) ? task : whole;
}

async function replay(
  env: Environment,
  at: { readonly task: string; readonly rows: Float32Array; readonly options: ReplayOptions },
): Promise<ReplayResult> {
  const { task, rows, options } = at;
  const width = actionDim(env.spec.action);
  const count = rows.length / width;
  const maxSteps = count + options.wait;
  const { first } = await env.reset({
    task,
    seed: 0,
    initialState: options.init,
    maxSteps: Math.max(1, maxSteps),
    want: WANT_NOTHING,
  });
  let latest: TimeStep = first;
  for (let step = 0; step < maxSteps && latest.kind !== "last"; step++) {
    const from = Math.min(step, count - 1) * width;
    const row = rows.subarray(from, from + width);
    const data = step < count ? row : restRow(env.spec.action, row);
    [latest = latest] = await env.step({ data, horizon: 1, actionDim: width }, WANT_NOTHING);
  }
  const state = env.snapshot === undefined ? undefined : await env.snapshot();
  const { step } = latest.observation;
  const success = latest.success === true;
  return {
    task,
    initialState: options.init,
    rows: count,
    steps: step,
    success,
    successStep: success ? step : null,
    stateHash: state === undefined ? null : createHash("sha256").update(state).digest("hex"),
  };
}

function words({ task, initialState, rows, steps, success, stateHash }: ReplayResult): string {
  const end = success ? `success after step ${steps}` : `no success in ${steps} steps`;
  return `${task}, initial state ${initialState}: ${end} (${rows} rows); final state ${stateHash ?? "unknown"}`;
}
