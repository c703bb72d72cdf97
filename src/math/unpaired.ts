/** Differences of what was measured on different things: nothing is paired. */
import { differenceInterval, reachOf } from "./newcombe.ts";
import type { Interval } from "./statistics.ts";
import { mean, standardDeviation, studentT975 } from "./statistics.ts";

/** How many of how many. */
export interface Proportion {
  readonly successes: number;
  readonly n: number;
}

/**
 * The second success rate minus the first, of independent samples, with its interval: Newcombe 1998
 * (Statistics in Medicine 17:873), method 10. Wilson's limits of both rates, put together as if they were standard errors.
 *
 * @param z standard normal quantile; 1.96 (default) gives 95 % coverage
 * @returns a difference of 0 from -1 to 1 where one of them has no sample: nothing is known
 * @throws {RangeError} unless 0 <= successes <= n are integers
 */
export function proportionDifference(
  first: Proportion,
  second: Proportion,
  z = 1.96,
): Interval & { readonly difference: number } {
  const reaches = [
    reachOf(first.successes, first.n, z),
    reachOf(second.successes, second.n, z),
  ] as const;
  if (first.n === 0 || second.n === 0) return { difference: 0, low: -1, high: 1 };
  const difference = second.successes / second.n - first.successes / first.n;
  return differenceInterval(difference, reaches, 0);
}

/**
 * The second mean minus the first, of independent samples whose deviations may differ, with its 95 % interval: Welch 1947
 * (Biometrika 34:28), degrees of freedom after Satterthwaite, rounded down.
 * @throws {RangeError} with fewer than two values in one of them
 */
export function meanDifference(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
): Interval & { readonly difference: number } {
  const [a, b] = [first, second].map(
    (values) => standardDeviation(values) ** 2 / values.length,
  ) as [number, number];
  const difference = mean(second) - mean(first);
  const both = a + b;
  if (both === 0) return { difference, low: difference, high: difference };
  const freedom = both ** 2 / (a ** 2 / (first.length - 1) + b ** 2 / (second.length - 1));
  const half = studentT975(Math.floor(freedom)) * Math.sqrt(both);
  return { difference, low: difference - half, high: difference + half };
}
