import type { QuatWxyz, Vec3 } from "../core/index.ts";

/** Scalar last, three.js' and ROS' order. */
export type QuatXyzw = readonly [number, number, number, number];

export const IDENTITY_QUAT_WXYZ: QuatWxyz = [1, 0, 0, 0];

export function quatXyzwFromQuatWxyz([w, x, y, z]: QuatWxyz): QuatXyzw {
  return [x, y, z, w];
}

export function quatWxyzFromQuatXyzw([x, y, z, w]: QuatXyzw): QuatWxyz {
  return [w, x, y, z];
}

/**
 * Scales to unit length; the sign stays.
 * @throws {RangeError} if the length is zero or not finite
 */
export function normalizeQuat([w, x, y, z]: QuatWxyz): QuatWxyz {
  const length = Math.hypot(w, x, y, z);
  if (!(length > 0 && length < Infinity)) {
    throw new RangeError(
      `Cannot normalise a quaternion: its length is ${length}, must be positive and finite`,
    );
  }
  return [w / length, x / length, y / length, z / length];
}

/** Of the two quaternions of one rotation the one with w >= 0 (and for w = 0, the first non-zero entry > 0). */
export function canonicalQuat(quat: QuatWxyz): QuatWxyz {
  const leading = quat.find((entry) => entry !== 0) ?? 0;
  return leading < 0 ? negate(quat) : quat;
}

/** Hamilton product: the rotation that does `b` first, then `a`. */
export function multiplyQuats(a: QuatWxyz, b: QuatWxyz): QuatWxyz {
  const [aw, ax, ay, az] = a;
  const [bw, bx, by, bz] = b;
  return [
    aw * bw - ax * bx - ay * by - az * bz,
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
  ];
}

/** The inverse of a unit quaternion: its conjugate. */
export function invertQuat([w, x, y, z]: QuatWxyz): QuatWxyz {
  return [w, -x, -y, -z];
}

/** Rotates a vector by a unit quaternion: v + 2w(u × v) + 2u × (u × v). */
export function rotateVec3([w, x, y, z]: QuatWxyz, [a, b, c]: Vec3): Vec3 {
  const tx = 2 * (y * c - z * b);
  const ty = 2 * (z * a - x * c);
  const tz = 2 * (x * b - y * a);
  return [a + w * tx + y * tz - z * ty, b + w * ty + z * tx - x * tz, c + w * tz + x * ty - y * tx];
}

/** The angle in [0, π] of the rotation that leads from one unit quaternion to the other. */
export function angleBetweenQuatsRad(a: QuatWxyz, b: QuatWxyz): number {
  const [w, x, y, z] = multiplyQuats(invertQuat(a), b);
  return 2 * Math.atan2(Math.hypot(x, y, z), Math.abs(w));
}

/**
 * Spherical interpolation along the shorter arc (Shoemake 1985), from `a` at t = 0 to `b` at t = 1.
 * Falls back to the normalised chord where the arc is so short that its sine has no digits left.
 */
export function slerpQuats(a: QuatWxyz, b: QuatWxyz, t: number): QuatWxyz {
  const dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const near = dot < 0 ? negate(b) : b;
  const angle = Math.acos(Math.min(1, Math.abs(dot)));
  const sine = Math.sin(angle);
  const [ka, kb] =
    sine < 1e-7 ? [1 - t, t] : [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
  return normalizeQuat([
    ka * a[0] + kb * near[0],
    ka * a[1] + kb * near[1],
    ka * a[2] + kb * near[2],
    ka * a[3] + kb * near[3],
  ]);
}

function negate([w, x, y, z]: QuatWxyz): QuatWxyz {
  return [-w, -x, -y, -z];
}
