/**
 * Things that stand fixed on the table: drawer cabinet, bin, shelf, button. Each is built in its own
 * frame (origin on the table surface, front towards -x) and turned by its yaw.
 */
import type { MjcfElement } from "../../../robots/mjcf.ts";
import { element } from "../../../robots/mjcf.ts";
import type { Vec3 } from "../../../src/core/index.ts";
import type { PartMeta, RegionMeta, ThingMeta } from "../manipulation/world.ts";
import type { GeomSpec } from "./geometry.ts";
import { box, cylinder, namedGeoms, yawQuat } from "./geometry.ts";

export type FixtureType = "drawer_cabinet" | "bin" | "shelf" | "button";

export interface FixturePlacement {
  /** `<type>_<number>`. */
  readonly name: string;
  readonly type: FixtureType;
  /** Of its origin on the table, m, and its turn about z, rad. */
  readonly x: number;
  readonly y: number;
  readonly yaw: number;
}

export interface Fixture {
  readonly body: MjcfElement;
  readonly meta: ThingMeta;
  readonly parts: readonly PartMeta[];
  readonly regions: Readonly<Record<string, RegionMeta>>;
  /** Joints in the order of the model, with the value at rest. */
  readonly joints: readonly string[];
  /** Half size of its footprint (own frame) and how far objects keep from it, m. */
  readonly footprint: readonly [number, number];
  readonly keepOutM: number;
  /** How far moving parts reach beyond the front (-x), m; nothing starts there. */
  readonly sweepM: number;
  /** Where objects can be put in the own frame: region name -> height of the surface there. */
  readonly surfaces: Readonly<Record<string, SurfaceMeta>>;
}

/** A place on or in a fixture. */
export interface SurfaceMeta {
  readonly centre: Vec3;
  /** Joint whose value moves it along the fixture's -x. */
  readonly joint?: string;
}

const CABINET = {
  halfDepth: 0.1,
  halfWidth: 0.13,
  height: 0.172,
  board: 0.005,
  /** Height of the underside of each drawer. */
  drawerZ: { bottom: 0.012, top: 0.093 },
  drawerHeight: 0.068,
  travel: 0.15,
  /** Handles are staggered so that the hand at the lower one passes the upper one. */
  handleY: { bottom: -0.065, top: 0.065 },
  /** Centre of the grip in front of the drawer's face. */
  handleReach: 0.05,
} as const;

type DrawerName = "bottom" | "top";

/** Builds a placed fixture. */
export function buildFixture(placement: FixturePlacement): Fixture {
  switch (placement.type) {
    case "drawer_cabinet":
      return drawerCabinet(placement);
    case "bin":
      return bin(placement);
    case "shelf":
      return shelf(placement);
    case "button":
      return button(placement);
  }
}

function fixtureBody(
  { name, x, y, yaw }: FixturePlacement,
  children: readonly MjcfElement[],
): MjcfElement {
  return element("body", { name, pos: [x, y, 0], quat: yawQuat(yaw) }, children);
}

function regionSite(name: string, size: Vec3, pos: Vec3): MjcfElement {
  return element("site", { name, type: "box", size, pos, group: 4, rgba: [0, 1, 0, 0.2] });
}

