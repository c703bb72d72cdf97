/** Skills for parts on joints whose shapes are told: drawers and doors from the front, knobs from above. */
import type { QuatWxyz, Vec3 } from "../../src/core/index.ts";
import type { Pose } from "../../src/math/index.ts";
import type { Handle, Joint } from "./handle.ts";
import {
  along,
  carried,
  endsOf,
  gripFront,
  handleOf,
  lugOf,
  pushFromAbove,
  pushFront,
} from "./handle.ts";
import type { Skill, View } from "./motion.ts";
import {
  GRIP,
  bottomOf,
  closingYawRad,
  handDown,
  nearestYawRad,
  reach,
  shifted,
  topOf,
  wait,
} from "./motion.ts";
import { clear } from "./skills.ts";

/** The hand begins so far before a handle, and goes so far above a knob, m. */
const STAND_OFF_M = 0.1;
const ABOVE_M = 0.1;
/** How far ahead of the part the hand is told to be while it moves it. */
const LEAD = { slide: 0.05, hinge: 0.3 } as const;
const FOLLOW_STEPS = 100;
/** Control steps in which the fingers are told from open to closed, and in which they have followed. */
const TRAVEL_STEPS = 8;
const SETTLE_STEPS = 3;
const CLOSE_STEPS = 12;
const OPEN_STEPS = 8;
/** Control steps until closed fingers no longer hold a bar. */
const LET_GO_STEPS = 5;
/** Fingers open 80 mm; so much more than the bar's width is left between them in front of a handle, m. */
const FINGERS_OPEN_M = 0.08;
const BAR_ROOM_M = 0.024;
/** Turning the hand by half a radian a step would throw the arm about. */
const TURN_SPEED = 0.5;

export interface OperateOptions {
  readonly name: string;
  readonly isDone: () => boolean;
  /** For retries: other tilts, the other way round. @default 0 */
  readonly attempt?: number;
}

/** Takes the handle of a drawer or a door and pulls it open. */
export function* pullOpen(view: View, options: OperateOptions): Skill<boolean> {
  const found = findHandle(view, options.name);
  if (found === undefined) return false;
  const { handle, floorZ } = found;
  const before = view.gripper.quatWxyz;
  const moreTiltRad = 0.2 * ((options.attempt ?? 0) % 3);
  const hand = gripFront(handle, { floorZ, now: before, moreTiltRad });
  yield* comeBefore(view, hand, { handle, grip: GRIP.open });
  yield* openTo(view, handle.width + BAR_ROOM_M);
  yield* reach(view, {
    ...hand,
    grip: GRIP.hold,
    tolerance: 0.006,
    speed: 0.5,
    maxSteps: 40,
    untilStalled: true,
  });
  yield* wait(view, { steps: CLOSE_STEPS, grip: GRIP.close });
  yield* follow(view, { ...options, to: "open", grip: GRIP.close });
  yield* wait(view, { steps: LET_GO_STEPS, grip: GRIP.open });
  yield* leave(view, { before, outward: handle.outward });
  return options.isDone();
}

/** Pushes a drawer or a door shut with closed fingers. */
export function* pushShut(view: View, options: OperateOptions): Skill<boolean> {
  const found = findHandle(view, options.name);
  if (found === undefined) return false;
  const { handle, floorZ } = found;
  const before = view.gripper.quatWxyz;
  const part = view.entity(options.name);
  const moreTiltRad = 0.26 + 0.26 * ((options.attempt ?? 0) % 3);
  // A door swings a long way, which a level hand cannot follow everywhere; an upright one can.
  const hand =
    part.joint?.kind === "hinge"
      ? pushFromAbove(handle, { topZ: topOf(part), yawRad: closingYawRad(view) })
      : pushFront(handle, { floorZ, now: before, moreTiltRad });
  yield* comeBefore(view, hand, { handle, grip: GRIP.close });
  yield* reach(view, {
    ...hand,
    grip: GRIP.close,
    tolerance: 0.01,
    speed: 0.6,
    untilStalled: true,
  });
  yield* follow(view, { ...options, to: "shut", grip: GRIP.close, turns: false });
  yield* leave(view, { before, outward: handle.outward });
  return options.isDone();
}

