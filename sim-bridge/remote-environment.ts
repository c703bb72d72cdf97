import type {
  ActionChunk,
  Environment,
  EnvironmentIdentity,
  EnvironmentSpec,
  ResetRequest,
  ResetResult,
  TaskInfo,
  TimeStep,
  Want,
} from "../src/core/index.ts";
import { PeerError, actionDim } from "../src/core/index.ts";
import { observationFault } from "./check-observation.ts";
import type { Conversation } from "./conversation.ts";
import type { RoundTripStats } from "./statistics.ts";
import { RoundTrips } from "./statistics.ts";
import { errorBody } from "./error-body.ts";
import type { BodyOf, HelloBody, MessageBody, MessageKind } from "./wire/messages.ts";

export interface RemoteEnvironmentOptions {
  readonly hello: HelloBody;
  readonly conversation: Conversation;
  readonly timeoutMs: number;
  /** Says goodbye and forgets the peer. */
  readonly leave: (reason: string) => void;
}

/** A simulator behind a socket. Behaves as it would in this process, and can be lost. */
export class RemoteEnvironment implements Environment, AsyncDisposable {
  readonly spec: EnvironmentSpec;
  readonly tasks: readonly TaskInfo[];
  readonly identity: EnvironmentIdentity;
  /** Unique among the peers of one hub, for instance `tabletop#3`. */
  readonly peerId: string;
  /** Resolves with the reason once the simulator is gone: closed, killed or silent. */
  readonly lost: Promise<string>;
  /** Only where the simulator offers them, so that their presence says so. */
  readonly snapshot?: () => Promise<Uint8Array>;
  readonly restore?: (snapshot: Uint8Array, want: Want) => Promise<TimeStep>;

  readonly #options: RemoteEnvironmentOptions;
  readonly #conversation: Conversation;
  readonly #actionDim: number;
  readonly #imageNames: readonly string[];
  readonly #roundTrips = new RoundTrips();
  readonly #closers: (() => Promise<void> | void)[] = [];
  /** The number of the step the world is at, while an episode runs. */
  #step: number | undefined;

  constructor(options: RemoteEnvironmentOptions) {
    const { hello, conversation } = options;
    this.#options = options;
    this.#conversation = conversation;
    this.spec = hello.spec;
    this.tasks = hello.tasks;
    this.identity = { name: hello.name, version: hello.version, versions: hello.versions };
    this.peerId = conversation.peer;
    this.lost = conversation.lost;
    this.#actionDim = actionDim(hello.spec.action);
    this.#imageNames = hello.spec.observation.images.map(({ name }) => name);
    if (hello.spec.snapshot) {
      this.snapshot = () => this.#snapshot();
      this.restore = (state, want) => this.#restore(state, want);
    }
  }

  /** Answers that came after their deadline and were dropped. */
  get staleReplies(): number {
    return this.#conversation.staleReplies;
  }

  /** Latency of the newest step requests. */
  roundTripStats(): RoundTripStats {
    return this.#roundTrips.stats();
  }

