import type { QuatWxyz, Vec3 } from "../../src/core/index.ts";
import { graspCandidates } from "./grasp.ts";
import type { Skill, View } from "./motion.ts";
import {
  GRIP,
  bottomOf,
  closingYawRad,
  handDown,
  horizontalDistance,
  nearestYawRad,
  reach,
  shifted,
  topOf,
  wait,
  worldHalfExtents,
} from "./motion.ts";

/** How far above things the hand travels, m. */
export const HOVER_M = 0.1;
/** Control steps for the fingers to travel from open to closed (8) and to build up force. */
export const CLOSE_STEPS = 12;
export const OPEN_STEPS = 8;

/** Rises straight up to at least `z`, so that the next move hits nothing. */
export function* clear(view: View, z: number, grip: -1 | 0 | 1): Skill {
  const [x, y, here] = view.gripper.position;
  if (here >= z - 0.01) return;
  yield* reach(view, { position: [x, y, z], grip, tolerance: 0.03, maxSteps: 30 });
}

/** How far a hand reaches to either side, and what it keeps from the top of a fixture, m. */
const HAND_SPAN_M = 0.11;
const FIXTURE_ROOM_M = 0.03;
/** The last stretch of a descent is slow, m. */
const SLOW_M = 0.04;

/** The quick part of a descent: straight down to a little above where it ends. */
function* descendTo(
  view: View,
  { position, quatWxyz, grip }: { position: Vec3; quatWxyz: QuatWxyz; grip: -1 | 1 },
): Skill {
  const [x, y, z] = position;
  if (view.gripper.position[2] < z + 1.5 * SLOW_M) return;
  yield* reach(view, {
    position: [x, y, z + SLOW_M],
    quatWxyz,
    grip,
    tolerance: 0.01,
    maxSteps: 40,
    straight: true,
  });
}

/** Height at which an open hand over a point misses the fixtures beside it, where their shapes are told, m. */
function heightAround(view: View, [x, y]: Vec3): number {
  const near = view.scene.entities.filter((entity) => {
    if (entity.kind !== "fixture" || view.cuboids(entity.name).length === 0) return false;
    const [hx, hy] = worldHalfExtents(entity);
    const [ex, ey] = entity.position;
    return Math.abs(x - ex) < hx + HAND_SPAN_M && Math.abs(y - ey) < hy + HAND_SPAN_M;
  });
  return Math.max(-Infinity, ...near.map(topOf)) + FIXTURE_ROOM_M;
}

/**
 * Takes hold of a thing from above and lifts it a little.
 * @param options.choice which of the candidates, the best first; for retries
 * @param options.to where it is put down afterwards: the height of what it will stand on, and on what
 * @returns whether it hangs in the fingers
 */
export function* take(
  view: View,
  options: { name: string; choice: number; to?: { position: Vec3; target: string } },
): Skill<boolean> {
  const { name } = options;
  const entity = view.entity(name);
  const candidates = graspCandidates(view, entity, options.to);
  const grasp = candidates[options.choice % candidates.length];
  if (grasp === undefined) return false;
  const hand = handDown(grasp.closingYawRad);
  const [x, y, z] = grasp.position;
  const above = Math.max(Math.max(topOf(entity), z) + HOVER_M, heightAround(view, grasp.position));
  yield* clear(view, above, GRIP.open);
  yield* reach(view, {
    position: [x, y, above],
    quatWxyz: hand,
    grip: GRIP.open,
    tolerance: 0.012,
  });
  if (view.tellsShapes) yield* descendTo(view, { ...grasp, quatWxyz: hand, grip: GRIP.open });
  yield* reach(view, {
    position: grasp.position,
    quatWxyz: hand,
    grip: GRIP.open,
    tolerance: 0.005,
    speed: view.tellsShapes ? 0.8 : 0.5,
    maxSteps: 40,
    untilStalled: true,
    straight: view.tellsShapes,
  });
  yield* wait(view, { steps: CLOSE_STEPS, grip: GRIP.close });
  const before = view.entity(name).position[2];
  const [gx, gy, gz] = view.gripper.position;
  yield* reach(view, {
    position: [gx, gy, gz + 0.06],
    quatWxyz: hand,
    grip: GRIP.close,
    tolerance: 0.015,
    maxSteps: 25,
    speed: 0.7,
  });
  return view.entity(name).position[2] - before > 0.03;
}

