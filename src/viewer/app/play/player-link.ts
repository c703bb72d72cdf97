/** The page's end of the player: starts the worker at the first need, and turns its words into an episode. */
import type { TaskInfo } from "../../../core/index.ts";
import type { EpisodeOutcome } from "../../../episode/types.ts";
import type { Drive, FromPlayer, ToPlayer } from "../../play-protocol.ts";
import { PlayedEpisode } from "./played-episode.ts";

export interface PlayerEvents {
  readonly onLoading: (progress: { what: string; done: number; total: number }) => void;
  readonly onTasks: (tasks: readonly TaskInfo[]) => void;
  readonly onBegun: (episode: PlayedEpisode) => void;
  /** A step, a decision, an event or the end has come. */
  readonly onGrown: (episode: PlayedEpisode) => void;
  readonly onEnded: (outcome: EpisodeOutcome) => void;
  readonly onFailed: (message: string) => void;
}

export interface PlayWish {
  readonly task: string;
  readonly initialState: number;
  readonly drive: Drive;
}

export class PlayerLink {
  readonly #events: PlayerEvents;
  #worker: Worker | undefined;
  #world: string | undefined;
  #policy: string | undefined;
  #play = 0;
  #episode: PlayedEpisode | undefined;

  constructor(events: PlayerEvents) {
    this.#events = events;
  }

  /**
   * Opens a world, unless it is the one that is open: with a policy for which its cameras look, or with none.
   * @returns whether it is opened now
   */
  open(world: string, policy: string | undefined): boolean {
    if (world === this.#world && policy === this.#policy) return false;
    this.close();
    this.#world = world;
    this.#policy = policy;
    // A file of its own beside the page: it knows simulators, which the page does not.
    const worker = new Worker(new URL("player.js", document.baseURI), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<FromPlayer>) => this.#take(data));
    worker.addEventListener("error", ({ message }) => {
      this.#events.onFailed(`Cannot play: ${message === "" ? "player.js does not load" : message}`);
    });
    this.#worker = worker;
    const below = (path: string): string => new URL(path, document.baseURI).href;
    const place = (name: string) => ({ name, url: below(`policies/${encodeURIComponent(name)}/`) });
    this.#say({
      kind: "open",
      world,
      dataUrl: below("worlds/"),
      ...(policy === undefined ? {} : { policy: place(policy) }),
    });
    return true;
  }

  begin(wish: PlayWish): void {
    this.#play++;
    this.#episode = undefined;
    this.#say({ kind: "begin", play: this.#play, ...wish });
  }

  command(row: Float32Array): void {
    this.#say({ kind: "command", row });
  }

  pause(paused: boolean): void {
    this.#say({ kind: "pause", paused });
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#world = undefined;
    this.#policy = undefined;
    this.#episode = undefined;
  }

  #say(message: ToPlayer): void {
    this.#worker?.postMessage(message);
  }

  #take(message: FromPlayer): void {
    switch (message.kind) {
      case "loading":
        return this.#events.onLoading(message);
      case "opened":
        return this.#events.onTasks(message.tasks);
      case "failed":
        // A world that cannot be opened may be asked for again.
        if (message.play === undefined) this.close();
        if (message.play === undefined || message.play === this.#play) {
          this.#events.onFailed(message.message);
        }
        return;
      default:
        // What is left of an episode that was replaced.
        if (message.play === this.#play) this.#grow(message);
    }
  }

  #grow(message: Exclude<FromPlayer, { kind: "loading" | "opened" | "failed" }>): void {
    if (message.kind === "begun") {
      this.#episode = new PlayedEpisode(message.header, message.first);
      this.#events.onBegun(this.#episode);
      return;
    }
    const episode = this.#episode;
    if (episode === undefined) return;
    if (message.kind === "stepped") episode.addStep(message.step);
    else if (message.kind === "event") episode.addEvent(message.event);
    else if (message.kind === "decided") {
      episode.addDecision(message.step, message.stampNs, message.decision);
    } else episode.end(message.outcome);
    this.#events.onGrown(episode);
    if (message.kind === "ended") this.#events.onEnded(message.outcome);
  }
}
