/** Composes the MJCF of one task: room, table, robot, fixtures, objects; and where all joints are. */
import type { MjcfElement } from "../../../robots/mjcf.ts";
import { element, toXml } from "../../../robots/mjcf.ts";
import { COLLISION_BITS, pandaMjcf } from "../../../robots/panda/mjcf.ts";
import { PANDA_INITIAL_QPOS, PANDA_NAMES } from "../../../robots/panda/spec.ts";
import type { ArmMeta, ManipulationScene, RegionMeta, ThingMeta } from "../manipulation/world.ts";
import type { Fixture } from "./fixtures/index.ts";
import { regionSite } from "./fixtures/fixture.ts";
import { buildFixture } from "./fixtures/index.ts";
import { namedGeoms } from "./geometry.ts";
import { materialParts } from "./materials.ts";
import { latheMesh } from "./meshes.ts";
import { holeRegion, kindOf } from "./objects.ts";
import { roomBodies } from "./room.ts";
import type { TaskSpec, ZonePlacement } from "./tasks.ts";

/** Where the robot's base plate stands: on the table, behind its centre. */
export const BASE_POSITION = [-0.6, 0, 0] as const;

/** Addresses in `qpos` and `qvel`, in the order of the compiled model. */
export interface StateLayout {
  readonly nq: number;
  readonly nv: number;
  /** Joint name -> first index in `qpos`. */
  readonly qposAddress: ReadonlyMap<string, number>;
}

export interface ComposedScene {
  readonly scene: Omit<ManipulationScene, "bddl">;
  readonly layout: StateLayout;
  readonly fixtures: ReadonlyMap<string, Fixture>;
}

/** Builds the scene of a task. Pure: equal specs give equal text. */
export function composeScene(task: TaskSpec): ComposedScene {
  const robot = pandaMjcf({ basePosition: BASE_POSITION });
  const fixtures = new Map(task.fixtures.map((place) => [place.name, buildFixture(place)]));
  const objects = task.objects.map(({ name }) => buildObject(name));
  const zones = (task.zones ?? []).map(buildZone);
  const world = [
    ...roomBodies(),
    ...zones.flatMap(({ elements }) => elements),
    ...(robot.bodies ?? []),
    ...[...fixtures.values()].map(({ body }) => body),
    ...objects.map(({ body }) => body),
  ];
  const assets = sceneAssets(
    world,
    new Set(task.objects.flatMap(({ name }) => kindOf(name).kind.meshes)),
  );
  const xml = toXml(
    element("mujoco", { model: "tabletop" }, [
      ...GLOBALS,
      element("default", {}, [...(robot.defaults ?? []), ...DEFAULTS]),
      element("asset", {}, [...(robot.assets ?? []), ...assets.elements]),
      element("worldbody", {}, world),
      element("actuator", {}, robot.actuators ?? []),
    ]),
  );
  const things: Record<string, ThingMeta> = {};
  const regions: Record<string, RegionMeta> = {};
  for (const [name, fixture] of fixtures) {
    things[name] = fixture.meta;
    Object.assign(regions, fixture.regions);
  }
  for (const { name, meta, regions: own } of objects) {
    things[name] = meta;
    Object.assign(regions, own);
  }
  for (const zone of zones) regions[zone.name] = zone.meta;
  const parts = [...fixtures.values()].flatMap((fixture) => fixture.parts);
  return {
    scene: { xml, files: assets.files, arm: ARM, things, parts, regions },
    layout: stateLayout(
      [...fixtures.values()],
      task.objects.map(({ name }) => name),
    ),
    fixtures,
  };
}

const ARM: ArmMeta = {
  site: PANDA_NAMES.gripSite,
  handBody: PANDA_NAMES.handBody,
  baseBody: PANDA_NAMES.baseBody,
  joints: PANDA_NAMES.joints,
  actuators: PANDA_NAMES.actuators,
  initialQpos: PANDA_INITIAL_QPOS,
  fingerJoints: PANDA_NAMES.fingerJoints,
  fingerActuators: PANDA_NAMES.fingerActuators,
  fingerGeoms: PANDA_NAMES.fingerGeoms,
};

/** Free joint of an object. */
export function freeJoint(object: string): string {
  return `${object}_joint`;
}

function stateLayout(fixtures: readonly Fixture[], objects: readonly string[]): StateLayout {
  // Depth first through the bodies, as MuJoCo numbers joints: robot, fixtures, objects.
  const slides = [
    ...PANDA_NAMES.joints,
    ...PANDA_NAMES.fingerJoints,
    ...fixtures.flatMap(({ joints }) => joints),
  ];
  const qposAddress = new Map<string, number>(slides.map((name, index) => [name, index]));
  for (const [index, name] of objects.entries()) {
    qposAddress.set(freeJoint(name), slides.length + 7 * index);
  }
  return {
    nq: slides.length + 7 * objects.length,
    nv: slides.length + 6 * objects.length,
    qposAddress,
  };
}

