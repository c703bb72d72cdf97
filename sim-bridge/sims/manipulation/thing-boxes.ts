import type { Vec3 } from "../../../src/core/index.ts";
import type { Pose } from "../../../src/math/index.ts";
import { composePoses, invertPose, transformPoint } from "../../../src/math/index.ts";
import { bodyPose, quatAt, vec3At } from "./frames.ts";
import type { Physics } from "./mujoco.ts";
import { GEOM_TYPE, type RenderModel } from "./render/types.ts";
import type { ManipulationScene, ThingMeta } from "./world.ts";

/** A thing whose box is known. */
export type BoxedThing = ThingMeta & { readonly halfExtents: Vec3 };

/** A scene all of whose things have boxes. */
export interface BoxedScene extends ManipulationScene {
  readonly things: Readonly<Record<string, BoxedThing>>;
}

/**
 * Gives every thing without a box the one around its colliding geoms in its root body's frame, where `qpos0`
 * has them. The state of the physics is reset.
 * @throws {RangeError} if the compiled scene lacks a body or geom, or a thing has nothing to be boxed
 */
export function withBoxes(physics: Physics, scene: ManipulationScene): BoxedScene {
  const entries = Object.entries(scene.things);
  if (entries.every(([, thing]) => isBoxed(thing))) return scene as BoxedScene;
  physics.reset();
  physics.forward();
  const model = physics.readRenderModel();
  const boxed = entries.map(([name, thing]) => [
    name,
    isBoxed(thing) ? thing : { ...thing, ...boxOf(name, thing, { physics, model }) },
  ]);
  return { ...scene, things: Object.fromEntries(boxed) as BoxedScene["things"] };
}

function isBoxed(thing: ThingMeta): thing is BoxedThing {
  return thing.halfExtents !== undefined;
}

function boxOf(
  name: string,
  { rootBody, contactGeoms }: ThingMeta,
  { physics, model }: { readonly physics: Physics; readonly model: RenderModel },
): { readonly halfExtents: Vec3; readonly centre: Vec3 } {
  const rootFromWorld = invertPose(bodyPose(physics.views, physics.id("body", rootBody)));
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (const geomName of contactGeoms) {
    const geom = physics.id("geom", geomName);
    const worldFromBody = bodyPose(physics.views, model.geoms.bodyId[geom]!);
    const rootFromGeom = composePoses(composePoses(rootFromWorld, worldFromBody), {
      position: vec3At(model.geoms.pos, geom),
      quatWxyz: quatAt(model.geoms.quatWxyz, geom),
    });
    for (const corner of corners(model, geom, rootFromGeom)) {
      for (let axis = 0; axis < 3; axis++) {
        low[axis] = Math.min(low[axis]!, corner[axis]!);
        high[axis] = Math.max(high[axis]!, corner[axis]!);
      }
    }
  }
  if (!(low[0]! <= high[0]!)) {
    throw new RangeError(
      `Cannot box "${name}": it has no colliding geoms, must have one or halfExtents`,
    );
  }
  const both = [0, 1, 2].map((axis) => [low[axis]!, high[axis]!] as const);
  return {
    halfExtents: both.map(([a, b]) => (b - a) / 2) as unknown as Vec3,
    centre: both.map(([a, b]) => (a + b) / 2) as unknown as Vec3,
  };
}

/** Points whose box is the geom's, or a little larger for round ones that lie askew. */
function corners(model: RenderModel, geom: number, pose: Pose): readonly Vec3[] {
  const type = model.geoms.type[geom]!;
  if (type === GEOM_TYPE.mesh) {
    const { vertices } = model.meshes[model.geoms.meshId[geom]!]!;
    return Array.from({ length: vertices.length / 3 }, (_, i) =>
      transformPoint(pose, vec3At(vertices, i)),
    );
  }
  const half = halfExtentsOf(type, vec3At(model.geoms.size, geom));
  return Array.from({ length: 8 }, (_, corner) =>
    transformPoint(pose, half.map((h, axis) => (corner & (1 << axis) ? h : -h)) as unknown as Vec3),
  );
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
