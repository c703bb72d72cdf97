/** Putting things that have a hole over a shaft: a nut over a peg, a tool over a pin. */
import type { QuatWxyz, SceneEntity, Vec3 } from "../../src/core/index.ts";
import type { Pose } from "../../src/math/index.ts";
import {
  angleBetweenQuatsRad,
  composePoses,
  invertPose,
  multiplyQuats,
  rotateVec3,
} from "../../src/math/index.ts";
import type { Skill, View } from "./motion.ts";
import {
  GRIP,
  closingYawRad,
  distance,
  handDown,
  nearestYawRad,
  reach,
  servo,
  shifted,
  wait,
} from "./motion.ts";
import { CLOSE_STEPS, HOVER_M, OPEN_STEPS, clear } from "./skills.ts";

/** Before a thing goes over a shaft its near face is so far from the shaft's end, m. */
const BEFORE_END_M = 0.02;
/** How well it is aligned before it goes on, and how well it is kept so on its way. */
const ALIGNED = { aside: 0.0012, rad: 0.03, steps: 80 } as const;
/** Nearest that the tool centre comes to the table when something flat is taken, m. */
const FLOOR_M = 0.013;
/** How far above where it lay a thing is carried, m. */
const CARRY_M = 0.1;
/**
 * A hole that is so far from a shaft's axis, m, or turned so far, rad, stays as high over its end as it is brought first; from `fits` on it
 * goes on down. In between it may be as low as it is aligned.
 */
const FUNNEL = {
  ...{ aside: { fits: 0.0015, wide: 0.0095 }, rad: { fits: 0.03, wide: 0.18 } },
  ...{ steps: 120, entered: 0.003, beyond: 0.01 },
} as const;
/** Of the way down a shaft per step, action units, and what is stuck gives up after so many steps. */
const DOWN = { speed: 0.2, ahead: 0.012, steps: 90, stalled: 12 } as const;
/** A thing is let go this far from where its hole is to be. */
const LET_GO_M = 0.004;

export interface ThreadOptions {
  /** The region of the hole; its parent is the thing that is taken by its `grasp`. */
  readonly hole: string;
  /** The region where the hole's centre is to be; `<parent>_shaft_region` is what it goes over, z away from its foot. */
  readonly seat: string;
}

/**
 * Takes a thing, carries it before the end of a shaft, turns it so that its hole fits, puts it over and lets go.
 *
 * A hole that fits in one turn fits in every quarter turn. The nearest is taken, or with `view.way` 1 the second nearest,
 * which for a thing that lies flat is the other way round.
 *
 * @returns whether the hole's centre is in the seat
 */
export function* thread(view: View, { hole, seat }: ThreadOptions): Skill<boolean> {
  const name = view.entity(hole).parent ?? hole;
  const shaft = view.entity(`${view.entity(seat).parent ?? seat}_shaft_region`);
  const taken = yield* takeByHandle(view, name, hole);
  if (!taken) return false;
  const end = alongShaft(shaft, shaft.halfExtents[2]);
  const turned = fittingTurn(view, hole, shaft);
  const before = BEFORE_END_M + view.entity(hole).halfExtents[2];
  // Up first, then across, so that nothing is swept over the table.
  const over = alongShaft(shaft, shaft.halfExtents[2] + before);
  const [x, y, z] = view.gripper.position;
  const up = Math.max(z, z + CARRY_M, end[2] - view.entity(hole).position[2] + z);
  yield* reach(view, {
    ...{ position: [x, y, up], grip: GRIP.close, tolerance: 0.02, maxSteps: 30, speed: 0.8 },
  });
  const aligned = view.funnels
    ? yield* lower(view, { hole, name, shaft, quatWxyz: turned })
    : yield* bring(view, { hole, name, to: { position: over, quatWxyz: turned } });
  if (!aligned) {
    yield* letGo(view);
    return false;
  }
  yield* slideOn(view, { hole, shaft, seat: view.entity(seat), quatWxyz: turned });
  yield* wait(view, { steps: OPEN_STEPS, grip: GRIP.open });
  yield* withdraw(view);
  return isSeated(view, hole, seat);
}

