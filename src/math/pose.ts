import type { QuatWxyz, Vec3 } from "../core/index.ts";
import { IDENTITY_QUAT_WXYZ, invertQuat, multiplyQuats, rotateVec3 } from "./quaternion.ts";
import { matrixFromQuatWxyz, quatWxyzFromMatrix, type Mat3 } from "./rotation.ts";

/**
 * A rigid transform, an element of SE(3). Named target-from-source: `worldFromGripper` takes points in
 * gripper coordinates to world coordinates, and equals the pose of the gripper in the world.
 */
export interface Pose {
  /** m. */
  readonly position: Vec3;
  /** Unit quaternion. */
  readonly quatWxyz: QuatWxyz;
}

export const IDENTITY_POSE: Pose = { position: [0, 0, 0], quatWxyz: IDENTITY_QUAT_WXYZ };

/** `aFromC = composePoses(aFromB, bFromC)`. */
export function composePoses(aFromB: Pose, bFromC: Pose): Pose {
  return {
    position: transformPoint(aFromB, bFromC.position),
    quatWxyz: multiplyQuats(aFromB.quatWxyz, bFromC.quatWxyz),
  };
}

/** `bFromA = invertPose(aFromB)`. */
export function invertPose(aFromB: Pose): Pose {
  const quatWxyz = invertQuat(aFromB.quatWxyz);
  const [x, y, z] = rotateVec3(quatWxyz, aFromB.position);
  return { position: [-x, -y, -z], quatWxyz };
}

/** `inA = transformPoint(aFromB, inB)`: a point, so it is turned and moved. */
export function transformPoint(aFromB: Pose, inB: Vec3): Vec3 {
  const [x, y, z] = rotateVec3(aFromB.quatWxyz, inB);
  return [x + aFromB.position[0], y + aFromB.position[1], z + aFromB.position[2]];
}

/** Homogeneous 4 x 4 matrix, row-major, as 16 numbers. */
export function matrix4FromPose({ position, quatWxyz }: Pose): readonly number[] {
  const [a, b, c, d, e, f, g, h, i] = matrixFromQuatWxyz(quatWxyz);
  const [x, y, z] = position;
  return [a, b, c, x, d, e, f, y, g, h, i, z, 0, 0, 0, 1];
}

/**
 * The pose of a homogeneous row-major 4 x 4 matrix whose upper left block is a rotation.
 * @throws {TypeError} unless there are 16 numbers
 */
export function poseFromMatrix4(matrix: ArrayLike<number>): Pose {
  if (matrix.length !== 16) {
    throw new TypeError(`Cannot read a pose: the matrix has ${matrix.length} numbers, must be 16`);
  }
  const m = Array.from(matrix);
  const rotation = [0, 1, 2, 4, 5, 6, 8, 9, 10].map((index) => m[index]!) as unknown as Mat3;
  return { position: [m[3]!, m[7]!, m[11]!], quatWxyz: quatWxyzFromMatrix(rotation) };
}
