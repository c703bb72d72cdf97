/** Normalisation by dataset statistics, as the published `normalize` / `denormalize` components do it. */
import type { NdArray } from "../core/index.ts";

/**
 * | mode | normalised value of x |
 * | --- | --- |
 * | `mean_std` | `(x - mean) / (std + 1e-8)` |
 * | `min_max` | `2 (x - min) / (max - min + 1e-8) - 1` |
 * | `quantiles` | `2 (x - q01) / (q99 - q01) - 1`, the divisor 1e-8 where it is 0 |
 * | `identity` | `x` |
 *
 * Denormalising is the exact inverse of the same formula.
 */
export type NormalizationMode = "mean_std" | "min_max" | "quantiles" | "identity";

/** Statistics of one feature by name (`mean`, `std`, `min`, `max`, `q01`, `q99`), one value per element. */
export type FeatureStatistics = Readonly<Record<string, NdArray>>;

const EPSILON = 1e-8;

/** The tensors of a statistics file, `feature/statistic` or (LeRobot) `feature.statistic`, by feature. */
export function groupStatistics(
  tensors: Readonly<Record<string, NdArray>>,
): ReadonlyMap<string, FeatureStatistics> {
  const groups = new Map<string, Record<string, NdArray>>();
  for (const [key, array] of Object.entries(tensors)) {
    const at = key.includes("/") ? key.lastIndexOf("/") : key.lastIndexOf(".");
    if (at < 0) continue;
    const feature = key.slice(0, at);
    const group = groups.get(feature) ?? {};
    group[key.slice(at + 1)] = array;
    groups.set(feature, group);
  }
  return groups;
}

/** The tensors of a statistics file, named `feature/statistic`: what `groupStatistics` reads. */
export function flatStatistics(
  features: Readonly<Record<string, FeatureStatistics>>,
): Record<string, NdArray> {
  const tensors: Record<string, NdArray> = {};
  for (const [feature, statistics] of Object.entries(features)) {
    for (const [name, array] of Object.entries(statistics)) tensors[`${feature}/${name}`] = array;
  }
  return tensors;
}

/** `normalised = (x - offset) / scale`, for every element of the feature's last dimensions. */
export interface Affine {
  readonly offset: Float64Array;
  readonly scale: Float64Array;
  /**
   * How many last dimensions of the statistics are 1 (images in planes have `[channels, 1, 1]`): so many of the
   * feature's share an element. Default 0.
   */
  readonly shared?: number;
}

/**
 * @throws {TypeError} if the statistics that the mode needs are absent, unequal in length or not finite
 * @throws {RangeError} for a deviation below 0, or a range whose upper end is below its lower
 */
export function affineOf(
  feature: string,
  statistics: FeatureStatistics | undefined,
  mode: NormalizationMode,
): Affine {
  const get = (name: string): Float64Array => {
    const array = statistics?.[name];
    const values = array === undefined ? undefined : Float64Array.from(array.data, Number);
    if (values === undefined || !values.every(Number.isFinite)) {
      const what = values === undefined ? "absent" : "not finite";
      throw new TypeError(
        `Cannot normalise "${feature}": its statistic "${name}" is ${what}, must be finite numbers`,
      );
    }
    return values;
  };
  const joined = (
    a: Float64Array,
    b: Float64Array,
    f: (a: number, b: number) => number,
  ): Float64Array => {
    if (a.length !== b.length) {
      throw new TypeError(
        `Cannot normalise "${feature}": its statistics have ${a.length} and ${b.length} values, must have equally many`,
      );
    }
    return a.map((value, i) => f(value, b[i] ?? NaN));
  };
  const upwards = (widths: Float64Array, what: string): Float64Array => {
    const at = widths.findIndex((width) => width < 0);
    if (at < 0) return widths;
    throw new RangeError(
      `Cannot normalise "${feature}": its statistic ${what} at element ${at}, must not be`,
    );
  };
  const shared = sharedDims(Object.values(statistics ?? {})[0]?.shape ?? []);
  switch (mode) {
    case "identity":
      return { offset: Float64Array.of(0), scale: Float64Array.of(1) };
    case "mean_std": {
      const [mean, std] = [get("mean"), upwards(get("std"), '"std" is negative')];
      return { offset: mean, scale: joined(std, mean, (s) => s + EPSILON), shared };
    }
    case "min_max":
    case "quantiles": {
      const [low, high] = mode === "min_max" ? [get("min"), get("max")] : [get("q01"), get("q99")];
      upwards(
        joined(low, high, (a, b) => b - a),
        mode === "min_max" ? '"max" is below "min"' : '"q99" is below "q01"',
      );
      const width = joined(low, high, (a, b) =>
        mode === "min_max" ? b - a + EPSILON : b === a ? EPSILON : b - a,
      );
      const offset = joined(low, width, (a, w) => a + w / 2);
      return { offset, scale: width.map((w) => w / 2), shared };
    }
  }
}

/** Ones at the end of a shape that has something else before them. */
function sharedDims(shape: readonly number[]): number {
  const last = shape.findLastIndex((dim) => dim !== 1);
  return last < 0 ? 0 : shape.length - 1 - last;
}

/**
 * `float32` in, `float32` out; the statistics repeat over leading dimensions.
 * @param shape of the values; needed where the statistics share elements between last dimensions
 */
export function normalise(
  values: Float32Array,
  affine: Affine,
  shape: readonly number[] = [values.length],
): Float32Array {
  const { offset, scale } = affine;
  const [n, each] = [offset.length, repeats(values, affine, shape)];
  return values.map((x, i) => {
    const k = Math.floor(i / each) % n;
    return (x - (offset[k] ?? 0)) / (scale[k] ?? 1);
  });
}

/** The inverse of `normalise`. */
export function denormalise(
  values: Float32Array,
  affine: Affine,
  shape: readonly number[] = [values.length],
): Float32Array {
  const { offset, scale } = affine;
  const [n, each] = [offset.length, repeats(values, affine, shape)];
  return values.map((x, i) => {
    const k = Math.floor(i / each) % n;
    return x * (scale[k] ?? 1) + (offset[k] ?? 0);
  });
}

/** How many values in a row share an element of the statistics. */
function repeats(values: Float32Array, affine: Affine, shape: readonly number[]): number {
  const { offset, shared = 0 } = affine;
  const each = shape.slice(shape.length - shared).reduce((product, dim) => product * dim, 1);
  const period = offset.length * each;
  if (period === 0 || values.length % period !== 0) {
    throw new TypeError(
      `Cannot normalise ${values.length} values: there are statistics of ${offset.length} for ${each} each, must divide them`,
    );
  }
  return each;
}
