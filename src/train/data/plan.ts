/** Which windows make up which batch: a function of the seed and of nothing else. */
import type { Rng } from "../../core/index.ts";
import { seeded } from "../../core/index.ts";

/**
 * A place in the endless stream of windows: window `index` of epoch `epoch` comes next. A run that is
 * resumed here gets the batches that an uninterrupted one would have got.
 */
export interface PlanPosition {
  readonly epoch: number;
  readonly index: number;
}

/** Windows that are numbered from 0 and drawn together, usually those of one dataset. */
export interface PlanPart {
  readonly windows: number;
  /**
   * Share of this part in every batch, on average, relative to the other parts. Given for all parts or for
   * none; without weights every window comes once per epoch.
   */
  readonly weight?: number;
}

export interface PlanOptions {
  readonly parts: readonly PlanPart[];
  readonly seed: number | string;
  /** Default true; false gives the windows in their order, for evaluation. */
  readonly shuffle?: boolean;
}

/** One window, and the place it was drawn for, which its augmentation is keyed by. */
export interface PlannedWindow extends PlanPosition {
  readonly part: number;
  readonly window: number;
}

export interface PlannedBatch {
  readonly windows: readonly PlannedWindow[];
  /** Where the next batch begins. */
  readonly next: PlanPosition;
}

interface EpochOrder {
  readonly epoch: number;
  readonly parts: Uint8Array | Uint16Array;
  readonly windows: Uint32Array;
}

/** Orders held: the one in use and the one that batches run over into. */
const KEPT_EPOCHS = 2;

/**
 * An epoch has as many windows as all parts together. Without weights it is a permutation of them. With
 * weights a part gets its share of the epoch, and walks through permutations of its own windows from epoch
 * to epoch, so that none of them comes a second time before all others came once.
 *
 * Batches run on over the end of an epoch: all are full, and no window is left out.
 */
export class BatchPlan {
  readonly epochLength: number;
  readonly #parts: readonly PlanPart[];
  /** Windows of each part in one epoch. */
  readonly #counts: readonly number[];
  readonly #rng: Rng;
  readonly #shuffle: boolean;
  readonly #orders: EpochOrder[] = [];

  /** @throws {RangeError} if there are no windows, or the weights make no sense */
  constructor({ parts, seed, shuffle = true }: PlanOptions) {
    this.#parts = parts;
    this.epochLength = parts.reduce((sum, { windows }) => sum + windows, 0);
    if (this.epochLength === 0 || parts.length > 65535 || this.epochLength > 2 ** 32) {
      throw new RangeError(
        `Cannot plan batches: ${parts.length} parts have ${this.epochLength} windows, must have at least one`,
      );
    }
    this.#counts = countsOf(parts, this.epochLength);
    this.#rng = seeded(seed).split("batch plan");
    this.#shuffle = shuffle;
  }

  /**
   * The `size` windows from a position on.
   *
   * @throws {RangeError} if the position is none of this plan
   */
  batch(position: PlanPosition, size: number): PlannedBatch {
    const { epochLength } = this;
    let { epoch, index } = position;
    const valid = Number.isSafeInteger(epoch) && epoch >= 0 && Number.isInteger(index);
    if (!valid || index < 0 || index > epochLength) {
      throw new RangeError(
        `Cannot plan a batch at epoch ${epoch}, index ${index}: an epoch has ${epochLength} windows, must be inside`,
      );
    }
    const windows: PlannedWindow[] = [];
    while (windows.length < size) {
      if (index === epochLength) [epoch, index] = [epoch + 1, 0];
      const order = this.#order(epoch);
      windows.push({ part: order.parts[index]!, window: order.windows[index]!, epoch, index });
      index++;
    }
    return {
      windows,
      next: index === epochLength ? { epoch: epoch + 1, index: 0 } : { epoch, index },
    };
  }

  #order(epoch: number): EpochOrder {
    const known = this.#orders.find((order) => order.epoch === epoch);
    if (known !== undefined) return known;
    const order = this.#makeOrder(epoch);
    this.#orders.push(order);
    if (this.#orders.length > KEPT_EPOCHS) this.#orders.shift();
    return order;
  }

  #makeOrder(epoch: number): EpochOrder {
    const { length } = { length: this.epochLength };
    const parts = this.#parts.length <= 256 ? new Uint8Array(length) : new Uint16Array(length);
    let at = 0;
    for (const [part, count] of this.#counts.entries()) {
      parts.fill(part, at, at + count);
      at += count;
    }
    if (this.#shuffle && this.#parts.length > 1)
      permute(parts, this.#rng.split("mix").split(epoch));
    const streams = this.#counts.map((count, part) => this.#stream(part, epoch * count));
    const windows = new Uint32Array(length);
    for (let i = 0; i < length; i++) windows[i] = streams[parts[i]!]!();
    return { epoch, parts, windows };
  }

  /** The windows of a part from a place of its endless walk on. */
  #stream(part: number, from: number): () => number {
    const { windows } = this.#parts[part]!;
    let [round, index] = windows === 0 ? [0, 0] : [Math.floor(from / windows), from % windows];
    let order = this.#permutation(part, round);
    return () => {
      if (index === windows) {
        order = this.#permutation(part, ++round);
        index = 0;
      }
      return order[index++]!;
    };
  }

  #permutation(part: number, round: number): Uint32Array {
    const order = Uint32Array.from({ length: this.#parts[part]!.windows }, (_, i) => i);
    if (this.#shuffle) permute(order, this.#rng.split(`part ${part}`).split(round));
    return order;
  }
}

/** Fisher and Yates's shuffle, in place. */
function permute(items: Uint8Array | Uint16Array | Uint32Array, rng: Rng): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    const held = items[i]!;
    items[i] = items[j]!;
    items[j] = held;
  }
}

/** How many windows of an epoch each part gets, by largest remainders. */
function countsOf(parts: readonly PlanPart[], total: number): number[] {
  const weights = parts.map(({ weight }) => weight);
  if (weights.every((weight) => weight === undefined)) return parts.map(({ windows }) => windows);
  const sum = weights.reduce<number>((all, weight) => all + (weight ?? NaN), 0);
  const sensible = parts.every(({ windows, weight }) => weight! > 0 && windows > 0);
  if (!sensible || !Number.isFinite(sum)) {
    throw new RangeError(
      `Cannot plan batches: the weights are ${weights.join(", ")}, must all be positive (and no part empty) or all be absent`,
    );
  }
  const ideal = weights.map((weight) => (total * weight!) / sum);
  const counts = ideal.map(Math.floor);
  const left = total - counts.reduce((a, b) => a + b, 0);
  const byRemainder = [...ideal.keys()].sort(
    (a, b) => ideal[b]! - counts[b]! - (ideal[a]! - counts[a]!) || a - b,
  );
  for (const part of byRemainder.slice(0, left)) counts[part]!++;
  const never = counts.indexOf(0);
  if (never >= 0) {
    throw new RangeError(
      `Cannot plan batches: part ${never} has weight ${weights[never]}, which is no window of ${total} per epoch, must be larger`,
    );
  }
  return counts;
}
