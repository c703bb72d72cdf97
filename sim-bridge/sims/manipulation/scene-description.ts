import type { SceneDescription, SceneGeom } from "../../../src/core/index.ts";
import { quatAt, vec3At } from "./frames.ts";
import type { Physics } from "./mujoco.ts";
import {
  GEOM_TYPE,
  type RenderMesh,
  type RenderModel,
  type RenderTexture,
} from "./render/types.ts";

/** A scene description, and which engine geom each of its geoms is. */
export interface DescribedScene {
  readonly description: SceneDescription;
  /** uint16[ngeom]: 1 + index into `description.geoms`, 0 for geoms that are not drawn. */
  readonly labelOfGeom: Uint16Array;
}

/**
 * Describes what is to be drawn: geoms of the visible groups that are not wholly transparent.
 * @param visibleGroups MuJoCo geom groups; the renderer's must be the same
 */
export function describeScene(
  physics: Physics,
  model: RenderModel,
  options: { readonly visibleGroups: readonly number[]; readonly gripperBodyId: number },
): DescribedScene {
  const bodies = Array.from({ length: physics.bodyCount }, (_, id) => bodyName(physics, id));
  const labelOfGeom = new Uint16Array(model.geoms.count);
  const geoms: SceneGeom[] = [];
  for (let id = 0; id < model.geoms.count; id++) {
    const rgba = geomColour(model, id);
    const shape = options.visibleGroups.includes(model.geoms.group[id]!)
      ? geomShape(model, id)
      : undefined;
    if (shape === undefined || rgba[3] <= 0) continue;
    geoms.push({
      body: bodies[model.geoms.bodyId[id]!]!,
      shape,
      position: vec3At(model.geoms.pos, id),
      quatWxyz: quatAt(model.geoms.quatWxyz, id),
      rgba,
    });
    labelOfGeom[id] = geoms.length;
  }
  const cameras = model.cameras.map(({ name, bodyId, pos, quatWxyz, fovyDeg }) => ({
    name,
    body: bodies[bodyId]!,
    position: vec3At(pos, 0),
    quatWxyz: quatAt(quatWxyz, 0),
    fovyRad: (fovyDeg * Math.PI) / 180,
  }));
  const gripperBody = bodies[options.gripperBodyId]!;
  return { description: { bodies, geoms, cameras, gripperBody }, labelOfGeom };
}

function bodyName(physics: Physics, id: number): string {
  const name = id === 0 ? "world" : physics.name("body", id);
  return name === "" ? `body ${id}` : name;
}

function geomShape(model: RenderModel, id: number): SceneGeom["shape"] | undefined {
  const [a, b, c] = vec3At(model.geoms.size, id);
  switch (model.geoms.type[id]!) {
    case GEOM_TYPE.box:
      return { kind: "box", halfExtents: [a, b, c] };
    case GEOM_TYPE.sphere:
      return { kind: "sphere", radius: a };
    case GEOM_TYPE.ellipsoid:
      return { kind: "ellipsoid", radii: [a, b, c] };
    case GEOM_TYPE.cylinder:
      return { kind: "cylinder", radius: a, halfLength: b };
    case GEOM_TYPE.capsule:
      return { kind: "capsule", radius: a, halfLength: b };
    case GEOM_TYPE.plane:
      return { kind: "plane", halfExtents: [a, b] };
    case GEOM_TYPE.mesh:
      // One object for all geoms of a mesh, so that a viewer can share its buffers.
      return meshShape(model.meshes[model.geoms.meshId[id]!]!);
    default:
      return undefined;
  }
}

/** Shapes of meshes that several scenes have: each is described once. */
const meshShapes = new WeakMap<RenderMesh, SceneGeom["shape"]>();

/** Vertices are rounded to a micrometre: the description travels as text. */
function meshShape(mesh: RenderMesh): SceneGeom["shape"] {
  let shape = meshShapes.get(mesh);
  if (shape === undefined) {
    const vertices = Array.from(mesh.vertices, (value) => Math.round(value * 1e6) / 1e6);
    shape = { kind: "mesh", vertices, triangles: Array.from(mesh.faces) };
    meshShapes.set(mesh, shape);
  }
  return shape;
}

/**
 * MuJoCo's rule: a material's colour counts where the geom's own is the default grey; a texture
 * multiplies it, here by its mean colour, for the description has no textures.
 */
function geomColour(model: RenderModel, id: number): SceneGeom["rgba"] {
  const { geoms, materials, textures } = model;
  const own = geoms.rgba.subarray(4 * id, 4 * id + 4);
  const material = geoms.materialId[id]!;
  if (material < 0) return [own[0]!, own[1]!, own[2]!, own[3]!];
  const isDefault = own[0] === 0.5 && own[1] === 0.5 && own[2] === 0.5 && own[3] === 1;
  const [r, g, b, a] = isDefault ? materials.rgba.subarray(4 * material, 4 * material + 4) : own;
  const texture = textures[materials.textureId[material]!];
  const [tr, tg, tb] = texture === undefined ? [1, 1, 1] : meanColour(texture);
  return [r! * tr!, g! * tg!, b! * tb!, a!];
}

function meanColour({ data, width, height, channels }: RenderTexture): readonly number[] {
  const sums = [0, 0, 0];
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let i = 0; i < 3; i++) sums[i]! += data[pixel * channels + Math.min(i, channels - 1)]!;
  }
  return sums.map((sum) => sum / (255 * width * height));
}
