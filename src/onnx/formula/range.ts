/** Between which numbers the parts of a formula lie, so that what has no lowest value is found before anything is run. */

/** Of a part of a formula, over all chunks and observations there could be; wider than it is, never narrower. */
export interface Range {
  readonly low: number;
  readonly high: number;
  /** Whether it has a lowest and a highest value over all chunks while the observation stays as it is. */
  readonly floored: boolean;
  readonly capped: boolean;
}

/** What the actions decide: any finite number. */
export const FREE: Range = { low: -Infinity, high: Infinity, floored: false, capped: false };
/** What is observed: any finite number, which no action changes. */
export const HELD: Range = { low: -Infinity, high: Infinity, floored: true, capped: true };

/** @param under what is known where the ends are infinite */
export function between(
  low: number,
  high: number,
  under: Pick<Range, "floored" | "capped"> = FREE,
): Range {
  return {
    low,
    high,
    floored: under.floored || low > -Infinity,
    capped: under.capped || high < Infinity,
  };
}

export function negated({ low, high, floored, capped }: Range): Range {
  return { low: -high, high: -low, floored: capped, capped: floored };
}

export function sum(a: Range, b: Range): Range {
  return between(a.low + b.low, a.high + b.high, {
    floored: a.floored && b.floored,
    capped: a.capped && b.capped,
  });
}

export function product(a: Range, b: Range): Range {
  // Nothing times whatever is nothing, also at infinity.
  const times = (x: number, y: number): number => (x === 0 || y === 0 ? 0 : x * y);
  const ends = [
    times(a.low, b.low),
    times(a.low, b.high),
    times(a.high, b.low),
    times(a.high, b.high),
  ];
  // It falls without end where one factor grows without end, in either direction, while the other is of the other sign.
  const falls = (x: Range, y: Range): boolean =>
    (!x.floored && y.high > 0) || (!x.capped && y.low < 0);
  const grows = (x: Range, y: Range): boolean =>
    (!x.floored && y.low < 0) || (!x.capped && y.high > 0);
  return between(Math.min(...ends), Math.max(...ends), {
    floored: !falls(a, b) && !falls(b, a),
    capped: !grows(a, b) && !grows(b, a),
  });
}

/** Whether it stays above 0 in float32, too. */
export function isPositive({ low }: Range): boolean {
  return Math.fround(low) > 0;
}

/** 1 / a, for an `a` that is never 0; `undefined` where it may be. */
export function inverse(a: Range): Range | undefined {
  if (!isPositive(a) && !isPositive(negated(a))) return undefined;
  return between(1 / a.high, 1 / a.low);
}

export function power(a: Range, exponent: number): Range {
  const ends = [a.low ** exponent, a.high ** exponent];
  if (exponent % 2 === 1) return between(Math.min(...ends), Math.max(...ends), a);
  return awayFromZero(a, ends);
}

export function magnitude(a: Range): Range {
  return awayFromZero(a, [Math.abs(a.low), Math.abs(a.high)]);
}

/** What is least at 0 and grows to both sides. */
function awayFromZero(a: Range, ends: readonly number[]): Range {
  const least = a.low <= 0 && a.high >= 0 ? 0 : Math.min(...ends);
  return between(least, Math.max(...ends), { floored: true, capped: a.floored && a.capped });
}

/** Of a function that never falls. */
export function rising(a: Range, of: (x: number) => number): Range {
  return between(of(a.low), of(a.high), a);
}

export function least(a: Range, b: Range): Range {
  return between(Math.min(a.low, b.low), Math.min(a.high, b.high), {
    floored: a.floored && b.floored,
    capped: a.capped || b.capped,
  });
}

export function greatest(a: Range, b: Range): Range {
  return negated(least(negated(a), negated(b)));
}
