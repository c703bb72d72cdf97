/** What Newcombe's intervals of paired and of independent rates have in common: Wilson's limits, put together as if they were standard errors. */
import type { Interval } from "./statistics.ts";
import { wilsonInterval } from "./statistics.ts";

/** How far Wilson's limits are from a rate. */
export interface Reach {
  readonly below: number;
  readonly above: number;
}

/**
 * @returns NaN for n = 0, where there is no rate
 * @throws {RangeError} unless 0 <= successes <= n are integers and z > 0
 */
export function reachOf(successes: number, n: number, z: number): Reach {
  const rate = successes / n;
  const { low, high } = wilsonInterval(successes, n, z);
  return { below: rate - low, above: high - rate };
}

/** Of the second rate minus the first; `phi` is the correlation of their outcomes, 0 where they are independent. */
export function differenceInterval(
  difference: number,
  [first, second]: readonly [Reach, Reach],
  phi: number,
): Interval & { readonly difference: number } {
  return {
    difference,
    low: Math.max(-1, difference - together(second.below, first.above, phi)),
    high: Math.min(1, difference + together(second.above, first.below, phi)),
  };
}

function together(a: number, b: number, phi: number): number {
  return Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
}