/** Takes a knob from above and turns it. */
export function* turnKnob(
  view: View,
  options: OperateOptions & { readonly to: "open" | "shut" },
): Skill<boolean> {
  const lug = lugOf(view.cloud(options.name));
  const nearest = nearestYawRad(lug.yawRad, closingYawRad(view));
  const hand: Pose = {
    position: lug.position,
    quatWxyz: handDown(nearest + ((options.attempt ?? 0) % 2) * Math.PI),
  };
  const above = shifted(lug.position, [0, 0, ABOVE_M]);
  yield* clear(view, above[2], GRIP.open);
  yield* reach(view, { ...hand, position: above, grip: GRIP.open, tolerance: 0.01 });
  yield* reach(view, {
    ...hand,
    grip: GRIP.open,
    tolerance: 0.005,
    maxSteps: 40,
    speed: 0.5,
    untilStalled: true,
    straight: true,
  });
  yield* wait(view, { steps: CLOSE_STEPS, grip: GRIP.close });
  yield* follow(view, { ...options, grip: GRIP.close });
  yield* wait(view, { steps: OPEN_STEPS, grip: GRIP.open });
  yield* clear(view, view.gripper.position[2] + ABOVE_M, GRIP.open);
  return options.isDone();
}

function findHandle(
  view: View,
  name: string,
): { readonly handle: Handle; readonly floorZ: number } | undefined {
  const part = view.entity(name);
  if (part.joint === undefined) return undefined;
  const { joint, position } = part;
  const handle = handleOf({ joint, position }, view.cuboids(name));
  // What the part's owner stands on is the floor for the hand.
  const owner = part.parent === undefined ? undefined : view.find(part.parent);
  return handle === undefined ? undefined : { handle, floorZ: bottomOf(owner ?? part) };
}

/** Up, over and down to a stand-off in front of a handle, turning on the way. */
function* comeBefore(
  view: View,
  hand: Pose,
  at: { readonly handle: Handle; readonly grip: -1 | 1 },
): Skill {
  const before = along(hand.position, at.handle.outward, STAND_OFF_M);
  const z = Math.max(before[2] + 0.12, view.gripper.position[2]);
  const turning = { grip: at.grip, turnSpeed: TURN_SPEED, quatWxyz: hand.quatWxyz };
  yield* clear(view, z, at.grip);
  yield* reach(view, {
    ...turning,
    position: [before[0], before[1], z],
    tolerance: 0.03,
    angleToleranceRad: 0.15,
  });
  yield* reach(view, { ...turning, position: before, tolerance: 0.012, maxSteps: 50 });
}

/** Closes wide open fingers to a distance between them, by steps: where they are lags behind what they are told. */
function* openTo(view: View, widthM: number): Skill {
  const share = Math.min(1, widthM / FINGERS_OPEN_M);
  yield* wait(view, { steps: Math.round(TRAVEL_STEPS * (1 - share)), grip: GRIP.close });
  yield* wait(view, { steps: SETTLE_STEPS, grip: GRIP.hold });
}

interface FollowOptions extends OperateOptions {
  readonly to: "open" | "shut";
  readonly grip: 1;
  /** Whether the hand turns with the part. @default true */
  readonly turns?: boolean;
}

/** Moves as if fixed to the part, always some way ahead of it. */
function* follow(view: View, options: FollowOptions): Skill {
  const { name, isDone, grip, turns = true } = options;
  const start: Pose = { ...view.gripper };
  const joint = jointOf(view, name);
  const from = joint.value;
  const end = endsOf(joint)[options.to];
  const way = Math.sign(end - from);
  const lead = LEAD[joint.kind];
  let best = 0;
  let still = 0;
  for (let step = 0; step < FOLLOW_STEPS && still < 12; step++) {
    if (isDone()) return;
    const moved = way * (jointOf(view, name).value - from);
    still = moved > best + 1e-3 ? 0 : still + 1;
    best = Math.max(best, moved);
    const { position, quatWxyz } = carried(start, joint, way * (Math.max(moved, 0) + lead));
    const hand = { position, quatWxyz: turns ? quatWxyz : start.quatWxyz };
    yield* reach(view, {
      ...hand,
      grip,
      maxSteps: 1,
      speed: 0.7,
      tolerance: 0,
      turnSpeed: TURN_SPEED,
    });
  }
}

function jointOf(view: View, name: string): Joint {
  const { joint } = view.entity(name);
  if (joint !== undefined) return joint;
  throw new RangeError(`Cannot move "${name}": it has no joint, must have one`);
}

/** Backs off from a front, rises and takes up the orientation it had. */
function* leave(view: View, options: { readonly before: QuatWxyz; readonly outward: Vec3 }): Skill {
  const { position, quatWxyz } = view.gripper;
  const grip = GRIP.open;
  const away = along(position, options.outward, 0.06);
  yield* reach(view, { position: away, quatWxyz, grip, tolerance: 0.02, maxSteps: 20 });
  const top = Math.max(...view.scene.entities.filter((e) => e.kind === "fixture").map(topOf));
  const up: Vec3 = [away[0], away[1], Math.max(away[2] + 0.1, Math.min(top + 0.05, away[2] + 0.2))];
  yield* reach(view, {
    position: up,
    quatWxyz: options.before,
    grip,
    tolerance: 0.05,
    angleToleranceRad: 0.5,
    turnSpeed: TURN_SPEED,
  });
}