function drawerCabinet(placement: FixturePlacement): Fixture {
  const { name } = placement;
  const { halfDepth, halfWidth, height, board } = CABINET;
  const half = height / 2;
  const wall = { material: "cabinet_body" };
  const frame = namedGeoms(name, "fixture", [
    box("solid", [halfDepth, board, half], { pos: [0, halfWidth - board, half], ...wall }),
    box("solid", [halfDepth, board, half], { pos: [0, board - halfWidth, half], ...wall }),
    box("solid", [board, halfWidth, half], { pos: [halfDepth - board, 0, half], ...wall }),
    box("solid", [halfDepth + 0.004, halfWidth + 0.004, 0.004], {
      pos: [0, 0, height - 0.004],
      material: "block_wood",
    }),
    box("shell", [halfDepth, halfWidth, 0.004], { pos: [0, 0, 0.004], ...wall }),
    box("shell", [halfDepth, halfWidth, 0.003], { pos: [0, 0, 0.0865], ...wall }),
  ]);
  const drawers = (["bottom", "top"] as const).map((level) => drawer(name, level));
  const topSide = `${name}_top_side`;
  const topSize: Vec3 = [halfDepth - 0.01, halfWidth - 0.01, 0.001];
  const topCentre: Vec3 = [0, 0, height];
  return {
    body: fixtureBody(placement, [
      ...frame.elements,
      regionSite(topSide, topSize, topCentre),
      ...drawers.map(({ body }) => body),
    ]),
    meta: {
      kind: "fixture",
      category: "drawer cabinet",
      rootBody: name,
      joints: drawers.map(({ part }) => part.joint),
      contactGeoms: [...frame.contactGeoms, ...drawers.flatMap((d) => d.contactGeoms)],
      halfExtents: [halfDepth, halfWidth, half],
      centre: [0, 0, half],
      // Positive = pulled out. Open: further than 0.1 m; closed: less than 0.01 m.
      ranges: { open: [0.1, CABINET.travel], close: [0, 0.01] },
    },
    parts: drawers.map(({ part }) => part),
    regions: {
      ...Object.fromEntries(drawers.map(({ region }) => region)),
      [topSide]: { parent: name, size: topSize, joints: [], category: "top of the drawer cabinet" },
    },
    joints: drawers.map(({ part }) => part.joint),
    footprint: [halfDepth, halfWidth],
    keepOutM: 0.1,
    sweepM: CABINET.travel + CABINET.handleReach + 0.021,
    surfaces: {
      ...Object.fromEntries(drawers.map(({ surface }) => surface)),
      [topSide]: { centre: topCentre },
    },
  };
}

function drawerGeoms(): GeomSpec[] {
  const { halfDepth, halfWidth, drawerHeight, handleReach: reach } = CABINET;
  const [inner, side] = [halfWidth - 0.014, 0.004];
  const half = drawerHeight / 2;
  const face = -halfDepth;
  const wood = { material: "block_wood" };
  return [
    // Origin: middle of the underside when shut. Floor, back, two sides, front.
    box("solid", [halfDepth - 0.01, inner, 0.003], { pos: [0, 0, 0.003], mass: 0.2, ...wood }),
    box("solid", [side, inner, half - 0.008], {
      pos: [halfDepth - 0.014, 0, half - 0.008],
      mass: 0.08,
      ...wood,
    }),
    ...[-1, 1].map((sign) =>
      box("solid", [halfDepth - 0.012, side, half - 0.008], {
        pos: [0, sign * (inner - side), half - 0.008],
        mass: 0.08,
        ...wood,
      }),
    ),
    box("solid", [0.006, halfWidth - 0.011, half], {
      pos: [face + 0.006, 0, half],
      mass: 0.1,
      material: "cabinet_front",
    }),
    // Handle: a stem, a grip 18 mm wide to pinch from above, and a knob that keeps it from slipping.
    box("solid", [(reach - 0.012) / 2, 0.005, 0.006], {
      pos: [face - (reach - 0.012) / 2, 0, half],
      mass: 0.02,
      material: "steel",
    }),
    box("solid", [0.013, 0.009, 0.016], {
      pos: [face - reach, 0, half],
      mass: 0.03,
      material: "charcoal",
    }),
    box("solid", [0.004, 0.015, 0.016], {
      pos: [face - reach - 0.017, 0, half],
      mass: 0.02,
      material: "charcoal",
    }),
  ];
}

const HANDLE_GEOMS = 3;

