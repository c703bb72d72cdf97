/** Rows as numbers over an axis: chosen, smoothed, thinned out to the pixels there are. Pure. */
import { lastIndexAt } from "../lanes/lane.ts";
import type { Row } from "./rows.ts";

export type AxisKind = "update" | "epoch" | "time";

export const AXIS_KINDS: readonly AxisKind[] = ["update", "epoch", "time"];

/** What is along the bottom, with its unit. */
export interface XAxis {
  readonly kind: AxisKind;
  /** Word of one unit: `update`, `epoch`, `h`, `min`, `s`. */
  readonly unit: string;
  /** Seconds of one unit; 1 for updates and epochs. */
  readonly perUnit: number;
}

/** The axis for rows that reach so far, with the largest unit of time that they fill. */
export function axisOf(kind: AxisKind, longestS: number): XAxis {
  if (kind !== "time") return { kind, unit: kind, perUnit: 1 };
  if (longestS >= 3 * 3600) return { kind, unit: "h", perUnit: 3600 };
  return longestS >= 180 ? { kind, unit: "min", perUnit: 60 } : { kind, unit: "s", perUnit: 1 };
}

export function xOfRow(row: Row, { kind, perUnit }: XAxis): number {
  if (kind === "update") return row.step;
  return kind === "epoch" ? row.epoch : row.elapsedS / perUnit;
}

/** Ascending places and their values; a value may be NaN, a place never. */
export interface Series {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

export function seriesOf(
  rows: readonly Row[],
  axis: XAxis,
  valueOf: (row: Row) => number | undefined,
): Series {
  const placed = rows.filter((row) => !Number.isNaN(xOfRow(row, axis)));
  return {
    x: Float64Array.from(placed, (row) => xOfRow(row, axis)),
    y: Float64Array.from(placed, (row) => valueOf(row) ?? NaN),
  };
}

/**
 * An exponential mean with the bias of its beginning taken out (Kingma & Ba 2015, arXiv:1412.6980, section 3):
 * the first value is itself, and a constant stays what it is. NaN stays NaN and counts for nothing.
 *
 * @param weight of the past, [0, 1); 0 changes nothing
 */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(values.length);
  let sum = 0;
  let share = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      out[i] = value;
      continue;
    }
    sum = weight * sum + (1 - weight) * value;
    share = weight * share + (1 - weight);
    out[i] = sum / share;
  }
  return out;
}

/**
 * What a line of one pixel's width needs: of every pixel column its first, lowest, highest and last point, in
 * order. Series that have fewer points come back as they are.
 */
export function thin(series: Series, columns: number): Series {
  const { x, y } = series;
  const from = x[0] ?? 0;
  const span = (x.at(-1) ?? 0) - from;
  if (x.length <= 4 * columns || !(span > 0)) return series;
  const columnOf = (at: number): number =>
    Math.min(columns - 1, Math.floor(((at - from) / span) * columns));
  const kept: number[] = [];
  let first = 0;
  for (let i = 1; i <= x.length; i++) {
    const sameColumn = i < x.length && columnOf(x[i]!) === columnOf(x[first]!);
    if (sameColumn) continue;
    kept.push(...extremes(y, first, i));
    first = i;
  }
  return { x: Float64Array.from(kept, (i) => x[i]!), y: Float64Array.from(kept, (i) => y[i]!) };
}

/** Indexes of the first, lowest, highest and last of `values[from] .. values[to - 1]`, ascending, each once. */
function extremes(values: Float64Array, from: number, to: number): number[] {
  let low = from;
  let high = from;
  for (let i = from; i < to; i++) {
    // The comparisons are written so that a NaN at the start gives way.
    if (!(values[i]! >= values[low]!) && !Number.isNaN(values[i])) low = i;
    if (!(values[i]! <= values[high]!) && !Number.isNaN(values[i])) high = i;
  }
  return [...new Set([from, low, high, to - 1])].sort((a, b) => a - b);
}

/** Index of the place that is nearest; -1 where there is none. */
export function nearestIndex(x: ArrayLike<number>, at: number): number {
  const before = lastIndexAt(x, at);
  if (before < 0) return x.length === 0 ? -1 : 0;
  const after = x[before + 1];
  return after !== undefined && after - at < at - x[before]! ? before + 1 : before;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** The finite values' range; undefined where there are none. */
export function rangeOf(lists: readonly ArrayLike<number>[]): Range | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const values of lists) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > high ? undefined : { low, high };
}
