/**
 * A small deterministic solver of rigid bodies in the plane: polygons, pushed by circles that move as they are
 * told, between walls. Everything slides without friction and nothing bounces.
 *
 * It computes what Chipmunk2D 7.0.3 (Lembcke, MIT licence; the engine of pymunk 6.11) does for such
 * worlds, to rounding: see README.md for what that takes and how it is tested.
 */
import type { Body } from "./body.ts";
import { overlap } from "./bounds.ts";
import { BoundsTree } from "./bounds-tree.ts";
import type { EdgeHint } from "./closest.ts";
import { collide } from "./contact.ts";
import { ContactPair } from "./contacts.ts";
import type { Shape, ShapeKind } from "./shape.ts";

const ITERATIONS = 10;
/** Steps that a pair which no longer touches is remembered for. */
const PERSISTENCE = 3;
/** Overlap that remains after a second: 0.9 of it per sixtieth. */
const REMAINING_OVERLAP = Math.pow(Math.fround(0.9), 60);
const ORDER: readonly ShapeKind[] = ["circle", "segment", "polygon"];

export interface SpaceOptions {
  /** Standing shapes, on static bodies. */
  readonly walls: readonly Shape[];
  /** In the order in which they enter the tree. */
  readonly moving: readonly Shape[];
  /** In the order in which they are followed; the same shapes. */
  readonly followed: readonly Shape[];
  /** Bodies of the moving shapes, in the order in which they are integrated. */
  readonly bodies: readonly Body[];
  /** Part of a dynamic body's velocity that is left after a second, in [0, 1]. */
  readonly damping: number;
}

export class Space {
  readonly #bodies: readonly Body[];
  readonly #moving: readonly Shape[];
  readonly #damping: number;
  readonly #tree = new BoundsTree();
  readonly #pairs = new Map<Shape, Map<Shape, ContactPair>>();
  #touching: ContactPair[] = [];
  #stamp = 0;

  constructor({ walls, moving, followed, bodies, damping }: SpaceOptions) {
    this.#bodies = bodies;
    this.#moving = moving;
    this.#damping = damping;
    for (const wall of walls) this.#tree.addStanding(wall);
    for (const shape of moving) this.#tree.addMoving(shape, followed);
  }

  /** Points at which shapes touched in the last step. */
  get contactCount(): number {
    return this.#touching.reduce((sum, pair) => sum + pair.contactCount, 0);
  }

  /** @param dt seconds, the same in every step */
  step(dt: number): void {
    this.#stamp++;
    for (const pair of this.#touching) pair.isFresh = false;
    this.#touching = [];
    for (const body of this.#bodies) body.integrate(dt);
    for (const shape of this.#moving) shape.update();
    this.#tree.update(this.#test);
    this.#forget();
    const recovery = 1 - Math.pow(REMAINING_OVERLAP, dt);
    for (const pair of this.#touching) pair.prepare(recovery, dt);
    const factor = Math.pow(this.#damping, dt);
    for (const body of this.#bodies) body.damp(factor);
    for (const pair of this.#touching) pair.warmStart();
    for (let i = 0; i < ITERATIONS; i++) for (const pair of this.#touching) pair.solve();
  }

  readonly #test = (a: Shape, b: Shape, hint: EdgeHint | undefined): EdgeHint | undefined => {
    if (!canTouch(a, b)) return hint;
    const [first, second] = ORDER.indexOf(a.kind) > ORDER.indexOf(b.kind) ? [b, a] : [a, b];
    const { collision, hint: end } = collide(first, second, hint);
    if (collision === undefined || collision.touches.length === 0) return end;
    const pair = this.#pairOf(first, second);
    pair.refresh(collision);
    pair.stamp = this.#stamp;
    this.#touching.push(pair);
    return end;
  };

  #pairOf(first: Shape, second: Shape): ContactPair {
    let others = this.#pairs.get(first);
    if (others === undefined) this.#pairs.set(first, (others = new Map<Shape, ContactPair>()));
    let pair = others.get(second);
    if (pair === undefined) others.set(second, (pair = new ContactPair(first, second)));
    return pair;
  }

  #forget(): void {
    for (const others of this.#pairs.values()) {
      for (const [second, pair] of others) {
        const age = this.#stamp - pair.stamp;
        if (age >= 1) pair.isFresh = true;
        if (age >= PERSISTENCE) others.delete(second);
      }
    }
  }
}

/** Boxes that overlap, of two bodies of which one can be pushed. */
function canTouch({ bounds: a, body: first }: Shape, { bounds: b, body: second }: Shape): boolean {
  return (
    first !== second && (first.kind === "dynamic" || second.kind === "dynamic") && overlap(a, b)
  );
}
