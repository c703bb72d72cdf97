import type { Vec2 } from "./vector.ts";
import { ZERO, addScaled, cross } from "./vector.ts";

export interface BodyOptions {
  /** `dynamic` is moved by impulses, `kinematic` by its set velocity, `static` never. */
  readonly kind: "dynamic" | "kinematic" | "static";
  /** Mass and moment of inertia about the centre of gravity; infinite unless dynamic. */
  readonly mass?: number;
  readonly inertia?: number;
  /** Centre of gravity in the body's own frame. @default the origin */
  readonly centreOfGravity?: Vec2;
}

/**
 * A rigid body in the plane. Its state is kept at the centre of gravity; `position` is its frame's origin.
 * Besides the velocity there is a correcting velocity that undoes overlap within one step and adds
 * no momentum ("pseudo-velocities": Catto, "Iterative Dynamics with Temporal Coherence", 2005).
 */
export class Body {
  readonly kind: BodyOptions["kind"];
  readonly inverseMass: number;
  readonly inverseInertia: number;
  readonly centreOfGravity: Vec2;
  /** World position of the centre of gravity. */
  centre: Vec2;
  /** Radians, not wrapped. */
  angle = 0;
  /** cos and sin of the angle. */
  rotation: Vec2 = { x: 1, y: 0 };
  position: Vec2 = ZERO;
  velocity: Vec2 = ZERO;
  angularVelocity = 0;
  correction: Vec2 = ZERO;
  angularCorrection = 0;

  constructor({ kind, mass, inertia, centreOfGravity = ZERO }: BodyOptions) {
    if (kind === "dynamic" && !(isPositive(mass) && isPositive(inertia))) {
      throw new RangeError(
        `Cannot make a dynamic body: mass is ${mass} and inertia ${inertia}, must be positive`,
      );
    }
    this.kind = kind;
    this.inverseMass = kind === "dynamic" ? 1 / mass! : 0;
    this.inverseInertia = kind === "dynamic" ? 1 / inertia! : 0;
    this.centreOfGravity = centreOfGravity;
    this.centre = centreOfGravity;
  }

  /** Puts the frame's origin there. */
  moveTo(position: Vec2): void {
    const { x, y } = this.toWorldDirection(this.centreOfGravity);
    this.centre = { x: x + position.x, y: y + position.y };
    this.#place();
  }

  /** Turns about the centre of gravity, so `position` changes with it unless they coincide. */
  turnTo(angle: number): void {
    this.angle = angle;
    this.#place();
  }

  /** Moves by the velocities and forgets the corrections. */
  integrate(dt: number): void {
    const { velocity, correction } = this;
    this.centre = {
      x: this.centre.x + (velocity.x + correction.x) * dt,
      y: this.centre.y + (velocity.y + correction.y) * dt,
    };
    this.angle += (this.angularVelocity + this.angularCorrection) * dt;
    this.correction = ZERO;
    this.angularCorrection = 0;
    this.#place();
  }

  /** Multiplies a dynamic body's velocities. */
  damp(factor: number): void {
    if (this.kind !== "dynamic") return;
    this.velocity = { x: this.velocity.x * factor, y: this.velocity.y * factor };
    this.angularVelocity *= factor;
  }

  /** An impulse at `arm` from the centre of gravity. */
  push(impulse: Vec2, arm: Vec2): void {
    this.velocity = addScaled(this.velocity, impulse, this.inverseMass);
    this.angularVelocity += this.inverseInertia * cross(arm, impulse);
  }

  /** As `push`, on the correcting velocity. */
  correct(impulse: Vec2, arm: Vec2): void {
    this.correction = addScaled(this.correction, impulse, this.inverseMass);
    this.angularCorrection += this.inverseInertia * cross(arm, impulse);
  }

  toWorld({ x, y }: Vec2): Vec2 {
    const { rotation, position } = this;
    return {
      x: rotation.x * x + -rotation.y * y + position.x,
      y: rotation.y * x + rotation.x * y + position.y,
    };
  }

  toWorldDirection({ x, y }: Vec2): Vec2 {
    const { rotation } = this;
    return { x: rotation.x * x + -rotation.y * y, y: rotation.y * x + rotation.x * y };
  }

  #place(): void {
    const rotation = { x: Math.cos(this.angle), y: Math.sin(this.angle) };
    const { x, y } = this.centreOfGravity;
    this.rotation = rotation;
    this.position = {
      x: this.centre.x - (x * rotation.x - y * rotation.y),
      y: this.centre.y - (x * rotation.y + y * rotation.x),
    };
  }
}

function isPositive(value: number | undefined): boolean {
  return value !== undefined && value > 0 && Number.isFinite(value);
}
