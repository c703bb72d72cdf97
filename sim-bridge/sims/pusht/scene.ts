/**
 * The plane as thin boxes. One unit of the workspace is a millimetre; the world's origin is the middle of the
 * workspace on the table, x to the right and y up **in the image**, whose rows count downwards: so angles of the
 * workspace turn the other way here.
 */
import type {
  SceneDescription,
  SceneEntity,
  SceneGeom,
  SceneGraph,
} from "../../../src/core/index.ts";
import { GOAL } from "./coverage.ts";
import type { PushTDynamics } from "./dynamics.ts";
import { PUSHER_RADIUS, T_PARTS, WALLS, WALL_RADIUS } from "./dynamics.ts";
import type { Vec2 } from "./physics/vector.ts";

const METRES = 0.001;
const MIDDLE = 256;
/** Half height of what stands on the table. */
const HALF_HEIGHT = 0.01;
const UPRIGHT = [1, 0, 0, 0] as const;
const BLOCK_COLOUR = [0.47, 0.53, 0.6, 1] as const;
const GOAL_COLOUR = [0.56, 0.93, 0.56, 1] as const;
const PUSHER_COLOUR = [0.25, 0.41, 0.88, 1] as const;
const WALL_COLOUR = [0.83, 0.83, 0.83, 1] as const;

export function describeScene(): SceneDescription {
  return {
    bodies: ["world", "block", "pusher", "workspace"],
    geoms: [
      ...WALLS.map(([a, b]) => wall(a, b)),
      ...T_PARTS.map((corners) => goalPart(corners)),
      ...T_PARTS.map((corners) => part(corners, { body: "block", rgba: BLOCK_COLOUR })),
      {
        body: "pusher",
        shape: { kind: "cylinder", radius: PUSHER_RADIUS * METRES, halfLength: HALF_HEIGHT },
        position: [0, 0, 0],
        quatWxyz: UPRIGHT,
        rgba: PUSHER_COLOUR,
      },
    ],
    cameras: [],
    gripperBody: "pusher",
    actionPlace: { component: "action", body: "workspace", metresPerUnit: METRES },
  };
}

/** The frame of positions in the workspace: its corner, half a turn about x, so that y counts downwards. */
const WORKSPACE = [-MIDDLE * METRES, MIDDLE * METRES, HALF_HEIGHT, 0, 1, 0, 0] as const;

/** `float64[4, 7]` in the order of the scene's bodies. */
export function posesOf({ block, pusher }: PushTDynamics): Float64Array {
  return Float64Array.of(
    ...[0, 0, 0, 1, 0, 0, 0],
    ...standing(block.position),
    ...turned(block.angle),
    ...standing(pusher.position),
    ...UPRIGHT,
    ...WORKSPACE,
  );
}

export function graphOf(dynamics: PushTDynamics): SceneGraph {
  const { block, pusher } = dynamics;
  return {
    entities: [
      tee("block", { kind: "object", position: block.position, angle: block.angle }),
      tee("goal", { kind: "region", position: GOAL.position, angle: GOAL.angle }),
    ],
    gripper: {
      position: standing(pusher.position),
      quatWxyz: UPRIGHT,
      opening: 0,
      holding: [],
    },
    goal: [["covers", "block", "goal"]],
  };
}

interface Tee {
  readonly kind: SceneEntity["kind"];
  readonly position: Vec2;
  readonly angle: number;
}

function tee(name: string, { kind, position, angle }: Tee): SceneEntity {
  return {
    name,
    kind,
    category: "T",
    position: standing(position),
    quatWxyz: turned(angle),
    // About the T's origin, which is the middle of the bar's outer edge.
    halfExtents: [60 * METRES, 120 * METRES, HALF_HEIGHT],
    boxes: {},
  };
}

function standing({ x, y }: Vec2): readonly [number, number, number] {
  return [(x - MIDDLE) * METRES, (MIDDLE - y) * METRES, HALF_HEIGHT];
}

function turned(angle: number): readonly [number, number, number, number] {
  return [Math.cos(angle / 2), 0, 0, -Math.sin(angle / 2)];
}

/** A rectangle of the T, fixed to its body. */
function part(corners: readonly Vec2[], look: Pick<SceneGeom, "body" | "rgba">): SceneGeom {
  const [low, , high] = corners as readonly [Vec2, Vec2, Vec2, Vec2];
  return {
    ...look,
    shape: {
      kind: "box",
      halfExtents: [((high.x - low.x) / 2) * METRES, ((high.y - low.y) / 2) * METRES, HALF_HEIGHT],
    },
    position: [((low.x + high.x) / 2) * METRES, (-(low.y + high.y) / 2) * METRES, 0],
    quatWxyz: UPRIGHT,
  };
}

/** The same, painted on the table where it is to be. */
function goalPart(corners: readonly Vec2[]): SceneGeom {
  const flat = part(corners, { body: "world", rgba: GOAL_COLOUR });
  const [x, y] = flat.position;
  const [cos, sin] = [Math.cos(-GOAL.angle), Math.sin(-GOAL.angle)];
  const [left, up] = standing(GOAL.position);
  const [halfWidth, halfDepth] = (flat.shape as { halfExtents: readonly number[] }).halfExtents;
  return {
    ...flat,
    shape: { kind: "box", halfExtents: [halfWidth!, halfDepth!, 0.0005] },
    position: [left + cos * x - sin * y, up + sin * x + cos * y, 0],
    quatWxyz: turned(GOAL.angle),
  };
}

function wall(a: Vec2, b: Vec2): SceneGeom {
  const [x, y, z] = standing({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const halfWidth = (Math.abs(b.x - a.x) / 2 + WALL_RADIUS) * METRES;
  const halfDepth = (Math.abs(b.y - a.y) / 2 + WALL_RADIUS) * METRES;
  return {
    body: "world",
    shape: { kind: "box", halfExtents: [halfWidth, halfDepth, HALF_HEIGHT] },
    position: [x, y, z],
    quatWxyz: UPRIGHT,
    rgba: WALL_COLOUR,
  };
}
