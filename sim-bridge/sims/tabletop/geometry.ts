/** Geoms of things as data: what is drawn, what collides, what weighs. */
import type { MjcfElement, MjcfValue } from "../../../robots/mjcf.ts";
import { element } from "../../../robots/mjcf.ts";

/** `solid` is drawn and collides, `shell` is only drawn, `hull` only collides. */
export type GeomRole = "solid" | "shell" | "hull";

export interface GeomSpec {
  readonly role: GeomRole;
  readonly type: "box" | "cylinder" | "mesh";
  /** Half extents; radius and half length. Absent for meshes. */
  readonly size?: readonly number[];
  readonly pos?: readonly number[];
  readonly quat?: readonly number[];
  readonly material?: string;
  /** Name of a mesh of `meshes.ts`. */
  readonly mesh?: string;
  /** kg; needed by at least one colliding geom of a moving body. */
  readonly mass?: number;
}

type GeomOptions = Omit<GeomSpec, "role" | "type" | "size" | "mesh">;

export function box(
  role: GeomRole,
  size: readonly [number, number, number],
  rest: GeomOptions = {},
): GeomSpec {
  return { role, type: "box", size, ...rest };
}

/** Axis along z; `size` is `[radius, halfLength]`. */
export function cylinder(
  role: GeomRole,
  size: readonly [number, number],
  rest: GeomOptions = {},
): GeomSpec {
  return { role, type: "cylinder", size, ...rest };
}

export function mesh(name: string, rest: GeomOptions = {}): GeomSpec {
  return { role: "shell", type: "mesh", mesh: name, ...rest };
}

/** A turn about z, rad, as wxyz. */
export function yawQuat(yaw: number): [number, number, number, number] {
  return [Math.cos(yaw / 2), 0, 0, Math.sin(yaw / 2)];
}

/** Rotates `(x, y)` by `yaw`. */
export function turn(yaw: number, x: number, y: number): [number, number] {
  const [c, s] = [Math.cos(yaw), Math.sin(yaw)];
  return [c * x - s * y, s * x + c * y];
}

/**
 * Walls around a regular polygon: `sides` boxes whose inner faces lie `radius` from the axis.
 * @param wall half thickness and half height of a wall, and the height of its centre, m
 */
export function ringOfWalls(
  sides: number,
  radius: number,
  wall: { halfThickness: number; halfHeight: number; z: number; mass: number },
): GeomSpec[] {
  const outer = radius + 2 * wall.halfThickness;
  const halfWidth = outer * Math.tan(Math.PI / sides);
  return Array.from({ length: sides }, (_, index) => {
    const yaw = (2 * Math.PI * index) / sides;
    const [x, y] = turn(yaw, radius + wall.halfThickness, 0);
    return box("hull", [wall.halfThickness, halfWidth, wall.halfHeight], {
      pos: [x, y, wall.z],
      quat: yawQuat(yaw),
      mass: wall.mass / sides,
    });
  });
}

/** The geoms of a body, named `<name>_g<index>`, and which of them collide. */
export function namedGeoms(
  name: string,
  kind: "object" | "fixture",
  specs: readonly GeomSpec[],
): { readonly elements: readonly MjcfElement[]; readonly contactGeoms: readonly string[] } {
  const elements: MjcfElement[] = [];
  const contactGeoms: string[] = [];
  for (const [index, { role, ...spec }] of specs.entries()) {
    const geom = `${name}_g${index}`;
    if (role !== "shell") contactGeoms.push(geom);
    const attributes: Record<string, MjcfValue | undefined> = {
      name: geom,
      class: `${kind}_${role}`,
      ...spec,
    };
    elements.push(element("geom", attributes));
  }
  return { elements, contactGeoms };
}
