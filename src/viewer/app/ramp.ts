/** One colour scale for numbers that are to become small: the scene's candidates and the panel's plots share it. */
import type { Theme } from "./theme.ts";

/** 0 to 1 in each of red, green, blue; sRGB. */
export type Rgb = readonly [number, number, number];

/** @param color `#rrggbb` */
export function rgbOf(color: string): Rgb {
  const digits = /^#([0-9a-f]{6})$/i.exec(color)?.[1];
  if (digits === undefined) {
    throw new SyntaxError(`Cannot read colour: "${color}" is no #rrggbb, must be one`);
  }
  const value = parseInt(digits, 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

/** From the lowest number, 0: the accent, to the highest, 1: the colour that stands furthest from it. */
export function rampColor({ accent, series }: Theme, share: number): Rgb {
  const [low, high] = [rgbOf(accent), rgbOf(series[1]!)];
  const t = Number.isFinite(share) ? Math.max(0, Math.min(1, share)) : 1;
  const mix = (i: 0 | 1 | 2): number => low[i] + (high[i] - low[i]) * t;
  return [mix(0), mix(1), mix(2)];
}

export function cssColor([red, green, blue]: Rgb): string {
  const byte = (x: number): number => Math.round(x * 255);
  return `rgb(${byte(red)} ${byte(green)} ${byte(blue)})`;
}

/** Where each number lies between the least and the largest finite one, 0 to 1; what is not finite lies at 1. */
export function sharesOf(values: readonly number[]): number[] {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const span = high - low;
  return values.map((value) =>
    Number.isFinite(value) ? (span > 0 ? (value - low) / span : 0) : 1,
  );
}
