import type { Environment, TaskInfo } from "../core/index.ts";
import { formatTable } from "../rollout/results.ts";
import { UsageError } from "./exit.ts";
import { interruptSignal, supervisorSignal } from "./interrupt.ts";
import { SIMULATORS, createSimulator, simulatorNamed } from "./registry.ts";
import { parseSimSettings } from "./sim-settings.ts";

/** `efference sim list [name]`. */
export async function listSimulators(
  name: string | undefined,
  options: { json?: boolean; simSet?: string[] },
): Promise<void> {
  if (name === undefined) {
    const list = SIMULATORS.map(({ name: simulator, summary }) => ({ name: simulator, summary }));
    if (options.json === true) print(JSON.stringify({ simulators: list }));
    else print(formatTable([["simulator", "what it is"], ...list.map((s) => [s.name, s.summary])]));
    return;
  }
  const env = await createSimulator(name, parseSimSettings(options.simSet));
  try {
    if (options.json === true) print(JSON.stringify({ name, tasks: env.tasks, spec: env.spec }));
    else print(taskTable(env));
  } finally {
    await env.close();
  }
}

function taskTable(env: Environment): string {
  const row = (task: TaskInfo): string[] => [
    task.name,
    task.suite,
    String(task.initialStates),
    task.instruction,
  ];
  return formatTable([["task", "suite", "states", "instruction"], ...env.tasks.map(row)]);
}

function print(text: string): void {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
}

export interface RunSimulatorOptions {
  connect: string;
  serverKey?: string;
  keyFile?: string;
  simSet?: string[];
  retryS?: number;
  /** Started by `superviseSimulators`. */
  supervised?: boolean;
}

/** `efference sim run NAME --connect ENDPOINT`: serves until told to close, interrupted or forgotten. */
export async function runSimulator(name: string, options: RunSimulatorOptions): Promise<void> {
  simulatorNamed(name);
  const { serverKey, keyFile, retryS } = options;
  if ((serverKey === undefined) !== (keyFile === undefined)) {
    throw new UsageError(
      "Cannot use CURVE: only one of --server-key and --key-file is given, must be both",
    );
  }
  // Before anything slow: whoever started this may end at any moment.
  const interrupt = options.supervised === true ? supervisorSignal() : interruptSignal();
  try {
    const { serveEnvironment } = await import("../../sim-bridge/index.ts");
    const { readKeyPair } = await import("./open-hub.ts");
    const env = await createSimulator(name, parseSimSettings(options.simSet));
    try {
      const end = await serveEnvironment(env, {
        connect: options.connect,
        name,
        signal: interrupt.signal,
        ...(retryS === undefined ? {} : { forgottenAfterS: retryS }),
        ...(serverKey === undefined || keyFile === undefined
          ? {}
          : { curve: { serverPublicKey: serverKey, ...readKeyPair(keyFile) } }),
      });
      if (end.kind === "forgotten") {
        throw new Error(`Cannot go on serving ${name}: no runtime at ${options.connect} answers`);
      }
    } finally {
      await env.close();
    }
  } finally {
    interrupt.dispose();
  }
}
