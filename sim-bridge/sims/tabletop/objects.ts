/**
 * Movable things. The root is at the centre of the thing's box unless it says otherwise; every
 * graspable one fits an opening of 80 mm and can be pinched from straight above.
 */
import type { Vec3 } from "../../../src/core/index.ts";
import type { GeomSpec } from "./geometry.ts";
import { box, cylinder, mesh, ringOfWalls } from "./geometry.ts";

export interface ObjectKind {
  /** Words for a person: `red cube`. */
  readonly category: string;
  readonly halfExtents: Vec3;
  /** Centre of its box in the root's frame; default the root. */
  readonly centre?: Vec3;
  /** Radius of the circle around the root that its footprint stays within, m. */
  readonly radius: number;
  /** Height above the root on which another thing put on it comes to rest, m. */
  readonly supportZ: number;
  /** False for what is too wide to pinch. */
  readonly graspable: boolean;
  /** Where to pinch, in the root's frame, if not the centre. */
  readonly grasp?: Vec3;
  /** Half sizes of the hole through it, whose centre is the root and whose axis is z; the region `<name>_hole_region`. */
  readonly hole?: Vec3;
  /** Meshes its geoms name. */
  readonly meshes: readonly string[];
  readonly geoms: readonly GeomSpec[];
}

/** Height of the root above the surface a thing stands on, m. */
export function restHeight({ halfExtents, centre }: ObjectKind): number {
  return halfExtents[2] - (centre?.[2] ?? 0);
}

const CUBE_HALF_M = 0.02;

function cube(colour: string): ObjectKind {
  const half: Vec3 = [CUBE_HALF_M, CUBE_HALF_M, CUBE_HALF_M];
  return boxKind(`${colour} cube`, half, {
    geoms: [box("solid", half, { material: `${colour}_block`, mass: 0.06 })],
  });
}

/** A box-shaped thing; the first geom is the body, the rest are decoration. */
function boxKind(
  category: string,
  halfExtents: Vec3,
  rest: { geoms: readonly GeomSpec[] },
): ObjectKind {
  return {
    category,
    halfExtents,
    radius: Math.hypot(halfExtents[0], halfExtents[1]),
    supportZ: halfExtents[2],
    graspable: true,
    meshes: [],
    geoms: rest.geoms,
  };
}

/** An upright round thing that collides as one cylinder. */
function roundKind(
  category: string,
  [radius, halfHeight]: readonly [number, number],
  rest: { geoms: readonly GeomSpec[]; meshes?: readonly string[] },
): ObjectKind {
  return {
    category,
    halfExtents: [radius, radius, halfHeight],
    radius,
    supportZ: halfHeight,
    graspable: true,
    meshes: rest.meshes ?? [],
    geoms: rest.geoms,
  };
}

const CAN: readonly [number, number] = [0.025, 0.037];

function can(category: string, label: string, band: string): ObjectKind {
  const [radius, half] = CAN;
  return roundKind(category, CAN, {
    geoms: [
      cylinder("solid", [radius - 0.001, half], { material: "steel", mass: 0.12 }),
      cylinder("shell", [radius - 0.0002, half - 0.006], { material: label }),
      cylinder("shell", [radius + 0.0006, 0.011], { material: band, pos: [0, 0, 0.004] }),
    ],
  });
}

function mug(colour: string): ObjectKind {
  const handle = (pos: readonly number[], size: readonly [number, number, number]): GeomSpec =>
    box("shell", size, { pos, material: colour });
  return {
    ...roundKind(`${colour} mug`, [0.026, 0.034], {
      meshes: ["mug"],
      geoms: [
        cylinder("hull", [0.026, 0.034], { mass: 0.12 }),
        mesh("mug", { material: colour }),
        cylinder("shell", [0.0228, 0.001], { pos: [0, 0, 0.018], material: "brown" }),
        // The handle does not collide: a pinch at any yaw is a good one.
        handle([0.033, 0, 0.016], [0.01, 0.004, 0.004]),
        handle([0.041, 0, 0], [0.004, 0.004, 0.018]),
        handle([0.033, 0, -0.014], [0.01, 0.004, 0.004]),
      ],
    }),
    radius: 0.032,
  };
}

const MILK_HALF: Vec3 = [0.022, 0.022, 0.044];
const MILK: ObjectKind = boxKind("milk carton", MILK_HALF, {
  geoms: [
    box("solid", [0.022, 0.022, 0.034], { pos: [0, 0, -0.01], material: "white", mass: 0.12 }),
    box("shell", [0.0224, 0.0224, 0.012], { pos: [0, 0, -0.016], material: "blue" }),
    // The gable: two slanted boards and the ridge.
    ...[1, -1].map((side) =>
      box("shell", [0.0148, 0.0218, 0.0012], {
        pos: [side * 0.0105, 0, 0.032],
        quat: [Math.cos(0.24), 0, side * Math.sin(0.24), 0],
        material: "white",
      }),
    ),
    box("shell", [0.0018, 0.0218, 0.005], { pos: [0, 0, 0.039], material: "blue" }),
  ],
});

