import type {
  Cuboid,
  Observation,
  QuatWxyz,
  SceneEntity,
  SceneGraph,
  Vec3,
} from "../../src/core/index.ts";
import {
  angleBetweenQuatsRad,
  axisAngleFromQuatWxyz,
  invertQuat,
  multiplyQuats,
  quatWxyzFromMatrix,
  rotateVec3,
} from "../../src/math/index.ts";

import { cloudOf, inWorld } from "./cloud.ts";
import { entityNamed } from "./scene.ts";

/**
 * How experts move: proportional servoing in the world frame with operational-space deltas.
 *
 * The action row is `[dx dy dz, rx ry rz, gripper]` in units of 0.05 m and 0.5 rad per control step;
 * gripper -1 opens, +1 closes, 0 holds (LIBERO's convention, CONVENTIONS.md).
 */
export const METRES_PER_UNIT = 0.05;
export const RADIANS_PER_UNIT = 0.5;

/** Gains of the servo. Above 1 because the controller lags about two control steps behind its goal. */
const POSITION_GAIN = 1.6;
const ROTATION_GAIN = 1.2;

export const GRIP = { open: -1, hold: 0, close: 1 } as const;
export type Grip = (typeof GRIP)[keyof typeof GRIP];

/** A skill yields action rows and is sent the observation that each of them led to. */
export type Skill<Result = void> = Generator<Float32Array, Result, Observation>;

/** Where the tool centre should be, world frame. */
export interface Target {
  readonly position: Vec3;
  /** Absent = keep the present orientation. */
  readonly quatWxyz?: QuatWxyz;
  readonly grip: Grip;
  /** Largest translation per step in action units, (0, 1]. @default 1 */
  readonly speed?: number;
  /**
   * For going up or down: what is missing sideways is made up for at once, instead of in proportion to how far
   * it is yet.
   */
  readonly straight?: boolean;
  /** Largest turn per step about each axis in action units, (0, 1]. @default 1 */
  readonly turnSpeed?: number;
}

export interface ReachOptions extends Target {
  /** Close enough, m. @default 0.008 */
  readonly tolerance?: number;
  /** @default 0.06, more where the arm does not come nearer (`View.tellsShapes`) */
  readonly angleToleranceRad?: number;
  /** Gives up after so many control steps. @default 60 */
  readonly maxSteps?: number;
  /** Stops when it no longer gets closer: contact is expected. */
  readonly untilStalled?: boolean;
  readonly until?: (view: View) => boolean;
}

/** What an expert knows now. */
export class View {
  observation: Observation;
  /** Boxes around the colliding shapes of things, in their own frames; told at the beginning. */
  readonly #cuboids: ReadonlyMap<string, readonly Cuboid[]>;

  /** Where there are two ways to do a thing: 0 the nearer, 1 the other. */
  readonly way: 0 | 1;
  /** Whether a hole goes down over a shaft as far as it is aligned; otherwise it stops before the end until it is. */
  readonly funnels: boolean;

