import type { QuatWxyz, Vec3 } from "../core/index.ts";
import type { QuatXyzw } from "./quaternion.ts";
import { normalizeQuat } from "./quaternion.ts";

/** A 3 x 3 matrix, row-major; as a rotation, its columns are the axes of the rotated frame. */
// prettier-ignore
export type Mat3 = readonly [
  number, number, number,
  number, number, number,
  number, number, number,
];

/** Six numbers of a rotation matrix (Zhou et al. 2019, arXiv:1812.07035); which six is in the name. */
export type Rot6d = readonly [number, number, number, number, number, number];

export const IDENTITY_MAT3: Mat3 = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** Matrix product `a · b`. */
export function multiplyMat3(a: Mat3, b: Mat3): Mat3 {
  const [b0, b1, b2, b3, b4, b5, b6, b7, b8] = b;
  return [
    a[0] * b0 + a[1] * b3 + a[2] * b6,
    a[0] * b1 + a[1] * b4 + a[2] * b7,
    a[0] * b2 + a[1] * b5 + a[2] * b8,
    a[3] * b0 + a[4] * b3 + a[5] * b6,
    a[3] * b1 + a[4] * b4 + a[5] * b7,
    a[3] * b2 + a[4] * b5 + a[5] * b8,
    a[6] * b0 + a[7] * b3 + a[8] * b6,
    a[6] * b1 + a[7] * b4 + a[8] * b7,
    a[6] * b2 + a[7] * b5 + a[8] * b8,
  ];
}

/** The transpose; for a rotation its inverse. */
export function transposeMat3([a, b, c, d, e, f, g, h, i]: Mat3): Mat3 {
  return [a, d, g, b, e, h, c, f, i];
}

export function multiplyMat3Vec3(m: Mat3, [x, y, z]: Vec3): Vec3 {
  return [
    m[0] * x + m[1] * y + m[2] * z,
    m[3] * x + m[4] * y + m[5] * z,
    m[6] * x + m[7] * y + m[8] * z,
  ];
}

/** The matrix of a unit quaternion. */
export function matrixFromQuatWxyz([w, x, y, z]: QuatWxyz): Mat3 {
  return [
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  ];
}

/**
 * The unit quaternion of a rotation matrix, with w >= 0.
 *
 * Shepperd 1978: of 4w², 4x², 4y², 4z² the largest is taken from the diagonal and the rest divided
 * by it, so that no digits are lost near half turns.
 */
export function quatWxyzFromMatrix(m: Mat3): QuatWxyz {
  const [m00, m01, m02, m10, m11, m12, m20, m21, m22] = m;
  const w2 = 1 + m00 + m11 + m22;
  const x2 = 1 + m00 - m11 - m22;
  const y2 = 1 - m00 + m11 - m22;
  const z2 = 1 - m00 - m11 + m22;
  const largest = Math.max(w2, x2, y2, z2);
  let quat: QuatWxyz;
  if (largest === w2) quat = [w2, m21 - m12, m02 - m20, m10 - m01];
  else if (largest === x2) quat = [m21 - m12, x2, m01 + m10, m02 + m20];
  else if (largest === y2) quat = [m02 - m20, m01 + m10, y2, m12 + m21];
  else quat = [m10 - m01, m02 + m20, m12 + m21, z2];
  const [w, x, y, z] = normalizeQuat(quat);
  return w < 0 ? [-w, -x, -y, -z] : [w, x, y, z];
}

/** The rotation vector (axis times angle, rad) of a unit quaternion; its length is in [0, π]. */
export function axisAngleFromQuatWxyz([w, x, y, z]: QuatWxyz): Vec3 {
  const sine = Math.hypot(x, y, z);
  if (sine === 0) return [0, 0, 0];
  // atan2 keeps all digits at both ends, where acos(w) and asin(sine) each lose half of them.
  const factor = (2 * Math.atan2(sine, Math.abs(w)) * (w < 0 ? -1 : 1)) / sine;
  return [x * factor, y * factor, z * factor];
}

/**
 * The rotation vector that goes with the quaternion's sign, rad; its length is in [0, 2π]. What robosuite's
 * `quat2axisangle` gives, and with it the state of most policies for LIBERO. `axisAngleFromQuatWxyz` gives the same
 * rotation by the shorter way, which is another vector where w < 0: a hand that points down stands at that border.
 *
 * @param quatXyzw of unit length
 */