const BUTTER_HALF: Vec3 = [0.036, 0.019, 0.016];
const BUTTER: ObjectKind = boxKind("butter box", BUTTER_HALF, {
  geoms: [
    box("solid", BUTTER_HALF, { material: "yellow", mass: 0.08 }),
    box("shell", [0.02, 0.0194, 0.0164], { material: "teal" }),
    box("shell", [0.009, 0.0196, 0.0166], { material: "cream" }),
  ],
});

const COOKIE_HALF: Vec3 = [0.03, 0.045, 0.02];
const COOKIES: ObjectKind = boxKind("cookie box", COOKIE_HALF, {
  geoms: [
    box("solid", COOKIE_HALF, { material: "brown", mass: 0.09 }),
    box("shell", [0.0303, 0.0453, 0.007], { material: "orange" }),
    cylinder("shell", [0.018, 0.001], { pos: [0, 0, 0.0202], material: "cream" }),
  ],
});

const SPONGE_HALF: Vec3 = [0.038, 0.025, 0.016];
const SPONGE: ObjectKind = boxKind("sponge", SPONGE_HALF, {
  geoms: [
    box("hull", SPONGE_HALF, { mass: 0.04 }),
    box("shell", [0.038, 0.025, 0.012], { pos: [0, 0, -0.004], material: "yellow" }),
    box("shell", [0.038, 0.025, 0.004], { pos: [0, 0, 0.012], material: "green" }),
  ],
});

const WOOD_HALF: Vec3 = [0.04, 0.018, 0.018];
const WOODEN_BLOCK: ObjectKind = boxKind("wooden block", WOOD_HALF, {
  geoms: [box("solid", WOOD_HALF, { material: "block_wood", mass: 0.07 })],
});

const BOTTLE_BODY: ObjectKind = roundKind("juice bottle", [0.026, 0.06], {
  meshes: ["bottle"],
  geoms: [
    cylinder("hull", [0.026, 0.04], { pos: [0, 0, -0.02], mass: 0.12 }),
    cylinder("hull", [0.012, 0.02], { pos: [0, 0, 0.04], mass: 0.01 }),
    mesh("bottle", { material: "orange" }),
    cylinder("shell", [0.0264, 0.016], { pos: [0, 0, -0.02], material: "cream" }),
    cylinder("solid", [0.013, 0.007], { pos: [0, 0, 0.053], material: "green", mass: 0.004 }),
  ],
});

/** By the neck: pinched lower, the palm would meet the cap. */
const BOTTLE: ObjectKind = { ...BOTTLE_BODY, grasp: [0, 0, 0.032] };

const PURPLE_CYLINDER: ObjectKind = roundKind("purple cylinder", [0.02, 0.028], {
  geoms: [cylinder("solid", [0.02, 0.028], { material: "purple", mass: 0.06 })],
});

const PLATE: ObjectKind = {
  category: "plate",
  halfExtents: [0.085, 0.085, 0.011],
  radius: 0.085,
  supportZ: -0.004,
  graspable: false,
  meshes: ["plate"],
  geoms: [
    cylinder("hull", [0.056, 0.0035], { pos: [0, 0, -0.0075], mass: 0.08 }),
    // High enough to be pushed by closed fingers that clear the table, and light: a push bends the
    // arm's path downwards in proportion to its force.
    ...ringOfWalls(8, 0.062, { halfThickness: 0.011, halfHeight: 0.0065, z: 0.0025, mass: 0.04 }),
    mesh("plate", { material: "white" }),
    cylinder("shell", [0.05, 0.0004], { pos: [0, 0, -0.004], material: "cream" }),
  ],
};

const BOWL: ObjectKind = {
  category: "bowl",
  halfExtents: [0.076, 0.076, 0.025],
  // The root is low, so that even a flat thing in the bowl is above it: what `(On a bowl)` asks.
  centre: [0, 0, 0.013],
  radius: 0.076,
  supportZ: -0.006,
  graspable: true,
  // The wall at +x; the closing axis is radial.
  grasp: [0.0715, 0, 0.031],
  meshes: ["bowl"],
  geoms: [
    cylinder("hull", [0.05, 0.003], { pos: [0, 0, -0.009], mass: 0.1 }),
    ...ringOfWalls(8, 0.067, { halfThickness: 0.0035, halfHeight: 0.018, z: 0.02, mass: 0.06 }),
    ...ringOfWalls(8, 0.052, { halfThickness: 0.006, halfHeight: 0.006, z: -0.002, mass: 0.04 }),
    mesh("bowl", { pos: [0, 0, 0.013], material: "teal" }),
  ],
};

