/**
 * How fine to draw: fully, unless frames that follow one another take too long (a software renderer, a very
 * large window). Then coarser until things are at rest, and fully again. Knows no renderer and no timer.
 */

/** Frames slower than this, ms, are too slow for something that moves. */
const SLOW_MS = 55;
/** Frames further apart than this do not belong to one movement. */
const APART_MS = 600;
/** Slow frames in a row before it gets coarser: one may be a hiccup. */
const PATIENCE = 3;
const FACTOR = 0.7;
const COARSEST = 0.49;

export class Resolution {
  /** Of the full resolution, per side. */
  scale = 1;
  #lastMs = -Infinity;
  #slow = 0;

  /** A frame is about to be drawn. @returns whether `scale` has changed */
  frame(nowMs: number): boolean {
    const tookMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#slow = tookMs > SLOW_MS && tookMs < APART_MS ? this.#slow + 1 : 0;
    if (this.#slow < PATIENCE || this.scale <= COARSEST) return false;
    this.#slow = 0;
    this.scale = Math.max(COARSEST, this.scale * FACTOR);
    return true;
  }

  /** Nothing moves any more. @returns whether `scale` has changed */
  rest(): boolean {
    this.#slow = 0;
    this.#lastMs = -Infinity;
    const changed = this.scale !== 1;
    this.scale = 1;
    return changed;
  }
}
