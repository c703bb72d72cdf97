import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { QuatWxyz, Vec3 } from "../../../../src/core/index.ts";
import {
  IDENTITY_MAT3,
  angleBetweenQuatsRad,
  axisAngleFromQuatWxyz,
  canonicalQuat,
  composePoses,
  convertRotation,
  eulerXyzExtrinsicFromMatrix,
  invertPose,
  invertQuat,
  matrix4FromPose,
  matrixFromAxisAngle,
  matrixFromEulerXyzExtrinsic,
  matrixFromQuatWxyz,
  matrixFromRot6dRowMajor,
  multiplyMat3,
  multiplyMat3Vec3,
  multiplyQuats,
  normalizeQuat,
  poseFromMatrix4,
  quatWxyzFromAxisAngle,
  quatWxyzFromMatrix,
  rot6dColMajorFromMatrix,
  rot6dRowMajorFromMatrix,
  rotateVec3,
  rotationSize,
  slerpQuats,
  transformPoint,
  transposeMat3,
  type Mat3,
  type RotationFormat,
} from "../../../../src/math/index.ts";

const FORMATS: readonly RotationFormat[] = [
  "quat_wxyz",
  "quat_xyzw",
  "axis_angle",
  "rot6d_row_major",
  "rot6d_col_major",
  "euler_xyz_extrinsic",
  "matrix",
];

const coordinate = fc.double({ min: -1, max: 1, noNaN: true });
const vec3 = fc.tuple(coordinate, coordinate, coordinate);
const axis = vec3
  .filter((v) => Math.hypot(...v) > 1e-3)
  .map(([x, y, z]): Vec3 => {
    const length = Math.hypot(x, y, z);
    return [x / length, y / length, z / length];
  });
/** Angles everywhere, and crowded where conversions lose digits: at 0 and at π. */
const angle = fc.oneof(
  fc.double({ min: 0, max: Math.PI, noNaN: true }),
  fc.integer({ min: -18, max: -1 }).map((e) => 10 ** e),
  fc.integer({ min: -18, max: -1 }).map((e) => Math.PI - 10 ** e),
  fc.constantFrom(0, Math.PI / 2, Math.PI),
);
const rotation = fc
  .tuple(axis, angle)
  .map(([[x, y, z], a]): QuatWxyz => quatWxyzFromAxisAngle([x * a, y * a, z * a]));

function expectClose(actual: readonly number[], expected: readonly number[], atol = 1e-13): void {
  expect(actual).toHaveLength(expected.length);
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)));
  expect(worst, `${actual.join(", ")} against ${expected.join(", ")}`).toBeLessThanOrEqual(atol);
}

