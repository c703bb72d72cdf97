import type { QuatWxyz, Vec3 } from "../../../src/core/index.ts";
import { quatWxyzFromMatrix, rotateVec3, type Pose } from "../../../src/math/index.ts";
import type { PhysicsViews } from "./mujoco.ts";

/** Poses of the engine's bodies and sites in the world, as plain tuples. */

export function vec3At(values: ArrayLike<number>, index: number): Vec3 {
  return [values[3 * index]!, values[3 * index + 1]!, values[3 * index + 2]!];
}

export function quatAt(values: ArrayLike<number>, index: number): QuatWxyz {
  const at = 4 * index;
  return [values[at]!, values[at + 1]!, values[at + 2]!, values[at + 3]!];
}

export function bodyPose({ xpos, xquat }: PhysicsViews, body: number): Pose {
  return { position: vec3At(xpos, body), quatWxyz: quatAt(xquat, body) };
}

export function sitePose({ siteXpos, siteXmat }: PhysicsViews, site: number): Pose {
  const [a, b, c, d, e, f, g, h, i] = siteXmat.subarray(9 * site, 9 * site + 9);
  return {
    position: vec3At(siteXpos, site),
    quatWxyz: quatWxyzFromMatrix([a!, b!, c!, d!, e!, f!, g!, h!, i!]),
  };
}

/** The pose of a frame that lies at `offset` in another and is not turned against it. */
export function shifted(pose: Pose, offset: Vec3 | undefined): Pose {
  if (offset === undefined) return pose;
  const [x, y, z] = rotateVec3(pose.quatWxyz, offset);
  const [px, py, pz] = pose.position;
  return { position: [px + x, py + y, pz + z], quatWxyz: pose.quatWxyz };
}
