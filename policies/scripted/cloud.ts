/** The surfaces of things as points: what a hand must fit around, and what it must not hit. */
import type { Cuboid, SceneEntity, Vec3 } from "../../src/core/index.ts";
import { multiplyQuats, rotateVec3 } from "../../src/math/index.ts";

/** Points per edge of a cuboid's surface, at least. */
const PER_EDGE = 5;

/**
 * Points on the colliding shapes of a thing where it is now, world frame.
 * @param spacingM points lie no further apart than this; default: as far as five per edge are
 */
export function cloudOf(
  { position, quatWxyz }: Pick<SceneEntity, "position" | "quatWxyz">,
  cuboids: readonly Cuboid[],
  spacingM = Infinity,
): readonly Vec3[] {
  return cuboids.flatMap((cuboid) =>
    surfaceGrid(cuboid, spacingM).map((local): Vec3 => {
      const [x, y, z] = rotateVec3(quatWxyz, local);
      return [position[0] + x, position[1] + y, position[2] + z];
    }),
  );
}

/** Boxes given in the frame of a thing, in the world's. */
export function inWorld(
  { position, quatWxyz }: Pick<SceneEntity, "position" | "quatWxyz">,
  cuboids: readonly Cuboid[],
): readonly Cuboid[] {
  return cuboids.map((cuboid) => {
    const [x, y, z] = rotateVec3(quatWxyz, cuboid.position);
    return {
      position: [position[0] + x, position[1] + y, position[2] + z],
      quatWxyz: multiplyQuats(quatWxyz, cuboid.quatWxyz),
      halfExtents: cuboid.halfExtents,
    };
  });
}

function surfaceGrid({ position, quatWxyz, halfExtents }: Cuboid, spacingM: number): Vec3[] {
  const points: Vec3[] = [];
  const ticks = (half: number): number[] => {
    const count = Math.max(PER_EDGE, 1 + Math.ceil((2 * half) / spacingM));
    return Array.from({ length: count }, (_, i) => (2 * i) / (count - 1) - 1);
  };
  for (const i of ticks(halfExtents[0])) {
    for (const j of ticks(halfExtents[1])) {
      for (const k of ticks(halfExtents[2])) {
        if (Math.max(Math.abs(i), Math.abs(j), Math.abs(k)) < 1) continue;
        const [x, y, z] = rotateVec3(quatWxyz, [
          i * halfExtents[0],
          j * halfExtents[1],
          k * halfExtents[2],
        ]);
        points.push([position[0] + x, position[1] + y, position[2] + z]);
      }
    }
  }
  return points;
}

/** Smallest and largest of `of` over the points; an empty cloud gives an empty range. */
export function rangeOf(
  points: readonly Vec3[],
  of: (point: Vec3) => number,
): { readonly low: number; readonly high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const point of points) {
    const value = of(point);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}
