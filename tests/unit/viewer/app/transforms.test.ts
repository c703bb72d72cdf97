import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { QuatWxyz, SceneDescription, Vec3 } from "../../../../src/core/index.ts";
import * as math from "../../../../src/math/index.ts";
import {
  composePoses,
  defaultView,
  eyeOf,
  focusBounds,
  frustumCorners,
  interpolatePoses,
  projectToImage,
  rotateByQuatWxyz,
  sceneBounds,
  viewFrom,
} from "../../../../src/viewer/app/transforms.ts";
import { SCENE, armPoses } from "../../../support/synthetic-scene.ts";

const coordinate = fc.double({ min: -5, max: 5, noNaN: true });
const vec3 = fc.tuple(coordinate, coordinate, coordinate);
const quat = fc
  .tuple(coordinate, coordinate, coordinate, coordinate)
  .filter((q) => Math.hypot(...q) > 0.1)
  .map((q) => math.normalizeQuat(q));
const pose = fc.tuple(vec3, quat).map(([p, q]) => [...p, ...q]);

const vecOf = (p: readonly number[]): Vec3 => [p[0]!, p[1]!, p[2]!];
const quatOf = (p: readonly number[]): QuatWxyz => [p[3]!, p[4]!, p[5]!, p[6]!];
const poseOf = (p: readonly number[]): math.Pose => ({ position: vecOf(p), quatWxyz: quatOf(p) });

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, digits = 9): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) expect(actual[i]).toBeCloseTo(expected[i]!, digits);
}

describe("rotateByQuatWxyz() and composePoses()", () => {
  it("agree with src/math at any offset", () => {
    fc.assert(
      fc.property(pose, pose, fc.integer({ min: 0, max: 3 }), (a, b, offset) => {
        const pad = new Array<number>(offset).fill(9);
        const out = new Float64Array(offset + 7);
        composePoses(out, offset, {
          a: [...pad, ...a],
          aAt: offset,
          b: [...pad, ...b],
          bAt: offset,
        });
        const expected = math.composePoses(poseOf(a), poseOf(b));
        expectClose(out.subarray(offset), [...expected.position, ...expected.quatWxyz]);
        rotateByQuatWxyz(out, 0, { q: a, qAt: 3, v: b, vAt: 0 });
        expectClose(out.subarray(0, 3), math.rotateVec3(quatOf(a), vecOf(b)));
      }),
    );
  });
  it("rotates in place", () => {
    const v = [1, 0, 0];
    rotateByQuatWxyz(v, 0, { q: [Math.SQRT1_2, 0, 0, Math.SQRT1_2], qAt: 0, v, vAt: 0 });
    expectClose(v, [0, 1, 0]);
  });
});

describe("interpolatePoses()", () => {
  it("gives the ends exactly and keeps quaternions of unit length", () => {
    fc.assert(
      fc.property(pose, pose, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, fraction) => {
        const [from, to, out] = [Float64Array.from(a), Float64Array.from(b), new Float64Array(7)];
        interpolatePoses(out, [from, to], 0);
        expect([...out]).toEqual(a);
        interpolatePoses(out, [from, to], fraction);
        const dot = Math.abs(math.multiplyQuats(math.invertQuat(quatOf(a)), quatOf(b))[0]);
        // Opposite rotations have no single way between them.
        fc.pre(dot > 1e-3);
        expect(Math.hypot(...out.subarray(3))).toBeCloseTo(1, 9);
        interpolatePoses(out, [from, to], 1);
        const angle = math.angleBetweenQuatsRad(quatOf([...out]), quatOf(b));
        expect(angle).toBeLessThan(1e-6);
      }),
    );
  });
  it("takes the shorter way where the quaternions have opposite signs", () => {
    const out = new Float64Array(7);
    const a = Float64Array.of(0, 0, 0, 1, 0, 0, 0);
    interpolatePoses(out, [a, Float64Array.of(2, 0, 0, -1, 0, 0, 0)], 0.5);
    expectClose(out, [1, 0, 0, 1, 0, 0, 0]);
  });
});

describe("projectToImage()", () => {
  const upright = [0, 0, 0, 1, 0, 0, 0];
  it("puts the optical axis into the middle and the corners of the frustum into the corners", () => {
    const out = [0, 0];
    const lens = { worldFromCamera: upright, fovyRad: 0.9, aspect: 1.5 };
    expect(projectToImage(out, lens, { at: [0, 0, -2], offset: 0 })).toBeCloseTo(2, 12);
    expectClose(out, [0.5, 0.5]);
    const corners = frustumCorners(0.9, 1.5, 0.3);
    const expected = [
      [0, 1],
      [1, 1],
      [1, 0],
      [0, 0],
    ];
    for (const [index, corner] of expected.entries()) {
      projectToImage(out, lens, { at: corners, offset: 3 + 3 * index });
      expectClose(out, corner);
    }
  });
  it("says that a point behind the camera is behind", () => {
    const lens = { worldFromCamera: upright, fovyRad: 0.9, aspect: 1 };
    expect(projectToImage([0, 0], lens, { at: [0, 0, 1], offset: 0 })).toBeLessThan(0);
  });
  it("does not depend on where camera and point are together", () => {
    fc.assert(
      fc.property(pose, vec3, (worldFromCamera, point) => {
        fc.pre(point[2] < -0.1);
        const [near, moved] = [
          [0, 0],
          [0, 0],
        ];
        projectToImage(
          near,
          { worldFromCamera: upright, fovyRad: 1, aspect: 1 },
          { at: point, offset: 0 },
        );
        const at = math.transformPoint(poseOf(worldFromCamera), point);
        projectToImage(moved, { worldFromCamera, fovyRad: 1, aspect: 1 }, { at, offset: 0 });
        expectClose(moved, near, 6);
      }),
    );
  });
});

