import type { OptimiserConfig } from "../autodiff/index.ts";
import type { NdArray } from "../core/index.ts";
import type { SessionOptions } from "../session/index.ts";

export interface StepSettings {
  readonly batchSize: number;
  readonly optimiser: OptimiserConfig;
  /** Weight of each objective in the loss; default 1 each. */
  readonly objectives?: Readonly<Record<string, number>>;
  /** Batches whose gradients are averaged before an update; default 1. */
  readonly accumulate?: number;
  readonly session?: SessionOptions;
}

export interface UpdateResult {
  /** `loss`, every objective and every metric; means over the micro-batches. */
  readonly values: Readonly<Record<string, number>>;
  readonly gradNorm: number;
  /** False if loss or gradients are not finite: nothing was changed. */
  readonly applied: boolean;
  readonly runMs: number;
  readonly updateMs: number;
}

type Feeds = Readonly<Record<string, NdArray>>;

/** Parameters at work: updated, measured, stored and brought back. */
export interface Updater {
  readonly parameterCount: number;
  readonly openMs: number;
  /**
   * One update from as many feeds as `accumulate` says.
   * @param at.step counts updates from 1
   */
  update(
    feeds: readonly Feeds[],
    at: { readonly rate: number; readonly step: number },
  ): Promise<UpdateResult>;
  /** Loss, objectives and metrics without an update, from the parameters that `deployed` gives. */
  measure(feeds: Feeds): Promise<Readonly<Record<string, number>>>;
  /** Copies of the parameters that a policy is made of: their moving average, where one is kept. */
  deployed(): Promise<Record<string, NdArray>>;
  /** Copies, for checkpoints. */
  weights(): Promise<Record<string, NdArray>>;
  optimiserState(): Promise<Record<string, NdArray>>;
  /** @throws {TypeError} unless the tensors are those that `weights` and `optimiserState` give */
  restore(weights: Feeds, state: Feeds): Promise<void>;
  close(): Promise<void>;
}
