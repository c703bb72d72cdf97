import type { NdArray } from "./array.ts";
import type { SceneDescription, SceneGraph } from "./scene.ts";
import type { EnvironmentSpec, PolicySpec } from "./spec.ts";

/** What a policy may see at one control step. */
export interface Observation {
  /** `uint8[height, width, channels]` by camera name, row 0 at the top. Only the frames asked for. */
  readonly images: Readonly<Record<string, NdArray>>;
  /** State of the own body (or, for a plain Gymnasium world, of everything), by component name. */
  readonly proprio: Readonly<Record<string, NdArray>>;
  readonly texts: Readonly<Record<string, string>>;
  /** What is to be done, in natural language; empty where the task has no words. */
  readonly instruction: string;
  /** Control steps since reset: 0 at the first observation. */
  readonly step: number;
  /** Simulated (or, on a robot, measured) time since reset. */
  readonly stampNs: bigint;
  /** Ground truth; only where asked for and where the simulator has one. */
  readonly privileged?: SceneGraph;
  /** `float32[height, width]` metres along the optical axis, by camera; only where asked for. */
  readonly depth?: Readonly<Record<string, NdArray>>;
  /** `uint16[height, width]`, 0 = background, else 1 + index into the scene's geoms. */
  readonly segmentation?: Readonly<Record<string, NdArray>>;
}

/** What one inference predicts: `float32[horizon, actionDim]`, row-major, physical units. */
export interface ActionChunk {
  readonly data: Float32Array;
  readonly horizon: number;
  readonly actionDim: number;
}

/**
 * Anything a policy made on the way to an action. A discriminated union that later policies widen;
 * the recorder and the viewer must accept kinds they do not know.
 */
export type Thought =
  | { readonly kind: "text"; readonly tag: string; readonly text: string }
  /** A point of interest in the world frame, m. */
  | { readonly kind: "point"; readonly tag: string; readonly position: readonly number[] }
  /** A named scalar, for instance an energy. */
  | { readonly kind: "scalar"; readonly tag: string; readonly value: number }
  /** A chunk that was made step by step, for instance down an energy. */
  | {
      readonly kind: "refinement";
      readonly tag: string;
      readonly horizon: number;
      readonly actionDim: number;
      /**
       * The steps that `chunks` are of, ascending; 0 is where it began, if that is known. Not all where there were many.
       */
      readonly steps: readonly number[];
      /** `[horizon * actionDim]` each, row-major, physical units: what the chunk was after the step. */
      readonly chunks: readonly (readonly number[])[];
      /** By name: a number of every step, from step 1, for instance the energy of the chunk that it began with. */
      readonly values: Readonly<Record<string, readonly number[]>>;
    }
  /** A number, for instance an energy, over one or two directions through the space of chunks. */
  | {
      readonly kind: "slice";
      readonly tag: string;
      /** One or two; coordinates ascend. */
      readonly axes: readonly SliceAxis[];
      /** One for each coordinate; with two axes row-major, a row for each coordinate of the second. */
      readonly values: readonly number[];
      /** `[axes]` each: where the chunks on the way are, the chosen one last. */
      readonly path: readonly (readonly number[])[];
    };

export interface SliceAxis {
  readonly name: string;
  readonly at: readonly number[];
}

/** What a policy answers. */
export interface Decision {
  readonly chunk: ActionChunk;
  readonly thoughts: readonly Thought[];
  /** Milliseconds spent, by stage; `totalMs` always. */
  readonly timing: Readonly<{ totalMs: number } & Record<string, number>>;
}

/** Handed to a policy at the start of every episode. */
export interface EpisodeStart {
  readonly task: string;
  readonly instruction: string;
  readonly seed: number;
  readonly spec: EnvironmentSpec;
}