  /** @param observation the first of an episode */
  constructor(
    observation: Observation,
    { way = 0, funnels = true }: { readonly way?: 0 | 1; readonly funnels?: boolean } = {},
  ) {
    this.observation = observation;
    this.way = way;
    this.funnels = funnels;
    this.#cuboids = new Map(
      this.scene.entities.flatMap(({ name, cuboids }) =>
        cuboids === undefined ? [] : [[name, cuboids] as const],
      ),
    );
  }

  /**
   * Whether shapes were told. Worlds that do so are LIBERO's, whose arm has friction in its joints: it comes to
   * rest beside where it is told to go and drifts sideways on its way down, which experts then make up for.
   */
  get tellsShapes(): boolean {
    return this.#cuboids.size > 0;
  }

  /** Points on the surface of a thing where it is now, world frame; none if its shape was not told. */
  cloud(name: string, spacingM?: number): readonly Vec3[] {
    return cloudOf(this.entity(name), this.#cuboids.get(name) ?? [], spacingM);
  }

  /** The boxes of a thing where it is now, world frame; none if its shape was not told. */
  cuboids(name: string): readonly Cuboid[] {
    return inWorld(this.entity(name), this.#cuboids.get(name) ?? []);
  }

  get scene(): SceneGraph {
    const scene = this.observation.privileged;
    if (scene === undefined) {
      throw new RangeError(
        "Cannot act: the observation has no ground truth, must come from a simulator that gives it",
      );
    }
    return scene;
  }

  get gripper(): SceneGraph["gripper"] {
    return this.scene.gripper;
  }

  entity(name: string): SceneEntity {
    return entityNamed(this.scene, name);
  }

  find(name: string): SceneEntity | undefined {
    return this.scene.entities.find((entity) => entity.name === name);
  }

  isHolding(name: string): boolean {
    return this.gripper.holding.includes(name);
  }
}

/** One action row towards a target. */
export function servo(view: View, target: Target): Float32Array {
  const { position, quatWxyz } = view.gripper;
  const action = new Float32Array(7);
  const wanted = target.position.map(
    (value, axis) => ((value - (position[axis] ?? 0)) / METRES_PER_UNIT) * POSITION_GAIN,
  );
  const [x = 0, y = 0, z = 0] = wanted.map(Math.abs);
  const within = (largest: number): number =>
    Math.min(1, (target.speed ?? 1) / Math.max(largest, 1e-9));
  const together = within(Math.max(x, y, z));
  const sideways = target.straight === true ? within(Math.max(x, y)) : together;
  wanted.forEach((value, axis) => (action[axis] = value * (axis < 2 ? sideways : together)));
  if (target.quatWxyz !== undefined) {
    const { turnSpeed = 1 } = target;
    // Rotation from here to there, in the world frame.
    const turn = axisAngleFromQuatWxyz(multiplyQuats(target.quatWxyz, invertQuat(quatWxyz)));
    turn.forEach((value, axis) => {
      const units = (value / RADIANS_PER_UNIT) * ROTATION_GAIN;
      action[3 + axis] = Math.max(-turnSpeed, Math.min(turnSpeed, units));
    });
  }
  action[6] = target.grip;
  return action;
}

/** How far an arm with friction in its joints may come to rest from the orientation it is told, far out, rad. */
const REST_ANGLE_RAD = 0.15;
/** Control steps without getting closer after which a motion counts as stalled. */
const STALLED_STEPS = 4;
/** Share of what is missing that is added to the aim per step, and how far the aim may be from the target, m. */
const TRIM = { share: 0.2, most: 0.06 } as const;

/** An aim that makes up for what is missing. */
function trimmed(
  aim: Vec3,
  { wanted, found }: { readonly wanted: Vec3; readonly found: Vec3 },
): Vec3 {
  const along = (axis: 0 | 1 | 2): number => {
    const next = aim[axis] + TRIM.share * (wanted[axis] - found[axis]);
    return Math.max(wanted[axis] - TRIM.most, Math.min(wanted[axis] + TRIM.most, next));
  };
  return [along(0), along(1), along(2)];
}

/** @returns true once the target is reached (or `until` holds), false if it gave up or stalled */
export function* reach(view: View, options: ReachOptions): Skill<boolean> {
  const { tolerance = 0.008, maxSteps = 60 } = options;
  const { angleToleranceRad = view.tellsShapes ? REST_ANGLE_RAD : 0.06 } = options;
  let closest = Infinity;
  let stalled = 0;
  let aim = options.position;
  for (let step = 0; step < maxSteps; step++) {
    if (options.until?.(view) === true) return true;
    const error = distance(view.gripper.position, options.position);
    const angle =
      options.quatWxyz === undefined
        ? 0
        : angleBetweenQuatsRad(view.gripper.quatWxyz, options.quatWxyz);
    if (error < tolerance && angle < angleToleranceRad) return true;
    // An arm that comes to rest beside where it is told to go is told to go further.
    if (stalled >= STALLED_STEPS && options.untilStalled !== true && view.tellsShapes) {
      aim = trimmed(aim, { wanted: options.position, found: view.gripper.position });
    }
    stalled = closest - error < 5e-4 ? stalled + 1 : 0;
    closest = Math.min(closest, error);
    if (options.untilStalled === true && stalled >= STALLED_STEPS) return false;
    view.observation = yield servo(view, { ...options, position: aim });
  }
  return options.until?.(view) === true;
}

/** Holds still for some control steps: lets the fingers close, or a thing settle. */
export function* wait(view: View, options: { steps: number; grip: Grip }): Skill {
  const { position, quatWxyz } = view.gripper;
  for (let step = 0; step < options.steps; step++) {
    view.observation = yield servo(view, { position, quatWxyz, grip: options.grip });
  }
}

/**
 * The orientation of a hand that points straight down and closes its fingers along the horizontal
 * direction `closingYawRad`: z down, y (the fingers' axis) along the closing direction.
 */
export function handDown(closingYawRad: number): QuatWxyz {
  const c = Math.cos(closingYawRad);
  const s = Math.sin(closingYawRad);
  // Columns x = y cross z, y = (c, s, 0), z = (0, 0, -1).
  return quatWxyzFromMatrix([-s, c, 0, c, s, 0, 0, 0, -1]);
}

/** Yaw of the direction the fingers close along, now. */
export function closingYawRad(view: View): number {
  const [x, y] = rotateVec3(view.gripper.quatWxyz, [0, 1, 0]);
  return Math.atan2(y, x);
}

/** The equivalent of a yaw that is nearest to another; a two-finger hand looks alike turned by pi. */
export function nearestYawRad(yawRad: number, toRad: number): number {
  const turn = yawRad - toRad;
  return toRad + (turn - Math.PI * Math.round(turn / Math.PI));
}

export function distance(a: Vec3, b: Vec3): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

export function horizontalDistance(a: Vec3, b: Vec3): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

export function shifted(point: Vec3, by: Vec3): Vec3 {
  return [point[0] + by[0], point[1] + by[1], point[2] + by[2]];
}

/** Half extents of an entity's box along the world's axes. */
export function worldHalfExtents(entity: SceneEntity): Vec3 {
  const [a, b, c] = entity.halfExtents;
  const x = rotateVec3(entity.quatWxyz, [a, 0, 0]);
  const y = rotateVec3(entity.quatWxyz, [0, b, 0]);
  const z = rotateVec3(entity.quatWxyz, [0, 0, c]);
  return [0, 1, 2].map(
    (axis) => Math.abs(x[axis] ?? 0) + Math.abs(y[axis] ?? 0) + Math.abs(z[axis] ?? 0),
  ) as unknown as Vec3;
}

export function topOf(entity: SceneEntity): number {
  return entity.position[2] + worldHalfExtents(entity)[2];
}

export function bottomOf(entity: SceneEntity): number {
  return entity.position[2] - worldHalfExtents(entity)[2];
}

/** Top of the highest thing on the table besides the named ones, m: what a carried thing must clear. */
export function clearHeight(view: View, except: readonly string[]): number {
  const tops = view.scene.entities
    .filter((entity) => entity.kind === "object" && !except.includes(entity.name))
    .map(topOf);
  return Math.max(0.05, ...tops);
}
