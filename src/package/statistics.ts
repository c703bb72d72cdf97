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

/** The tensors of a statistics file, `feature/statistic`, grouped by feature. */
export function groupStatistics(
  tensors: Readonly<Record<string, NdArray>>,
): ReadonlyMap<string, FeatureStatistics> {
  const groups = new Map<string, Record<string, NdArray>>();
  for (const [key, array] of Object.entries(tensors)) {
    const slash = key.lastIndexOf("/");
    if (slash < 0) continue;
    const feature = key.slice(0, slash);
    const group = groups.get(feature) ?? {};
    group[key.slice(slash + 1)] = array;
    groups.set(feature, group);
  }
  return groups;
}

/** `normalised = (x - offset) / scale`, for every element of the feature's last dimensions. */
export interface Affine {
  readonly offset: Float64Array;
  readonly scale: Float64Array;
}

/** @throws {TypeError} if the statistics that the mode needs are absent, unequal in length or not finite */
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
  switch (mode) {
    case "identity":
      return { offset: Float64Array.of(0), scale: Float64Array.of(1) };
    case "mean_std": {
      const [mean, std] = [get("mean"), get("std")];
      return { offset: mean, scale: joined(std, mean, (s) => s + EPSILON) };
    }
    case "min_max":
    case "quantiles": {
      const [low, high] = mode === "min_max" ? [get("min"), get("max")] : [get("q01"), get("q99")];
      const width = joined(low, high, (a, b) =>
        mode === "min_max" ? b - a + EPSILON : b === a ? EPSILON : b - a,
      );
      return { offset: joined(low, width, (a, w) => a + w / 2), scale: width.map((w) => w / 2) };
    }
  }
}

/** `float32` in, `float32` out; the statistics repeat over leading dimensions. */
export function normalise(values: Float32Array, { offset, scale }: Affine): Float32Array {
  assertRepeats(values.length, offset.length);
  const n = offset.length;
  return values.map((x, i) => (x - (offset[i % n] ?? 0)) / (scale[i % n] ?? 1));
}

export function denormalise(values: Float32Array, { offset, scale }: Affine): Float32Array {
  assertRepeats(values.length, offset.length);
  const n = offset.length;
  return values.map((x, i) => x * (scale[i % n] ?? 1) + (offset[i % n] ?? 0));
}

function assertRepeats(length: number, period: number): void {
  if (period === 0 || length % period !== 0) {
    throw new TypeError(
      `Cannot normalise ${length} values: there are statistics of ${period}, must divide them`,
    );
  }
}
