/** Numbers to pixels with round numbers beside them, linear or logarithmic. Pure. */
import type { Range } from "./series.ts";

export interface Scale {
  /** Share of the way from the low to the high end; outside [0, 1] for values outside. */
  at(value: number): number;
  /** The value at a share: the inverse of `at`. */
  valueAt(share: number): number;
  readonly ticks: readonly Tick[];
}

export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** @param count about so many ticks; they are multiples of 1, 2 or 5 times a power of ten */
export function linearScale({ low, high }: Range, count: number): Scale {
  const span = high > low ? high - low : 1;
  const step = niceStep(span / Math.max(1, count));
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks: Tick[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= low + span + 1e-9 * span; i++) {
    ticks.push({ value: i * step, label: tickLabel(i * step, digits) });
  }
  return {
    at: (value) => (value - low) / span,
    valueAt: (share) => low + share * span,
    ticks,
  };
}

/** @throws {RangeError} unless both ends are above 0 */
export function logScale({ low, high }: Range, count: number): Scale {
  if (!(low > 0) || !(high > 0)) {
    throw new RangeError(
      `Cannot make a log scale: it goes from ${low} to ${high}, must be above 0`,
    );
  }
  const from = Math.log10(low);
  const span = high > low ? Math.log10(high) - from : 1;
  const decades = Math.max(1, Math.round(span / Math.max(1, count)));
  // Few decades have room for the numbers between them.
  const factors =
    span > count / 2 ? [1] : span > count / 4 ? [1, 3] : span > 0.5 ? [1, 2, 3, 5, 7] : NARROW;
  const ticks: Tick[] = [];
  for (let decade = Math.floor(from); decade <= from + span; decade++) {
    if (factors.length === 1 && decade % decades !== 0) continue;
    for (const factor of factors) {
      const value = factor * 10 ** decade;
      if (Math.log10(value) < from - 1e-9 || Math.log10(value) > from + span + 1e-9) continue;
      ticks.push({
        value,
        label: tickLabel(value, Math.max(0, -decade + (factor % 1 === 0 ? 0 : 1))),
      });
    }
  }
  return {
    at: (value) => (value > 0 ? (Math.log10(value) - from) / span : -Infinity),
    valueAt: (share) => 10 ** (from + share * span),
    ticks,
  };
}

/** Within half a decade the ticks are closer. */
const NARROW = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9];

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = rough / power;
  // The nearest by ratio.
  return power * (factor < 1.41 ? 1 : factor < 3.16 ? 2 : factor < 7.07 ? 5 : 10);
}

function tickLabel(value: number, digits: number): string {
  if (value === 0) return "0";
  if (digits > 3) return value.toExponential(mantissaDigits(value));
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toFixed(2))}M`;
  if (Math.abs(value) >= 1e4) return `${Number((value / 1e3).toFixed(1))}k`;
  return Math.abs(value) >= 1000 ? value.toLocaleString("en") : value.toFixed(digits);
}

/** Digits after the point of a mantissa like 2.5. */
function mantissaDigits(value: number): number {
  const mantissa = Math.abs(value) / 10 ** Math.floor(Math.log10(Math.abs(value)) + 1e-9);
  return Math.abs(mantissa - Math.round(mantissa)) < 1e-6 ? 0 : 1;
}
