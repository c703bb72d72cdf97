import { describe, expect, it } from "vitest";
import {
  tessellateBox,
  tessellateCapsule,
  tessellateCylinder,
  tessellateEllipsoid,
  tessellatePlane,
} from "../../../../../../sim-bridge/sims/manipulation/render/tessellate.ts";
import type { Tessellation } from "../../../../../../sim-bridge/sims/manipulation/render/tessellate.ts";

/** Area (m^2) and volume (m^3, of closed shapes; positive if all triangles face outwards). */
function measure({ positions, indices }: Tessellation): { area: number; volume: number } {
  let [area, volume] = [0, 0];
  for (let corner = 0; corner < indices.length; corner += 3) {
    const [a, b, c] = [0, 1, 2].map((k) => {
      const at = 3 * indices[corner + k]!;
      return [positions[at]!, positions[at + 1]!, positions[at + 2]!];
    }) as [number[], number[], number[]];
    const u = b.map((value, axis) => value - a[axis]!);
    const v = c.map((value, axis) => value - a[axis]!);
    const normal = [0, 1, 2].map(
      (i) => u[(i + 1) % 3]! * v[(i + 2) % 3]! - u[(i + 2) % 3]! * v[(i + 1) % 3]!,
    );
    area += Math.hypot(...normal) / 2;
    volume += normal.reduce((sum, value, axis) => sum + value * a[axis]!, 0) / 6;
  }
  return { area, volume };
}

const size = [0.3, 0.2, 0.1] as const;
const detail = { slices: 28, stacks: 16 };

describe("exact tessellation", () => {
  it.each([
    ["box", (isExact: boolean) => tessellateBox(size, 4, isExact)],
    ["ellipsoid", (isExact: boolean) => tessellateEllipsoid(size, { ...detail, isExact })],
    ["capsule", (isExact: boolean) => tessellateCapsule(0.1, 0.2, { ...detail, isExact })],
    ["cylinder", (isExact: boolean) => tessellateCylinder(0.1, 0.2, { ...detail, isExact })],
  ])("encloses the same volume, facing outwards: %s", (_, make) => {
    const [fast, exact] = [measure(make(false)), measure(make(true))];
    expect(exact.volume).toBeGreaterThan(0);
    // Quads of an ellipsoid are not flat: which diagonal cuts them matters a little.
    expect(exact.volume / fast.volume).toBeCloseTo(1, 2);
    expect(exact.area / fast.area).toBeCloseTo(1, 2);
  });

  it("cuts quads between their second and fourth corner, counted as MuJoCo draws them", () => {
    const { positions, indices } = tessellateBox([1, 1, 1], 1, true);
    for (let corner = 0; corner < indices.length; corner += 6) {
      const quad = [...indices.subarray(corner, corner + 6)];
      const shared = quad.slice(0, 3).filter((vertex) => quad.indexOf(vertex, 3) >= 3);
      const axes = [0, 1, 2].map((axis) => shared.map((vertex) => positions[3 * vertex + axis]!));
      const normalAxis = axes.findIndex(([a, b]) => a === b);
      const [u, v] = axes.filter((_, axis) => axis !== normalAxis) as [number[], number[]];
      // Faces towards +x, +z and -y are drawn from the lower corner on, the others from the upper one.
      const [value] = axes[normalAxis] as [number];
      const isRising = u[0] === v[0];
      const fromLower = normalAxis === 1 ? value < 0 : value > 0;
      expect(isRising, `axis ${normalAxis}, ${value}`).toBe(!fromLower);
    }
    expect(indices.length).toBe(36);
  });

  it("lays planes out in an even number of cells of twice the spacing between two narrower ones", () => {
    const { positions } = tessellatePlane([1.1, 1, 0.25], 10, true);
    const lines = (axis: number): number[] => [
      ...new Set([...positions.filter((_, index) => index % 3 === axis)].map((x) => +x.toFixed(5))),
    ];
    expect(lines(0)).toEqual([-1.1, -1, -0.5, 0, 0.5, 1, 1.1]);
    expect(lines(1)).toEqual([-1, -0.5, 0, 0.5, 1]);
    const tight = tessellatePlane([1, 1, 1e-9], 10, true);
    expect(tight.positions.length / 3).toBeLessThanOrEqual(201 * 201);
  });
});