/** A policy. All its state is per episode: `reset` clears it. */
export interface Policy {
  readonly spec: PolicySpec;
  reset(start: EpisodeStart): Promise<void>;
  decide(observation: Observation): Promise<Decision>;
  /** Frees native handles; a policy without any need not have it. */
  close?(): Promise<void>;
}

/** What a caller wants back from `reset` and `step`; a simulator makes nothing that nobody asked for. */
export interface Want {
  /** Camera names, `"all"` or `"none"`. */
  readonly images: readonly string[] | "all" | "none";
  /** Of a chunk's steps, which come back with images: every one, or only the last executed. */
  readonly imagesAt: "every" | "last";
  /** Body poses per step, for recording and drawing. */
  readonly poses: boolean;
  readonly privileged: boolean;
  readonly depth: boolean;
  readonly segmentation: boolean;
}

export interface ResetRequest {
  readonly task: string;
  readonly seed: number;
  /** Index of a fixed initial state; absent = drawn from `seed`. */
  readonly initialState?: number;
  /** Ends the episode as truncated after so many steps; absent = the spec's `maxSteps`. */
  readonly maxSteps?: number;
  readonly want: Want;
}

/**
 * One step of an episode, after dm_env's semantics:
 *
 *     reset -> first    step -> mid ... mid -> last      step after last is an error
 *
 * `terminated` = the world ended it (success or failure); `truncated` = the time limit did.
 * A `last` step has one of the two; `first` and `mid` have neither.
 */
export interface TimeStep {
  readonly kind: "first" | "mid" | "last";
  readonly observation: Observation;
  /** 0 on the first step. */
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
  /** Whether the task's goal holds now; undefined where the simulator has no notion of it. */
  readonly success?: boolean;
  /** Simulator time spent on this step, ns, measured by the simulator. */
  readonly busyNs: bigint;
  /** `float64[bodies, 7]`: x y z (m), qw qx qy qz, in the scene's body order; if asked for. */
  readonly poses?: Float64Array;
  /** Anything else the simulator says, JSON-compatible. */
  readonly info?: Readonly<Record<string, unknown>>;
}

/** What `reset` returns besides the first step. */
export interface ResetResult {
  readonly first: TimeStep;
  /** Present where the simulator can describe its scene. */
  readonly scene?: SceneDescription;
  readonly instruction: string;
}

export interface TaskInfo {
  readonly name: string;
  readonly suite: string;
  readonly instruction: string;
  /** How many fixed initial states it has; 0 = seeds only. */
  readonly initialStates: number;
  /** Step limit of this task; absent = the spec's. */
  readonly maxSteps?: number;
}

/** Who is simulating: recorded with every result. */
export interface EnvironmentIdentity {
  /** For instance `tabletop`, `gymnasium:CartPole-v1`. */
  readonly name: string;
  readonly version: string;
  /** Names and versions of engines, renderers, languages; hashes of assets. */
  readonly versions: Readonly<Record<string, string>>;
}

/** A world that can be stepped. In process, in a thread or behind a socket: the same semantics. */
export interface Environment {
  readonly spec: EnvironmentSpec;
  readonly tasks: readonly TaskInfo[];
  readonly identity: EnvironmentIdentity;
  reset(request: ResetRequest): Promise<ResetResult>;
  /**
   * Executes the rows of `chunk` in order and stops early after a `last` step.
   * @returns one TimeStep per executed row, at least one
   * @throws {RangeError} if a row is not finite, or before `reset` or after `last`
   */
  step(chunk: ActionChunk, want: Want): Promise<readonly TimeStep[]>;
  /** Bytes that bring the world back exactly; only where `spec.snapshot`. */
  snapshot?(): Promise<Uint8Array>;
  restore?(snapshot: Uint8Array, want: Want): Promise<TimeStep>;
  close(): Promise<void>;
}

export const WANT_NOTHING: Want = {
  images: "none",
  imagesAt: "last",
  poses: false,
  privileged: false,
  depth: false,
  segmentation: false,
};
