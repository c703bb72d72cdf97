/**
 * What can be learned from: episodes of images, proprio, instructions and actions, whatever files they
 * lie in. A dataset never normalises and never shuffles; it says what is there and refuses what does not fit.
 */
import type { ActionSpec, ComponentSpec, ImageSpec } from "../../core/index.ts";
import type { LeRobotCamera } from "../lerobot/info.ts";
import type { RasterImage } from "../png.ts";

/** What every step of every episode of a dataset has. */
export interface DatasetSpec {
  readonly images: readonly ImageSpec[];
  /** In this order they are concatenated into one `float32[proprioDim]` row. */
  readonly proprio: readonly ComponentSpec[];
  readonly action: ActionSpec;
  readonly controlFreqHz: number;
}

/** One episode: `length` observations, each with the action that followed it. */
export interface DatasetEpisode {
  /** Its place in `Dataset.episodes`. */
  readonly index: number;
  /** Steps at which a decision can be learned, which is the number of actions. */
  readonly length: number;
  readonly task: string;
  readonly instruction: string;
  /** The file it comes from, relative to the dataset's folder. */
  readonly source: string;
  /** Undefined where the data does not say. */
  readonly success?: boolean;
}

/** From this step on another instruction is in force than before. */
export interface InstructionChange {
  readonly step: number;
  readonly instruction: string;
}

/** An episode of the folder that is not part of the dataset, and why. */
export interface SkippedEpisode {
  readonly source: string;
  readonly reason: string;
}

export interface FrameRequest {
  readonly episode: number;
  /** From 0 to the episode's length - 1. */
  readonly step: number;
  /** Only these are read and decoded. */
  readonly cameras: readonly string[];
}

/** One observation. */
export interface Frame {
  readonly images: Readonly<Record<string, RasterImage>>;
  /** `float32[proprioDim]`. */
  readonly proprio: Float32Array;
  readonly instruction: string;
}

/** An open dataset. */
export interface Dataset {
  /** Name of its folder. */
  readonly name: string;
  readonly spec: DatasetSpec;
  readonly episodes: readonly DatasetEpisode[];
  readonly skipped: readonly SkippedEpisode[];
  /**
   * SHA-256, in hex, over what identifies the data: names and sizes of the files in use with their first and
   * last 64 KiB, which hold seeds, times and indexes. The folder may be moved.
   */
  readonly hash: string;
  /**
   * @throws {RangeError} if there is no such episode, step or camera
   * @throws {SyntaxError} if the image is damaged
   */
  read(request: FrameRequest): Promise<Frame>;
  /** `float32[length, actionDim]`: row s is the action that was executed after the observation of step s. */
  actions(episode: number): Promise<Float32Array>;
  /** `float32[length, proprioDim]`. */
  proprio(episode: number): Promise<Float32Array>;
  /** Ascending by step; empty where the episode's one instruction holds throughout. See `instructionAt`. */
  instructionChanges(episode: number): Promise<readonly InstructionChange[]>;
  /** What another thread needs to read images of these cameras: see `openFrameSource`. */
  frameSource(cameras: readonly string[]): Promise<FrameSourceDescription>;
  close(): Promise<void>;
}

/** Images of a dataset, one at a time. */
export interface FrameSource {
  /** True where reading one step reads its whole episode, so that the other steps come at little cost. */
  readonly wholeEpisodes: boolean;
  /** @throws {SyntaxError} if the image is damaged, or not of the kind that is read */
  read(episode: number, step: number, camera: string): Promise<RasterImage>;
  close(): Promise<void>;
}

/** Plain data that may be posted to a thread. */
export type FrameSourceDescription = McapFrames | LeRobotFrames | SelectedFrames;

/** Some steps of the episodes of others. */
export interface SelectedFrames {
  readonly kind: "selected";
  readonly of: FrameSourceDescription;
  /** By episode, ascending. */
  readonly steps: readonly Uint32Array[];
}

export interface McapFrames {
  readonly kind: "mcap";
  readonly episodes: readonly McapEpisodeFrames[];
}

export interface McapEpisodeFrames {
  readonly path: string;
  /** By camera; undefined where chunks are compressed, so that images must be looked up one by one. */
  readonly places: Readonly<Record<string, FramePlaces | undefined>>;
}

/** Where the image of step s lies: `lengths[s]` bytes from `offsets[s]`. */
export interface FramePlaces {
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
}

export interface LeRobotFrames {
  readonly kind: "lerobot";
  readonly fps: number;
  /** By camera: the feature's key, how it is stored, and its size. */
  readonly cameras: Readonly<Record<string, LeRobotCamera>>;
  readonly episodes: readonly LeRobotEpisodeFrames[];
}

export interface LeRobotEpisodeFrames {
  readonly length: number;
  /** The parquet file with its rows, and the first of them. */
  readonly data: { readonly path: string; readonly start: number };
  /** By camera, for those that are videos. */
  readonly videos: Readonly<Record<string, { readonly path: string; readonly fromS: number }>>;
}
