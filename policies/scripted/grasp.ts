import type { SceneEntity, Vec3 } from "../../src/core/index.ts";
import { rotateVec3 } from "../../src/math/index.ts";
import type { View } from "./motion.ts";
import type { ShapeGraspRequest } from "./shape-grasp.ts";
import { shapeGrasps } from "./shape-grasp.ts";
import { bottomOf, closingYawRad, nearestYawRad, topOf, worldHalfExtents } from "./motion.ts";

/** A way to take hold from straight above. */
export interface GraspCandidate {
  /** Where the tool centre goes, world frame, m. */
  readonly position: Vec3;
  /** Direction the fingers close along. */
  readonly closingYawRad: number;
  /** Lower is better. */
  readonly penalty: number;
}

/** The fingers open to 80 mm; some room is needed on either side. */
const MAX_WIDTH_M = 0.07;
/** Deepest the tool centre goes below a thing's top, and nearest it comes to what the thing stands on. */
const GRASP_DEPTH_M = 0.03;
const FLOOR_CLEARANCE_M = 0.012;
/** What a finger could come down on is seen at least this finely. */
const OBSTACLE_SPACING_M = 0.02;
/** Open fingers as seen from above: posts at this distance from the centre, this wide. */
const FINGER_OFFSET_M = 0.047;
const FINGER_RADIUS_M = 0.016;

/**
 * Ways to take hold of a thing from above, the best first.
 * @param to where it is going to be put down, and on what: where shapes are told, the hand must fit there too
 */
export function graspCandidates(
  view: View,
  entity: SceneEntity,
  to?: { readonly position: Vec3; readonly target: string },
): GraspCandidate[] {
  const own = view.cloud(entity.name);
  if (own.length > 0 && entity.grasp === undefined) {
    const found = shapeGrasps({
      own,
      others: cloudsBut(view, entity),
      yawRad: closingYawRad(view),
      ...(to === undefined ? {} : { then: laterOf(view, entity, to) }),
    });
    if (found.length > 0) return found;
  }
  const z = Math.max(bottomOf(entity) + FLOOR_CLEARANCE_M, topOf(entity) - GRASP_DEPTH_M);
  const now = closingYawRad(view);
  const options = entity.grasp === undefined ? pinches(entity, z) : [at(entity, entity.grasp)];
  const candidates = options.flatMap((option) => {
    const yaw = nearestYawRad(option.yawRad, now);
    const crowding = clearancePenalty(view, { entity, position: option.position, yaw });
    const penalty = option.width * 6 + 0.15 * Math.abs(yaw - now) + crowding;
    return [{ position: option.position, closingYawRad: yaw, penalty }];
  });
  return candidates.sort((a, b) => a.penalty - b.penalty);
}

/** How far a thing is going to be moved, and what is beside it there. */
function laterOf(
  view: View,
  entity: SceneEntity,
  { position: [x, y, z], target }: { readonly position: Vec3; readonly target: string },
): NonNullable<ShapeGraspRequest["then"]> {
  const by: Vec3 = [x - entity.position[0], y - entity.position[1], z - bottomOf(entity)];
  return { by, others: cloudsBut(view, entity, target) };
}

function cloudsBut(view: View, entity: SceneEntity, target?: string): readonly Vec3[] {
  return view.scene.entities
    .filter(({ name, kind }) => name !== entity.name && name !== target && kind !== "region")
    .flatMap(({ name }) => view.cloud(name, OBSTACLE_SPACING_M));
}

interface Option {
  readonly position: Vec3;
  readonly yawRad: number;
  readonly width: number;
}

/** A declared grasp point off the centre (a rim): the fingers close along the radius through it. */
function at(entity: SceneEntity, grasp: Vec3): Option {
  const [x, y] = entity.position;
  return { position: grasp, yawRad: Math.atan2(grasp[1] - y, grasp[0] - x), width: 0.01 };
}

/** Pinches across the box, along each of its axes that lies flat and is narrow enough. */
function pinches(entity: SceneEntity, z: number): Option[] {
  const [x, y] = entity.position;
  const axes: Vec3[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const found = axes.flatMap((axis, i): Option[] => {
    const direction = rotateVec3(entity.quatWxyz, axis);
    const width = 2 * (entity.halfExtents[i] ?? 0);
    const flat = Math.abs(direction[2]) < 0.3;
    if (!flat || width > MAX_WIDTH_M) return [];
    return [{ position: [x, y, z], yawRad: Math.atan2(direction[1], direction[0]), width }];
  });
  if (found.length > 0) return found;
  // Nothing fits: try across the narrower side all the same, and let the attempt show.
  const [hx, hy] = worldHalfExtents(entity);
  return [{ position: [x, y, z], yawRad: hx < hy ? 0 : Math.PI / 2, width: 2 * Math.min(hx, hy) }];
}

/** Counts other things that the open fingers would come down on. */
function clearancePenalty(
  view: View,
  at: { entity: SceneEntity; position: Vec3; yaw: number },
): number {
  const { entity, position, yaw } = at;
  let penalty = 0;
  for (const other of view.scene.entities) {
    if (other.name === entity.name || other.kind === "region") continue;
    if (entity.parent === other.name || other.parent === entity.name) continue;
    if (topOf(other) < position[2] - 0.012) continue;
    const [hx, hy] = worldHalfExtents(other);
    for (const side of [-1, 1]) {
      const fx = position[0] + side * FINGER_OFFSET_M * Math.cos(yaw);
      const fy = position[1] + side * FINGER_OFFSET_M * Math.sin(yaw);
      const inside =
        Math.abs(fx - other.position[0]) < hx + FINGER_RADIUS_M &&
        Math.abs(fy - other.position[1]) < hy + FINGER_RADIUS_M;
      if (inside) penalty += 1;
    }
  }
  return penalty;
}