const { poses } = armPoses({
  gripper: [0.4, 0, 0.3],
  opening: 1,
  cube: [0.5, -0.1, 0.025],
  plate: [0.5, 0.2, 0.01],
});

describe("sceneBounds() and defaultView()", () => {
  it("holds the things and not the unbounded floor", () => {
    const bounds = sceneBounds(SCENE, poses);
    expect(bounds.low[2]).toBeCloseTo(-0.4, 9);
    expect(bounds.high[2]).toBeGreaterThan(0.4);
    expect(bounds.radius).toBeLessThan(1.2);
  });
  it("turns boxes with their bodies", () => {
    const scene: SceneDescription = {
      bodies: ["world"],
      cameras: [],
      geoms: [
        {
          body: "world",
          shape: { kind: "box", halfExtents: [1, 0.1, 0.2] },
          position: [0, 0, 0],
          quatWxyz: [Math.SQRT1_2, 0, 0, Math.SQRT1_2],
          rgba: [1, 1, 1, 1],
        },
      ],
    };
    const bounds = sceneBounds(scene, [0, 0, 0, 1, 0, 0, 0]);
    expectClose(bounds.high, [0.1, 1, 0.2]);
  });
  it("focuses on the robot and the things, and on the furniture where there is nothing else", () => {
    const focus = focusBounds(SCENE, poses);
    expect(focus.low[2]).toBeGreaterThan(-0.41);
    expect(focus.high[0]).toBeLessThan(sceneBounds(SCENE, poses).high[0]);
    const geoms = SCENE.geoms.filter(({ shape }) => shape.kind === "box").slice(0, 1);
    const table = { ...SCENE, geoms };
    expect(focusBounds(table, poses)).toEqual(sceneBounds(table, poses));
  });
  it("gives an empty scene a view all the same", () => {
    const bounds = sceneBounds(
      { bodies: ["world"], geoms: [], cameras: [] },
      [0, 0, 0, 1, 0, 0, 0],
    );
    expect(bounds.center.every(Number.isFinite)).toBe(true);
  });
  it("shows every corner of every thing, whatever the shape of the picture", () => {
    const bounds = sceneBounds(SCENE, poses);
    for (const aspect of [0.5, 1, 1.6, 3]) {
      const view = defaultView(bounds, { fovyRad: 0.66, aspect });
      const eye = eyeOf(view);
      const back = eye.map(
        (value, axis) => (value - view.target[axis]!) / view.distance,
      ) as unknown as Vec3;
      const right: Vec3 = [-Math.sin(view.azimuthRad), Math.cos(view.azimuthRad), 0];
      const up: Vec3 = [
        back[1] * right[2] - back[2] * right[1],
        back[2] * right[0] - back[0] * right[2],
        back[0] * right[1] - back[1] * right[0],
      ];
      const columns = [right, up, back];
      const matrix = [0, 1, 2].flatMap((row) => columns.map((column) => column[row]!));
      const quatWxyz = math.quatWxyzFromMatrix(matrix as unknown as math.Mat3);
      const lens = { worldFromCamera: [...eye, ...quatWxyz], fovyRad: 0.66, aspect };
      const seen: number[] = [];
      for (let at = 0; at < bounds.corners.length; at += 3) {
        const pixel = [0, 0];
        const depth = projectToImage(pixel, lens, { at: bounds.corners, offset: at });
        expect(depth).toBeGreaterThan(0);
        seen.push(...pixel);
      }
      expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...seen)).toBeLessThanOrEqual(1);
      // As near as can be: some corner is close to an edge.
      expect(Math.max(...seen.map((value) => Math.abs(value - 0.5)))).toBeGreaterThan(0.4);
    }
  });
  it("viewFrom() is the inverse of eyeOf()", () => {
    const view = { target: [1, 2, 3] as const, azimuthRad: -2.1, elevationRad: 0.7, distance: 4 };
    const back = viewFrom(eyeOf(view), view.target);
    expectClose(
      [back.azimuthRad, back.elevationRad, back.distance],
      [view.azimuthRad, view.elevationRad, view.distance],
    );
  });
});
