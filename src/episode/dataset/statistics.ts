/** Statistics of low-dimensional features, for normalisation. */
import { percentiles } from "../../math/index.ts";
import { elementCount } from "../../core/index.ts";
import type { ComponentSpec, NdArray } from "../../core/index.ts";
import type { Dataset } from "./types.ts";

/** Statistics of one feature, one value per element; population standard deviation. */
export interface ColumnStatistics {
  readonly count: number;
  readonly mean: Float64Array;
  readonly std: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly q01: Float64Array;
  readonly q99: Float64Array;
}

export type ColumnMoments = Pick<ColumnStatistics, "count" | "mean" | "std" | "min" | "max">;

/**
 * Mean and variance by Welford's recurrence (Welford 1962, Technometrics 4:419), which does not lose
 * digits where the mean is large; the result depends on the order of rows and on nothing else. No value is kept.
 */
export class RunningMoments {
  readonly #mean: Float64Array;
  readonly #squares: Float64Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  #count = 0;

  /** @param width elements of one row */
  constructor(width: number) {
    this.#mean = new Float64Array(width);
    this.#squares = new Float64Array(width);
    this.#min = new Float64Array(width).fill(Infinity);
    this.#max = new Float64Array(width).fill(-Infinity);
  }

  get count(): number {
    return this.#count;
  }

  /** @param start where the row begins */
  add(values: ArrayLike<number>, start = 0): void {
    this.#count++;
    for (let i = 0; i < this.#mean.length; i++) {
      const value = values[start + i]!;
      const before = value - this.#mean[i]!;
      this.#mean[i]! += before / this.#count;
      this.#squares[i]! += before * (value - this.#mean[i]!);
      if (value < this.#min[i]!) this.#min[i] = value;
      if (value > this.#max[i]!) this.#max[i] = value;
    }
  }

  result(): ColumnMoments {
    return {
      count: this.#count,
      mean: this.#mean.slice(),
      std: this.#squares.map((sum) => Math.sqrt(sum / this.#count)),
      min: this.#min.slice(),
      max: this.#max.slice(),
    };
  }
}

/** Moments (`RunningMoments`), and quantiles that are exact (linear between neighbours), for which all values are kept: 4 bytes each. */
export class RunningStatistics {
  readonly #width: number;
  readonly #moments: RunningMoments;
  readonly #blocks: Float32Array[] = [];

  /** @param width elements of one row */
  constructor(width: number) {
    this.#width = width;
    this.#moments = new RunningMoments(width);
  }

  /**
   * @param rows `float32[n, width]`; kept, so it must not change afterwards
   * @throws {TypeError} if it is not whole rows
   * @throws {RangeError} if a value is not finite
   */
  add(rows: Float32Array): void {
    const width = this.#width;
    if (width === 0 ? rows.length > 0 : rows.length % width !== 0) {
      throw new TypeError(
        `Cannot add ${rows.length} values to statistics: a row has ${width}, must be whole rows`,
      );
    }
    if (!rows.every(Number.isFinite)) {
      throw new RangeError("Cannot add to statistics: a value is not finite, must be");
    }
    this.#blocks.push(rows);
    for (let start = 0; start < rows.length; start += width) this.#moments.add(rows, start);
  }

  /** @throws {RangeError} if there are no rows */
  result(): ColumnStatistics {
    const width = this.#width;
    if (this.#moments.count === 0) {
      throw new RangeError("Cannot compute statistics: there are no rows, must be at least one");
    }
    const [q01, q99] = [new Float64Array(width), new Float64Array(width)];
    for (let i = 0; i < width; i++) {
      const [low, high] = percentiles(this.#column(i), [0.01, 0.99]);
      q01[i] = low!;
      q99[i] = high!;
    }
    return { ...this.#moments.result(), q01, q99 };
  }

  #column(i: number): Float32Array {
    const column = new Float32Array(this.#moments.count);
    let at = 0;
    for (const block of this.#blocks) {
      for (let k = i; k < block.length; k += this.#width) column[at++] = block[k]!;
    }
    return column;
  }
}

/** Statistics of a dataset by the names of its components. */
export interface DatasetStatistics {
  readonly proprio: Readonly<Record<string, ColumnStatistics>>;
  /** Over the whole concatenated row, `actionDim` values. */
  readonly action: ColumnStatistics;
}

/**
 * Over all steps of all episodes, each counted once.
 *
 * @throws {RangeError} if a number of the data is not finite
 * @throws {TypeError} if the datasets have rows of different widths
 */
export async function computeStatistics(
  datasets: readonly Pick<Dataset, "spec" | "episodes" | "actions" | "proprio">[],
): Promise<DatasetStatistics> {
  const [first] = datasets;
  if (first === undefined) {
    throw new RangeError("Cannot compute statistics: there are no datasets, must be at least one");
  }
  const proprioWidth = widthOf(first.spec.proprio);
  const actions = new RunningStatistics(widthOf(first.spec.action.components));
  const proprio = new RunningStatistics(proprioWidth);
  for (const dataset of datasets) {
    for (const { index } of dataset.episodes) {
      actions.add(await dataset.actions(index));
      proprio.add(await dataset.proprio(index));
    }
  }
  return {
    action: actions.result(),
    proprio: splitByComponent(first.spec.proprio, proprio.result()),
  };
}

function widthOf(components: readonly ComponentSpec[]): number {
  return components.reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

function splitByComponent(
  components: readonly ComponentSpec[],
  joint: ColumnStatistics,
): Record<string, ColumnStatistics> {
  let from = 0;
  const parts = components.map(({ name, shape }) => {
    const to = from + elementCount(shape);
    const part = (values: Float64Array): Float64Array => values.slice(from, to);
    const { count, mean, std, min, max, q01, q99 } = joint;
    const statistics = {
      count,
      mean: part(mean),
      std: part(std),
      min: part(min),
      max: part(max),
      q01: part(q01),
      q99: part(q99),
    };
    from = to;
    return [name, statistics] as const;
  });
  return Object.fromEntries(parts);
}

const STORED = ["mean", "std", "min", "max", "q01", "q99"] as const;

/** Statistics of features that are concatenated, in this order; all must be over equally many rows. */
export function joinStatistics(parts: readonly ColumnStatistics[]): ColumnStatistics {
  const counts = new Set(parts.map(({ count }) => count));
  if (counts.size !== 1) {
    throw new RangeError(
      `Cannot join statistics: they are over ${[...counts].join(", ")} rows, must be over equally many`,
    );
  }
  const join = (name: (typeof STORED)[number]): Float64Array =>
    Float64Array.from(parts.flatMap((part) => [...part[name]]));
  const [count = 0] = counts;
  return {
    count,
    mean: join("mean"),
    std: join("std"),
    min: join("min"),
    max: join("max"),
    q01: join("q01"),
    q99: join("q99"),
  };
}

/** The tensors of a policy package's statistics file, `feature/statistic`, each `float32[elements]`; of those that there are. */
export function statisticsTensors(
  features: Readonly<Record<string, Partial<ColumnStatistics>>>,
): Record<string, NdArray> {
  const tensors: Record<string, NdArray> = {};
  for (const [feature, columns] of Object.entries(features)) {
    for (const name of STORED) {
      const values = columns[name];
      if (values === undefined) continue;
      const data = Float32Array.from(values);
      tensors[`${feature}/${name}`] = { dtype: "float32", shape: [data.length], data };
    }
  }
  return tensors;
}
