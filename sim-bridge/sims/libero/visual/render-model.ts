/** A task's visual description as the model that the camera renderer draws. */
import type { RenderMesh, RenderModel, RenderTexture } from "../../manipulation/render/types.ts";
import type { SceneBodies } from "../../manipulation/world.ts";
import type { Visual } from "./description.ts";
import type { IndexedMesh } from "./mesh-file.ts";

/** What `visual.json` refers to, row by row. */
export interface VisualParts {
  readonly meshes: readonly IndexedMesh[];
  readonly textures: readonly RenderTexture[];
}

/** MuJoCo's default for visual shapes in robosuite; all of them are of it. */
const VISIBLE_GROUP = 1;

/** @throws {RangeError} if the scene lacks a body that something is fixed to */
export function renderModelOf(
  visual: Visual,
  parts: VisualParts,
  bodies: SceneBodies,
): RenderModel {
  const { geoms, materials, lights, cameras, headlight, quality } = visual;
  const flat = <T>(rows: readonly T[], pick: (row: T) => readonly number[] | number): number[] =>
    rows.flatMap(pick);
  return {
    geoms: {
      count: geoms.length,
      type: Int32Array.from(geoms, ({ type }) => type),
      size: Float64Array.from(flat(geoms, ({ size }) => size)),
      pos: Float64Array.from(flat(geoms, ({ pos }) => pos)),
      quatWxyz: Float64Array.from(flat(geoms, ({ quat }) => quat)),
      rgba: Float32Array.from(flat(geoms, ({ rgba }) => rgba)),
      bodyId: Int32Array.from(geoms, ({ body }) => bodies.id(body)),
      materialId: Int32Array.from(geoms, ({ material }) => material),
      meshId: Int32Array.from(geoms, ({ mesh }) => mesh),
      group: new Int32Array(geoms.length).fill(VISIBLE_GROUP),
    },
    materials: {
      count: materials.length,
      rgba: Float32Array.from(flat(materials, ({ rgba }) => rgba)),
      emission: Float32Array.from(materials, ({ emission }) => emission),
      specular: Float32Array.from(materials, ({ specular }) => specular),
      shininess: Float32Array.from(materials, ({ shininess }) => shininess),
      reflectance: Float32Array.from(materials, ({ reflectance }) => reflectance),
      textureId: Int32Array.from(materials, ({ texture }) => texture),
      texRepeat: Float32Array.from(flat(materials, ({ texrepeat }) => texrepeat)),
      texUniform: Uint8Array.from(materials, ({ texuniform }) => Number(texuniform)),
    },
    meshes: parts.meshes.map(renderMesh),
    textures: parts.textures,
    lights: {
      count: lights.length,
      type: Int32Array.from(lights, ({ type }) => type),
      bodyId: Int32Array.from(lights, ({ body }) => bodies.id(body)),
      active: Uint8Array.from(lights, ({ active }) => Number(active)),
      castShadow: Uint8Array.from(lights, ({ castshadow }) => Number(castshadow)),
      pos: Float64Array.from(flat(lights, ({ pos }) => pos)),
      dir: Float64Array.from(flat(lights, ({ dir }) => dir)),
      attenuation: Float32Array.from(flat(lights, ({ attenuation }) => attenuation)),
      cutoffDeg: Float32Array.from(lights, ({ cutoff }) => cutoff),
      exponent: Float32Array.from(lights, ({ exponent }) => exponent),
      ambient: Float32Array.from(flat(lights, ({ ambient }) => ambient)),
      diffuse: Float32Array.from(flat(lights, ({ diffuse }) => diffuse)),
      specular: Float32Array.from(flat(lights, ({ specular }) => specular)),
    },
    cameras: cameras.map(({ name, body, pos, quat, fovy }) => ({
      name,
      bodyId: bodies.id(body),
      pos,
      quatWxyz: quat,
      fovyDeg: fovy,
    })),
    headlight,
    bodyWeldId: bodies.weldId,
    extent: visual.extent,
    znear: visual.znear,
    zfar: visual.zfar,
    ...quality,
  };
}

/** Most meshes are in many scenes. */
const renderMeshes = new WeakMap<IndexedMesh, RenderMesh>();

function renderMesh(mesh: IndexedMesh): RenderMesh {
  let known = renderMeshes.get(mesh);
  if (known === undefined) {
    known = withSharedCorners(mesh);
    renderMeshes.set(mesh, known);
  }
  return known;
}

/** One list of corners for positions, normals and texture coordinates: nothing is left to be tessellated. */
function withSharedCorners({ positions, normals, texcoords, indices }: IndexedMesh): RenderMesh {
  const faces = Int32Array.from(indices);
  return {
    vertices: positions,
    normals,
    texcoords: texcoords ?? new Float32Array(0),
    faces,
    faceNormals: faces,
    faceTexcoords: texcoords === undefined ? new Int32Array(0) : faces,
  };
}
