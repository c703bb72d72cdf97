import { differenceInterval, reachOf } from "./newcombe.ts";
import type { Interval } from "./statistics.ts";

/** Outcomes of things that were tried twice, for instance by two policies from the same state. */
export interface PairedCounts {
  readonly both: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly neither: number;
}

/** Counts pairs of what succeeded. */
export function pairedCounts(
  pairs: Iterable<readonly [first: boolean, second: boolean]>,
): PairedCounts {
  const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  for (const [first, second] of pairs) {
    if (first) counts[second ? "both" : "onlyFirst"]++;
    else counts[second ? "onlySecond" : "neither"]++;
  }
  return counts;
}

/**
 * The second success rate minus the first, of paired outcomes, with its interval: Newcombe 1998
 * (Statistics in Medicine 17:2635), method 10. Wilson's limits of both rates, put together as if they
 * were standard errors, with the correlation of the pairs (continuity corrected). Unlike the normal
 * interval it has a width where no pair differs, and stays inside [-1, 1].
 *
 * Pairs are taken as independent draws; an evaluation over several tasks is stratified, for which the
 * interval is a little too wide, never too narrow.
 *
 * @param z standard normal quantile; 1.96 (default) gives 95 % coverage
 * @returns `{ difference: 0, low: -1, high: 1 }` without pairs: nothing is known
 * @throws {RangeError} unless the counts are integers >= 0
 */
export function pairedDifference(
  counts: PairedCounts,
  z = 1.96,
): Interval & { readonly difference: number } {
  const { both, onlyFirst, onlySecond, neither } = checked(counts);
  const n = both + onlyFirst + onlySecond + neither;
  if (n === 0) return { difference: 0, low: -1, high: 1 };
  const reaches = [reachOf(both + onlyFirst, n, z), reachOf(both + onlySecond, n, z)] as const;
  return differenceInterval((onlySecond - onlyFirst) / n, reaches, correctedPhi(counts, n));
}

/** The correlation of the pairs, moved towards 0 by half a pair where it is positive. */
function correctedPhi({ both, onlyFirst, onlySecond, neither }: PairedCounts, n: number): number {
  const margins =
    (both + onlyFirst) * (onlySecond + neither) * (both + onlySecond) * (onlyFirst + neither);
  if (margins === 0) return 0;
  const cross = both * neither - onlyFirst * onlySecond;
  const corrected = cross < 0 ? cross : Math.max(0, cross - n / 2);
  return corrected / Math.sqrt(margins);
}

/**
 * The exact test of whether two paired success rates differ (McNemar 1947, Psychometrika 12:153, in its
 * binomial form): given that two things differ, either is the better with chance 1/2.
 *
 * @returns the two-sided p-value; 1 where no pair differs
 * @throws {RangeError} unless the counts are integers >= 0
 */
export function mcnemarExact(counts: PairedCounts): number {
  const { onlyFirst, onlySecond } = checked(counts);
  const n = onlyFirst + onlySecond;
  // In logarithms: 2^-n is nothing in doubles for n above 1074.
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}

function checked(counts: PairedCounts): PairedCounts {
  const { both, onlyFirst, onlySecond, neither } = counts;
  const list = [both, onlyFirst, onlySecond, neither];
  if (list.every((count) => Number.isSafeInteger(count) && count >= 0)) return counts;
  throw new RangeError(
    `Cannot compare paired rates: the counts are ${list.join(", ")}, must be integers >= 0`,
  );
}