function drawer(
  cabinet: string,
  level: DrawerName,
): {
  body: MjcfElement;
  part: PartMeta;
  region: [string, RegionMeta];
  surface: [string, SurfaceMeta];
  contactGeoms: readonly string[];
} {
  const { halfDepth, halfWidth, drawerHeight, drawerZ, travel } = CABINET;
  const name = `${cabinet}_${level}_drawer`;
  const joint = `${cabinet}_${level}_slide`;
  const specs = drawerGeoms();
  const handleY = CABINET.handleY[level];
  const geoms = namedGeoms(name, "fixture", [
    ...specs.slice(0, -HANDLE_GEOMS),
    ...specs.slice(-HANDLE_GEOMS).map((spec) => {
      const [x, , z] = spec.pos as Vec3;
      return { ...spec, pos: [x, handleY, z] };
    }),
  ]);
  const regionName = `${cabinet}_${level}_region`;
  // The front of the drawer: what can be reached from above when it is open.
  const size: Vec3 = [0.055, halfWidth - 0.022, 0.032];
  const centre: Vec3 = [-0.03, 0, 0.038];
  const half = drawerHeight / 2;
  return {
    body: element("body", { name, pos: [0, 0, drawerZ[level]] }, [
      element("joint", {
        name: joint,
        type: "slide",
        axis: [-1, 0, 0],
        range: [0, travel],
        damping: 4,
        frictionloss: 1,
        armature: 0.2,
      }),
      ...geoms.elements,
      regionSite(regionName, size, centre),
    ]),
    part: {
      name,
      category: `${level} drawer`,
      parent: cabinet,
      body: name,
      joint,
      halfExtents: [halfDepth, halfWidth - 0.011, half],
      centre: [0, 0, half],
      grasp: [-halfDepth - CABINET.handleReach, handleY, half],
    },
    region: [
      regionName,
      { parent: cabinet, size, joints: [joint], category: `inside of the ${level} drawer` },
    ],
    surface: [regionName, { centre: [centre[0], 0, drawerZ[level] + 0.006], joint }],
    contactGeoms: geoms.contactGeoms,
  };
}

const BIN = { halfX: 0.085, halfY: 0.105, wall: 0.004, height: 0.055, floor: 0.003 } as const;

function bin(placement: FixturePlacement): Fixture {
  const { name } = placement;
  const { halfX, halfY, wall, height, floor } = BIN;
  const half = height / 2;
  const paint = { material: "teal" };
  const geoms = namedGeoms(name, "fixture", [
    box("solid", [halfX, halfY, floor], { pos: [0, 0, floor], material: "charcoal" }),
    ...[-1, 1].map((s) =>
      box("solid", [wall, halfY, half], { pos: [s * (halfX - wall), 0, half], ...paint }),
    ),
    ...[-1, 1].map((s) =>
      box("solid", [halfX, wall, half], { pos: [0, s * (halfY - wall), half], ...paint }),
    ),
    // A rim, so that the edge is seen from above.
    ...[-1, 1].map((s) =>
      box("shell", [0.006, halfY + 0.002, 0.002], {
        pos: [s * (halfX - wall), 0, height],
        material: "white",
      }),
    ),
    ...[-1, 1].map((s) =>
      box("shell", [halfX + 0.002, 0.006, 0.002], {
        pos: [0, s * (halfY - wall), height],
        material: "white",
      }),
    ),
  ]);
  const region = `${name}_contain_region`;
  const size: Vec3 = [halfX - 2 * wall, halfY - 2 * wall, 0.045];
  const centre: Vec3 = [0, 0, 0.05];
  return {
    body: fixtureBody(placement, [...geoms.elements, regionSite(region, size, centre)]),
    meta: {
      kind: "fixture",
      category: "bin",
      rootBody: name,
      joints: [],
      contactGeoms: geoms.contactGeoms,
      halfExtents: [halfX, halfY, half],
      centre: [0, 0, half],
    },
    parts: [],
    regions: { [region]: { parent: name, size, joints: [], category: "inside of the bin" } },
    joints: [],
    footprint: [halfX, halfY],
    keepOutM: 0.075,
    sweepM: 0,
    surfaces: { [region]: { centre: [0, 0, 2 * floor] } },
  };
}

