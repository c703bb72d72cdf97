/** What the page and the player say to each other: a worker that simulates, and knows no page. */
import type { Decision, TaskInfo, TimeStep } from "../core/index.ts";
import type { EpisodeEvent, EpisodeHeader, EpisodeOutcome } from "../episode/types.ts";

/** Who drives. */
export type Drive =
  /** A person: the newest `command` is done until another comes. */
  | { readonly kind: "keyboard" }
  /** The scripted expert of the world. */
  | { readonly kind: "expert" }
  /** The policy that the world was opened with. */
  | { readonly kind: "policy" }
  /** Rows of actions, one after the other: `float32[rows, actionDim]`. */
  | { readonly kind: "replay"; readonly rows: Float32Array; readonly actionDim: number };

export interface PolicyPlace {
  readonly name: string;
  /** Of its folder, with a slash at the end. */
  readonly url: string;
}

export type ToPlayer =
  /** Once, at first. `dataUrl`: where the files of worlds that need some lie. */
  | {
      readonly kind: "open";
      readonly world: string;
      readonly dataUrl: string;
      /** A policy package that is to drive. */
      readonly policy?: PolicyPlace;
    }
  /** Begins an episode, in place of one that runs. `play` counts them. */
  | {
      readonly kind: "begin";
      readonly play: number;
      readonly task: string;
      readonly initialState: number;
      readonly drive: Drive;
    }
  /** For the keyboard: an arm's seven numbers (CONVENTIONS.md), of which a world takes those that it has. */
  | { readonly kind: "command"; readonly row: Float32Array }
  | { readonly kind: "pause"; readonly paused: boolean };

/** A step as the page keeps it. Images are PNG. */
export interface PlayedStep {
  readonly timeStep: Omit<TimeStep, "observation"> & {
    readonly observation: Omit<TimeStep["observation"], "images">;
  };
  readonly images: Readonly<Record<string, Uint8Array>>;
  readonly action?: Float32Array;
}

export type FromPlayer =
  /** Something large is on its way; `total` 0 = unknown. Bytes. */
  | {
      readonly kind: "loading";
      readonly what: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly kind: "opened"; readonly tasks: readonly TaskInfo[] }
  | {
      readonly kind: "begun";
      readonly play: number;
      readonly header: EpisodeHeader;
      readonly first: PlayedStep;
    }
  | {
      readonly kind: "decided";
      readonly play: number;
      readonly step: number;
      readonly stampNs: bigint;
      readonly decision: Decision;
    }
  | { readonly kind: "stepped"; readonly play: number; readonly step: PlayedStep }
  | { readonly kind: "event"; readonly play: number; readonly event: EpisodeEvent }
  | { readonly kind: "ended"; readonly play: number; readonly outcome: EpisodeOutcome }
  /** Nothing goes on: `play` is the episode it concerns, absent if the world could not be opened. */
  | { readonly kind: "failed"; readonly play?: number; readonly message: string };
