/** A point or a direction in the plane. */
export interface Vec2 {
  readonly x: number;
  readonly y: number;
}

export const ZERO: Vec2 = { x: 0, y: 0 };

/** Smallest normal float64: keeps divisions by a length of 0 finite without changing any other. */
export const TINY = 2.2250738585072014e-308;

export function add(a: Vec2, b: Vec2): Vec2 {
  return { x: a.x + b.x, y: a.y + b.y };
}

export function sub(a: Vec2, b: Vec2): Vec2 {
  return { x: a.x - b.x, y: a.y - b.y };
}

export function scale(a: Vec2, factor: number): Vec2 {
  return { x: a.x * factor, y: a.y * factor };
}

/** `a + b * factor`. */
export function addScaled(a: Vec2, b: Vec2, factor: number): Vec2 {
  return { x: a.x + b.x * factor, y: a.y + b.y * factor };
}

export function negate(a: Vec2): Vec2 {
  return { x: -a.x, y: -a.y };
}

export function dot(a: Vec2, b: Vec2): number {
  return a.x * b.x + a.y * b.y;
}

/** The z component of the cross product. */
export function cross(a: Vec2, b: Vec2): number {
  return a.x * b.y - a.y * b.x;
}

/** `a` turned by +90 degrees. */
export function turnLeft(a: Vec2): Vec2 {
  return { x: -a.y, y: a.x };
}

/** `a` turned by -90 degrees. */
export function turnRight(a: Vec2): Vec2 {
  return { x: a.y, y: -a.x };
}

export function unit(a: Vec2): Vec2 {
  return scale(a, 1 / (Math.sqrt(dot(a, a)) + TINY));
}

/** From `a` (t = 0) to `b` (t = 1). */
export function mix(a: Vec2, b: Vec2, t: number): Vec2 {
  return { x: a.x * (1 - t) + b.x * t, y: a.y * (1 - t) + b.y * t };
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
