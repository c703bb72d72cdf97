import type { Cuboid, Vec3 } from "../../../src/core/index.ts";
import { composePoses, invertPose, transformPoint } from "../../../src/math/index.ts";
import { bodyPose, quatAt, vec3At } from "./frames.ts";
import type { Physics } from "./mujoco.ts";
import { GEOM_TYPE, type RenderModel } from "./render/types.ts";
import type { ManipulationScene, ThingMeta } from "./world.ts";

/** A thing whose box and colliding shapes are known. */
export type BoxedThing = ThingMeta & {
  readonly halfExtents: Vec3;
  /**
   * Around each colliding geom, in the frame of the box: its centre, the root body's axes. Absent where the
   * world gives the box, which then says enough.
   */
  readonly cuboids?: readonly Cuboid[];
};

/** A scene all of whose things have boxes. */
export interface BoxedScene extends ManipulationScene {
  readonly things: Readonly<Record<string, BoxedThing>>;
}

/**
 * Gives every thing without a box of its own the boxes around its colliding geoms, in its root body's frame,
 * where `qpos0` has them, and the one around them all. The state of the physics is reset.
 * @throws {RangeError} if the compiled scene lacks a body or geom, or a thing has nothing to be boxed
 */
export function withBoxes(physics: Physics, scene: ManipulationScene): BoxedScene {
  const entries = Object.entries(scene.things);
  if (entries.every(([, thing]) => isBoxed(thing))) return scene as BoxedScene;
  physics.reset();
  physics.forward();
  const model = physics.readRenderModel();
  const things = entries.map(([name, thing]): [string, BoxedThing] => {
    if (isBoxed(thing)) return [name, thing];
    const cuboids = cuboidsOf(thing, { physics, model });
    const { halfExtents, centre } = boxAround(name, cuboids);
    const centred = cuboids.map((each) => ({ ...each, position: minus(each.position, centre) }));
    return [name, { ...thing, halfExtents, centre, cuboids: centred }];
  });
  return { ...scene, things: Object.fromEntries(things) };
}

function isBoxed(thing: ThingMeta): thing is BoxedThing {
  return thing.halfExtents !== undefined;
}

const ORIGIN: Vec3 = [0, 0, 0];

function minus(a: Vec3, b: Vec3): Vec3 {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function cuboidsOf(
  { rootBody, contactGeoms }: ThingMeta,
  { physics, model }: { readonly physics: Physics; readonly model: RenderModel },
): readonly Cuboid[] {
  const rootFromWorld = invertPose(bodyPose(physics.views, physics.id("body", rootBody)));
  return contactGeoms.map((name) => {
    const geom = physics.id("geom", name);
    const worldFromBody = bodyPose(physics.views, model.geoms.bodyId[geom]!);
    const rootFromGeom = composePoses(composePoses(rootFromWorld, worldFromBody), {
      position: vec3At(model.geoms.pos, geom),
      quatWxyz: quatAt(model.geoms.quatWxyz, geom),
    });
    const { halfExtents, centre } = ownBox(model, geom);
    return {
      position: transformPoint(rootFromGeom, centre),
      quatWxyz: rootFromGeom.quatWxyz,
      halfExtents,
    };
  });
}

/** The box of a geom in its own frame. */
function ownBox(
  model: RenderModel,
  geom: number,
): { readonly halfExtents: Vec3; readonly centre: Vec3 } {
  const type = model.geoms.type[geom]!;
  if (type !== GEOM_TYPE.mesh) {
    return { halfExtents: halfExtentsOf(type, vec3At(model.geoms.size, geom)), centre: ORIGIN };
  }
  const { vertices } = model.meshes[model.geoms.meshId[geom]!]!;
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