  async reset(request: ResetRequest): Promise<ResetResult> {
    this.#step = undefined;
    const action = `reset task "${request.task}"`;
    const { kind: _, ...result } = await this.#ask(
      { kind: "reset", ...request },
      { expect: "resetDone", action },
    );
    const { first } = result;
    this.#check(first, {
      action,
      isExpected: first.kind === "first",
      step: 0,
      bearsImages: true,
      want: request.want,
    });
    this.#step = 0;
    return result;
  }

  async step(chunk: ActionChunk, want: Want): Promise<readonly TimeStep[]> {
    const before = this.#step;
    if (before === undefined) {
      throw new RangeError(
        `Cannot step ${this.peerId}: no episode is running, must be reset first`,
      );
    }
    if (chunk.actionDim !== this.#actionDim) {
      throw new TypeError(
        `Cannot step ${this.peerId}: the chunk has ${chunk.actionDim} entries per action, must have ${this.#actionDim}`,
      );
    }
    // Until the answer has been checked nobody knows where the world stands.
    this.#step = undefined;
    const startMs = performance.now();
    const { steps } = await this.#ask(
      { kind: "step", chunk, want },
      { expect: "stepDone", action: "step" },
    );
    this.#checkSteps(steps, { before, horizon: chunk.horizon, want });
    let busyNs = 0;
    for (const step of steps) busyNs += Number(step.busyNs);
    this.#roundTrips.add((performance.now() - startMs) * 1e6, busyNs);
    const last = steps[steps.length - 1] as TimeStep;
    if (last.kind !== "last") this.#step = last.observation.step;
    return steps;
  }

  /** Says goodbye; the simulator's process leaves or waits for another runtime, as it was told to. */
  async close(): Promise<void> {
    this.#options.leave("closed by the runtime");
    for (const closer of this.#closers.splice(0)) await closer();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Something to be closed with it, after it. */
  closeWith(closer: () => Promise<void> | void): void {
    this.#closers.push(closer);
  }

  async #snapshot(): Promise<Uint8Array> {
    const { state } = await this.#ask(
      { kind: "snapshot" },
      { expect: "snapshotDone", action: "take a snapshot" },
    );
    return state;
  }

  async #restore(state: Uint8Array, want: Want): Promise<TimeStep> {
    this.#step = undefined;
    const action = "restore a snapshot";
    const { step } = await this.#ask(
      { kind: "restore", state, want },
      { expect: "restoreDone", action },
    );
    this.#check(step, {
      action,
      isExpected: true,
      step: step.observation.step,
      bearsImages: true,
      want,
    });
    if (step.kind !== "last") this.#step = step.observation.step;
    return step;
  }

  #ask<K extends MessageKind>(
    body: MessageBody,
    question: { expect: K; action: string },
  ): Promise<BodyOf<K>> {
    return this.#conversation.ask(body, { ...question, timeoutMs: this.#options.timeoutMs });
  }

  #checkSteps(
    steps: readonly TimeStep[],
    { before, horizon, want }: { before: number; horizon: number; want: Want },
  ): void {
    const ended = steps[steps.length - 1]?.kind === "last";
    if (steps.length > horizon || (steps.length < horizon && !ended)) {
      const found = `it executed ${steps.length} of ${horizon} actions`;
      throw this.#refuse("step", {
        code: "bad_observation",
        message: `${found}, must stop early only at a last step`,
      });
    }
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as TimeStep;
      const isFinal = i === steps.length - 1;
      this.#check(step, {
        action: "step",
        isExpected: step.kind === "mid" || (step.kind === "last" && isFinal),
        step: before + 1 + i,
        bearsImages: isFinal || want.imagesAt === "every",
        want,
      });
    }
  }

  #check(
    step: TimeStep,
    expected: {
      action: string;
      isExpected: boolean;
      step: number;
      bearsImages: boolean;
      want: Want;
    },
  ): void {
    const { action, want } = expected;
    const { observation } = step;
    if (!expected.isExpected || observation.step !== expected.step) {
      const message = `it sent a ${step.kind} step numbered ${observation.step}, must follow the order of the episode (${expected.step})`;
      throw this.#refuse(action, { code: "bad_observation", message });
    }
    const images =
      want.images === "all" ? this.#imageNames : want.images === "none" ? [] : want.images;
    const fault = observationFault(observation, {
      spec: this.spec,
      wanted: expected.bearsImages ? images : [],
    });
    if (fault !== undefined) throw this.#refuse(action, fault);
  }

  /** Tells the simulator what was wrong, for its own log, and makes the caller's error. */
  #refuse(action: string, { code, message }: { code: string; message: string }): PeerError {
    this.#conversation.say(errorBody(code, message));
    return new PeerError(action, { peer: this.peerId, code, message });
  }
}
