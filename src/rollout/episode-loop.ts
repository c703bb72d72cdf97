import type {
  Clock,
  Environment,
  Observation,
  ResetResult,
  TimeStep,
  Want,
} from "../core/index.ts";
import { WANT_NOTHING, assertSpecsFit, freeRunning, messageOf } from "../core/index.ts";
import type { EpisodeEvent, EpisodeHeader, EpisodeOutcome } from "../episode/types.ts";
import type { Command, Controller } from "./controller.ts";
import { chunkRows } from "./controller.ts";
import type { ListenerFailure, RolloutListener } from "./listener.ts";
import { ListenerChains, mergeWants } from "./listener.ts";

export interface RolloutOptions {
  /** Default: the environment's first task. */
  readonly task?: string;
  /** @default 0 */
  readonly seed?: number;
  /** Index of a fixed initial state; absent = drawn from the seed. */
  readonly initialState?: number;
  /** Ends the episode as truncated after so many control steps; absent = the task's limit. */
  readonly maxSteps?: number;
  /** @default freeRunning() : as fast as the simulator goes */
  readonly clock?: Clock;
  readonly listeners?: readonly RolloutListener[];
  /** Stops the episode at the next step with the outcome `failure: stopped`. */
  readonly signal?: AbortSignal;
  /** Names that go into the recording. */
  readonly episodeId?: string;
  readonly runId?: string;
  readonly attempt?: number;
  readonly policyHash?: string;
}

export interface RolloutResult {
  readonly header: EpisodeHeader;
  readonly outcome: EpisodeOutcome;
  /** Control steps executed. */
  readonly steps: number;
  /** Sum of the rewards. */
  readonly return: number;
  /** True if the simulator said anything about success at all. */
  readonly successReported: boolean;
  readonly durationS: number;
  /** Milliseconds: per inference; per request to the simulator, without the simulator's own time. */
  readonly inferenceMs: readonly number[];
  readonly bridgeMs: readonly number[];
  /** Seconds the simulator itself worked. */
  readonly simulatorS: number;
  /** Milliseconds each step began after its deadline; empty unless the clock is paced. */
  readonly latenessMs: readonly number[];
  readonly listenerFailures: readonly ListenerFailure[];
}

/** Hooks a listener may fall behind before the loop waits for it (about 3 s at 20 Hz). */
const MAX_BACKLOG = 64;

/** What a rollout needs besides a controller and an environment, wherever it runs. */
export interface EpisodeLoopOptions extends RolloutOptions {
  /** Of the software that runs it; goes into the recording. */
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * `rollout` where there is no Node to ask for versions: in a browser.
 * @throws {SpecMismatchError} before anything moves, if policy and environment do not fit
 */
export async function runEpisode(
  controller: Controller,
  env: Environment,
  options: EpisodeLoopOptions,
): Promise<RolloutResult> {
  assertSpecsFit(`start a rollout of "${controller.spec.name}" on "${env.identity.name}"`, {
    policy: controller.spec,
    environment: env.spec,
  });
  return new EpisodeLoop(controller, env, options).run();
}

class EpisodeLoop {
  readonly #controller: Controller;
  readonly #env: Environment;
  readonly #options: EpisodeLoopOptions;
  readonly #clock: Clock;
  readonly #want: Want;
  readonly #chains: ListenerChains;
  readonly #inferenceMs: number[] = [];
  readonly #bridgeMs: number[] = [];
  readonly #latenessMs: number[] = [];
  #simulatorNs = 0n;
  #return = 0;
  #successReported = false;
  #latest: TimeStep | undefined;

