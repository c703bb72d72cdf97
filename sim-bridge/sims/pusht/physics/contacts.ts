/**
 * Sequential impulses with accumulated clamping and warm starting, after Catto ("Iterative Dynamics with Temporal
 * Coherence", GDC 2005), with overlap undone by a velocity of its own. Constants and the order of operations are
 * those of Chipmunk2D 7 (`cpArbiter.c`, MIT licence) for shapes without friction and restitution.
 */
import type { Body } from "./body.ts";
import type { Collision, Touch } from "./contact.ts";
import type { Shape } from "./shape.ts";
import type { Vec2 } from "./vector.ts";
import { addScaled, cross, dot, negate, scale, sub, turnLeft } from "./vector.ts";

/** Overlap that is left alone, so that contacts persist. */
const SLOP = Math.fround(0.1);

interface Contact {
  readonly id: number;
  /** From the centres of gravity of the first and the second body. */
  readonly armFirst: Vec2;
  readonly armSecond: Vec2;
  /** Mass that an impulse along the normal meets. */
  mass: number;
  /** Speed at which overlap is to shrink. */
  separationSpeed: number;
  /** Accumulated impulses, never negative. */
  correction: number;
  impulse: number;
}

/** What touches between two shapes, kept over the steps so that a step starts from the last one's impulses. */
export class ContactPair {
  readonly #first: Body;
  readonly #second: Body;
  #normal: Vec2 = { x: 0, y: 0 };
  #contacts: readonly Contact[] = [];
  /** The step in which it last touched. */
  stamp = 0;
  /** Did not touch in the step before the last touch: its impulses are not applied in advance. */
  isFresh = true;

  constructor(first: Shape, second: Shape) {
    this.#first = first.body;
    this.#second = second.body;
  }

  get contactCount(): number {
    return this.#contacts.length;
  }

  /** Takes what was found; a contact made by the same corners keeps its impulse. */
  refresh({ normal, touches }: Collision): void {
    const before = this.#contacts;
    this.#normal = normal;
    this.#contacts = touches.map((touch) => this.#contact(touch, before));
  }

  #contact({ onFirst, onSecond, id }: Touch, before: readonly Contact[]): Contact {
    return {
      id,
      armFirst: sub(onFirst, this.#first.centre),
      armSecond: sub(onSecond, this.#second.centre),
      mass: 0,
      separationSpeed: 0,
      correction: 0,
      impulse: before.find((old) => old.id === id)?.impulse ?? 0,
    };
  }

  /** @param recovery part of the overlap that is to be undone in a step of `dt` seconds */
  prepare(recovery: number, dt: number): void {
    const normal = this.#normal;
    const apart = sub(this.#second.centre, this.#first.centre);
    for (const contact of this.#contacts) {
      const { armFirst, armSecond } = contact;
      contact.mass =
        1 / (mobility(this.#first, armFirst, normal) + mobility(this.#second, armSecond, normal));
      const gap = sub(armSecond, armFirst);
      const distance = dot({ x: gap.x + apart.x, y: gap.y + apart.y }, normal);
      contact.separationSpeed = (-recovery * Math.min(0, distance + SLOP)) / dt;
    }
  }

  /** Applies what the last step ended with. */
  warmStart(): void {
    if (this.isFresh) return;
    for (const contact of this.#contacts) this.#push(contact, contact.impulse);
  }

  /** One pass over its contacts. */
  solve(): void {
    for (const contact of this.#contacts) {
      const closing = this.#closingSpeed(contact);
      const correctionBefore = contact.correction;
      const missing = (contact.separationSpeed - this.#correctingSpeed(contact)) * contact.mass;
      contact.correction = Math.max(correctionBefore + missing, 0);
      const impulseBefore = contact.impulse;
      contact.impulse = Math.max(impulseBefore + -closing * contact.mass, 0);
      const correction = scale(this.#normal, contact.correction - correctionBefore);
      this.#first.correct(negate(correction), contact.armFirst);
      this.#second.correct(correction, contact.armSecond);
      this.#push(contact, contact.impulse - impulseBefore);
    }
  }

  #push({ armFirst, armSecond }: Contact, size: number): void {
    const impulse = scale(this.#normal, size);
    this.#first.push(negate(impulse), armFirst);
    this.#second.push(impulse, armSecond);
  }

  #closingSpeed({ armFirst, armSecond }: Contact): number {
    const { velocity: v1, angularVelocity: w1 } = this.#first;
    const { velocity: v2, angularVelocity: w2 } = this.#second;
    return speedAlong(this.#normal, at(v1, armFirst, w1), at(v2, armSecond, w2));
  }

  #correctingSpeed({ armFirst, armSecond }: Contact): number {
    const { correction: v1, angularCorrection: w1 } = this.#first;
    const { correction: v2, angularCorrection: w2 } = this.#second;
    return speedAlong(this.#normal, at(v1, armFirst, w1), at(v2, armSecond, w2));
  }
}

function at(velocity: Vec2, arm: Vec2, angularVelocity: number): Vec2 {
  return addScaled(velocity, turnLeft(arm), angularVelocity);
}

function speedAlong(normal: Vec2, first: Vec2, second: Vec2): number {
  return dot(sub(second, first), normal);
}

/** Speed that a unit impulse along `normal` at `arm` gives the point there. */
function mobility({ inverseMass, inverseInertia }: Body, arm: Vec2, normal: Vec2): number {
  const lever = cross(arm, normal);
  return inverseMass + inverseInertia * lever * lever;
}