/** Raises what is held by `heightM` above where the tool centre is. */
export function* raise(view: View, heightM: number): Skill {
  yield* reach(view, {
    position: shifted(view.gripper.position, [0, 0, heightM]),
    grip: GRIP.close,
    tolerance: 0.01,
    maxSteps: 40,
    speed: 0.8,
  });
}

export interface PlaceOptions {
  readonly name: string;
  /** Where the thing's centre goes, horizontally. */
  readonly over: () => Vec3;
  /** Height of what it is put down on, m. */
  readonly supportZ: () => number;
  /** Nothing on the way may be higher than this, m. */
  readonly carryZ: number;
  /** Lets go this far above the support, m. @default 0.005 */
  readonly dropM?: number;
  /** Direction the fingers close along while it is put down; absent = as it was taken. */
  readonly yawRad?: number;
}

/** Carries what is held over a place, lowers it, lets go and withdraws. @returns whether it was held until then */
export function* place(view: View, options: PlaceOptions): Skill<boolean> {
  const { name } = options;
  const now = closingYawRad(view);
  const hand = handDown(options.yawRad === undefined ? now : nearestYawRad(options.yawRad, now));
  const hang = (): number => view.gripper.position[2] - bottomOf(view.entity(name));
  const carryZ = Math.max(options.carryZ + hang() + 0.03, view.gripper.position[2]);
  const [x, y] = view.gripper.position;
  yield* reach(view, {
    position: [x, y, carryZ],
    quatWxyz: hand,
    grip: GRIP.close,
    tolerance: 0.02,
    maxSteps: 40,
    speed: 0.8,
  });
  // The offset of the thing in the hand may change on the way: correct for it until it is right.
  for (let pass = 0; pass < 3; pass++) {
    if (!isHeld(view, name)) return false;
    const goal = offsetTo(view, { name, over: options.over(), z: carryZ });
    yield* reach(view, {
      position: goal,
      quatWxyz: hand,
      grip: GRIP.close,
      tolerance: 0.008,
      maxSteps: 70,
      speed: 0.8,
    });
    if (horizontalDistance(view.entity(name).position, options.over()) < 0.006) break;
  }
  if (!isHeld(view, name)) return false;
  const downZ = options.supportZ() + hang() + (options.dropM ?? 0.005);
  const goal = offsetTo(view, { name, over: options.over(), z: downZ });
  yield* (view.tellsShapes ? lowerThrough : lower)(view, goal, hand);
  yield* letGo(view, hand);
  return true;
}

/** Opens the fingers and withdraws upwards. */
function* letGo(view: View, hand: QuatWxyz): Skill {
  yield* wait(view, { steps: OPEN_STEPS, grip: GRIP.open });
  yield* reach(view, {
    position: shifted(view.gripper.position, [0, 0, 0.1]),
    quatWxyz: hand,
    grip: GRIP.open,
    tolerance: 0.02,
    maxSteps: 20,
  });
}

/** Lowers what is held to where it is let go, ever slower. */
function* lower(view: View, goal: Vec3, quatWxyz: QuatWxyz): Skill {
  yield* reach(view, {
    position: goal,
    quatWxyz,
    grip: GRIP.close,
    tolerance: 0.005,
    maxSteps: 60,
    speed: 0.4,
    untilStalled: true,
  });
}

/** How far below the place of letting go the hand is told to go, and how far above it lets go, m. */
const THROUGH_M = 0.05;
const EARLY_M = 0.01;

/**
 * Lowers what is held, not slower at the end, and returns in passing: an arm with friction in its joints would
 * creep there, and whoever learns from that by looking learns to stay where nothing moves and never to let go.
 */
