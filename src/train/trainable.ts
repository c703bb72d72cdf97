import type { ImageSpec, NdArray, Rng } from "../core/index.ts";
import type { DatasetSpec, DatasetStatistics } from "../episode/node.ts";
import type { GraphBuilder, Value } from "../onnx/index.ts";
import type { ImageView, ParameterStore } from "../onnx/layers/index.ts";
import type { PackageContent } from "../package/index.ts";
import type { Batch } from "./data/index.ts";

/** Which part of every window a trainable reads. */
export interface BatchNeeds {
  readonly cameras: readonly string[];
  readonly predictHorizon: number;
  /** Default 1. */
  readonly observeHorizon?: number;
  /** Steps between the observations of a window; default 1. */
  readonly observeStride?: number;
  /** Proprio components in this order; default: all, in the data's order. */
  readonly proprio?: readonly string[];
}

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** All that an episode has but images and instructions. */
export interface EpisodeNumbers {
  /** `float32[length, actionDim]` */
  readonly actions: Float32Array;
  /** `float32[length, proprioDim]`, all components, in the data's order. */
  readonly proprio: Float32Array;
}

/** What is known of the data when a policy is made for it. */
export interface TrainingData {
  /** Images as batches have them, after resizing and cropping; all proprio components and the actions. */
  readonly spec: DatasetSpec;
  /** Images as the world makes them, which is what a package is shown. */
  readonly images: readonly ImageSpec[];
  /** How the latter become the former: `viewed` of `src/onnx/layers` does that in a package. */
  readonly view: ImageView;
  readonly statistics: DatasetStatistics;
  /** The numbers of every episode that is learned from. */
  readonly episodes: readonly EpisodeNumbers[];
  /** Every instruction of the data, each once, sorted. */
  readonly instructions: readonly string[];
}

/** A loss under construction. Parameters are those the builder knows; everything else is an input. */
export interface LossGraph {
  readonly g: GraphBuilder;
  /** Scalars to be minimised, by name; the loss is their sum, weighted by the run's `objectives`. */
  readonly objectives: Readonly<Record<string, Value>>;
  /** Scalars that are only reported. */
  readonly metrics?: Readonly<Record<string, Value>>;
}

/** How a package came about; goes into its manifest. */
export type Provenance = Readonly<Record<string, unknown>>;

/** What training needs of a policy: a batch becomes a loss graph, parameters become a package. */
export interface Trainable {
  readonly name: string;
  readonly needs: BatchNeeds;
  /** Deterministic: equal parameters give the same graph. */
  lossGraph(request: {
    readonly batchSize: number;
    readonly parameters: ParameterStore;
  }): LossGraph;
  /** The graph's inputs for one batch. Whatever is random comes from `rng`, which is new for every step. */
  feeds(batch: Batch, rng: Rng): Readonly<Record<string, NdArray>>;
  /** The policy that these parameters make, ready to be written. */
  toPackage(parameters: Readonly<Record<string, NdArray>>, provenance: Provenance): PackageContent;
}
