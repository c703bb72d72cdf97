import { T_PARTS } from "./dynamics.ts";
import type { Vec2 } from "./physics/vector.ts";
import { cross, mix, sub } from "./physics/vector.ts";

/** Where the T is to be: its origin and its angle, in the workspace's unit and radians. */
export const GOAL = { position: { x: 256, y: 256 }, angle: Math.PI / 4 } as const;

/** Part of the goal that must be covered, exclusive. */
export const SUCCESS_COVERAGE = 0.95;

export const GOAL_PARTS = T_PARTS.map((corners) => corners.map((corner) => toGoal(corner)));
const GOAL_AREA = GOAL_PARTS.reduce((sum, part) => sum + signedArea(part), 0);

/**
 * Part of the goal's area that lies under the T, in [0, 1]. The rectangles of a T share an edge and no area, so the
 * sum over pairs of rectangles is exact (Sutherland and Hodgman, CACM 17, 1974).
 * @param toWorld the T's pose: from its frame to the workspace
 */
export function coverageOf(toWorld: (corner: Vec2) => Vec2): number {
  let covered = 0;
  for (const corners of T_PARTS) {
    const part = corners.map(toWorld);
    for (const goal of GOAL_PARTS) covered += signedArea(clipped(part, goal));
  }
  return covered / GOAL_AREA;
}

function toGoal({ x, y }: Vec2): Vec2 {
  const { position, angle } = GOAL;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return { x: cos * x - sin * y + position.x, y: sin * x + cos * y + position.y };
}

/** What of `polygon` lies left of every edge of the convex, counter-clockwise `window`. */
function clipped(polygon: readonly Vec2[], window: readonly Vec2[]): readonly Vec2[] {
  let rest = polygon;
  for (let i = 0; i < window.length; i++) {
    rest = leftOf(rest, window[i]!, window[(i + 1) % window.length]!);
  }
  return rest;
}

function leftOf(polygon: readonly Vec2[], start: Vec2, end: Vec2): readonly Vec2[] {
  const edge = sub(end, start);
  const sides = polygon.map((point) => cross(edge, sub(point, start)));
  return polygon.flatMap((point, i) => {
    const next = (i + 1) % polygon.length;
    const [here, there] = [sides[i]!, sides[next]!];
    const kept = here >= 0 ? [point] : [];
    if (here >= 0 === there >= 0) return kept;
    return [...kept, mix(point, polygon[next]!, here / (here - there))];
  });
}

function signedArea(polygon: readonly Vec2[]): number {
  const [origin] = polygon;
  if (origin === undefined) return 0;
  let twice = 0;
  for (let i = 1; i + 1 < polygon.length; i++) {
    twice += cross(sub(polygon[i]!, origin), sub(polygon[i + 1]!, origin));
  }
  return twice / 2;
}
