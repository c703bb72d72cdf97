import type { Environment, TaskInfo } from "../core/index.ts";
import { BridgeTimeoutError, PeerLostError, messageOf, seeded } from "../core/index.ts";
import type { Controller } from "./controller.ts";
import type { Job, JobResult, Journal } from "./journal.ts";
import type { RolloutListener } from "./listener.ts";
import type { RolloutResult } from "./rollout.ts";
import { rollout } from "./rollout.ts";

/** Where episodes start from. */
export type StartStates = "fixed" | "drawn";

/**
 * Fixes the (task, initial state or seed) pairs of an evaluation before it starts, so that the result
 * does not depend on how many workers there are or how fast they run.
 *
 * Episode `k` of a task starts from its fixed initial state `k mod initialStates`; its seed is drawn
 * from the run's seed, the task's name and `k`, hence stays the same whichever other tasks are run.
 *
 * @param options.states `fixed` (default), or `drawn`: every start is drawn from the episode's seed, as
 *     demonstrations must, so that the fixed states stay unseen until they are evaluated
 */
export function planJobs(
  tasks: readonly TaskInfo[],
  options: { episodes: number; seed: number; firstInitialState?: number; states?: StartStates },
): Job[] {
  if (!Number.isInteger(options.episodes) || options.episodes < 1) {
    throw new RangeError(
      `Cannot plan an evaluation: episodes is ${options.episodes}, must be an integer of 1 or more`,
    );
  }
  const rng = seeded(options.seed);
  const first = options.firstInitialState ?? 0;
  return tasks.flatMap((task, t) =>
    Array.from({ length: options.episodes }, (_, episode) => {
      const states = options.states === "drawn" ? 0 : task.initialStates;
      return {
        index: t * options.episodes + episode,
        task: task.name,
        suite: task.suite,
        seed: rng
          .split(task.name)
          .split(episode)
          .int(2 ** 31),
        ...(states > 0 ? { initialState: (first + episode) % states } : {}),
      };
    }),
  );
}

/** One worker at work: an environment, and the controller and listeners that go with it. */
export interface Seat {
  readonly controller: Controller;
  /** Made anew for every episode. */
  listeners(job: Job): {
    listeners: readonly RolloutListener[];
    episodeFile?: () => string | undefined;
  };
  close?(): Promise<void>;
}

export interface EvaluateOptions {
  readonly jobs: readonly Job[];
  /** Environments as they come: workers that dial in, in any number, at any time. */
  readonly arrivals: AsyncIterable<Environment>;
  readonly seat: (env: Environment) => Promise<Seat>;
  readonly journal?: Journal;
  /** Results of an earlier run that are not to be repeated. */
  readonly done?: readonly JobResult[];
  /** Attempts begun earlier, by job index. */
  readonly attempts?: ReadonlyMap<number, number>;
  /** A pair that has lost so many workers is a crash. @default 3 */
  readonly maxAttempts?: number;
  readonly maxSteps?: number;
  readonly runId: string;
  readonly policyHash?: string;
  readonly onProgress?: (event: EvaluationEvent) => void;
  readonly signal?: AbortSignal;
  /** Gives up when no worker has been there for so long. @default 60 000 */
  readonly workerTimeoutMs?: number;
}

export type EvaluationEvent =
  | { readonly kind: "worker_joined"; readonly workers: number; readonly env: Environment }
  | { readonly kind: "worker_lost"; readonly workers: number; readonly reason: string }
  | { readonly kind: "episode_started"; readonly job: Job; readonly attempt: number }
  | {
      readonly kind: "episode_finished";
      readonly result: JobResult;
      readonly done: number;
      readonly total: number;
    };

/**
 * Deals the jobs to whatever workers are there and resolves with every result in job order.
 *
 * A worker that dies or stops answering loses its job, which is dealt again to another; the dead
 * episode stays recorded and marked. An error the simulator reports while alive, or one of the policy,
 * is a crash of that episode and never counts as a failure.
 *
 * @throws {BridgeTimeoutError} if jobs are left and no worker came for `workerTimeoutMs`
 */
export async function evaluate(options: EvaluateOptions): Promise<JobResult[]> {
  return new Evaluation(options).run();
}

const ABORT_GRACE_MS = 3_000;

class Evaluation {
  readonly #options: EvaluateOptions;
  readonly #queue: Job[];
  readonly #results = new Map<number, JobResult>();
  readonly #attempts: Map<number, number>;
  /** Workers lost with the job in this run; ends of the runtime itself do not count against it. */
  readonly #losses = new Map<number, number>();
  readonly #finished: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #workers = 0;
  #inFlight = 0;
  /** Idle workers wait here for a job that another one loses. */
  #wake: (() => void)[] = [];
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(options: EvaluateOptions) {
    this.#options = options;
    for (const result of options.done ?? []) this.#results.set(result.job.index, result);
    this.#queue = options.jobs.filter(({ index }) => !this.#results.has(index));
    this.#attempts = new Map(options.attempts);
    this.#finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  async run(): Promise<JobResult[]> {
    this.#options.signal?.throwIfAborted();
    const aborted = (): void => this.#abort();
    this.#options.signal?.addEventListener("abort", aborted, { once: true });
    const arrivals = this.#options.arrivals[Symbol.asyncIterator]();
    try {
      if (this.#queue.length > 0) {
        this.#watchIdle();
        void this.#welcome(arrivals);
        await this.#finished;
      }
    } finally {
      clearTimeout(this.#idleTimer);
      this.#options.signal?.removeEventListener("abort", aborted);
      this.#wakeAll();
      void arrivals.return?.();
    }
    return [...this.#results.values()].sort((a, b) => a.job.index - b.job.index);
  }

  async #welcome(arrivals: AsyncIterator<Environment>): Promise<void> {
    try {
      for (;;) {
        const next = await arrivals.next();
        if (next.done === true) return;
        if (this.#isOver()) return;
        this.#workers++;
        this.#options.onProgress?.({
          kind: "worker_joined",
          workers: this.#workers,
          env: next.value,
        });
        this.#work(next.value).catch(this.#reject);
      }
    } catch (error) {
      this.#reject(error);
    }
  }