function* lowerThrough(view: View, goal: Vec3, quatWxyz: QuatWxyz): Skill {
  yield* descendTo(view, { position: goal, quatWxyz, grip: GRIP.close });
  yield* reach(view, {
    position: shifted(goal, [0, 0, -THROUGH_M]),
    quatWxyz,
    grip: GRIP.close,
    maxSteps: 60,
    speed: 0.8,
    until: ({ gripper }) => gripper.position[2] < goal[2] + EARLY_M,
    untilStalled: true,
    straight: true,
  });
}

function isHeld(view: View, name: string): boolean {
  return (
    horizontalDistance(view.entity(name).position, view.gripper.position) < 0.15 &&
    view.gripper.opening < 0.97
  );
}

/** Where the tool centre must go so that the held thing's centre is over a point. */
function offsetTo(view: View, at: { name: string; over: Vec3; z: number }): Vec3 {
  const [tx, ty] = view.gripper.position;
  const [ox, oy] = view.entity(at.name).position;
  return [at.over[0] + tx - ox, at.over[1] + ty - oy, at.z];
}

/** Takes a handle from above and pulls (or pushes) the part along its joint until its value is reached. */
export function* slidePart(
  view: View,
  options: { name: string; to: number; isDone: () => boolean },
): Skill<boolean> {
  const joint = view.entity(options.name).joint;
  if (joint === undefined) return false;
  const way = Math.sign(options.to - joint.value);
  const pull: Vec3 = [joint.axis[0] * way, joint.axis[1] * way, joint.axis[2] * way];
  const handle = view.entity(options.name).grasp ?? view.entity(options.name).position;
  // The fingers close across the way it slides: its handle is a bar that points along it.
  const yaw = nearestYawRad(Math.atan2(pull[1], pull[0]) + Math.PI / 2, closingYawRad(view));
  const hand = handDown(yaw);
  const above = shifted(handle, [0, 0, 0.1]);
  yield* clear(view, above[2], GRIP.open);
  yield* reach(view, { position: above, quatWxyz: hand, grip: GRIP.open, tolerance: 0.01 });
  yield* reach(view, {
    position: handle,
    quatWxyz: hand,
    grip: GRIP.open,
    tolerance: 0.005,
    maxSteps: 40,
    speed: 0.5,
    untilStalled: true,
  });
  yield* wait(view, { steps: CLOSE_STEPS, grip: GRIP.close });
  const left = Math.abs(options.to - (view.entity(options.name).joint?.value ?? 0)) + 0.02;
  const goal = shifted(view.gripper.position, [pull[0] * left, pull[1] * left, 0]);
  yield* reach(view, {
    position: goal,
    quatWxyz: hand,
    grip: GRIP.close,
    tolerance: 0.008,
    maxSteps: 90,
    speed: 0.6,
    until: options.isDone,
  });
  yield* letGo(view, hand);
  return options.isDone();
}

/** Presses a part down from above with closed fingers. */
export function* press(
  view: View,
  options: { name: string; isDone: () => boolean },
): Skill<boolean> {
  const entity = view.entity(options.name);
  const hand = handDown(closingYawRad(view));
  const [x, y] = entity.position;
  const above = topOf(entity) + 0.08;
  yield* clear(view, above, GRIP.close);
  yield* reach(view, {
    position: [x, y, above],
    quatWxyz: hand,
    grip: GRIP.close,
    tolerance: 0.01,
  });
  yield* reach(view, {
    position: [x, y, entity.position[2] - 0.05],
    quatWxyz: hand,
    grip: GRIP.close,
    maxSteps: 50,
    speed: 0.4,
    until: options.isDone,
  });
  yield* wait(view, { steps: 4, grip: GRIP.close });
  const pressed = options.isDone();
  yield* reach(view, {
    position: [x, y, above],
    quatWxyz: hand,
    grip: GRIP.close,
    tolerance: 0.02,
    maxSteps: 20,
  });
  return pressed;
}
