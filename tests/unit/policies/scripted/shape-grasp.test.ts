import { describe, expect, it } from "vitest";
import type { Cuboid, Vec3 } from "../../../../src/core/index.ts";
import { cloudOf, rangeOf } from "../../../../policies/scripted/cloud.ts";
import { shapeGrasps } from "../../../../policies/scripted/shape-grasp.ts";

const UPRIGHT = [1, 0, 0, 0] as const;
const cuboid = (position: Vec3, halfExtents: Vec3, yawRad = 0): Cuboid => ({
  position,
  halfExtents,
  quatWxyz: [Math.cos(yawRad / 2), 0, 0, Math.sin(yawRad / 2)],
});
const at = (position: Vec3, cuboids: readonly Cuboid[], yawRad = 0): readonly Vec3[] =>
  cloudOf({ position, quatWxyz: [Math.cos(yawRad / 2), 0, 0, Math.sin(yawRad / 2)] }, cuboids);

/** A bowl: a flat bottom and twelve pieces of wall around it. */
function bowl(radius: number): Cuboid[] {
  const wall = Array.from({ length: 12 }, (_, k) => {
    const yaw = (Math.PI * k) / 6;
    const place: Vec3 = [radius * Math.cos(yaw), radius * Math.sin(yaw), 0.025];
    return cuboid(place, [0.003, 0.015, 0.025], yaw);
  });
  return [cuboid([0, 0, 0.002], [0.03, 0.03, 0.002]), ...wall];
}

describe("cloudOf()", () => {
  it("lies on the surface, turned and moved as the thing is", () => {
    const points = at([1, 2, 3], [cuboid([0.1, 0, 0], [0.02, 0.03, 0.04])], Math.PI / 2);
    const range = [0, 1, 2].map((axis) => rangeOf(points, (point) => point[axis]!));
    // Turned by a quarter: the offset along x is along y, and so are the half extents.
    expect(range[0]!.low).toBeCloseTo(1 - 0.03, 9);
    expect(range[0]!.high).toBeCloseTo(1 + 0.03, 9);
    expect(range[1]!.low).toBeCloseTo(2.1 - 0.02, 9);
    expect(range[1]!.high).toBeCloseTo(2.1 + 0.02, 9);
    expect(range[2]!.high).toBeCloseTo(3.04, 9);
    expect(points).toHaveLength(98);
  });

  it("comes as dense as it is asked for", () => {
    const thing = { position: [0, 0, 0] as const, quatWxyz: UPRIGHT };
    const points = cloudOf(thing, [cuboid([0, 0, 0], [0.1, 0.01, 0.01])], 0.02);
    const along = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
    along.slice(1).forEach((x, i) => expect(x - along[i]!).toBeLessThanOrEqual(0.02 + 1e-12));
    expect(along).toHaveLength(11);
  });
});

describe("shapeGrasps()", () => {
  it("pinches a box across its narrow side, near its top", () => {
    const own = at([0.2, 0.1, 0.06], [cuboid([0, 0, 0], [0.05, 0.015, 0.06])]);
    const [best] = shapeGrasps({ own, others: [], yawRad: 0 });
    expect(Math.abs(Math.sin(best!.closingYawRad))).toBeCloseTo(1, 6);
    expect(best!.position[0]).toBeCloseTo(0.2, 6);
    expect(best!.position[1]).toBeCloseTo(0.1, 6);
    expect(best!.position[2]).toBeCloseTo(0.12 - 0.035, 6);
  });

  it("follows the box when it is turned", () => {
    const own = at([0, 0, 0.03], [cuboid([0, 0, 0], [0.05, 0.01, 0.03])], Math.PI / 6);
    const [best] = shapeGrasps({ own, others: [], yawRad: Math.PI / 2 });
    expect(best!.closingYawRad).toBeCloseTo(Math.PI / 6 + Math.PI / 2, 6);
  });

  it("takes a wide bowl by its rim, across the wall", () => {
    const own = at([0, 0, 0], bowl(0.055));
    const grasps = shapeGrasps({ own, others: [], yawRad: 0 });
    expect(grasps.length).toBeGreaterThan(6);
    const [x, y] = grasps[0]!.position;
    expect(Math.hypot(x, y)).toBeLessThan(0.065);
    for (const { position, closingYawRad } of grasps) {
      expect(Math.hypot(position[0], position[1])).toBeGreaterThan(0.045);
      // Some stand off from the wall by 22 mm, to keep clear of what is beside.
      expect(Math.hypot(position[0], position[1])).toBeLessThan(0.065 + 0.022);
      // The fingers close along the radius.
      const across = position[0] * Math.sin(closingYawRad) - position[1] * Math.cos(closingYawRad);
      expect(Math.abs(across)).toBeLessThan(1e-6);
    }
    expect(grasps[0]!.position[2]).toBeCloseTo(0.05 - 0.022, 6);
  });

  it("keeps the fingers out of what stands beside", () => {
    const own = at([0, 0, 0.04], [cuboid([0, 0, 0], [0.02, 0.02, 0.04])]);
    const wall = at([0.047, 0, 0.05], [cuboid([0, 0, 0], [0.005, 0.03, 0.05])]);
    const free = shapeGrasps({ own, others: [], yawRad: 0 })[0]!;
    const crowded = shapeGrasps({ own, others: wall, yawRad: 0 })[0]!;
    expect(free.closingYawRad).toBeCloseTo(0, 6);
    expect(Math.abs(Math.cos(crowded.closingYawRad))).toBeLessThan(0.9);
  });

  it("has no way to take what is not there", () => {
    const own = at(
      [0, 0, 0.01],
      [{ ...cuboid([0, 0, 0], [0.012, 0.012, 0.01]), quatWxyz: UPRIGHT }],
    );
    expect(shapeGrasps({ own, others: [], yawRad: 0 }).length).toBeGreaterThan(0);
    expect(shapeGrasps({ own: [], others: [], yawRad: 0 })).toEqual([]);
  });
});
