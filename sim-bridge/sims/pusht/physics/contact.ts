import type { Closest, EdgeHint } from "./closest.ts";
import { closestPoints } from "./closest.ts";
import type { Shape } from "./shape.ts";
import type { Vec2 } from "./vector.ts";
import { TINY, add, addScaled, clamp, cross, dot, mix, negate, scale, sub } from "./vector.ts";

/** A pair of touching points, world frame. */
export interface Touch {
  readonly onFirst: Vec2;
  readonly onSecond: Vec2;
  /** Which corners made it: the same in the next step means the same contact. */
  readonly id: number;
}

export interface Collision {
  /** Unit vector from the first shape to the second. */
  readonly normal: Vec2;
  readonly touches: readonly Touch[];
}

export interface CollisionResult {
  readonly collision?: Collision;
  readonly hint: EdgeHint;
}

/** Of two shapes, one of them a polygon: what touches. `first` is a circle or a segment. */
export function collide(first: Shape, polygon: Shape, hint?: EdgeHint): CollisionResult {
  const closest = closestPoints(first, polygon, hint);
  if (closest.distance > first.radius + polygon.radius) return { hint: closest.hint };
  const touches =
    first.kind === "circle"
      ? pointTouch(first, polygon, closest)
      : clipEdges(first, polygon, closest);
  return { collision: { normal: closest.normal, touches }, hint: closest.hint };
}

function pointTouch(circle: Shape, polygon: Shape, closest: Closest): readonly Touch[] {
  const { normal } = closest;
  return [
    {
      onFirst: addScaled(closest.onFirst, normal, circle.radius),
      onSecond: addScaled(closest.onSecond, normal, -polygon.radius),
      id: 0,
    },
  ];
}

interface Edge {
  readonly start: Vec2;
  readonly end: Vec2;
  readonly startIndex: number;
  readonly endIndex: number;
  readonly radius: number;
}

/**
 * The ends of the two facing edges, each projected onto the other edge along the normal: up to two contacts
 * (contact clipping, as in Chipmunk2D 7's `cpCollision.c`, MIT licence).
 */
function clipEdges(first: Shape, second: Shape, { normal }: Closest): readonly Touch[] {
  const e1 = facingEdge(first, normal);
  const e2 = facingEdge(second, negate(normal));
  const [start1, end1] = [cross(e1.start, normal), cross(e1.end, normal)];
  const [start2, end2] = [cross(e2.start, normal), cross(e2.end, normal)];
  const perLength1 = 1 / (end1 - start1 + TINY);
  const perLength2 = 1 / (end2 - start2 + TINY);
  const touches: Touch[] = [];
  const offer = (at1: number, at2: number, id: number): void => {
    const onFirst = add(scale(normal, e1.radius), mix(e1.start, e1.end, clamp(at1, 0, 1)));
    const onSecond = add(scale(normal, -e2.radius), mix(e2.start, e2.end, clamp(at2, 0, 1)));
    if (dot(sub(onSecond, onFirst), normal) <= 0) touches.push({ onFirst, onSecond, id });
  };
  offer(
    (end2 - start1) * perLength1,
    (start1 - start2) * perLength2,
    touchId(e1.startIndex, e2.endIndex),
  );
  offer(
    (start2 - start1) * perLength1,
    (end1 - start2) * perLength2,
    touchId(e1.endIndex, e2.startIndex),
  );
  return touches;
}

/** The shapes are known: within one pair the two corners tell contacts apart. */
function touchId(first: number, second: number): number {
  return first * 256 + second;
}

function facingEdge(shape: Shape, direction: Vec2): Edge {
  return shape.kind === "segment"
    ? facingSide(shape, direction)
    : facingPolygonEdge(shape, direction);
}

function facingSide(segment: Shape, direction: Vec2): Edge {
  const [start, end] = dot(segment.directions[0]!, direction) > 0 ? [0, 1] : [1, 0];
  return edgeOf(segment, start, end);
}

/** Of the two edges at the farthest corner the one that faces `direction` more. */
function facingPolygonEdge(polygon: Shape, direction: Vec2): Edge {
  const count = polygon.points.length;
  const at = polygon.support(direction);
  const after = (at + 1) % count;
  const { directions } = polygon;
  return dot(direction, directions[at]!) > dot(direction, directions[after]!)
    ? edgeOf(polygon, (at - 1 + count) % count, at)
    : edgeOf(polygon, at, after);
}

function edgeOf({ points, radius }: Shape, startIndex: number, endIndex: number): Edge {
  return { start: points[startIndex]!, end: points[endIndex]!, startIndex, endIndex, radius };
}
