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
  /** See `Updater.updatesPerRun`; for updates that are part of the graph. Default 1. */
  readonly updatesPerRun?: number;
}

export interface UpdateResult {
  /** `loss`, every objective and every metric; means over the micro-batches. */
  readonly values: Readonly<Record<string, number>>;
  readonly gradNorm: number;
  /** False if loss or gradients are not finite: nothing was changed. */
  readonly applied: boolean;
  /** In the engine, and around it; where several updates are one run, its share. */
  readonly runMs: number;
  readonly updateMs: number;
}

type Feeds = Readonly<Record<string, NdArray>>;

/** What one update is made from. */
export interface UpdateRequest {
  /** As many as `accumulate` says. */
  readonly feeds: readonly Feeds[];
  readonly rate: number;
  /** Counts updates from 1. */
  readonly step: number;
}

/** Parameters at work: updated, measured, stored and brought back. */
export interface Updater {
  readonly parameterCount: number;
  readonly openMs: number;
  /**
   * Updates that are worth asking for at once. Above 1 where state does not stay on the device between
   * runs of the engine, so that it travels once for all of them.
   */
  readonly updatesPerRun: number;
  /**
   * Updates one after the other. Which of them share a call changes no bit.
   * @returns a result each, in order; the last one where an update is not applied, and no more are made
   */
  update(requests: readonly UpdateRequest[]): Promise<readonly UpdateResult[]>;
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

/** Updates that are runs of their own: each is made when the one before was applied. */
export async function oneByOne(
  requests: readonly UpdateRequest[],
  update: (request: UpdateRequest) => Promise<UpdateResult>,
): Promise<UpdateResult[]> {
  const results: UpdateResult[] = [];
  for (const request of requests) {
    const result = await update(request);
    results.push(result);
    if (!result.applied) break;
  }
  return results;
}

/** @throws {RangeError} if `accumulate` is above 1: the device would have to keep sums, too */
export function assertNoAccumulation({ accumulate = 1, session }: StepSettings): void {
  if (accumulate === 1) return;
  throw new RangeError(
    `Cannot train on ${session?.device ?? "cpu"}: accumulate is ${accumulate}, must be 1 where the update is part of the graph`,
  );
}

/** The feeds of an update without accumulation. */
export function onlyFeed({ feeds }: UpdateRequest): Feeds {
  const [feed] = feeds;
  if (feed !== undefined && feeds.length === 1) return feed;
  throw new RangeError(`Cannot update: there are ${feeds.length} feeds, must be 1`);
}
