import type { SceneDescription, SceneGraph } from "../../../src/core/index.ts";
import type { DetourState, Point, Start } from "./world.ts";
import { DISC_RADIUS_M, HALF_SIDE_M, TARGET_RADIUS_M } from "./world.ts";

const HALF_HEIGHT_M = 0.05;
const POINT_RADIUS_M = 0.02;
const UPRIGHT = [1, 0, 0, 0] as const;

export function describeScene({ disc, target }: Start): SceneDescription {
  return {
    bodies: ["world", "point"],
    geoms: [
      {
        body: "world",
        shape: { kind: "box", halfExtents: [HALF_SIDE_M, HALF_SIDE_M, 0.005] },
        position: [0, 0, -0.005],
        quatWxyz: UPRIGHT,
        rgba: [0.9, 0.9, 0.88, 1],
      },
      {
        body: "world",
        shape: { kind: "cylinder", radius: DISC_RADIUS_M, halfLength: HALF_HEIGHT_M },
        position: standing(disc),
        quatWxyz: UPRIGHT,
        rgba: [0.75, 0.3, 0.25, 1],
      },
      {
        body: "world",
        shape: { kind: "cylinder", radius: TARGET_RADIUS_M, halfLength: 0.002 },
        position: [target.x, target.y, 0.002],
        quatWxyz: UPRIGHT,
        rgba: [0.3, 0.65, 0.35, 1],
      },
      {
        body: "point",
        shape: { kind: "sphere", radius: POINT_RADIUS_M },
        position: [0, 0, 0],
        quatWxyz: UPRIGHT,
        rgba: [0.2, 0.35, 0.75, 1],
      },
    ],
    cameras: [],
    gripperBody: "point",
  };
}

/** `float64[2, 7]` in the order of the scene's bodies. */
export function posesOf({ point }: DetourState): Float64Array {
  return Float64Array.of(...[0, 0, 0, 1, 0, 0, 0], point.x, point.y, POINT_RADIUS_M, ...UPRIGHT);
}

export function graphOf({ point, disc, target }: DetourState): SceneGraph {
  return {
    entities: [
      {
        name: "disc",
        kind: "fixture",
        category: "disc",
        position: standing(disc),
        quatWxyz: UPRIGHT,
        halfExtents: [DISC_RADIUS_M, DISC_RADIUS_M, HALF_HEIGHT_M],
        boxes: {},
      },
      {
        name: "target",
        kind: "region",
        category: "target",
        position: [target.x, target.y, 0],
        quatWxyz: UPRIGHT,
        halfExtents: [TARGET_RADIUS_M, TARGET_RADIUS_M, 0.002],
        boxes: {},
      },
    ],
    gripper: {
      position: [point.x, point.y, POINT_RADIUS_M],
      quatWxyz: UPRIGHT,
      opening: 0,
      holding: [],
    },
    goal: [["at", "point", "target"]],
  };
}

function standing({ x, y }: Point): readonly [number, number, number] {
  return [x, y, HALF_HEIGHT_M];
}