/** Pinches a thing by its handle, across the direction from its hole, and lifts it a little. */
function* takeByHandle(view: View, name: string, hole: string): Skill<boolean> {
  const entity = view.entity(name);
  const [gx, gy, gz] = entity.grasp ?? entity.position;
  const [hx, hy] = view.entity(hole).position;
  const across = Math.atan2(gy - hy, gx - hx) + Math.PI / 2;
  const quatWxyz = handDown(nearestYawRad(across, closingYawRad(view)));
  const at: Vec3 = [gx, gy, Math.max(FLOOR_M, gz)];
  const above = at[2] + HOVER_M;
  yield* clear(view, above, GRIP.open);
  const open = { quatWxyz, grip: GRIP.open } as const;
  yield* reach(view, { ...open, position: [gx, gy, above], tolerance: 0.008 });
  yield* reach(view, {
    ...open,
    ...{ position: at, tolerance: 0.004, speed: 0.5, maxSteps: 40, untilStalled: true },
  });
  yield* wait(view, { steps: CLOSE_STEPS, grip: GRIP.close });
  yield* reach(view, {
    ...{ position: shifted(view.gripper.position, [0, 0, 0.04]), quatWxyz, grip: GRIP.close },
    ...{ tolerance: 0.015, maxSteps: 20, speed: 0.5 },
  });
  return view.isHolding(name);
}

/** A point on the axis of a shaft, m from its middle towards its end. */
function alongShaft(shaft: SceneEntity, m: number): Vec3 {
  return shifted(shaft.position, rotateVec3(shaft.quatWxyz, [0, 0, m]));
}

/** The orientation of the hole, of the four that fit, that is nearest to what it is (`view.way` 1: second nearest). */
function fittingTurn(view: View, hole: string, shaft: SceneEntity): QuatWxyz {
  const now = view.entity(hole).quatWxyz;
  const turns = [0, 1, 2, 3].map((quarter): QuatWxyz => {
    const half = (quarter * Math.PI) / 4;
    return multiplyQuats(shaft.quatWxyz, [Math.cos(half), 0, 0, Math.sin(half)]);
  });
  turns.sort((a, b) => angleBetweenQuatsRad(a, now) - angleBetweenQuatsRad(b, now));
  const isUpright = Math.abs(rotateVec3(shaft.quatWxyz, [0, 0, 1])[2]) > 0.99;
  return turns[isUpright ? view.way : 0]!;
}

/** Where the gripper is to be so that the hole, as it is held now, is at a pose. */
function gripperFor(view: View, hole: string, to: Pose): Pose {
  const { position, quatWxyz } = view.entity(hole);
  const gripperFromHole = composePoses(invertPose(view.gripper), { position, quatWxyz });
  return composePoses(to, invertPose(gripperFromHole));
}

/** Moves a held thing until its hole is at a pose. @returns false if it was lost or does not get there */
function* bring(
  view: View,
  { hole, name, to }: { readonly hole: string; readonly name: string; readonly to: Pose },
): Skill<boolean> {
  for (let step = 0; step < ALIGNED.steps; step++) {
    const { position, quatWxyz } = view.entity(hole);
    const isThere = distance(position, to.position) < ALIGNED.aside;
    if (isThere && angleBetweenQuatsRad(quatWxyz, to.quatWxyz) < ALIGNED.rad) return true;
    if (!view.isHolding(name)) return false;
    view.observation = yield servo(view, {
      ...gripperFor(view, hole, to),
      ...{ grip: GRIP.close, speed: 0.7, turnSpeed: 0.4 },
    });
  }
  return false;
}

/**
 * Moves a held thing over the end of a shaft and onto it, as far as its hole is aligned: it never stops before it goes on.
 * @returns false if it was lost or does not get there
 */
