import type { ActionSpec, ComponentSpec, ImageSpec } from "../../core/index.ts";
import type { Dataset } from "../../episode/node.ts";
import type { AugmentOptions, CropOptions } from "./augment.ts";
import type { PlanPosition } from "./plan.ts";

/** A dense, row-major array of bytes; an `NdArray`. */
export interface ByteArray {
  readonly dtype: "uint8";
  readonly shape: readonly number[];
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A dense, row-major array of 32-bit floats; an `NdArray`. */
export interface FloatArray {
  readonly dtype: "float32";
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** Where a window comes from: `datasets[dataset].episodes[episode]`, decided at `step`. */
export interface WindowSource {
  readonly dataset: number;
  readonly episode: number;
  readonly step: number;
}

/**
 * Windows side by side. The buffers belong to whoever takes the batch, and may be transferred.
 * With `observeHorizon` above 1 images and proprio have that dimension after the first, oldest first.
 */
export interface Batch {
  /** By camera: `uint8[batch, height, width, channels]`, row 0 at the top. */
  readonly images: Readonly<Record<string, ByteArray>>;
  /** `float32[batch, proprioDim]`, components in spec order, not normalised. */
  readonly proprio: FloatArray;
  /** `float32[batch, predictHorizon, actionDim]`, not normalised; past an episode's end its last row repeats. */
  readonly actions: FloatArray;
  /** `float32[batch, predictHorizon]`: 1 for rows of the episode, 0 for repeated ones. */
  readonly actionMask: FloatArray;
  readonly instructions: readonly string[];
  readonly tasks: readonly string[];
  readonly windows: readonly WindowSource[];
  /** Of the first window. */
  readonly position: PlanPosition;
  /** Where a run that has used this batch goes on: the `start` of its loader. */
  readonly next: PlanPosition;
  /** How long `next()` waited for it. */
  readonly waitMs: number;
}

/** Part of the mixture. The dataset stays open and is the caller's to close. */
export interface LoaderDataset {
  readonly dataset: Dataset;
  /** See `PlanPart.weight`: given for all or for none. */
  readonly weight?: number;
  /** Only these episodes, by index; default: all. */
  readonly episodes?: readonly number[];
}

export interface BatchLoaderOptions {
  readonly datasets: readonly LoaderDataset[];
  readonly batchSize: number;
  /** Action rows of a window. */
  readonly predictHorizon: number;
  /** Observations of a window; before an episode's beginning its first one repeats. Default 1. */
  readonly observeHorizon?: number;
  /** Steps between the observations of a window; default 1. */
  readonly observeStride?: number;
  /** Cameras to load; may be none. */
  readonly cameras: readonly string[];
  /** Proprio components in this order; default: all, in spec order. */
  readonly proprio?: readonly string[];
  /** Makes images smaller, by the average over areas; before they are kept and augmented. */
  readonly resize?: { readonly height: number; readonly width: number };
  readonly augment?: AugmentOptions;
  /** Part of the (resized) images that batches hold. */
  readonly crop?: CropOptions;
  readonly seed: number | string;
  /** Default true; false walks through the windows in their order. */
  readonly shuffle?: boolean;
  /** Where the first batch begins; default: the beginning. */
  readonly start?: PlanPosition;
  /** Batches that are made ahead; default 4. */
  readonly prefetch?: number;
  /**
   * Threads that read and decode; default 1. With 0 the caller's own thread does, between its awaits. The
   * batches are the same whatever the number.
   */
  readonly threads?: number;
  /** Memory for decoded images; default 1 GiB. */
  readonly cacheBytes?: number;
}

/** What batches hold: the datasets' spec after selection, resizing and cropping. */
export interface BatchSpec {
  readonly images: readonly ImageSpec[];
  readonly proprio: readonly ComponentSpec[];
  readonly action: ActionSpec;
  readonly controlFreqHz: number;
}

export interface LoaderUsage {
  /** Batches handed over. */
  readonly batches: number;
  /** Time spent waiting for them, in sum. */
  readonly waitMs: number;
  /** Images read and decoded so far. */
  readonly decodedImages: number;
  /** Images in memory, of `cacheableImages` for which there is room. */
  readonly cachedImages: number;
  readonly cacheableImages: number;
}

/** An endless stream of batches, made ahead of time. */
export interface BatchLoader {
  readonly spec: BatchSpec;
  /** Windows of one epoch. */
  readonly epochLength: number;
  /** Where the next batch that `next()` gives begins. */
  readonly position: PlanPosition;
  readonly usage: LoaderUsage;
  /**
   * The next batch. Calls are answered in order.
   *
   * @throws {Error} what went wrong in making it, then and ever after; or that the loader is closed
   */
  next(): Promise<Batch>;
  /** Ends the threads and rejects what is waited for. */
  close(): Promise<void>;
}
