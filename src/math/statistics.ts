/** A closed interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson's score interval for a success rate (Wilson 1927, JASA 22:209), which unlike the normal
 * interval stays inside [0, 1] and is honest at 0 and at n successes.
 *
 * @param z standard normal quantile; 1.96 (default) gives 95 % coverage
 * @returns {low: 0, high: 1} for n = 0: nothing is known
 * @throws {RangeError} unless 0 <= successes <= n are integers and z > 0
 */
export function wilsonInterval(successes: number, n: number, z = 1.96): Interval {
  const counts = Number.isInteger(successes) && Number.isInteger(n);
  if (!counts || successes < 0 || successes > n || !(z > 0 && z < Infinity)) {
    throw new RangeError(
      `Cannot compute a Wilson interval: ${successes} of ${n} with z ${z}, must be integers with 0 <= successes <= n and a positive z`,
    );
  }
  if (n === 0) return { low: 0, high: 1 };
  const rate = successes / n;
  const z2n = (z * z) / n;
  const centre = (rate + z2n / 2) / (1 + z2n);
  const half = (z / (1 + z2n)) * Math.sqrt((rate * (1 - rate)) / n + z2n / (4 * n));
  // The ends are exact where all or none succeeded; rounding would leave 1e-17.
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === n ? 1 : Math.min(1, centre + half),
  };
}

/**
 * The value below which the fraction `q` of the values lies, linearly interpolated between neighbours
 * (Hyndman & Fan 1996, definition 7: numpy's default). The values need not be sorted.
 *
 * @param q fraction in [0, 1]: 0.5 is the median, 0.95 the 95th percentile
 * @throws {RangeError} if there are no values, one is NaN, or q is outside [0, 1]
 */
export function percentile(values: ArrayLike<number>, q: number): number {
  return percentiles(values, [q])[0]!;
}

/** Several percentiles of the same values; sorts once. See `percentile`. */
export function percentiles(
  values: ArrayLike<number>,
  fractions: readonly number[],
): readonly number[] {
  if (values.length === 0) {
    throw new RangeError("Cannot take a percentile: there are no values, must be at least one");
  }
  const sorted = Float64Array.from(values).sort();
  // A typed array sorts NaN to the end.
  if (Number.isNaN(sorted[sorted.length - 1])) {
    throw new RangeError("Cannot take a percentile: a value is NaN, all must be numbers");
  }
  return fractions.map((q) => {
    if (!(q >= 0 && q <= 1)) {
      throw new RangeError(`Cannot take a percentile: q is ${q}, must be a fraction in [0, 1]`);
    }
    const rank = q * (sorted.length - 1);
    const below = sorted[Math.floor(rank)]!;
    const above = sorted[Math.ceil(rank)]!;
    const fraction = rank - Math.floor(rank);
    if (fraction === 0) return below;
    // Weighted, not `below + fraction * (above - below)`: that difference may overflow.
    return Math.min(above, Math.max(below, below * (1 - fraction) + above * fraction));
  });
}

/** @throws {RangeError} if there are no values */
export function mean(values: ArrayLike<number>): number {
  if (values.length === 0) {
    throw new RangeError("Cannot take a mean: there are no values, must be at least one");
  }
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/**
 * Standard deviation of a sample (divisor n - 1), in two passes so that a large mean costs no digits.
 * @throws {RangeError} with fewer than two values
 */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) {
    throw new RangeError(
      `Cannot take a standard deviation: there are ${values.length} values, must be at least 2`,
    );
  }
  const centre = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - centre) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/** 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom, as any table has them. */
const T975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
];

/** The 97.5 % quantile of Student's t; beyond 30 degrees of freedom the normal's 1.96. */
export function studentT975(degreesOfFreedom: number): number {
  return T975[Math.max(1, degreesOfFreedom) - 1] ?? 1.96;
}

/**
 * The mean of a sample with its 95 % interval by Student's t (beyond 31 values by the normal's 1.96).
 * @throws {RangeError} with fewer than two values
 */
export function meanInterval(values: ArrayLike<number>): Interval & { readonly mean: number } {
  const deviation = standardDeviation(values);
  const centre = mean(values);
  const t = studentT975(values.length - 1);
  const half = (t * deviation) / Math.sqrt(values.length);
  return { mean: centre, low: centre - half, high: centre + half };
}