  constructor(controller: Controller, env: Environment, options: EpisodeLoopOptions) {
    this.#controller = controller;
    this.#env = env;
    this.#options = options;
    this.#clock = options.clock ?? freeRunning();
    const listeners = options.listeners ?? [];
    this.#want = mergeWants(
      policyWant(controller),
      listeners.map(({ wants }) => wants),
    );
    this.#chains = new ListenerChains(listeners, (failure) =>
      this.#event("listener_failed", `${failure.listener}: ${messageOf(failure.error)}`),
    );
  }

  async run(): Promise<RolloutResult> {
    const startedMs = performance.now();
    const start = await this.#reset();
    const header = start.header;
    try {
      const outcome = await this.#loop(start.reset);
      return await this.#finish(header, outcome, performance.now() - startedMs);
    } catch (error) {
      this.#event("crash", messageOf(error));
      const step = this.#latest?.observation.step ?? 0;
      this.#chains.emit((l) => l.onEnd?.({ kind: "crash", error: messageOf(error), step }));
      await this.#chains.drain();
      throw error;
    }
  }

  async #reset(): Promise<{ header: EpisodeHeader; reset: ResetResult }> {
    const { seed = 0, initialState, maxSteps } = this.#options;
    const task = this.#options.task ?? this.#env.tasks[0]?.name ?? "";
    const startedNs = BigInt(Date.now()) * 1_000_000n;
    const reset = await this.#env.reset({
      task,
      seed,
      ...(initialState === undefined ? {} : { initialState }),
      ...(maxSteps === undefined ? {} : { maxSteps }),
      want: this.#want,
    });
    const header = this.#header({ task, seed, reset, startedNs });
    await this.#controller.reset({
      task,
      instruction: reset.instruction,
      seed,
      spec: this.#env.spec,
    });
    this.#latest = reset.first;
    this.#chains.emit((listener) => listener.onStart?.(header, reset.first));
    this.#event("reset", `${task}, seed ${seed}`);
    return { header, reset };
  }

  #header(at: {
    task: string;
    seed: number;
    reset: ResetResult;
    startedNs: bigint;
  }): EpisodeHeader {
    const { initialState, attempt = 1, runId = "", policyHash } = this.#options;
    const spec = this.#controller.spec;
    return {
      episodeId: this.#options.episodeId ?? episodeName({ ...at, initialState, attempt }),
      runId,
      task: at.task,
      suite: this.#env.tasks.find(({ name }) => name === at.task)?.suite ?? "",
      instruction: at.reset.instruction,
      seed: at.seed,
      ...(initialState === undefined ? {} : { initialState }),
      attempt,
      policy: { name: spec.name, spec, ...(policyHash === undefined ? {} : { hash: policyHash }) },
      environment: this.#env.identity,
      spec: this.#env.spec,
      ...(at.reset.scene === undefined ? {} : { scene: at.reset.scene }),
      startedNs: at.startedNs,
      versions: this.#options.versions,
    };
  }

  async #loop(reset: ResetResult): Promise<EpisodeOutcome> {
    const periodNs = BigInt(Math.round(1e9 / this.#env.spec.controlFreqHz));
    let t0: bigint | undefined;
    let latest = reset.first;
    for (let executed = 0; latest.kind !== "last";) {
      if (this.#options.signal?.aborted === true) return this.#stopped(latest);
      const command = await this.#decide(latest.observation);
      if (!this.#clock.paced) {
        latest = await this.#execute(command.chunk);
        continue;
      }
      t0 ??= this.#clock.nowNs();
      for (let row = 0; row < command.chunk.horizon && latest.kind !== "last"; row++) {
        const deadlineNs = t0 + BigInt(executed++) * periodNs;
        await this.#clock.waitUntil(deadlineNs);
        this.#latenessMs.push(Number(this.#clock.nowNs() - deadlineNs) / 1e6);
        const isLast = row === command.chunk.horizon - 1;
        const want = isLast ? this.#want : unseen(this.#want);
        latest = await this.#execute(chunkRows(command.chunk, row, row + 1), want);
      }
    }
    return outcomeOf(latest);
  }

  #stopped(latest: TimeStep): EpisodeOutcome {
    this.#event("stopped", "the caller stopped the episode");
    return { kind: "failure", reason: "stopped", step: latest.observation.step };
  }

  async #decide(observation: Observation): Promise<Command> {
    const before = performance.now();
    const command = await this.#controller.next(observation);
    this.#inferenceMs.push(performance.now() - before);
    const { decision } = command;
    if (decision !== undefined) {
      const { step, stampNs } = observation;
      this.#chains.emit((listener) => listener.onDecision?.(step, stampNs, decision));
    }
    return command;
  }

  async #execute(chunk: Command["chunk"], want = this.#want): Promise<TimeStep> {
    const before = performance.now();
    const steps = await this.#env.step(chunk, want);
    const elapsedMs = performance.now() - before;
    let busyNs = 0n;
    steps.forEach((timeStep, row) => {
      busyNs += timeStep.busyNs;
      this.#return += timeStep.reward;
      if (timeStep.success !== undefined) this.#successReported = true;
      if (timeStep.success === true && this.#latest?.success !== true) {
        this.#eventAt(timeStep, "success", "the goal holds");
      }
      this.#latest = timeStep;
      const action = chunk.data.slice(row * chunk.actionDim, (row + 1) * chunk.actionDim);
      this.#chains.emit((listener) => listener.onStep?.(timeStep, action));
    });
    this.#simulatorNs += busyNs;
    this.#bridgeMs.push(Math.max(0, elapsedMs - Number(busyNs) / 1e6));
    await this.#chains.backPressure(MAX_BACKLOG);
    const latest = steps.at(-1);
    if (latest === undefined) {
      throw new RangeError(
        `Cannot step "${this.#env.identity.name}": it returned no time step, must be at least one`,
      );
    }
    return latest;
  }

  async #finish(
    header: EpisodeHeader,
    outcome: EpisodeOutcome,
    elapsedMs: number,
  ): Promise<RolloutResult> {
    this.#chains.emit((listener) => listener.onEnd?.(outcome));
    await this.#chains.drain();
    return {
      header,
      outcome,
      steps: this.#latest?.observation.step ?? 0,
      return: this.#return,
      successReported: this.#successReported,
      durationS: elapsedMs / 1000,
      inferenceMs: this.#inferenceMs,
      bridgeMs: this.#bridgeMs,
      simulatorS: Number(this.#simulatorNs) / 1e9,
      latenessMs: this.#latenessMs,
      listenerFailures: this.#chains.failures,
    };
  }

  #event(kind: string, text: string): void {
    if (this.#latest !== undefined) this.#eventAt(this.#latest, kind, text);
  }

  #eventAt(timeStep: TimeStep, kind: string, text: string): void {
    const { step, stampNs } = timeStep.observation;
    const event: EpisodeEvent = { step, stampNs, kind, text };
    this.#chains.emit((listener) => listener.onEvent?.(event));
  }
}

/** What the policy itself must see; a policy that accepts anything is shown no pixels. */
function policyWant(controller: Controller): Want {
  const { observation, privileged } = controller.spec;
  const images = observation === "any" ? [] : observation.images.map(({ name }) => name);
  return { ...WANT_NOTHING, images: images.length === 0 ? "none" : images, privileged };
}

/** Of a row that is not its command's last, as if all rows went in one request. */
function unseen(want: Want): Want {
  return want.imagesAt === "every" ? want : { ...want, images: "none" };
}

function outcomeOf(last: TimeStep): EpisodeOutcome {
  const { step } = last.observation;
  if (last.success === true) return { kind: "success", step };
  return { kind: "failure", reason: last.truncated ? "time_limit" : "terminated", step };
}

/** `lift_red_cube-i003-s12-a1`: safe as a file name on every system. */
function episodeName(at: {
  task: string;
  seed: number;
  initialState: number | undefined;
  attempt: number;
}): string {
  const task = at.task.replaceAll(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 120);
  const state =
    at.initialState === undefined ? "" : `-i${String(at.initialState).padStart(3, "0")}`;
  return `${task}${state}-s${at.seed}-a${at.attempt}`;
}
