import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Cuboid, QuatWxyz, Vec3 } from "../../../../src/core/index.ts";
import {
  angleBetweenQuatsRad,
  matrixFromAxisAngle,
  multiplyMat3Vec3,
  rotateVec3,
} from "../../../../src/math/index.ts";
import { cloudOf, inWorld } from "../../../../policies/scripted/cloud.ts";
import type { Joint } from "../../../../policies/scripted/handle.ts";
import {
  carried,
  dot,
  endsOf,
  gripFront,
  handleOf,
  lugOf,
  pushFront,
  pushFromAbove,
} from "../../../../policies/scripted/handle.ts";
import { handDown } from "../../../../policies/scripted/motion.ts";

const UPRIGHT: QuatWxyz = [1, 0, 0, 0];
const DOWN = handDown(0);
const box = (position: Vec3, halfExtents: Vec3): Cuboid => ({
  position,
  halfExtents,
  quatWxyz: UPRIGHT,
});
const yawed = (yawRad: number): QuatWxyz => [Math.cos(yawRad / 2), 0, 0, Math.sin(yawRad / 2)];

/** Opens along -y: a panel and a level bar in front of it. */
const DRAWER = [
  box([0, 0, 0], [0.1, 0.08, 0.03]),
  box([0.01, -0.1, 0.005], [0.045, 0.008, 0.0077]),
];
const slide = (yawRad: number): Joint => ({
  value: 0,
  low: -0.16,
  high: 0.01,
  kind: "slide",
  axis: rotateVec3(yawed(yawRad), [0, 1, 0]),
});
/** Hinged at its left edge, opens towards -y: a panel and an upright bar near its right edge. */
const DOOR = [
  box([0.13, -0.013, 0], [0.13, 0.012, 0.09]),
  box([0.24, -0.054, 0], [0.01, 0.01, 0.07]),
];
const HINGE: Joint = {
  value: 0,
  low: -2,
  high: 0,
  kind: "hinge",
  axis: [0, 0, 1],
  anchor: [0, 0, 0],
};

describe("carried()", () => {
  it("turns points about a hinge as the rotation matrix does", () => {
    const number = fc.double({ min: -1, max: 1, noNaN: true });
    const vec3 = fc.tuple(number, number, number);
    fc.assert(
      fc.property(vec3, vec3, vec3, fc.double({ min: -3, max: 3, noNaN: true }), (p, a, w, by) => {
        const length = Math.hypot(...w);
        fc.pre(length > 0.1);
        const axis: Vec3 = [w[0] / length, w[1] / length, w[2] / length];
        const joint: Joint = { ...HINGE, axis, anchor: a };
        const moved = carried({ position: p, quatWxyz: UPRIGHT }, joint, by);
        const turn = matrixFromAxisAngle([axis[0] * by, axis[1] * by, axis[2] * by]);
        const arm = multiplyMat3Vec3(turn, [p[0] - a[0], p[1] - a[1], p[2] - a[2]]);
        moved.position.forEach((value, i) => expect(value).toBeCloseTo(a[i]! + arm[i]!, 9));
        const x = rotateVec3(moved.quatWxyz, [1, 0, 0]);
        multiplyMat3Vec3(turn, [1, 0, 0]).forEach((value, i) => expect(x[i]).toBeCloseTo(value, 9));
      }),
    );
  });

  it("moves along a slide and keeps the orientation", () => {
    const moved = carried({ position: [1, 2, 3], quatWxyz: DOWN }, slide(0), -0.1);
    expect(moved).toEqual({ position: [1, 1.9, 3], quatWxyz: DOWN });
  });

  it("refuses a hinge of unknown place", () => {
    const { anchor: _, ...joint } = HINGE;
    expect(() => carried({ position: [0, 0, 0], quatWxyz: UPRIGHT }, joint, 1)).toThrow(
      "Cannot turn a part: its hinge has no anchor, must have one",
    );
  });
});