describe("rotations in every format", () => {
  const formatPair = fc.tuple(fc.constantFrom(...FORMATS), fc.constantFrom(...FORMATS));

  it("convertRotation() keeps the rotation through any two formats", () => {
    fc.assert(
      fc.property(rotation, formatPair, (quat, [a, b]) => {
        const matrix = matrixFromQuatWxyz(quat);
        const inA = convertRotation(matrix, "matrix", a);
        const inB = convertRotation(inA, a, b);
        expect(inB).toHaveLength(rotationSize(b));
        expectClose(convertRotation(inB, b, "matrix"), matrix, 1e-14);
      }),
      { numRuns: 500 },
    );
  });

  it("the group axioms hold whatever format the operands come in", () => {
    fc.assert(
      fc.property(rotation, rotation, rotation, formatPair, (p, q, r, [a, b]) => {
        const matrixOf = (quat: QuatWxyz, format: RotationFormat): Mat3 =>
          convertRotation(
            convertRotation(quat, "quat_wxyz", format),
            format,
            "matrix",
          ) as unknown as Mat3;
        const [x, y, z] = [matrixOf(p, a), matrixOf(q, b), matrixOf(r, a)];
        // Closure: orthogonal with determinant 1, and equal to the quaternion product.
        const product = multiplyMat3(x, y);
        expectClose(product, matrixFromQuatWxyz(multiplyQuats(p, q)));
        expectClose(multiplyMat3(product, transposeMat3(product)), IDENTITY_MAT3);
        expectClose([determinant(product)], [1]);
        // Associativity, identity, inverse.
        expectClose(multiplyMat3(product, z), multiplyMat3(x, multiplyMat3(y, z)));
        expectClose(multiplyMat3(x, IDENTITY_MAT3), x, 0);
        expectClose(multiplyMat3(x, transposeMat3(x)), IDENTITY_MAT3);
        expectClose(matrixFromQuatWxyz(invertQuat(p)), transposeMat3(x));
      }),
      { numRuns: 300 },
    );
  });

  it("the product does its right operand first", () => {
    const quarterX = quatWxyzFromAxisAngle([Math.PI / 2, 0, 0]);
    const quarterZ = quatWxyzFromAxisAngle([0, 0, Math.PI / 2]);
    // y --(about x)--> z --(about z)--> z
    expectClose(rotateVec3(multiplyQuats(quarterZ, quarterX), [0, 1, 0]), [0, 0, 1], 1e-15);
    // y --(about z)--> -x --(about x)--> -x
    expectClose(rotateVec3(multiplyQuats(quarterX, quarterZ), [0, 1, 0]), [-1, 0, 0], 1e-15);
  });

  it("each format has its documented order, on a quarter turn about z", () => {
    const half = Math.SQRT1_2;
    const quarterZ = [0, 0, Math.PI / 2];
    const expected: Readonly<Record<RotationFormat, readonly number[]>> = {
      quat_wxyz: [half, 0, 0, half],
      quat_xyzw: [0, 0, half, half],
      axis_angle: quarterZ,
      rot6d_row_major: [0, -1, 0, 1, 0, 0],
      rot6d_col_major: [0, 1, 0, -1, 0, 0],
      euler_xyz_extrinsic: quarterZ,
      matrix: [0, -1, 0, 1, 0, 0, 0, 0, 1],
    };
    for (const format of FORMATS) {
      expectClose(convertRotation(quarterZ, "axis_angle", format), expected[format], 1e-15);
    }
  });

  it("convertRotation() refuses the wrong count, non-finite numbers and non-rotations", () => {
    expect(() => convertRotation([1, 0, 0], "quat_wxyz", "matrix")).toThrow(TypeError);
    expect(() => convertRotation([NaN, 0, 0], "axis_angle", "matrix")).toThrow(/entry 0 is NaN/);
    expect(() => convertRotation([0, 0, 0, 0], "quat_xyzw", "matrix")).toThrow(RangeError);
    expect(() => convertRotation([1, 2, 3, 2, 4, 6], "rot6d_col_major", "matrix")).toThrow(
      /parallel/,
    );
  });
});

describe("quaternions", () => {
  it("q and -q are one rotation, and canonicalQuat() picks one of them", () => {
    fc.assert(
      fc.property(rotation, vec3, (quat, v) => {
        const [w, x, y, z] = quat;
        const opposite: QuatWxyz = [-w, -x, -y, -z];
        expectClose(rotateVec3(opposite, v), rotateVec3(quat, v), 1e-15);
        expectClose(axisAngleFromQuatWxyz(opposite), axisAngleFromQuatWxyz(quat), 2e-15);
        expectClose(canonicalQuat(opposite), canonicalQuat(quat), 0);
        expect(angleBetweenQuatsRad(quat, opposite)).toBeLessThan(1e-7);
      }),
    );
  });

  it("rotateVec3() agrees with the matrix and keeps lengths", () => {
    fc.assert(
      fc.property(rotation, vec3, (quat, v) => {
        const rotated = rotateVec3(quat, v);
        expectClose(rotated, multiplyMat3Vec3(matrixFromQuatWxyz(quat), v), 1e-15);
        expect(Math.hypot(...rotated)).toBeCloseTo(Math.hypot(...v), 12);
      }),
    );
  });

  it("axis-angle survives the quaternion with all its digits at 1e-300, 1e-8 and next to π", () => {
    for (const size of [1e-300, 1e-17, 1e-8, 1, Math.PI - 1e-9, Math.PI]) {
      const back = axisAngleFromQuatWxyz(quatWxyzFromAxisAngle([0, size, 0]));
      expect(Math.abs(back[1] - size) / size).toBeLessThan(4e-16);
    }
    expect(axisAngleFromQuatWxyz([1, 0, 0, 0])).toEqual([0, 0, 0]);
  });

  it("quatWxyzFromMatrix() holds on each of Shepperd's four branches", () => {
    for (const quat of [
      [0.9, 0.1, -0.2, 0.3],
      [0.1, 0.9, -0.2, 0.3],
      [0.1, -0.2, 0.9, 0.3],
      [0.1, 0.2, -0.3, 0.9],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ] as const) {
      const unit = normalizeQuat(quat);
      expectClose(quatWxyzFromMatrix(matrixFromQuatWxyz(unit)), canonicalQuat(unit), 1e-15);
    }
  });

  it("slerpQuats() moves at constant angular speed along the shorter arc", () => {
    fc.assert(
      fc.property(rotation, rotation, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, t) => {
        const whole = angleBetweenQuatsRad(a, b);
        // Halfway round the two arcs are equally short, and rounding picks one.
        fc.pre(whole < 3.14);
        expect(angleBetweenQuatsRad(a, slerpQuats(a, b, t))).toBeCloseTo(t * whole, 6);
      }),
    );
  });

  it("normalizeQuat() refuses what has no direction", () => {
    expect(() => normalizeQuat([0, 0, 0, 0])).toThrow(RangeError);
    expect(() => normalizeQuat([NaN, 0, 0, 1])).toThrow(RangeError);
  });
});

