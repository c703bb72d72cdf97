/**
 * The distance of two convex cores, or their depth where they overlap, on the Minkowski difference:
 * Gilbert, Johnson and Keerthi's algorithm (IEEE J. Robotics and Automation 4, 1988) outside, van den
 * Bergen's expanding polytope (2001) inside, in the plane as in Chipmunk2D 7 (`cpCollision.c`, MIT licence):
 * the search starts at the edge it ended with in the last step, which decides between equal answers.
 */
import { centre } from "./bounds.ts";
import type { Shape } from "./shape.ts";
import type { Vec2 } from "./vector.ts";
import { TINY, add, dot, negate, scale, sub, turnLeft, turnRight, unit } from "./vector.ts";

const MAX_ITERATIONS = 30;

/** A corner of the Minkowski difference `second - first`. */
interface Corner {
  readonly first: number;
  readonly second: number;
  readonly onFirst: Vec2;
  readonly onSecond: Vec2;
  readonly at: Vec2;
}

/** The edge a search ended with, as corner indices of both shapes: where the next one starts. */
export interface EdgeHint {
  readonly start: readonly [first: number, second: number];
  readonly end: readonly [first: number, second: number];
}

export interface Closest {
  readonly onFirst: Vec2;
  readonly onSecond: Vec2;
  /** Unit axis of least separation, from the first to the second. */
  readonly normal: Vec2;
  /** Signed distance of the cores along it. */
  readonly distance: number;
  readonly hint: EdgeHint;
}

/** @param hint where the last step's search for this pair ended, if it was tested then */
export function closestPoints(first: Shape, second: Shape, hint?: EdgeHint): Closest {
  const search = { first, second };
  if (hint !== undefined) {
    return approach(search, corner(search, ...hint.start), corner(search, ...hint.end));
  }
  const axis = turnLeft(sub(centre(first.bounds), centre(second.bounds)));
  return approach(search, support(search, axis), support(search, negate(axis)));
}

interface Search {
  readonly first: Shape;
  readonly second: Shape;
}

function corner({ first, second }: Search, i: number, j: number): Corner {
  const onFirst = first.points[i]!;
  const onSecond = second.points[j]!;
  return { first: i, second: j, onFirst, onSecond, at: sub(onSecond, onFirst) };
}

function support(search: Search, direction: Vec2): Corner {
  return corner(search, search.first.support(negate(direction)), search.second.support(direction));
}

function approach(search: Search, start: Corner, end: Corner): Closest {
  let [a, b] = [start, end];
  for (let iteration = 1; iteration <= MAX_ITERATIONS; iteration++) {
    // The origin is to lie to the left of a -> b.
    if (isClockwise(sub(b.at, a.at), add(a.at, b.at))) [a, b] = [b, a];
    const t = edgeParameter(a.at, b.at);
    const towards = -1 < t && t < 1 ? turnLeft(sub(b.at, a.at)) : negate(along(a.at, b.at, t));
    const next = support(search, towards);
    const surrounds =
      isClockwise(sub(b.at, next.at), add(b.at, next.at)) &&
      isClockwise(add(a.at, next.at), sub(a.at, next.at));
    if (surrounds) return expand(search, [a, next, b]);
    if (dot(next.at, towards) <= Math.max(dot(a.at, towards), dot(b.at, towards))) break;
    if (edgeDistance(a.at, next.at) < edgeDistance(next.at, b.at)) b = next;
    else a = next;
  }
  return onEdge(a, b);
}

/** Grows a hull around the origin until its nearest edge is one of the difference itself. */
function expand(search: Search, triangle: readonly Corner[]): Closest {
  let hull = triangle;
  for (let iteration = 1; ; iteration++) {
    const nearest = nearestEdge(hull);
    const a = hull[nearest]!;
    const b = hull[(nearest + 1) % hull.length]!;
    const next = support(search, turnLeft(sub(b.at, a.at)));
    const isBeyond = isClockwise(sub(b.at, a.at), add(sub(next.at, a.at), sub(next.at, b.at)));
    if (!isBeyond || iteration >= MAX_ITERATIONS) return onEdge(a, b);
    hull = insertAfter(hull, nearest, next);
  }
}

function nearestEdge(hull: readonly Corner[]): number {
  let nearest = 0;
  let least = Infinity;
  for (let j = 0; j < hull.length; j++) {
    const i = j === 0 ? hull.length - 1 : j - 1;
    const distance = edgeDistance(hull[i]!.at, hull[j]!.at);
    if (distance >= least) continue;
    least = distance;
    nearest = i;
  }
  return nearest;
}

/** The convex hull with `next` between corner `index` and the one after it. */
function insertAfter(hull: readonly Corner[], index: number, next: Corner): readonly Corner[] {
  const count = hull.length;
  const grown = [next];
  for (let i = 0; i < count; i++) {
    const at = (index + 1 + i) % count;
    const before = grown.at(-1)!.at;
    const here = hull[at]!.at;
    const after = (i + 1 < count ? hull[(at + 1) % count]! : next).at;
    if (isClockwise(sub(after, before), add(sub(here, before), sub(here, after)))) {
      grown.push(hull[at]!);
    }
  }
  return grown;
}

function onEdge(a: Corner, b: Corner): Closest {
  const t = edgeParameter(a.at, b.at);
  const nearest = along(a.at, b.at, t);
  const edgeNormal = unit(turnRight(sub(b.at, a.at)));
  const edgeDepth = dot(edgeNormal, nearest);
  // Between two corners the axis is that of the points; everywhere else that of the edge, which is exact
  // where the distance is nearly 0.
  const isEdge = edgeDepth <= 0 || (-1 < t && t < 1);
  const length = Math.sqrt(dot(nearest, nearest));
  return {
    onFirst: along(a.onFirst, b.onFirst, t),
    onSecond: along(a.onSecond, b.onSecond, t),
    normal: isEdge ? edgeNormal : scale(nearest, 1 / (length + TINY)),
    distance: isEdge ? edgeDepth : length,
    hint: { start: [a.first, a.second], end: [b.first, b.second] },
  };
}

/** Where on a -> b the origin is nearest, from -1 (a) to 1 (b): symmetric, so that swapping changes no bit. */
function edgeParameter(a: Vec2, b: Vec2): number {
  const edge = sub(b, a);
  const t = dot(edge, add(a, b)) / dot(edge, edge);
  // An edge without length gives NaN, which is to be an end as well.
  return t > -1 ? -Math.min(t, 1) : 1;
}

function along(a: Vec2, b: Vec2, t: number): Vec2 {
  const half = 0.5 * t;
  return add(scale(a, 0.5 - half), scale(b, 0.5 + half));
}

function edgeDistance(a: Vec2, b: Vec2): number {
  const nearest = along(a, b, edgeParameter(a, b));
  return dot(nearest, nearest);
}

function isClockwise(a: Vec2, b: Vec2): boolean {
  return a.x * b.y > a.y * b.x;
}