function buildObject(name: string): {
  name: string;
  body: MjcfElement;
  meta: ThingMeta;
  regions: Readonly<Record<string, RegionMeta>>;
} {
  const { kind } = kindOf(name);
  const { elements, contactGeoms } = namedGeoms(name, "object", kind.geoms);
  const children = [element("freejoint", { name: freeJoint(name) }), ...elements];
  const regions: Record<string, RegionMeta> = {};
  if (kind.hole !== undefined) {
    const hole = holeRegion(name);
    children.push(regionSite(hole, kind.hole, { pos: [0, 0, 0] }));
    regions[hole] = { parent: name, size: kind.hole, joints: [], category: "hole" };
  }
  const meta: ThingMeta = {
    kind: "object",
    category: kind.category,
    rootBody: name,
    joints: [freeJoint(name)],
    contactGeoms,
    halfExtents: kind.halfExtents,
    ...(kind.centre === undefined ? {} : { centre: kind.centre }),
    ...(kind.grasp === undefined ? {} : { grasp: kind.grasp }),
  };
  // Far above until an initial state puts it in place.
  const body = element("body", { name, pos: [0, 0, 1] }, children);
  return { name, body, meta, regions };
}

/** Half height of a zone's region above and below the table; LIBERO's 7 mm. */
const ZONE_HALF_HEIGHT_M = 0.007;

function buildZone({ name, rect }: ZonePlacement): {
  name: string;
  meta: RegionMeta;
  elements: MjcfElement[];
} {
  const [x0, y0, x1, y1] = rect;
  const pos = [(x0 + x1) / 2, (y0 + y1) / 2, 0];
  const [hx, hy] = [(x1 - x0) / 2, (y1 - y0) / 2];
  const full = `main_table_${name}`;
  const size = [hx, hy, ZONE_HALF_HEIGHT_M] as const;
  const patch = (half: readonly number[], z: number, material: string): MjcfElement =>
    element("geom", {
      class: "fixture_shell",
      type: "box",
      size: half,
      pos: [pos[0]!, pos[1]!, z],
      material,
    });
  return {
    name: full,
    meta: { parent: null, size, joints: [], category: "marked zone" },
    elements: [
      patch([hx, hy, 0.0004], 0.0004, "green"),
      patch([hx - 0.008, hy - 0.008, 0.0005], 0.0005, "cream"),
      element("site", { name: full, type: "box", size, pos, group: 4, rgba: [0, 1, 0, 0.2] }),
    ],
  };
}

function sceneAssets(
  world: readonly MjcfElement[],
  meshes: ReadonlySet<string>,
): { elements: MjcfElement[]; files: Record<string, Uint8Array> } {
  const names = new Set<string>();
  const visit = ({ tag, attributes, children }: MjcfElement): void => {
    const material = attributes["material"];
    // The robot brings its own materials.
    if (tag === "geom" && typeof material === "string" && !material.startsWith("panda_")) {
      names.add(material);
    }
    children.forEach(visit);
  };
  world.forEach(visit);
  const elements: MjcfElement[] = [SKY];
  const files: Record<string, Uint8Array> = {};
  for (const name of [...names].sort()) {
    const parts = materialParts(name);
    elements.push(...parts.elements);
    Object.assign(files, parts.files);
  }
  elements.push(...[...meshes].sort().map(latheMesh));
  return { elements, files };
}

const SKY = element("texture", {
  type: "skybox",
  builtin: "gradient",
  rgb1: [0.8, 0.87, 0.93],
  rgb2: [0.45, 0.52, 0.6],
  width: 64,
  height: 384,
});

/** As LIBERO: 500 Hz, Euler, elliptic cones, impratio 20. */
const GLOBALS: readonly MjcfElement[] = [
  element("compiler", { angle: "radian", autolimits: true }),
  element("option", { timestep: 0.002, integrator: "Euler", cone: "elliptic", impratio: 20 }),
  element("size", { memory: "4M" }),
  element("visual", {}, [
    element("headlight", {
      ambient: [0.36, 0.36, 0.37],
      diffuse: [0.25, 0.25, 0.25],
      specular: [0.1, 0.1, 0.1],
    }),
    element("map", { znear: 0.005, zfar: 10 }),
    element("quality", { shadowsize: 1024 }),
  ]),
  element("statistic", { extent: 1.6, center: [0, 0, 0.1] }),
];

/** Contacts: soft enough to be stable at 2 ms, stiff enough that a thing at rest sinks < 0.1 mm. */
const CONTACT = { friction: [0.9, 0.005, 0.0001], solref: [0.01, 1], solimp: [0.95, 0.99, 0.001] };

const DEFAULTS: readonly MjcfElement[] = (["object", "fixture"] as const).flatMap((kind) => [
  element("default", { class: `${kind}_solid` }, [
    element("geom", { ...COLLISION_BITS[kind], ...CONTACT, condim: 3, group: 1, mass: 0 }),
  ]),
  element("default", { class: `${kind}_hull` }, [
    element("geom", { ...COLLISION_BITS[kind], ...CONTACT, condim: 3, group: 3, mass: 0 }),
  ]),
  element("default", { class: `${kind}_shell` }, [
    element("geom", { contype: 0, conaffinity: 0, group: 1, mass: 0 }),
  ]),
]);