function* lower(
  view: View,
  options: {
    readonly hole: string;
    readonly name: string;
    readonly shaft: SceneEntity;
    readonly quatWxyz: QuatWxyz;
  },
): Skill<boolean> {
  const { hole, name, shaft, quatWxyz } = options;
  const touching = shaft.halfExtents[2] + view.entity(hole).halfExtents[2];
  for (let step = 0; step < FUNNEL.steps; step++) {
    const now = view.entity(hole);
    const [x, y, along] = composePoses(invertPose(shaft), now).position;
    if (along < touching - FUNNEL.entered) return true;
    if (!view.isHolding(name)) return false;
    const aside = Math.hypot(x, y);
    const amiss = Math.max(
      shareOf(aside, FUNNEL.aside),
      shareOf(angleBetweenQuatsRad(now.quatWxyz, quatWxyz), FUNNEL.rad),
    );
    const lowest = touching + (amiss === 0 ? -FUNNEL.beyond : BEFORE_END_M * amiss);
    const to = { position: alongShaft(shaft, Math.max(lowest, along - DOWN.ahead)), quatWxyz };
    view.observation = yield servo(view, {
      ...gripperFor(view, hole, to),
      ...{ grip: GRIP.close, turnSpeed: 0.4, straight: true },
      // Across as quickly as it is brought otherwise, then as slowly as it goes down.
      speed: DOWN.speed + 0.5 * shareOf(aside, { fits: 0.005, wide: 0.025 }),
    });
  }
  return false;
}

/** How far something is from what fits to what is wide, [0, 1]. */
function shareOf(value: number, range: { readonly fits: number; readonly wide: number }): number {
  return Math.max(0, Math.min(1, (value - range.fits) / (range.wide - range.fits)));
}

/** Moves a held thing along a shaft to its seat, upright on it, until it is there or stuck. */
function* slideOn(
  view: View,
  options: {
    readonly hole: string;
    readonly shaft: SceneEntity;
    readonly seat: SceneEntity;
    readonly quatWxyz: QuatWxyz;
  },
): Skill {
  const { hole, shaft, seat, quatWxyz } = options;
  const height = (of: Vec3): number => {
    const from = shifted(of, [-seat.position[0], -seat.position[1], -seat.position[2]]);
    const axis = rotateVec3(shaft.quatWxyz, [0, 0, 1]);
    return from[0] * axis[0] + from[1] * axis[1] + from[2] * axis[2];
  };
  const seatFromMiddle = height(shaft.position);
  let lowest = Infinity;
  let stalled = 0;
  for (let step = 0; step < DOWN.steps && stalled < DOWN.stalled; step++) {
    const now = height(view.entity(hole).position);
    if (now < LET_GO_M) return;
    stalled = lowest - now < 2e-4 ? stalled + 1 : 0;
    lowest = Math.min(lowest, now);
    const next = alongShaft(shaft, Math.max(0, now - DOWN.ahead) - seatFromMiddle);
    view.observation = yield servo(view, {
      ...gripperFor(view, hole, { position: next, quatWxyz }),
      ...{ grip: GRIP.close, speed: DOWN.speed, turnSpeed: 0.2, straight: true },
    });
  }
}

function* letGo(view: View): Skill {
  yield* wait(view, { steps: OPEN_STEPS, grip: GRIP.open });
  yield* withdraw(view);
}

/** Backs off the way the hand points. */
function* withdraw(view: View): Skill {
  const { position, quatWxyz } = view.gripper;
  const back = rotateVec3(quatWxyz, [0, 0, -0.1]);
  yield* reach(view, {
    ...{ position: shifted(position, back), grip: GRIP.open, tolerance: 0.02, maxSteps: 25 },
  });
}

function isSeated(view: View, hole: string, seat: string): boolean {
  const { position, quatWxyz, halfExtents } = view.entity(seat);
  const inSeat = composePoses(invertPose({ position, quatWxyz }), {
    position: view.entity(hole).position,
    quatWxyz,
  }).position;
  return halfExtents.every((half, axis) => Math.abs(inSeat[axis] ?? Infinity) <= half);
}
