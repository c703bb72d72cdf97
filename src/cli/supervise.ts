import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Simulator worker processes that this process started, and keeps at their number. */
export interface Supervisor {
  readonly pids: readonly number[];
  close(): Promise<void>;
}

export interface SupervisorOptions {
  /** Name from the registry. */
  readonly simulator: string;
  readonly endpoint: string;
  readonly workers: number;
  readonly onExit?: (reason: string) => void;
  /** Gives up respawning after so many deaths in a row without 5 s of life. @default 5 */
  readonly maxQuickDeaths?: number;
}

const QUICK_DEATH_MS = 5_000;
const KILL_AFTER_MS = 2_000;

/** The built CLI: itself when running from `dist/`, and `dist/` when running from source (tests). */
export function cliPath(): string {
  const here = fileURLToPath(new URL("./main.js", import.meta.url));
  return import.meta.url.endsWith(".ts")
    ? fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url))
    : here;
}

/**
 * Starts `workers` simulator processes that dial in to `endpoint`, and a new one for each that dies.
 * Workers leave by themselves when the runtime goes silent, so that even SIGKILL leaves no orphan.
 */
export function superviseSimulators(options: SupervisorOptions): Supervisor {
  return new ProcessSupervisor(options);
}

class ProcessSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Set<ChildProcess>();
  #closing = false;
  #quickDeaths = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    for (let i = 0; i < options.workers; i++) this.#spawn();
  }

  get pids(): readonly number[] {
    return [...this.#children].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all([...this.#children].map(stopChild));
  }

  #spawn(): void {
    const { simulator, endpoint } = this.#options;
    const startedMs = Date.now();
    const child = spawn(
      process.execPath,
      [cliPath(), "sim", "run", simulator, "--connect", endpoint],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#children.add(child);
    let lastWords = "";
    child.stderr.on("data", (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-2000);
    });
    child.on("error", (error) => (lastWords += error.message));
    child.on("close", (code, signal) => {
      this.#children.delete(child);
      if (this.#closing) return;
      const last = lastWords.trim().split("\n").at(-1) ?? "";
      this.#died(
        startedMs,
        `${simulator} worker ended with ${signal ?? code}${last === "" ? "" : `: ${last}`}`,
      );
    });
  }

  #died(startedMs: number, reason: string): void {
    const quick = Date.now() - startedMs < QUICK_DEATH_MS;
    this.#quickDeaths = quick ? this.#quickDeaths + 1 : 0;
    this.#options.onExit?.(reason);
    if (this.#quickDeaths < (this.#options.maxQuickDeaths ?? 5)) this.#spawn();
    else this.#options.onExit?.(`not started again: it died ${this.#quickDeaths} times at once`);
  }
}

function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
    child.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
