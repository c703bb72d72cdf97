import type { Cuboid, Vec3 } from "../../../src/core/index.ts";
import { composePoses, invertPose, transformPoint } from "../../../src/math/index.ts";
import { bodyPose, quatAt, vec3At } from "./frames.ts";
import type { Physics } from "./mujoco.ts";
import { GEOM_TYPE, type RenderGeoms } from "./render/types.ts";
import type { ManipulationScene, PartMeta, ThingMeta } from "./world.ts";

/** A thing whose box and colliding shapes are known. */
export type BoxedThing = ThingMeta & {
  readonly halfExtents: Vec3;
  /**
   * Around each colliding geom, in the frame of the box: its centre, the root body's axes. Absent where the
   * world gives the box, which then says enough.
   */
  readonly cuboids?: readonly Cuboid[];
};

/** A moving part, with its shapes where it was boxed here. */
export type BoxedPart = PartMeta & Pick<BoxedThing, "cuboids">;

/** A scene all of whose things have boxes. */
export interface BoxedScene extends ManipulationScene {
  readonly things: Readonly<Record<string, BoxedThing>>;
  readonly parts: readonly BoxedPart[];
}

/**
 * Gives every thing without a box of its own the boxes around its colliding geoms, in its root body's frame,
 * where `qpos0` has them, and the one around them all. What of a fixture moves on a joint (a drawer, a door, a
 * knob) becomes a part, named as its body, with the shapes that move with it; the fixture keeps the others.
 * The state of the physics is reset.
 * @throws {RangeError} if the compiled scene lacks a body or geom, or a thing has nothing to be boxed
 */
export function withBoxes(physics: Physics, scene: ManipulationScene): BoxedScene {
  const entries = Object.entries(scene.things);
  if (entries.every(([, thing]) => isBoxed(thing))) return scene as BoxedScene;
  physics.reset();
  physics.place();
  const engine: Engine = { physics, shapes: physics.readGeoms() };
  const parts: BoxedPart[] = [...scene.parts];
  const things = entries.map(([name, thing]): [string, BoxedThing] => {
    if (isBoxed(thing)) return [name, thing];
    const moving = thing.kind === "fixture" ? movingBodies(thing, engine) : [];
    parts.push(...moving.map((body) => partOf({ name, ...body }, engine)));
    const moved = new Set(moving.flatMap(({ geoms }) => geoms));
    const whole = boxOf(name, thing.contactGeoms, { frame: thing.rootBody, engine });
    const cuboids = whole.cuboids.filter((_, i) => !moved.has(thing.contactGeoms[i]!));
    return [name, { ...thing, ...whole, cuboids }];
  });
  return { ...scene, things: Object.fromEntries(things), parts };
}

interface Engine {
  readonly physics: Physics;
  readonly shapes: RenderGeoms;
}

/** A body that a joint moves, and the colliding geoms that go with it. */
interface MovingBody {
  readonly body: string;
  readonly joint: string;
  readonly geoms: readonly string[];
}

/** Bodies of a fixture's joints, except those without shapes. */
function movingBodies({ joints, contactGeoms }: ThingMeta, { physics }: Engine): MovingBody[] {
  const jointOf = new Map(joints.map((joint) => [physics.joint(joint).bodyId, joint]));
  const parents = physics.bodyParents();
  const geomBodies = physics.geomBodies();
  const carrier = (geom: string): number => {
    let body = geomBodies[physics.id("geom", geom)]!;
    while (body !== 0 && !jointOf.has(body)) body = parents[body]!;
    return body;
  };
  const carriers = contactGeoms.map(carrier);
  return [...jointOf].flatMap(([body, joint]) => {
    const geoms = contactGeoms.filter((_, i) => carriers[i] === body);
    return geoms.length === 0 ? [] : [{ body: physics.name("body", body), joint, geoms }];
  });
}

function partOf(
  { name: parent, body, joint, geoms }: MovingBody & { readonly name: string },
  engine: Engine,
): BoxedPart {
  const words = joint.startsWith(`${parent}_`) ? joint.slice(parent.length + 1) : joint;
  const box = boxOf(body, geoms, { frame: body, engine });
  return { name: body, category: words.replaceAll("_", " "), parent, body, joint, ...box };
}

