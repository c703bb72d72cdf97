import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SimSettings } from "./sim-settings.ts";
import { simSettingsWords } from "./sim-settings.ts";

/** Simulator worker processes that this process started, and keeps at their number. */
export interface Supervisor {
  readonly pids: readonly number[];
  close(): Promise<void>;
}

export interface SupervisorOptions {
  /** Name from the registry. */
  readonly simulator: string;
  readonly settings?: SimSettings;
  readonly endpoint: string;
  readonly workers: number;
  readonly onExit?: (reason: string) => void;
  /** No worker is left, and none is started again. */
  readonly onGivenUp?: (error: Error) => void;
  /** Gives up respawning after so many deaths in a row without 5 s of life. @default 5 */
  readonly maxQuickDeaths?: number;
  /** A worker whose event loop stands still for so long is killed and replaced. @default 30 */
  readonly silenceS?: number;
}

/** Sent over the pipe between supervisor and worker; a worker sends back whatever it gets. */
export type Ping = "efference:ping";

const PING: Ping = "efference:ping";
const PING_MS = 500;
const QUICK_DEATH_MS = 5_000;
const KILL_AFTER_MS = 2_000;

interface Worker {
  readonly child: ChildProcess;
  heardMs: number;
}

/** The built CLI: itself when running from `dist/`, and `dist/` when running from source (tests). */
export function cliPath(): string {
  const here = fileURLToPath(new URL("./main.js", import.meta.url));
  return import.meta.url.endsWith(".ts")
    ? fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url))
    : here;
}

/**
 * Starts `workers` simulator processes that dial in to `endpoint`, and a new one for each that dies or
 * stands still. Workers leave when the pipe to this process closes, so that even SIGKILL leaves no orphan.
 */
export function superviseSimulators(options: SupervisorOptions): Supervisor {
  return new ProcessSupervisor(options);
}

class ProcessSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #workers = new Set<Worker>();
  readonly #pinging: NodeJS.Timeout;
  #pingedMs = performance.now();
  #closing = false;
  #quickDeaths = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    for (let i = 0; i < options.workers; i++) this.#spawn();
    this.#pinging = setInterval(() => this.#ping(), PING_MS).unref();
  }

  get pids(): readonly number[] {
    return [...this.#workers].flatMap(({ child: { pid } }) => (pid === undefined ? [] : [pid]));
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#pinging);
    await Promise.all([...this.#workers].map(({ child }) => stopChild(child)));
  }

  #spawn(): void {
    const { simulator, endpoint, settings = {} } = this.#options;
    const startedMs = performance.now();
    const child = spawn(
      process.execPath,
      [
        ...[cliPath(), "sim", "run", simulator, "--connect", endpoint, "--supervised"],
        ...simSettingsWords(settings),
      ],
      { stdio: ["ignore", "ignore", "pipe", "ipc"] },
    );
    const worker: Worker = { child, heardMs: startedMs };
    this.#workers.add(worker);
    let lastWords = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-2000);
    });
    child.on("message", () => (worker.heardMs = performance.now()));
    child.on("error", (error) => (lastWords += error.message));
    child.on("close", (code, signal) => {
      this.#workers.delete(worker);
      if (this.#closing) return;
      const last = lastWords.trim().split("\n").at(-1) ?? "";
      this.#died(
        startedMs,
        `${simulator} worker ended with ${signal ?? code}${last === "" ? "" : `: ${last}`}`,
      );
    });
  }

  /** Asks every worker for a sign of life and kills those that gave none for too long. */
  #ping(): void {
    const nowMs = performance.now();
    // After a pause of this very process (Ctrl-Z, a closed lid) their silence says nothing.
    const wasAsleep = nowMs - this.#pingedMs > 4 * PING_MS;
    this.#pingedMs = nowMs;
    const { silenceS = 30, simulator } = this.#options;
    for (const worker of this.#workers) {
      const { child } = worker;
      if (wasAsleep) worker.heardMs = nowMs;
      if (nowMs - worker.heardMs > silenceS * 1000) {
        this.#options.onExit?.(`${simulator} worker stood still for ${silenceS} s and is replaced`);
        child.kill("SIGKILL");
      } else if (child.connected) {
        // It may be gone by now; that it ended is then on its way.
        child.send(PING, () => undefined);
      }
    }
  }

  #died(startedMs: number, reason: string): void {
    const quick = performance.now() - startedMs < QUICK_DEATH_MS;
    this.#quickDeaths = quick ? this.#quickDeaths + 1 : 0;
    this.#options.onExit?.(reason);
    if (this.#quickDeaths < (this.#options.maxQuickDeaths ?? 5)) return this.#spawn();
    const count = `${this.#quickDeaths} times in a row`;
    this.#options.onExit?.(`not started again: workers died at once, ${count}`);
    if (this.#workers.size > 0) return;
    this.#options.onGivenUp?.(
      new Error(
        `Cannot run ${this.#options.simulator}: its workers died at once, ${count}, must live; the last: ${reason}`,
      ),
    );
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
