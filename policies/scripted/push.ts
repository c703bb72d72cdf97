/** Skills that move things along the table without lifting them: pushes from behind, drags from inside. */
import type { QuatWxyz, Vec3 } from "../../src/core/index.ts";
import type { ReachOptions, Skill, View } from "./motion.ts";
import {
  GRIP,
  bottomOf,
  closingYawRad,
  handDown,
  horizontalDistance,
  nearestYawRad,
  reach,
  topOf,
  worldHalfExtents,
} from "./motion.ts";
import { HOVER_M, clear } from "./skills.ts";

/**
 * Pushes a thing along the table with closed fingers until it is over a point, steering by its
 * sideways error; backs off and comes again when it slips past.
 */
export function* push(
  view: View,
  options: { name: string; to: () => Vec3; tolerance: number },
): Skill<boolean> {
  const { name, to, tolerance } = options;
  for (let approach = 0; approach < 6; approach++) {
    const left = horizontalDistance(view.entity(name).position, to());
    if (left < tolerance) return true;
    yield* approachBehind(view, { name, to: to() });
    yield* pushOn(view, { name, to, tolerance });
  }
  return horizontalDistance(view.entity(name).position, to()) < tolerance;
}

/** Tool centre above what a dish stands on, with the fingertips on its floor, m. */
const DISH_FLOOR_M = 0.013;
/** The fingers are told to be so much lower than they are, to stay down, m. */
const DISH_PRESS_M = 0.006;

/** Puts closed fingers into a dish and draws it along by its rim until it is over a point. */
export function* drag(
  view: View,
  options: { name: string; to: () => Vec3; tolerance: number },
): Skill<boolean> {
  const { name, to, tolerance } = options;
  const left = (): number => horizontalDistance(view.entity(name).position, to());
  for (let approach = 0; approach < 3 && left() >= tolerance; approach++) {
    yield* intoDish(view, name);
    const [, , z] = view.gripper.position;
    const hand = handDown(closingYawRad(view));
    const inside = Math.max(...worldHalfExtents(view.entity(name)).slice(0, 2));
    for (let step = 0; step < 120 && left() > 0.6 * tolerance; step++) {
      const thing = view.entity(name).position;
      if (horizontalDistance(view.gripper.position, thing) > inside) break;
      const [gx, gy] = view.gripper.position;
      const [ux, uy] = direction(thing, to());
      const stepM = Math.min(0.04, left() + 0.02);
      const position: Vec3 = [gx + ux * stepM, gy + uy * stepM, z - DISH_PRESS_M];
      yield* reach(view, { position, quatWxyz: hand, grip: GRIP.close, maxSteps: 1, speed: 0.5 });
    }
    yield* clear(view, topOf(view.entity(name)) + HOVER_M, GRIP.close);
  }
  return left() < tolerance;
}

/** Comes down on the floor of a dish with closed fingers. */
function* intoDish(view: View, name: string): Skill {
  const entity = view.entity(name);
  const [x, y] = entity.position;
  yield* descend(view, {
    position: [x, y, bottomOf(entity) + DISH_FLOOR_M],
    quatWxyz: handDown(closingYawRad(view)),
    aboveZ: topOf(entity) + HOVER_M,
    tolerance: 0.005,
    straight: true,
  });
}

interface Descent extends Pick<ReachOptions, "position" | "tolerance" | "straight"> {
  readonly quatWxyz: QuatWxyz;
  /** Where it begins, m. */
  readonly aboveZ: number;
}

/** Comes down on a point with closed fingers, from right above it, until it is there or something stops the hand. */
function* descend(view: View, { aboveZ, ...to }: Descent): Skill {
  const [x, y] = to.position;
  const over = { position: [x, y, aboveZ] as const, quatWxyz: to.quatWxyz, tolerance: 0.012 };
  yield* clear(view, aboveZ, GRIP.close);
  yield* reach(view, { ...over, grip: GRIP.close });
  yield* reach(view, { ...to, grip: GRIP.close, maxSteps: 40, speed: 0.6, untilStalled: true });
}

/** Comes down behind the thing, as seen from where it is to go, fingers closed across the way. */
function* approachBehind(view: View, at: { name: string; to: Vec3 }): Skill {
  const entity = view.entity(at.name);
  const [ux, uy] = direction(entity.position, at.to);
  const half = worldHalfExtents(entity);
  const standOff = Math.abs(ux) * half[0] + Math.abs(uy) * half[1] + 0.035;
  const yaw = nearestYawRad(Math.atan2(uy, ux) + Math.PI / 2, closingYawRad(view));
  const x = entity.position[0] - ux * standOff;
  const y = entity.position[1] - uy * standOff;
  // The finger pads reach 9 mm below the tool centre and must not scrape along the table.
  const low = Math.max(bottomOf(entity) + 0.02, entity.position[2] - 0.01);
  yield* descend(view, {
    position: [x, y, low],
    quatWxyz: handDown(yaw),
    aboveZ: topOf(entity) + HOVER_M,
    tolerance: 0.008,
  });
}

function* pushOn(view: View, at: { name: string; to: () => Vec3; tolerance: number }): Skill {
  const [, , z] = view.gripper.position;
  const hand = handDown(closingYawRad(view));
  for (let step = 0; step < 80; step++) {
    const thing = view.entity(at.name).position;
    const goal = at.to();
    const left = horizontalDistance(thing, goal);
    if (left < at.tolerance * 0.6) return;
    const [ux, uy] = direction(thing, goal);
    const [gx, gy] = view.gripper.position;
    // Sideways distance of the fingers from the line through thing and goal.
    const side = (gx - thing[0]) * -uy + (gy - thing[1]) * ux;
    const ahead = (gx - thing[0]) * ux + (gy - thing[1]) * uy;
    if (ahead > 0.01 || Math.abs(side) > 0.03) return;
    const stepM = Math.min(0.04, left + 0.015);
    const position: Vec3 = [
      gx + ux * stepM + uy * side * 1.5,
      gy + uy * stepM - ux * side * 1.5,
      z,
    ];
    yield* reach(view, { position, quatWxyz: hand, grip: GRIP.close, maxSteps: 1, speed: 0.8 });
  }
}

function direction(from: Vec3, to: Vec3): readonly [number, number] {
  const length = Math.max(1e-6, horizontalDistance(from, to));
  return [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
}