const SHELF = { halfX: 0.08, halfY: 0.1, height: 0.1, board: 0.007 } as const;

function shelf(placement: FixturePlacement): Fixture {
  const { name } = placement;
  const { halfX, halfY, height, board } = SHELF;
  const half = height / 2;
  const wood = { material: "shelf_wood" };
  const geoms = namedGeoms(name, "fixture", [
    box("solid", [halfX, halfY, board], { pos: [0, 0, height - board], ...wood }),
    ...[-1, 1].map((s) =>
      box("solid", [halfX - 0.006, board, half - board], {
        pos: [0, s * (halfY - board - 0.01), half - board],
        ...wood,
      }),
    ),
    box("solid", [board / 2, halfY - 0.02, half - board], {
      pos: [halfX - 0.014, 0, half - board],
      ...wood,
    }),
  ]);
  const region = `${name}_top_region`;
  const size: Vec3 = [halfX - 0.008, halfY - 0.008, 0.001];
  const centre: Vec3 = [0, 0, height];
  return {
    body: fixtureBody(placement, [...geoms.elements, regionSite(region, size, centre)]),
    meta: {
      kind: "fixture",
      category: "wooden shelf",
      rootBody: name,
      joints: [],
      contactGeoms: geoms.contactGeoms,
      halfExtents: [halfX, halfY, half],
      centre: [0, 0, half],
    },
    parts: [],
    regions: { [region]: { parent: name, size, joints: [], category: "top of the shelf" } },
    joints: [],
    footprint: [halfX, halfY],
    keepOutM: 0.08,
    sweepM: 0,
    surfaces: { [region]: { centre } },
  };
}

const BUTTON = { half: 0.048, height: 0.024, capRadius: 0.027, capHalf: 0.011, travel: 0.012 } as const;

function button(placement: FixturePlacement): Fixture {
  const { name } = placement;
  const { half, height, capRadius, capHalf, travel } = BUTTON;
  const base = namedGeoms(name, "fixture", [
    box("solid", [half, half, height / 2], { pos: [0, 0, height / 2], material: "charcoal" }),
    cylinder("shell", [capRadius + 0.006, 0.002], {
      pos: [0, 0, height + 0.001],
      material: "yellow",
    }),
  ]);
  const capName = `${name}_cap`;
  const joint = `${name}_push`;
  const cap = namedGeoms(capName, "fixture", [
    cylinder("solid", [capRadius, capHalf], { material: "red", mass: 0.03 }),
    cylinder("shell", [capRadius * 0.72, 0.0006], {
      pos: [0, 0, capHalf + 0.0004],
      material: "orange",
    }),
  ]);
  return {
    body: fixtureBody(placement, [
      ...base.elements,
      element("body", { name: capName, pos: [0, 0, height + travel - 0.001] }, [
        element("joint", {
          name: joint,
          type: "slide",
          axis: [0, 0, 1],
          range: [-travel, 0],
          stiffness: 150,
          damping: 3,
          armature: 0.02,
        }),
        ...cap.elements,
      ]),
    ]),
    meta: {
      kind: "fixture",
      category: "red button",
      rootBody: name,
      joints: [joint],
      contactGeoms: [...base.contactGeoms, ...cap.contactGeoms],
      halfExtents: [half, half, (height + travel + capHalf) / 2],
      centre: [0, 0, (height + travel + capHalf) / 2],
      grasp: [0, 0, height + travel + capHalf - 0.001],
      ranges: { pressed: [-travel - 0.01, -0.007] },
    },
    parts: [
      {
        name: capName,
        category: "button cap",
        parent: name,
        body: capName,
        joint,
        halfExtents: [capRadius, capRadius, capHalf],
        grasp: [0, 0, capHalf],
      },
    ],
    regions: {},
    joints: [joint],
    footprint: [half, half],
    keepOutM: 0.06,
    sweepM: 0,
    surfaces: {},
  };
}
