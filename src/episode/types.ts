import type {
  ActionChunk,
  EnvironmentIdentity,
  EnvironmentSpec,
  PolicySpec,
  SceneDescription,
  Thought,
} from "../core/index.ts";

/** Known when an episode starts; written first, so that a cut-off file still says what it is. */
export interface EpisodeHeader {
  /** Unique within its run, file-name safe, for instance `tabletop-lift_red_cube-003-a1`. */
  readonly episodeId: string;
  readonly runId: string;
  readonly task: string;
  readonly suite: string;
  readonly instruction: string;
  readonly seed: number;
  readonly initialState?: number;
  /** 1 for the first try of this (task, seed) pair; 2 after a lost worker, and so on. */
  readonly attempt: number;
  readonly policy: {
    readonly name: string;
    readonly spec: PolicySpec;
    /** Hash of the policy package; absent for scripted policies. */
    readonly hash?: string;
  };
  readonly environment: EnvironmentIdentity;
  readonly spec: EnvironmentSpec;
  readonly scene?: SceneDescription;
  /** Wall-clock start, ns since the epoch; step n is logged at `startedNs + stampNs(n)`. */
  readonly startedNs: bigint;
  /** `efference`, `node` and library versions. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Why an episode that did not succeed ended: a closed list, so that tables can be made of it. */
export type FailureReason =
  "time_limit" | "terminated" | "dropped" | "wrong_object" | "unsafe" | "stopped";

/** How an episode ended. A crash is ours or the simulator's fault and never counts as a failure. */
export type EpisodeOutcome =
  | { readonly kind: "success"; readonly step: number }
  | { readonly kind: "failure"; readonly reason: FailureReason; readonly step: number }
  | { readonly kind: "crash"; readonly error: string; readonly step: number };

/** A moment worth a mark on the timeline. */
export interface EpisodeEvent {
  readonly step: number;
  readonly stampNs: bigint;
  /** snake_case: `reset`, `success`, `worker_lost`, `listener_failed`, `grasp`, ... */
  readonly kind: string;
  readonly text: string;
}

/** One control step as recorded: what was seen at `step`, and what was then done. */
export interface RecordedStep {
  readonly step: number;
  readonly stampNs: bigint;
  readonly reward: number;
  readonly terminated: boolean;
  readonly truncated: boolean;
  readonly success?: boolean;
  /** Component name -> values, as float64 (int64 beyond 2^53 loses its last bits). */
  readonly proprio: Readonly<Record<string, Float64Array>>;
  /** The action that led HERE from the step before; absent on the first step. */
  readonly action?: Float32Array;
  /** Texts of the observation, if it had any. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Only where it differs from the header's. */
  readonly instruction?: string;
  /** Simulator time spent on this step, ns. */
  readonly busyNs?: bigint;
  /** What else the simulator said, if anything. */
  readonly info?: Readonly<Record<string, unknown>>;
}

/** One inference: made from the observation of `step`; row k is meant for the action after step + k. */
export interface RecordedDecision {
  readonly step: number;
  readonly stampNs: bigint;
  readonly chunk: ActionChunk;
  readonly thoughts: readonly Thought[];
  readonly timingMs: Readonly<Record<string, number>>;
  /** Rows that were executed before the next decision; known once the episode has ended. */
  readonly executed?: number;
}

/** Random access to bytes that may still be growing: a file, an HTTP resource, a dropped Blob. */
export interface ByteSource {
  /** Bytes there now. */
  size(): Promise<number>;
  /** @throws {RangeError} beyond the present size */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What an episode list needs; cheap to read (head and tail of the file only). */
export interface EpisodeSummary {
  readonly header: EpisodeHeader;
  /** Absent while the episode runs, or for ever if it was cut off. */
  readonly outcome?: EpisodeOutcome;
  /** Recorded steps, the first observation included: one more than actions. */
  readonly steps: number;
  /** Simulated time of the last step. */
  readonly durationS: number;
  readonly cameras: readonly string[];
  /** False when the file has no proper end: still being written, or cut off. */
  readonly complete: boolean;
}

/** An open episode. Everything but images is in memory after `open`; images are read on demand. */
export interface EpisodeReader {
  readonly header: EpisodeHeader;
  readonly complete: boolean;
  /** Why reading stopped early, if the file is damaged: what comes before it is there. */
  readonly damage?: string | undefined;
  readonly outcome: EpisodeOutcome | undefined;
  readonly steps: readonly RecordedStep[];
  readonly decisions: readonly RecordedDecision[];
  readonly events: readonly EpisodeEvent[];
  readonly cameras: readonly string[];
  /** `float64[bodies, 7]` at a step, in `header.scene.bodies` order; undefined if not recorded. */
  poses(step: number): Float64Array | undefined;
  /** The encoded image (PNG or JPEG) shown at a step: the newest one not later than it. */
  image(camera: string, step: number): Promise<EncodedImage | undefined>;
  /**
   * Where in the file the image of each recorded step lies, one entry per step: undefined for a step
   * without an image of its own. The whole is undefined where images are in compressed chunks.
   */
  imagePlaces(camera: string): Promise<readonly (ImagePlace | undefined)[] | undefined>;
  /** Reads what was appended since; true if anything was. For files still being written. */
  refresh(): Promise<boolean>;
}

/** The bytes of a file that hold one image message, for `decodeImageAt`. */
export interface ImagePlace {
  readonly offset: number;
  /** Of the record or more: up to the next message that an index knows of. */
  readonly length: number;
}

export interface EncodedImage {
  readonly format: "png" | "jpeg";
  readonly bytes: Uint8Array;
  readonly step: number;
}
