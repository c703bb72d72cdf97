import type { Vec2 } from "./vector.ts";

/** An axis-aligned box. */
export interface Bounds {
  readonly xMin: number;
  readonly yMin: number;
  readonly xMax: number;
  readonly yMax: number;
}

export function overlap(a: Bounds, b: Bounds): boolean {
  return a.xMin <= b.xMax && b.xMin <= a.xMax && a.yMin <= b.yMax && b.yMin <= a.yMax;
}

/** Whether `inner` lies within `outer`. */
export function contains(outer: Bounds, inner: Bounds): boolean {
  return (
    outer.xMin <= inner.xMin &&
    outer.xMax >= inner.xMax &&
    outer.yMin <= inner.yMin &&
    outer.yMax >= inner.yMax
  );
}

export function merge(a: Bounds, b: Bounds): Bounds {
  return {
    xMin: Math.min(a.xMin, b.xMin),
    yMin: Math.min(a.yMin, b.yMin),
    xMax: Math.max(a.xMax, b.xMax),
    yMax: Math.max(a.yMax, b.yMax),
  };
}

export function area(a: Bounds): number {
  return (a.xMax - a.xMin) * (a.yMax - a.yMin);
}

/** Twice the Manhattan distance of the centres. */
export function remoteness(a: Bounds, b: Bounds): number {
  return Math.abs(a.xMin + a.xMax - b.xMin - b.xMax) + Math.abs(a.yMin + a.yMax - b.yMin - b.yMax);
}

export function centre(a: Bounds): Vec2 {
  return { x: a.xMin * 0.5 + a.xMax * 0.5, y: a.yMin * 0.5 + a.yMax * 0.5 };
}
