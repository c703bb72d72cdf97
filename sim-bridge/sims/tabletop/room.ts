/** What is the same in every scene: table, floor, walls, lights and the front camera. */
import type { MjcfElement } from "../../../robots/mjcf.ts";
import { element } from "../../../robots/mjcf.ts";

export const FRONT_CAMERA = "front";

const TABLE = { halfX: 0.62, halfY: 0.8, thickness: 0.04, centreX: -0.14 } as const;
const FLOOR_Z = -0.75;
/** Where the front camera stands and what it looks at, m. */
const CAMERA_FROM = [0.74, 0, 0.68] as const;
const CAMERA_AT = [-0.14, 0, 0.12] as const;

/** Static elements of the world body. */
export function roomBodies(): MjcfElement[] {
  return [...lights(), frontCamera(), ...table(), ...walls()];
}

/**
 * The table top collides as a plane: contacts with it cost a third of those with a box. It therefore
 * has no edge for the physics; nothing is reachable beyond the drawn edge.
 */
function table(): MjcfElement[] {
  const { halfX, halfY, thickness, centreX } = TABLE;
  const leg = (sx: number, sy: number): MjcfElement =>
    drawn("box", "charcoal", {
      size: [0.03, 0.03, (-FLOOR_Z - thickness) / 2],
      pos: [centreX + sx * (halfX - 0.08), sy * (halfY - 0.08), (FLOOR_Z - thickness) / 2],
    });
  return [
    element("geom", {
      name: "table_collision",
      class: "fixture_hull",
      type: "plane",
      size: [halfX, halfY, 0.1],
      pos: [centreX, 0, 0],
    }),
    drawn("box", "table_wood", {
      name: "table_top",
      size: [halfX, halfY, thickness / 2],
      pos: [centreX, 0, -thickness / 2],
    }),
    leg(-1, -1),
    leg(-1, 1),
    leg(1, -1),
    leg(1, 1),
  ];
}

const WALL_X = -1.6;

function walls(): MjcfElement[] {
  return [
    drawn("plane", "floor", { name: "floor", size: [4, 4, 0.5], pos: [0, 0, FLOOR_Z] }),
    drawn("box", "wall", {
      name: "back_wall",
      size: [0.05, 3, 1.6],
      pos: [WALL_X - 0.05, 0, FLOOR_Z + 1.6],
    }),
    drawn("box", "wainscot", { size: [0.01, 3, 0.41], pos: [WALL_X, 0, FLOOR_Z + 0.41] }),
    drawn("box", "skirting", { size: [0.018, 3, 0.012], pos: [WALL_X, 0, FLOOR_Z + 0.83] }),
  ];
}

function lights(): MjcfElement[] {
  return [
    element("light", {
      name: "key",
      directional: true,
      castshadow: true,
      pos: [0.6, -0.8, 2],
      dir: [-0.35, 0.45, -1],
      ambient: [0, 0, 0],
      diffuse: [0.44, 0.43, 0.41],
      specular: [0.2, 0.2, 0.2],
    }),
    element("light", {
      name: "fill",
      directional: true,
      castshadow: false,
      pos: [-0.6, 1, 2],
      dir: [0.3, -0.5, -0.8],
      ambient: [0, 0, 0],
      diffuse: [0.16, 0.17, 0.19],
      specular: [0, 0, 0],
    }),
  ];
}

function frontCamera(): MjcfElement {
  const [dx, dz] = [CAMERA_FROM[0] - CAMERA_AT[0], CAMERA_FROM[2] - CAMERA_AT[2]];
  const length = Math.hypot(dx, dz);
  // Looking along -x and down: image right is +y, image up leans away from the camera.
  const up = [-dz / length, 0, dx / length];
  return element("camera", {
    name: FRONT_CAMERA,
    pos: CAMERA_FROM,
    xyaxes: [0, 1, 0, ...up],
    fovy: 45,
  });
}

function drawn(
  type: "box" | "plane",
  material: string,
  rest: { name?: string; size: readonly number[]; pos: readonly number[] },
): MjcfElement {
  return element("geom", { class: "fixture_shell", type, material, ...rest });
}
