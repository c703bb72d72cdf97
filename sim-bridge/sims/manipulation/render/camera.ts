/* eslint-disable max-params -- hot loop: positional parameters instead of an object per geom and frame */
import { POSE_STRIDE } from "./pose.ts";
import type { SceneGeom } from "./scene.ts";

/**
 * A pinhole camera at one instant.
 *
 * It looks along its own -z with x to the right and y up; `w = -z` is the depth along the optical
 * axis. With `f = (height / 2) / tan(fovy / 2)` a point appears at
 *
 *     column = width / 2 + f x / w,      row = height / 2 - f y / w      (row 0 at the top)
 *
 * and the centre of pixel (c, r) is at (c + 1/2, r + 1/2).
 */
export interface Camera {
  /** Position, then rotation row-major, world from camera. */
  readonly pose: Float64Array;
  readonly width: number;
  readonly height: number;
  /** Pixels per unit of slope. */
  readonly focalPx: number;
  /** Depths between which things are drawn, m. */
  readonly near: number;
  readonly far: number;
}

/** `camera_from_geom`: 9 numbers of rotation row-major, then the translation; row 2 gives `w`, not z. */
export const VIEW_STRIDE = 12;

/**
 * Writes the transform from geom coordinates to (x, y, w) of the camera.
 *
 * @param pose world from geom, POSE_STRIDE numbers at `offset`
 */
export function viewFromPose(
  camera: Camera,
  pose: Float64Array,
  offset: number,
  out: Float64Array, // positional: called for every geom of every frame
): void {
  const { pose: eye } = camera;
  const dx = pose[offset]! - eye[0]!;
  const dy = pose[offset + 1]! - eye[1]!;
  const dz = pose[offset + 2]! - eye[2]!;
  for (let axis = 0; axis < 3; axis++) {
    // Row `axis` of the inverse rotation is its column; the camera's z points backward.
    const sign = axis === 2 ? -1 : 1;
    const c0 = sign * eye[3 + axis]!;
    const c1 = sign * eye[6 + axis]!;
    const c2 = sign * eye[9 + axis]!;
    for (let column = 0; column < 3; column++) {
      out[3 * axis + column] =
        c0 * pose[offset + 3 + column]! +
        c1 * pose[offset + 6 + column]! +
        c2 * pose[offset + 9 + column]!;
    }
    out[9 + axis] = c0 * dx + c1 * dy + c2 * dz;
  }
}

/** Where the bounding sphere of a geom is, for culling and for choosing the level of detail. */
export interface SphereView {
  /** Depth of the sphere's centre, m. */
  depth: number;
  /** The sphere reaches in front of the near plane and inside the frustum. */
  visible: boolean;
  /** The sphere reaches behind the near plane, so triangles may have to be clipped. */
  crossesNear: boolean;
}

/** Tests the bounding sphere of a geom against the view frustum. */
export function viewSphere(
  camera: Camera,
  geom: SceneGeom,
  view: Float64Array,
  out: SphereView, // reused by the caller: one test per geom and frame
): void {
  const { center, radius } = geom;
  const [cx, cy, cz] = [center[0]!, center[1]!, center[2]!];
  const x = view[0]! * cx + view[1]! * cy + view[2]! * cz + view[9]!;
  const y = view[3]! * cx + view[4]! * cy + view[5]! * cz + view[10]!;
  const w = view[6]! * cx + view[7]! * cy + view[8]! * cz + view[11]!;
  const slopeX = camera.width / 2 / camera.focalPx;
  const slopeY = camera.height / 2 / camera.focalPx;
  out.depth = w;
  out.crossesNear = w - radius <= camera.near;
  out.visible =
    w + radius > camera.near &&
    w - radius < camera.far &&
    // Distance to a side plane through the eye is (|x| - slope w) / sqrt(1 + slope^2).
    Math.abs(x) - slopeX * w <= radius * Math.sqrt(1 + slopeX * slopeX) &&
    Math.abs(y) - slopeY * w <= radius * Math.sqrt(1 + slopeY * slopeY);
}

/** Index of the coarsest level of detail that is good enough at the geom's present size in pixels. */
export function chooseLevel(camera: Camera, geom: SceneGeom, depth: number): number {
  const nearest = Math.max(camera.near, depth - geom.radius);
  const radiusPx = (geom.detailRadius * camera.focalPx) / nearest;
  let level = 0;
  while (geom.levels[level]!.maxRadiusPx < radiusPx) level++;
  return level;
}

export function createCameraPose(): Float64Array {
  return new Float64Array(POSE_STRIDE);
}