  async #work(env: Environment): Promise<void> {
    clearTimeout(this.#idleTimer);
    const seat = await this.#options.seat(env);
    let lost: string | undefined;
    while (lost === undefined && !this.#isOver()) {
      const job = this.#queue.shift();
      if (job === undefined) await this.#wait();
      else lost = await this.#runJob(job, { env, seat });
    }
    this.#workers--;
    await seat.close?.();
    if (lost === undefined) return;
    this.#options.onProgress?.({ kind: "worker_lost", workers: this.#workers, reason: lost });
    if (this.#workers === 0) this.#watchIdle();
    await env.close().catch(() => undefined);
  }

  /** @returns why the worker is lost, or undefined while it is there */
  async #runJob(job: Job, at: { env: Environment; seat: Seat }): Promise<string | undefined> {
    const attempt = (this.#attempts.get(job.index) ?? 0) + 1;
    this.#attempts.set(job.index, attempt);
    this.#options.journal?.started(job.index, attempt);
    this.#options.onProgress?.({ kind: "episode_started", job, attempt });
    const { listeners, episodeFile } = at.seat.listeners(job);
    const { maxSteps, runId, policyHash, signal } = this.#options;
    this.#inFlight++;
    try {
      const result = await rollout(at.seat.controller, at.env, {
        task: job.task,
        seed: job.seed,
        ...(job.initialState === undefined ? {} : { initialState: job.initialState }),
        ...(maxSteps === undefined ? {} : { maxSteps }),
        ...(policyHash === undefined ? {} : { policyHash }),
        ...(signal === undefined ? {} : { signal }),
        listeners,
        runId,
        attempt,
      });
      this.#finish(jobResult({ job, attempt, result, file: episodeFile?.() }));
      return undefined;
    } catch (error) {
      return this.#failed({ job, attempt, error, file: episodeFile?.() });
    } finally {
      this.#inFlight--;
      this.#settle();
    }
  }

  #failed(at: {
    job: Job;
    attempt: number;
    error: unknown;
    file: string | undefined;
  }): string | undefined {
    const { job, attempt, error } = at;
    const gone = error instanceof PeerLostError || error instanceof BridgeTimeoutError;
    const reason = messageOf(error);
    const losses = (this.#losses.get(job.index) ?? 0) + (gone ? 1 : 0);
    this.#losses.set(job.index, losses);
    if (gone && losses < (this.#options.maxAttempts ?? 3)) {
      this.#options.journal?.lost(job.index, attempt, reason);
      this.#queue.unshift(job);
      this.#wakeAll();
    } else {
      this.#finish(crashResult({ ...at, reason }));
    }
    return gone ? reason : undefined;
  }

  #finish(result: JobResult): void {
    // An aborted episode is not a result: a resumed run repeats it.
    if (this.#options.signal?.aborted === true) return;
    this.#results.set(result.job.index, result);
    this.#options.journal?.finished(result);
    this.#options.onProgress?.({
      kind: "episode_finished",
      result,
      done: this.#results.size,
      total: this.#options.jobs.length,
    });
  }

  #isOver(): boolean {
    return (
      this.#options.signal?.aborted === true || this.#results.size >= this.#options.jobs.length
    );
  }

  #settle(): void {
    if (!this.#isOver()) return;
    this.#wakeAll();
    if (this.#inFlight > 0) return;
    if (this.#options.signal?.aborted === true) this.#reject(this.#options.signal.reason);
    else this.#resolve();
  }

  /** Episodes in flight end themselves at their next step and close their files; a stuck one may not. */
  #abort(): void {
    this.#settle();
    setTimeout(() => this.#reject(this.#options.signal?.reason), ABORT_GRACE_MS).unref();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #wakeAll(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  #watchIdle(): void {
    const timeoutMs = this.#options.workerTimeoutMs ?? 60_000;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      const left = this.#options.jobs.length - this.#results.size;
      const action = `go on with the evaluation (${left} episodes left)`;
      this.#reject(new BridgeTimeoutError(action, { peer: "any simulator", timeoutMs }));
    }, timeoutMs);
  }
}

function jobResult(at: {
  job: Job;
  attempt: number;
  result: RolloutResult;
  file: string | undefined;
}): JobResult {
  const { job, attempt, result, file } = at;
  const errors = result.listenerFailures.map((f) => `${f.listener}: ${messageOf(f.error)}`);
  return {
    job,
    attempt,
    outcome: result.outcome,
    steps: result.steps,
    return: result.return,
    successReported: result.successReported,
    durationS: result.durationS,
    simulatorS: result.simulatorS,
    inferenceMs: result.inferenceMs,
    bridgeMs: result.bridgeMs,
    ...(file === undefined ? {} : { episodeFile: file }),
    ...(errors.length === 0 ? {} : { listenerErrors: errors }),
  };
}

function crashResult(at: {
  job: Job;
  attempt: number;
  reason: string;
  file: string | undefined;
}): JobResult {
  return {
    job: at.job,
    attempt: at.attempt,
    outcome: { kind: "crash", error: at.reason, step: 0 },
    steps: 0,
    return: 0,
    successReported: false,
    durationS: 0,
    simulatorS: 0,
    inferenceMs: [],
    bridgeMs: [],
    ...(at.file === undefined ? {} : { episodeFile: at.file }),
  };
}
