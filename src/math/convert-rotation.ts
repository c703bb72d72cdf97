import type { Vec3 } from "../core/index.ts";
import { normalizeQuat, quatWxyzFromQuatXyzw, quatXyzwFromQuatWxyz } from "./quaternion.ts";
import {
  axisAngleFromMatrix,
  eulerXyzExtrinsicFromMatrix,
  matrixFromAxisAngle,
  matrixFromEulerXyzExtrinsic,
  matrixFromQuatWxyz,
  matrixFromRot6dColMajor,
  matrixFromRot6dRowMajor,
  quatWxyzFromMatrix,
  rot6dColMajorFromMatrix,
  rot6dRowMajorFromMatrix,
  type Mat3,
  type Rot6d,
} from "./rotation.ts";

/** The rotation formats of `ComponentFormat`, and the plain row-major matrix. */
export type RotationFormat =
  | "quat_wxyz"
  | "quat_xyzw"
  | "axis_angle"
  | "rot6d_row_major"
  | "rot6d_col_major"
  | "euler_xyz_extrinsic"
  | "matrix";

type Four = readonly [number, number, number, number];

interface RotationCodec {
  readonly size: number;
  toMatrix(values: readonly number[]): Mat3;
  fromMatrix(matrix: Mat3): readonly number[];
}

// The casts are safe: `convertRotation` has checked the number of values against `size`.
const codecs: Readonly<Record<RotationFormat, RotationCodec>> = {
  quat_wxyz: {
    size: 4,
    toMatrix: (v) => matrixFromQuatWxyz(normalizeQuat(v as unknown as Four)),
    fromMatrix: quatWxyzFromMatrix,
  },
  quat_xyzw: {
    size: 4,
    toMatrix: (v) => matrixFromQuatWxyz(normalizeQuat(quatWxyzFromQuatXyzw(v as unknown as Four))),
    fromMatrix: (m) => quatXyzwFromQuatWxyz(quatWxyzFromMatrix(m)),
  },
  axis_angle: {
    size: 3,
    toMatrix: (v) => matrixFromAxisAngle(v as unknown as Vec3),
    fromMatrix: axisAngleFromMatrix,
  },
  rot6d_row_major: {
    size: 6,
    toMatrix: (v) => matrixFromRot6dRowMajor(v as unknown as Rot6d),
    fromMatrix: rot6dRowMajorFromMatrix,
  },
  rot6d_col_major: {
    size: 6,
    toMatrix: (v) => matrixFromRot6dColMajor(v as unknown as Rot6d),
    fromMatrix: rot6dColMajorFromMatrix,
  },
  euler_xyz_extrinsic: {
    size: 3,
    toMatrix: (v) => matrixFromEulerXyzExtrinsic(v as unknown as Vec3),
    fromMatrix: eulerXyzExtrinsicFromMatrix,
  },
  matrix: { size: 9, toMatrix: (v) => v as unknown as Mat3, fromMatrix: (m) => m },
};

/** How many numbers a rotation has in a format. */
export function rotationSize(format: RotationFormat): number {
  return codecs[format].size;
}

/**
 * Rewrites one rotation from one format to another, through the matrix. Quaternions need not be of
 * unit length and come out with w >= 0; angles are rad.
 * @throws {TypeError} if the number of values is not the format's
 * @throws {RangeError} if a value is not finite, or the values are no rotation (zero quaternion, parallel triples)
 */
export function convertRotation(
  values: ArrayLike<number>,
  from: RotationFormat,
  to: RotationFormat,
): readonly number[] {
  const { size } = codecs[from];
  if (values.length !== size) {
    throw new TypeError(
      `Cannot convert a rotation: there are ${values.length} numbers, ${from} must have ${size}`,
    );
  }
  const list = Array.from(values);
  const bad = list.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`Cannot convert a rotation: entry ${bad} is ${list[bad]}, must be finite`);
  }
  return codecs[to].fromMatrix(codecs[from].toMatrix(list));
}