/** Half the width of the square nut's hole, m: the peg is 25 mm wide, which leaves 3 mm. */
const NUT_HOLE_HALF_M = 0.014;
const NUT_WALL_HALF_M = 0.004;
const NUT_HALF_HEIGHT_M = 0.012;

const SQUARE_NUT: ObjectKind = {
  category: "square nut",
  halfExtents: [0.057, NUT_HOLE_HALF_M + 2 * NUT_WALL_HALF_M, NUT_HALF_HEIGHT_M],
  centre: [0.035, 0, 0],
  radius: 0.093,
  supportZ: NUT_HALF_HEIGHT_M,
  graspable: true,
  grasp: [0.066, 0, 0],
  hole: [NUT_HOLE_HALF_M, NUT_HOLE_HALF_M, NUT_HALF_HEIGHT_M],
  meshes: [],
  geoms: [
    ...[-1, 1].map((side) =>
      box("solid", [0.022, NUT_WALL_HALF_M, NUT_HALF_HEIGHT_M], {
        pos: [0, side * (NUT_HOLE_HALF_M + NUT_WALL_HALF_M), 0],
        material: "orange",
        mass: 0.012,
      }),
    ),
    ...[-1, 1].map((side) =>
      box("solid", [NUT_WALL_HALF_M, NUT_HOLE_HALF_M, NUT_HALF_HEIGHT_M], {
        pos: [side * (NUT_HOLE_HALF_M + NUT_WALL_HALF_M), 0, 0],
        material: "orange",
        mass: 0.008,
      }),
    ),
    box("solid", [0.035, 0.008, NUT_HALF_HEIGHT_M], {
      pos: [0.057, 0, 0],
      material: "steel",
      mass: 0.03,
    }),
  ],
};

/** Radius of the circle that the walls of the wrench's ring leave free, m: the pin is 10 mm thick, which leaves 5 mm. */
const WRENCH_HOLE_RADIUS_M = 0.0075;
const WRENCH_HALF_HEIGHT_M = 0.009;
const WRENCH_WALL = { halfThickness: 0.004, halfHeight: WRENCH_HALF_HEIGHT_M, z: 0, mass: 0.03 };

const WRENCH: ObjectKind = {
  category: "wrench",
  halfExtents: [0.0758, 0.0175, WRENCH_HALF_HEIGHT_M],
  centre: [0.0602, 0, 0],
  radius: 0.137,
  supportZ: WRENCH_HALF_HEIGHT_M,
  graspable: true,
  grasp: [0.088, 0, 0],
  hole: [WRENCH_HOLE_RADIUS_M, WRENCH_HOLE_RADIUS_M, WRENCH_HALF_HEIGHT_M],
  meshes: [],
  geoms: [
    ...ringOfWalls(8, WRENCH_HOLE_RADIUS_M, WRENCH_WALL).map((wall): GeomSpec => ({
      ...wall,
      role: "solid",
      material: "steel",
    })),
    box("solid", [0.06, 0.008, WRENCH_HALF_HEIGHT_M], {
      pos: [0.076, 0, 0],
      material: "red",
      mass: 0.05,
    }),
  ],
};

/** By BDDL type; an instance is `<type>_<number>`. */
export const OBJECT_KINDS: Readonly<Record<string, ObjectKind>> = {
  red_cube: cube("red"),
  green_cube: cube("green"),
  blue_cube: cube("blue"),
  yellow_cube: cube("yellow"),
  orange_cube: cube("orange"),
  purple_cylinder: PURPLE_CYLINDER,
  wooden_block: WOODEN_BLOCK,
  soup_can: can("soup can", "red", "cream"),
  tuna_can: can("tuna can", "blue", "yellow"),
  milk_carton: MILK,
  butter_box: BUTTER,
  cookie_box: COOKIES,
  sponge: SPONGE,
  juice_bottle: BOTTLE,
  red_mug: mug("red"),
  white_mug: mug("white"),
  plate: PLATE,
  bowl: BOWL,
  square_nut: SQUARE_NUT,
  wrench: WRENCH,
};

/** The region of an object's hole. */
export function holeRegion(object: string): string {
  return `${object}_hole_region`;
}

/** The kind of an instance: `red_cube_1` is a `red_cube`. @throws {RangeError} for an unknown type */
export function kindOf(instance: string): { readonly type: string; readonly kind: ObjectKind } {
  const type = instance.replace(/_\d+$/, "");
  const kind = OBJECT_KINDS[type];
  if (kind === undefined) {
    throw new RangeError(`Cannot place "${instance}": there is no object type "${type}"`);
  }
  return { type, kind };
}
