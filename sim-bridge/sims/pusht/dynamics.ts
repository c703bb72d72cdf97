/** The bodies of PushT and how the pusher is driven. Lengths are in the workspace's own unit (pixels of 512). */
import { Body } from "./physics/body.ts";
import { Shape } from "./physics/shape.ts";
import { Space } from "./physics/space.ts";
import type { Vec2 } from "./physics/vector.ts";

/** Seconds per physics step, physics steps per control step. */
export const STEP_S = 0.01;
export const STEPS_PER_CONTROL = 10;

export const PUSHER_RADIUS = 15;
const STIFFNESS = 100;
const DRAG = 20;

/** Corners of the two rectangles of the T in its own frame: the bar, then the stem; the order of gym-pusht's keypoints. */
export const T_PARTS: readonly (readonly Vec2[])[] = [
  rectangle([-60, 0], [60, 30]),
  rectangle([-15, 30], [15, 120]),
];
export const T_CENTRE_OF_GRAVITY: Vec2 = { x: 0, y: 45 };
const T_MASS = 1;
/** As in the original: twice that of the bar about the frame's origin, m (w^2 / 12 + h^2 / 3). */
const T_INERTIA = 2 * T_MASS * (120 ** 2 / 12 + 30 ** 2 / 3);

/** Ends of the walls, whose half width is `WALL_RADIUS`. */
export const WALLS: readonly (readonly [Vec2, Vec2])[] = [
  [
    { x: 5, y: 506 },
    { x: 5, y: 5 },
  ],
  [
    { x: 5, y: 5 },
    { x: 506, y: 5 },
  ],
  [
    { x: 506, y: 5 },
    { x: 506, y: 506 },
  ],
  [
    { x: 5, y: 506 },
    { x: 506, y: 506 },
  ],
];
export const WALL_RADIUS = 2;

/** What an episode starts with. */
export interface Start {
  readonly pusher: Vec2;
  /** Where the T's origin is put before it is turned about its centre of gravity. */
  readonly block: Vec2;
  readonly angle: number;
}

function rectangle(
  [left, bottom]: readonly [number, number],
  [right, top]: readonly [number, number],
): readonly Vec2[] {
  return [
    { x: left, y: bottom },
    { x: right, y: bottom },
    { x: right, y: top },
    { x: left, y: top },
  ];
}

/** One world from its start; a world is not reset, a new one is made. */
export class PushTDynamics {
  readonly pusher = new Body({ kind: "kinematic" });
  readonly block = new Body({
    kind: "dynamic",
    mass: T_MASS,
    inertia: T_INERTIA,
    centreOfGravity: T_CENTRE_OF_GRAVITY,
  });
  readonly #space: Space;

  /**
   * As the original does it: the block is placed, then turned about its centre of gravity, so that its origin is
   * not where `start` says; and one physics step is made.
   */
  constructor(start: Start) {
    const { pusher, block } = this;
    const ground = new Body({ kind: "static" });
    pusher.moveTo({ x: 256, y: 400 });
    block.moveTo({ x: 256, y: 300 });
    const disc = Shape.circle(pusher, PUSHER_RADIUS);
    const [bar, stem] = T_PARTS.map((corners) => Shape.polygon(block, corners)) as [Shape, Shape];
    this.#space = new Space({
      walls: WALLS.map((ends) => Shape.segment(ground, ends, WALL_RADIUS)),
      moving: [disc, bar, stem],
      // Chipmunk looks at leaves by hash: ids 4, 5, 6 in a table of 5.
      followed: [bar, stem, disc],
      bodies: [pusher, block],
      damping: 0,
    });
    pusher.moveTo(start.pusher);
    block.moveTo(start.block);
    block.turnTo(start.angle);
    this.#space.step(STEP_S);
  }

  /** One control step: the pusher is drawn to `target` by a spring with drag. */
  step(target: Vec2): void {
    const { pusher } = this;
    for (let i = 0; i < STEPS_PER_CONTROL; i++) {
      const { position: p, velocity: v } = pusher;
      const ax = STIFFNESS * (target.x - p.x) + DRAG * (0 - v.x);
      const ay = STIFFNESS * (target.y - p.y) + DRAG * (0 - v.y);
      pusher.velocity = { x: v.x + ax * STEP_S, y: v.y + ay * STEP_S };
      this.#space.step(STEP_S);
    }
  }
}
