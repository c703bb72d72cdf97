/* eslint-disable max-params -- hot loop: positional parameters instead of an object per geom and frame */
import { matrixFromQuatWxyz } from "../../../../src/math/index.ts";
import type { SceneGeom } from "./scene.ts";
import type { BodyPoses, RenderModel } from "./types.ts";

/** Numbers per rigid pose: position (3), then rotation row-major, world from local (9). */
export const POSE_STRIDE = 12;

/** A pose fixed to a body: `local` (POSE_STRIDE numbers) in the frame of body `bodyId`. */
export interface Mount {
  readonly bodyId: number;
  readonly local: Float64Array;
}

export function createMount(
  bodyId: number,
  pos: ArrayLike<number>,
  quatWxyz: ArrayLike<number>,
): Mount {
  const local = new Float64Array(POSE_STRIDE);
  local.set([pos[0]!, pos[1]!, pos[2]!]);
  const [w, x, y, z] = [quatWxyz[0]!, quatWxyz[1]!, quatWxyz[2]!, quatWxyz[3]!];
  local.set(matrixFromQuatWxyz([w, x, y, z]), 3);
  return { bodyId, local };
}

/** Where each drawn geom is fixed, row by row as in the scene. */
export function geomMounts(model: RenderModel, geoms: readonly SceneGeom[]): readonly Mount[] {
  const { pos, quatWxyz } = model.geoms;
  return geoms.map(({ id, bodyId }) =>
    createMount(bodyId, pos.subarray(3 * id, 3 * id + 3), quatWxyz.subarray(4 * id, 4 * id + 4)),
  );
}

/** `world_from_mount = world_from_body * body_from_mount`, written at `out[offset ...]`. */
export function placeMount(
  mount: Mount,
  poses: BodyPoses,
  out: Float64Array,
  offset: number, // positional: called for every geom of every frame
): void {
  const { bodyXpos, bodyXmat } = poses;
  const { bodyId, local } = mount;
  for (let row = 0; row < 3; row++) {
    const source = 9 * bodyId + 3 * row;
    const r0 = bodyXmat[source]!;
    const r1 = bodyXmat[source + 1]!;
    const r2 = bodyXmat[source + 2]!;
    out[offset + row] =
      bodyXpos[3 * bodyId + row]! + r0 * local[0]! + r1 * local[1]! + r2 * local[2]!;
    const target = offset + 3 + 3 * row;
    out[target] = r0 * local[3]! + r1 * local[6]! + r2 * local[9]!;
    out[target + 1] = r0 * local[4]! + r1 * local[7]! + r2 * local[10]!;
    out[target + 2] = r0 * local[5]! + r1 * local[8]! + r2 * local[11]!;
  }
}

/** Poses of bodies on a grid. */
export class PoseGrid {
  readonly #step: number;
  readonly #xpos: Float64Array;
  readonly #xmat: Float64Array;

  /** @param step see `CameraRendererOptions.poseStep` */
  constructor(bodies: number, step: number) {
    this.#step = step;
    this.#xpos = new Float64Array(3 * bodies);
    this.#xmat = new Float64Array(9 * bodies);
  }

  /** The same poses, each number on the grid; valid until the next call. */
  round({ bodyXpos, bodyXmat, ...rest }: BodyPoses): BodyPoses {
    const step = this.#step;
    for (let i = 0; i < bodyXpos.length; i++) {
      this.#xpos[i] = Math.round(bodyXpos[i]! / step) * step;
    }
    for (let i = 0; i < bodyXmat.length; i++) {
      this.#xmat[i] = Math.round(bodyXmat[i]! / step) * step;
    }
    return { ...rest, bodyXpos: this.#xpos, bodyXmat: this.#xmat };
  }
}
