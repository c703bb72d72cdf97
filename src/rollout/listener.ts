import type { Decision, TimeStep, Want } from "../core/index.ts";
import { messageOf } from "../core/index.ts";
import type { EpisodeEvent, EpisodeHeader, EpisodeOutcome } from "../episode/types.ts";

/** Watches a rollout: recorder, metrics, live view. It can neither steer the loop nor stop it. */
export interface RolloutListener {
  readonly name: string;
  /** What it needs simulated in addition to what the policy sees. */
  readonly wants?: Partial<Want>;
  onStart?(header: EpisodeHeader, first: TimeStep): void | Promise<void>;
  onDecision?(step: number, stampNs: bigint, decision: Decision): void | Promise<void>;
  /** `action` is the row that led to this step: `float32[actionDim]`. */
  onStep?(timeStep: TimeStep, action: Float32Array): void | Promise<void>;
  onEvent?(event: EpisodeEvent): void | Promise<void>;
  onEnd?(outcome: EpisodeOutcome): void | Promise<void>;
}

export interface ListenerFailure {
  readonly listener: string;
  readonly error: unknown;
}

type Hook = (listener: RolloutListener) => void | Promise<void>;

interface Channel {
  readonly listener: RolloutListener;
  tail: Promise<void>;
  pending: number;
  alive: boolean;
}

/**
 * Delivers every hook to every listener in order, each on its own chain, so that a slow one delays
 * nobody else and a failing one is dropped while the arm goes on.
 */
export class ListenerChains {
  readonly #channels: Channel[];
  readonly failures: ListenerFailure[] = [];
  readonly #onFailure: (failure: ListenerFailure) => void;

  constructor(
    listeners: readonly RolloutListener[],
    onFailure: (failure: ListenerFailure) => void = () => undefined,
  ) {
    this.#channels = listeners.map((listener) => ({
      listener,
      tail: Promise.resolve(),
      pending: 0,
      alive: true,
    }));
    this.#onFailure = onFailure;
  }

  /** Queues one hook for every live listener. */
  emit(hook: Hook): void {
    for (const channel of this.#channels) {
      if (!channel.alive) continue;
      channel.pending++;
      channel.tail = channel.tail.then(() => this.#deliver(channel, hook));
    }
  }

  /** Waits until no listener is more than `limit` hooks behind: back-pressure, bounded memory. */
  async backPressure(limit: number): Promise<void> {
    for (const channel of this.#channels) if (channel.pending > limit) await channel.tail;
  }

  async drain(): Promise<void> {
    await Promise.all(this.#channels.map(({ tail }) => tail));
  }

  async #deliver(channel: Channel, hook: Hook): Promise<void> {
    try {
      if (channel.alive) await hook(channel.listener);
    } catch (error) {
      channel.alive = false;
      const failure = { listener: channel.listener.name, error };
      this.failures.push(failure);
      this.#onFailure(failure);
    } finally {
      channel.pending--;
    }
  }
}

/** Merges what the policy needs with what every listener asks for. */
export function mergeWants(base: Want, extras: readonly (Partial<Want> | undefined)[]): Want {
  let merged = base;
  for (const extra of extras) {
    if (extra === undefined) continue;
    merged = {
      images: mergeImages(merged.images, extra.images ?? "none"),
      imagesAt: extra.imagesAt === "every" ? "every" : merged.imagesAt,
      poses: merged.poses || extra.poses === true,
      privileged: merged.privileged || extra.privileged === true,
      depth: merged.depth || extra.depth === true,
      segmentation: merged.segmentation || extra.segmentation === true,
    };
  }
  return merged;
}

function mergeImages(a: Want["images"], b: Want["images"]): Want["images"] {
  if (a === "all" || b === "all") return "all";
  if (a === "none") return b;
  if (b === "none") return a;
  return [...new Set([...a, ...b])];
}

/** Prints one line per finished episode. */
export function printSuccess(print: (line: string) => void = writeLine): RolloutListener {
  let header: EpisodeHeader | undefined;
  return {
    name: "printSuccess",
    onStart(started) {
      header = started;
    },
    onEnd(outcome) {
      print(`${header?.task ?? "?"} seed ${header?.seed ?? "?"}: ${outcomeWords(outcome)}`);
    },
  };
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** An outcome as a person would say it. */
export function outcomeWords(outcome: EpisodeOutcome): string {
  switch (outcome.kind) {
    case "success":
      return `success after ${outcome.step} steps`;
    case "failure":
      return `failure (${outcome.reason.replaceAll("_", " ")}) after ${outcome.step} steps`;
    case "crash":
      return `crash at step ${outcome.step}: ${messageOf(outcome.error)}`;
  }
}