export function signedAxisAngleFromQuatXyzw([x, y, z, w]: QuatXyzw): Vec3 {
  const sine = Math.hypot(x, y, z);
  if (sine === 0) return [0, 0, 0];
  const factor = (2 * Math.atan2(sine, w)) / sine;
  return [x * factor, y * factor, z * factor];
}

/** The unit quaternion of a rotation vector of any length, rad. */
export function quatWxyzFromAxisAngle([x, y, z]: Vec3): QuatWxyz {
  const angle = Math.hypot(x, y, z);
  if (angle === 0) return [1, 0, 0, 0];
  const factor = Math.sin(angle / 2) / angle;
  return [Math.cos(angle / 2), x * factor, y * factor, z * factor];
}

export function axisAngleFromMatrix(m: Mat3): Vec3 {
  return axisAngleFromQuatWxyz(quatWxyzFromMatrix(m));
}

export function matrixFromAxisAngle(axisAngle: Vec3): Mat3 {
  return matrixFromQuatWxyz(quatWxyzFromAxisAngle(axisAngle));
}

/** The first two ROWS of the matrix, one after the other. */
export function rot6dRowMajorFromMatrix([a, b, c, d, e, f]: Mat3): Rot6d {
  return [a, b, c, d, e, f];
}

/** The first two COLUMNS of the matrix, one after the other (the order of the paper). */
export function rot6dColMajorFromMatrix([a, b, , d, e, , g, h]: Mat3): Rot6d {
  return [a, d, g, b, e, h];
}

/**
 * The rotation nearest in the sense of Gram-Schmidt: the first triple is normalised, the second made
 * orthogonal to it, the third is their cross product (Zhou et al. 2019, eq. 4-5).
 * @throws {RangeError} if the triples are parallel or zero, so that they span no plane
 */
export function matrixFromRot6dRowMajor([a, b, c, d, e, f]: Rot6d): Mat3 {
  const first = unit([a, b, c], 0);
  const along = first[0] * d + first[1] * e + first[2] * f;
  const scale = Math.hypot(d, e, f);
  const second = unit(
    [d - along * first[0], e - along * first[1], f - along * first[2]],
    1e-12 * scale,
  );
  const third: Vec3 = [
    first[1] * second[2] - first[2] * second[1],
    first[2] * second[0] - first[0] * second[2],
    first[0] * second[1] - first[1] * second[0],
  ];
  return [...first, ...second, ...third];
}

/** As `matrixFromRot6dRowMajor`, with the triples as columns. */
export function matrixFromRot6dColMajor(rot6d: Rot6d): Mat3 {
  return transposeMat3(matrixFromRot6dRowMajor(rot6d));
}

/** R = Rz(z) · Ry(y) · Rx(x): about the fixed x axis first, then fixed y, then fixed z; rad. */
export function matrixFromEulerXyzExtrinsic([x, y, z]: Vec3): Mat3 {
  const [sx, cx] = [Math.sin(x), Math.cos(x)];
  const [sy, cy] = [Math.sin(y), Math.cos(y)];
  const [sz, cz] = [Math.sin(z), Math.cos(z)];
  return [
    cy * cz,
    sx * sy * cz - cx * sz,
    cx * sy * cz + sx * sz,
    cy * sz,
    sx * sy * sz + cx * cz,
    cx * sy * sz - sx * cz,
    -sy,
    sx * cy,
    cx * cy,
  ];
}

/**
 * Euler angles about fixed x, y, z, rad: x and z in [-π, π], y in [-π/2, π/2].
 *
 * z is solved after x has been taken out of the matrix, so the three fit together to the last digit
 * even at y = ±π/2, where x and z turn about one axis and any x would do.
 */
export function eulerXyzExtrinsicFromMatrix(m: Mat3): Vec3 {
  const x = Math.atan2(m[7], m[8]);
  const y = Math.atan2(-m[6], Math.hypot(m[0], m[3]));
  const [sx, cx] = [Math.sin(x), Math.cos(x)];
  const z = Math.atan2(sx * m[2] - cx * m[1], cx * m[4] - sx * m[5]);
  return [x, y, z];
}

function unit([x, y, z]: Vec3, atLeast: number): Vec3 {
  const length = Math.hypot(x, y, z);
  if (!(length > atLeast && length < Infinity)) {
    throw new RangeError(
      "Cannot make a rotation of six numbers: the two triples are parallel, zero or not finite, must span a plane",
    );
  }
  return [x / length, y / length, z / length];
}
