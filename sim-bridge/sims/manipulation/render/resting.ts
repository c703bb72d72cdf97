import { POSE_STRIDE } from "./pose.ts";
import type { SceneGeom } from "./scene.ts";

/** Frames for which a geom must lie still, away from all that moves, before it counts as resting. */
export const RESTING_FRAMES = 4;
/**
 * Bounding spheres this close touch, m. Surfaces further apart are at different depths wherever they are seen, so
 * which of them is drawn first changes no sample.
 */
const GAP_M = 1e-3;

/**
 * Tells which of the geoms that can move lie still, so that they may be drawn once and kept.
 *
 * Between surfaces of equal depth the one drawn later wins, and what is kept is drawn before what moves. So a geom
 * rests only while it touches none that moves, nor one that touches such a one: then a picture in which it is kept
 * equals one in which all is drawn anew, byte for byte.
 */
export class RestingGeoms {
  readonly #geoms: readonly SceneGeom[];
  readonly #poses: Float64Array;
  /** Poses of the frame before. */
  readonly #last: Float64Array;
  /** Frames for which a row was still and touched nothing that moved. */
  readonly #calmFrames: Int32Array;
  /** Centres of bounding spheres in the world: float64[rows, 3], m. */
  readonly #centers: Float64Array;

  /** @param poses world poses of the geoms, POSE_STRIDE numbers each, read in `look` */
  constructor(geoms: readonly SceneGeom[], poses: Float64Array) {
    this.#geoms = geoms;
    this.#poses = poses;
    this.#last = new Float64Array(poses.length).fill(NaN);
    this.#calmFrames = new Int32Array(geoms.length);
    this.#centers = new Float64Array(3 * geoms.length);
  }

  /**
   * Takes a frame into account.
   *
   * @param movable rows of opaque geoms that can move
   * @param changing rows of other geoms that are drawn among them and never rest
   * @returns those of `movable` that rest, in their order
   */
  look(movable: readonly number[], changing: readonly number[]): readonly number[] {
    for (const row of movable) this.#placeCenter(row);
    for (const row of changing) this.#placeCenter(row);
    const isStill = new Map(movable.map((row) => [row, this.#isStill(row)]));
    const restless = movable.filter((row) => isStill.get(row) === false);
    const calm = this.#apart(
      movable.filter((row) => isStill.get(row) === true),
      [...changing, ...restless],
    );
    const frames = this.#calmFrames;
    const before = frames.slice();
    frames.fill(0);
    for (const row of calm) frames[row] = before[row]! + 1;
    const isYoung = (row: number): boolean => frames[row]! <= RESTING_FRAMES;
    return this.#apart(
      calm.filter((row) => !isYoung(row)),
      calm.filter(isYoung),
    );
  }

  /** Whether the geom is where it was in the frame before; takes note of where it is. */
  #isStill(row: number): boolean {
    const start = POSE_STRIDE * row;
    let isStill = true;
    for (let i = start; i < start + POSE_STRIDE; i++) {
      if (this.#last[i] === this.#poses[i]) continue;
      isStill = false;
      this.#last[i] = this.#poses[i]!;
    }
    return isStill;
  }

  #placeCenter(row: number): void {
    const { center } = this.#geoms[row]!;
    const pose = this.#poses;
    const at = POSE_STRIDE * row;
    for (let axis = 0; axis < 3; axis++) {
      const turn = at + 3 + 3 * axis;
      this.#centers[3 * row + axis] =
        pose[at + axis]! +
        pose[turn]! * center[0]! +
        pose[turn + 1]! * center[1]! +
        pose[turn + 2]! * center[2]!;
    }
  }

  /** Those of `rows` that touch none of `others`, directly or through ones of their own that do. */
  #apart(rows: readonly number[], others: readonly number[]): readonly number[] {
    let apart = rows;
    let reached = others;
    while (reached.length > 0 && apart.length > 0) {
      const last = reached;
      const touches = (row: number): boolean => last.some((other) => this.#touch(row, other));
      reached = apart.filter(touches);
      apart = reached.length === 0 ? apart : apart.filter((row) => !touches(row));
    }
    return apart;
  }

  #touch(a: number, b: number): boolean {
    const centers = this.#centers;
    const x = centers[3 * a]! - centers[3 * b]!;
    const y = centers[3 * a + 1]! - centers[3 * b + 1]!;
    const z = centers[3 * a + 2]! - centers[3 * b + 2]!;
    const reach = this.#geoms[a]!.radius + this.#geoms[b]!.radius + GAP_M;
    return x * x + y * y + z * z < reach * reach;
  }
}