describe("handleOf()", () => {
  it.each([0, 0.4, 2, -1.3])("finds the bar of a drawer turned by %f", (yawRad) => {
    const cuboids = inWorld({ position: [0.3, 0.2, 1], quatWxyz: yawed(yawRad) }, DRAWER);
    const handle = handleOf({ joint: slide(yawRad), position: [0.3, 0.2, 1] }, cuboids)!;
    const outward = rotateVec3(yawed(yawRad), [0, -1, 0]);
    expect(dot(handle.outward, outward)).toBeCloseTo(1, 9);
    expect(Math.abs(handle.across[2])).toBeCloseTo(1, 9);
    expect(handle.width).toBeCloseTo(0.0154, 9);
    expect(handle.depth).toBeCloseTo(0.016, 9);
    expect(handle.centre[2]).toBeCloseTo(1.005, 9);
  });

  it("finds the bar of a door, which fingers close around from left and right", () => {
    const handle = handleOf({ joint: HINGE, position: [0.13, -0.02, 0] }, DOOR)!;
    expect(handle.centre).toEqual([0.24, -0.054, 0]);
    expect(handle.outward[1]).toBeCloseTo(-1, 9);
    expect(Math.abs(handle.across[0])).toBeCloseTo(1, 9);
  });

  it("finds none where there is no shape", () => {
    expect(handleOf({ joint: HINGE, position: [0, 0, 0] }, [])).toBeUndefined();
  });
});

describe("endsOf()", () => {
  it("is shut where the joint is nearest to 0", () => {
    expect(endsOf(slide(0))).toEqual({ shut: 0.01, open: -0.16 });
    expect(endsOf({ ...HINGE, low: -0.005, high: 2.1 })).toEqual({ shut: -0.005, open: 2.1 });
  });
});

describe("hands in front", () => {
  const handle = handleOf({ joint: slide(0), position: [0, 0, 0] }, DRAWER)!;
  const ahead = (quat: QuatWxyz): Vec3 => rotateVec3(quat, [0, 0, 1]);
  const closing = (quat: QuatWxyz): Vec3 => rotateVec3(quat, [0, 1, 0]);

  it("point straight at a handle that is high up, fingers above and below", () => {
    const { position, quatWxyz } = gripFront(handle, { floorZ: -0.3, now: DOWN });
    expect(position).toEqual(handle.centre);
    expect(ahead(quatWxyz)[1]).toBeCloseTo(1, 9);
    expect(Math.abs(closing(quatWxyz)[2])).toBeCloseTo(1, 9);
  });

  it("tilt down where the hand would touch what is below", () => {
    const level = gripFront(handle, { floorZ: -0.3, now: DOWN }).quatWxyz;
    const low = gripFront(handle, { floorZ: -0.05, now: DOWN }).quatWxyz;
    expect(ahead(low)[2]).toBeLessThan(-0.4);
    expect(ahead(low)[1]).toBeGreaterThan(0);
    const more = gripFront(handle, { floorZ: -0.3, now: DOWN, moreTiltRad: 0.3 }).quatWxyz;
    expect(angleBetweenQuatsRad(level, more)).toBeCloseTo(0.3, 9);
  });

  it("take the nearer of two orientations that look alike", () => {
    const first = gripFront(handle, { floorZ: -0.3, now: DOWN }).quatWxyz;
    const again = gripFront(handle, { floorZ: -0.3, now: first }).quatWxyz;
    expect(angleBetweenQuatsRad(first, again)).toBeCloseTo(0, 6);
  });

  it("push with level fingers from before the bar", () => {
    const { position, quatWxyz } = pushFront(handle, { floorZ: -0.3, now: DOWN });
    expect(position[1]).toBeLessThan(handle.centre[1] - handle.depth / 2);
    expect(Math.abs(closing(quatWxyz)[2])).toBeCloseTo(0, 9);
  });

  it("push a door from above, just below its upper edge", () => {
    const { position, quatWxyz } = pushFromAbove(handle, { topZ: 0.2, yawRad: 0.5 });
    expect(position[2]).toBeCloseTo(0.17, 9);
    expect(ahead(quatWxyz)[2]).toBeCloseTo(-1, 9);
  });
});

describe("lugOf()", () => {
  it.each([0.3, 1.2, 2.4])("closes across the narrow side of a lug turned by %f", (yawRad) => {
    const knob = [box([0, 0, 0], [0.04, 0.04, 0.005]), box([0, 0, 0.02], [0.035, 0.01, 0.015])];
    const thing = { position: [0.1, -0.2, 0.9] as Vec3, quatWxyz: yawed(yawRad) };
    const lug = lugOf(cloudOf(thing, knob));
    const across = yawRad + Math.PI / 2;
    expect(Math.abs(Math.cos(lug.yawRad - across))).toBeGreaterThan(0.995);
    expect(lug.position[0]).toBeCloseTo(0.1, 2);
    expect(lug.position[1]).toBeCloseTo(-0.2, 2);
    expect(lug.position[2]).toBeCloseTo(0.935 - 0.012, 9);
  });
});