describe("Euler angles", () => {
  it("are about FIXED axes: x first, then y, then z", () => {
    const [x, y, z] = [0.3, -0.4, 0.5];
    const stepwise = multiplyMat3(
      matrixFromAxisAngle([0, 0, z]),
      multiplyMat3(matrixFromAxisAngle([0, y, 0]), matrixFromAxisAngle([x, 0, 0])),
    );
    expectClose(matrixFromEulerXyzExtrinsic([x, y, z]), stepwise, 1e-15);
  });

  it("survive gimbal lock as a rotation", () => {
    for (const y of [Math.PI / 2, -Math.PI / 2, Math.PI / 2 - 1e-9, -Math.PI / 2 + 1e-16]) {
      const matrix = matrixFromEulerXyzExtrinsic([0.7, y, -1.1]);
      expectClose(matrixFromEulerXyzExtrinsic(eulerXyzExtrinsicFromMatrix(matrix)), matrix, 2e-15);
    }
  });
});

describe("six-dimensional rotations", () => {
  it("row-major of R is column-major of its transpose", () => {
    fc.assert(
      fc.property(rotation, (quat) => {
        const matrix = matrixFromQuatWxyz(quat);
        expect(rot6dRowMajorFromMatrix(matrix)).toEqual(
          rot6dColMajorFromMatrix(transposeMat3(matrix)),
        );
      }),
    );
  });

  it("any two independent triples give a rotation", () => {
    fc.assert(
      fc.property(vec3, vec3, ([a, b, c], [d, e, f]) => {
        const area = Math.hypot(b * f - c * e, c * d - a * f, a * e - b * d);
        fc.pre(area > 1e-3);
        const matrix = matrixFromRot6dRowMajor([a, b, c, d, e, f]);
        expectClose(multiplyMat3(matrix, transposeMat3(matrix)), IDENTITY_MAT3, 1e-12);
        expect(determinant(matrix)).toBeGreaterThan(0);
      }),
    );
  });
});

describe("poses", () => {
  const pose = fc.tuple(vec3, rotation).map(([position, quatWxyz]) => ({ position, quatWxyz }));

  it("composePoses() and invertPose() form a group that acts on points", () => {
    fc.assert(
      fc.property(pose, pose, vec3, (a, b, point) => {
        expectClose(
          transformPoint(composePoses(a, b), point),
          transformPoint(a, transformPoint(b, point)),
        );
        expectClose(transformPoint(invertPose(a), transformPoint(a, point)), point);
      }),
    );
  });

  it("poseFromMatrix4() inverts matrix4FromPose()", () => {
    fc.assert(
      fc.property(pose, (original) => {
        const back = poseFromMatrix4(matrix4FromPose(original));
        expect(back.position).toEqual(original.position);
        expectClose(
          matrixFromQuatWxyz(back.quatWxyz),
          matrixFromQuatWxyz(original.quatWxyz),
          1e-14,
        );
      }),
    );
    expect(() => poseFromMatrix4([1, 2, 3])).toThrow(TypeError);
  });
});

function determinant([a, b, c, d, e, f, g, h, i]: Mat3): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}