function isBoxed(thing: ThingMeta): thing is BoxedThing {
  return thing.halfExtents !== undefined;
}

const ORIGIN: Vec3 = [0, 0, 0];

function minus(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

/** The boxes around geoms, and the one around them all, whose centre is the origin of the others. */
function boxOf(
  name: string,
  geoms: readonly string[],
  at: { readonly frame: string; readonly engine: Engine },
): { readonly halfExtents: Vec3; readonly centre: Vec3; readonly cuboids: readonly Cuboid[] } {
  const cuboids = cuboidsOf(geoms, at);
  const { halfExtents, centre } = boxAround(name, cuboids);
  const centred = cuboids.map((each) => ({ ...each, position: minus(each.position, centre) }));
  return { halfExtents, centre, cuboids: centred };
}

/** The box around each geom, in the frame of a body. */
function cuboidsOf(
  geoms: readonly string[],
  { frame, engine }: { readonly frame: string; readonly engine: Engine },
): readonly Cuboid[] {
  const { physics, shapes } = engine;
  const frameFromWorld = invertPose(bodyPose(physics.views, physics.id("body", frame)));
  return geoms.map((name) => {
    const geom = physics.id("geom", name);
    const worldFromBody = bodyPose(physics.views, shapes.bodyId[geom]!);
    const frameFromGeom = composePoses(composePoses(frameFromWorld, worldFromBody), {
      position: vec3At(shapes.pos, geom),
      quatWxyz: quatAt(shapes.quatWxyz, geom),
    });
    const { halfExtents, centre } = ownBox(engine, geom);
    return {
      position: transformPoint(frameFromGeom, centre),
      quatWxyz: frameFromGeom.quatWxyz,
      halfExtents,
    };
  });
}

/** The box of a geom in its own frame. */
function ownBox(
  { physics, shapes }: Engine,
  geom: number,
): { readonly halfExtents: Vec3; readonly centre: Vec3 } {
  const type = shapes.type[geom]!;
  if (type !== GEOM_TYPE.mesh) {
    return { halfExtents: halfExtentsOf(type, vec3At(shapes.size, geom)), centre: ORIGIN };
  }
  const { vertices } = physics.readMesh(shapes.meshId[geom]!);
  return boxOfPoints(Array.from({ length: vertices.length / 3 }, (_, i) => vec3At(vertices, i)));
}

function boxAround(
  name: string,
  cuboids: readonly Cuboid[],
): { readonly halfExtents: Vec3; readonly centre: Vec3 } {
  if (cuboids.length > 0) return boxOfPoints(cuboids.flatMap(cornersOf));
  throw new RangeError(
    `Cannot box "${name}": it has no colliding geoms, must have one or halfExtents`,
  );
}

function cornersOf({ position, quatWxyz, halfExtents }: Cuboid): Vec3[] {
  const [a, b, c] = halfExtents;
  const signs = [-1, 1];
  return signs.flatMap((x) =>
    signs.flatMap((y) =>
      signs.map((z) => transformPoint({ position, quatWxyz }, [x * a, y * b, z * c])),
    ),
  );
}

function boxOfPoints(points: readonly Vec3[]): {
  readonly halfExtents: Vec3;
  readonly centre: Vec3;
} {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (const point of points) {
    for (let axis = 0; axis < 3; axis++) {
      low[axis] = Math.min(low[axis]!, point[axis]!);
      high[axis] = Math.max(high[axis]!, point[axis]!);
    }
  }
  const each = (of: (low: number, high: number) => number): Vec3 => [
    of(low[0]!, high[0]!),
    of(low[1]!, high[1]!),
    of(low[2]!, high[2]!),
  ];
  return { halfExtents: each((a, b) => (b - a) / 2), centre: each((a, b) => (a + b) / 2) };
}

function halfExtentsOf(type: number, [a, b, c]: Vec3): Vec3 {
  switch (type) {
    case GEOM_TYPE.sphere:
      return [a, a, a];
    case GEOM_TYPE.cylinder:
      return [a, a, b];
    case GEOM_TYPE.capsule:
      return [a, a, a + b];
    default:
      return [a, b, c];
  }
}
