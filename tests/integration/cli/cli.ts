import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JobResult } from "../../../src/rollout/index.ts";

/** The built command: what users run. */
export const CLI = fileURLToPath(new URL("../../../dist/src/cli/main.js", import.meta.url));

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  /** Resolves once stderr and stdout together match. */
  says(pattern: RegExp): Promise<RegExpMatchArray>;
}

export function start(
  args: readonly string[],
  options: {
    cwd: string;
    command?: string;
    detached?: boolean;
    env?: Readonly<Record<string, string>>;
  },
): Running {
  const { cwd, command = process.execPath } = options;
  const child = spawn(command, options.command === undefined ? [CLI, ...args] : args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    detached: options.detached ?? false,
    env: { ...process.env, ...options.env },
  });
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  const notify = (): void => listeners.forEach((listener) => listener());
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    notify();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    notify();
  });
  const ended = new Promise<number | string>((resolve) =>
    child.on("close", (code, signal) => {
      resolve(code ?? signal ?? "unknown");
      notify();
    }),
  );
  return {
    child,
    pid: child.pid!,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(stderr + stdout);
          if (match !== null) resolve(match);
          else if (child.exitCode !== null || child.signalCode !== null) {
            reject(new Error(`ended without saying ${pattern}:\n${stderr}${stdout}`));
          } else return;
          listeners.delete(look);
        };
        listeners.add(look);
        look();
      }),
  };
}

/** Runs to the end. */
export async function run(
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const running = start(args, { cwd });
  const code = await running.ended;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}

export function lastLine(text: string): Record<string, unknown> {
  return JSON.parse(text.trim().split("\n").at(-1)!) as Record<string, unknown>;
}

/** Processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie still has an entry; it is not alive.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

interface JournalLine {
  readonly type: string;
  readonly index?: number;
  readonly attempt?: number;
  readonly result?: JobResult;
}

export function journalOf(folder: string): JournalLine[] {
  return readFileSync(join(folder, "journal.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && line.endsWith("}"))
    .map((line) => JSON.parse(line) as JournalLine);
}

export function resultsIn(folder: string): JobResult[] {
  return journalOf(folder).flatMap(({ result }) => (result === undefined ? [] : [result]));
}

/** What must not depend on workers, kills or speed. */
export function essence(results: readonly JobResult[]): unknown {
  return [...results]
    .sort((a, b) => a.job.index - b.job.index)
    .map(({ job, outcome, steps }) => ({ job, outcome, steps }));
}
