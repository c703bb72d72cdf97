import type { Environment, Policy, TimeStep } from "../core/index.ts";
import { messageOf } from "../core/index.ts";
import { encodeStoredPng } from "../episode/stored-png.ts";
import { runEpisode } from "../rollout/episode-loop.ts";
import type { RolloutListener } from "../rollout/listener.ts";
import type { FromPlayer, PlayedStep, ToPlayer } from "../viewer/play-protocol.ts";
import type { PausableClock } from "./clock.ts";
import { pausableClock } from "./clock.ts";
import type { CommandBox } from "./drivers.ts";
import { driverOf } from "./drivers.ts";
import type { World } from "./worlds.ts";

type Say = (message: FromPlayer, transfer?: Transferable[]) => void;

/** Numbers of a command: an arm's action. */
const ARM_ROW = 7;

/** A world, and the policy that it was opened with, if there is one. */
export interface PlayedWorld extends World {
  readonly policy?: Policy;
}

/** Plays episodes of one environment, one at a time; the newest wish replaces what runs. */
export class Player {
  readonly #env: Environment;
  readonly #world: PlayedWorld;
  readonly #say: Say;
  readonly #command: CommandBox = { row: new Float32Array(ARM_ROW) };
  #clock: PausableClock | undefined;
  #stop: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(world: PlayedWorld, say: Say) {
    this.#env = world.env;
    this.#world = world;
    this.#say = say;
  }

  take(message: Exclude<ToPlayer, { kind: "open" }>): void {
    switch (message.kind) {
      case "begin":
        this.#begin(message);
        break;
      case "command":
        this.#command.row = message.row;
        break;
      case "pause":
        this.#clock?.pause(message.paused);
        break;
    }
  }

  #begin(message: ToPlayer & { kind: "begin" }): void {
    this.#stop?.abort();
    // One that stands still would never notice that it is to stop.
    this.#clock?.pause(false);
    const stop = new AbortController();
    const clock = pausableClock();
    this.#stop = stop;
    this.#clock = clock;
    this.#command.row = new Float32Array(ARM_ROW);
    this.#running = this.#running.then(async () => {
      if (stop.signal.aborted) return;
      await this.#play(message, { clock, signal: stop.signal });
    });
  }

  async #play(
    { play, task, initialState, drive }: ToPlayer & { kind: "begin" },
    at: { readonly clock: PausableClock; readonly signal: AbortSignal },
  ): Promise<void> {
    try {
      const drivers = { ...this.#world, spec: this.#env.spec, box: this.#command };
      await runEpisode(driverOf(drive, drivers), this.#env, {
        ...at,
        task,
        initialState,
        runId: "play",
        listeners: [speaker(play, this.#say)],
        versions: {},
      });
    } catch (error) {
      this.#say({ kind: "failed", play, message: messageOf(error) });
    }
  }
}

/** Tells the page everything that a recording would hold. */
function speaker(play: number, say: Say): RolloutListener {
  return {
    name: "page",
    wants: { images: "all", imagesAt: "every", poses: true },
    onStart: (header, first) => say({ kind: "begun", play, header, first: played(first) }),
    onDecision: (step, stampNs, decision) =>
      say({ kind: "decided", play, step, stampNs, decision }),
    onStep(timeStep, action) {
      const step = played(timeStep, action);
      say(
        { kind: "stepped", play, step },
        Object.values(step.images).map(({ buffer }) => buffer as ArrayBuffer),
      );
    },
    onEvent: (event) => say({ kind: "event", play, event }),
    onEnd: (outcome) => say({ kind: "ended", play, outcome }),
  };
}

function played(timeStep: TimeStep, action?: Float32Array): PlayedStep {
  const { images, privileged: _, ...observation } = timeStep.observation;
  const pictures = Object.entries(images).map(([camera, { shape, data }]) => {
    const [height = 0, width = 0, channels = 3] = shape;
    const image = { height, width, channels: channels as 1 | 3 | 4, data: data as Uint8Array };
    return [camera, encodeStoredPng(image)] as const;
  });
  return {
    timeStep: { ...timeStep, observation },
    images: Object.fromEntries(pictures),
    ...(action === undefined ? {} : { action }),
  };
}
