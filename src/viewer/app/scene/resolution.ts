/**
 * How fine to draw: fully, unless this machine takes too long for a frame (a software renderer, a very large
 * window). Then coarsely while things move, and fully once they are at rest. Knows no renderer and no timer.
 */

/** Frames that take longer than this, ms, are too slow for something that moves: below 30 per second. */
const SLOW_MS = 34;
/** A frame that took longer than this, ms, compiled shaders or slept: it says nothing about the next. */
const UNUSUAL_MS = 600;
/** Slow frames in a row before it gets coarser: one may be a hiccup. */
const PATIENCE = 3;
const FACTOR = 0.7;
const COARSEST = FACTOR ** 3;

export class Resolution {
  /** Of the full resolution, per side. */
  scale = 1;
  /** What movements are drawn at, as far as is known. */
  #moving: number;
  #slow = 0;

  /** @param slow a renderer of which it is known that it is slow */
  constructor({ slow = false }: { readonly slow?: boolean } = {}) {
    this.#moving = slow ? COARSEST : 1;
  }

  /** A frame of something that moves is about to be drawn. @returns whether `scale` has changed */
  move(): boolean {
    return this.#set(this.#moving);
  }

  /** Such a frame was drawn. @param tookMs until the browser was ready for the next one */
  drawn(tookMs: number): void {
    this.#slow = tookMs > SLOW_MS && tookMs < UNUSUAL_MS ? this.#slow + 1 : 0;
    if (this.#slow < PATIENCE) return;
    this.#slow = 0;
    // Far too slow leads to the floor at once, and not by way of more slow frames.
    const next = tookMs > 1.5 * SLOW_MS ? COARSEST : this.#moving * FACTOR;
    this.#moving = Math.max(COARSEST, next);
  }

  /** Nothing moves any more. @returns whether `scale` has changed */
  rest(): boolean {
    this.#slow = 0;
    return this.#set(1);
  }

  #set(scale: number): boolean {
    const changed = this.scale !== scale;
    this.scale = scale;
    return changed;
  }
}
