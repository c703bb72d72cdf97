import type { Tessellation } from "./tessellate.ts";
import type { TextureSet } from "./texture.ts";
import { GEOM_TYPE, TEXTURE_TYPE } from "./types.ts";
import type { RenderModel } from "./types.ts";

/** Which image each vertex reads, besides the geometry. All corners of a triangle read the same one. */
export interface TexturedTessellation extends Tessellation {
  /** int32[n], row of the textures' images, -1 = untextured. */
  readonly images: Int32Array;
}

interface GeomTexture {
  readonly type: number;
  readonly firstImage: number;
  readonly repeat: readonly [number, number];
  readonly uniform: boolean;
  readonly size: readonly [number, number, number];
}

/**
 * Resolves the texture of a geom: images and final coordinates per vertex.
 *
 * - 2d texture on explicit coordinates: they are multiplied by `texrepeat` (and by the geom's size if
 *   `texuniform`).
 * - 2d texture on a mesh without coordinates: projected along z,
 *   `s = k x / 2 - 1/2, t = -k y / 2 - 1/2` with `k = texrepeat / size` (`texrepeat` if `texuniform`).
 * - cube texture: object coordinates select face and texel as an OpenGL cube map does. A triangle
 *   reads the face its centroid falls on, so shapes that are not boxes show seams at face borders.
 *
 * Follows `render_gl3.c` of MuJoCo 3.8 and later (explicit coordinates on all builtin shapes).
 */
export function applyTexture(
  shape: Tessellation,
  model: RenderModel,
  options: { geomId: number; textures: TextureSet },
): TexturedTessellation {
  const texture = textureOfGeom(model, options);
  if (texture === undefined)
    return { ...shape, images: new Int32Array(vertexCount(shape)).fill(-1) };
  const isMesh = model.geoms.type[options.geomId] === GEOM_TYPE.mesh;
  if (texture.type !== TEXTURE_TYPE.flat2d) return applyCube(shape, texture, isMesh);
  const images = new Int32Array(vertexCount(shape)).fill(texture.firstImage);
  const hasCoordinates =
    !isMesh || model.meshes[model.geoms.meshId[options.geomId]!]!.faceTexcoords.length > 0;
  return { ...shape, images, texcoords: scaledTexcoords(shape, texture, hasCoordinates) };
}

function vertexCount(shape: Tessellation): number {
  return shape.texcoords.length / 2;
}

function textureOfGeom(
  model: RenderModel,
  options: { geomId: number; textures: TextureSet },
): GeomTexture | undefined {
  const { geomId, textures } = options;
  const material = model.geoms.materialId[geomId]!;
  const textureId = material < 0 ? -1 : model.materials.textureId[material]!;
  if (textureId < 0) return undefined;
  const { texRepeat, texUniform } = model.materials;
  const { size } = model.geoms;
  return {
    type: model.textures[textureId]!.type,
    firstImage: textures.firstImage[textureId]!,
    repeat: [texRepeat[2 * material]!, texRepeat[2 * material + 1]!],
    uniform: texUniform[material] !== 0,
    size: [size[3 * geomId]!, size[3 * geomId + 1]!, size[3 * geomId + 2]!],
  };
}

function scaledTexcoords(
  shape: Tessellation,
  texture: GeomTexture,
  hasCoordinates: boolean,
): Float32Array {
  const texcoords = new Float32Array(shape.texcoords.length);
  for (const axis of [0, 1] as const) {
    const half = texture.size[axis] > 0 ? texture.size[axis] : 1;
    const repeat = texture.repeat[axis] > 0 ? texture.repeat[axis] : 1;
    const scale = hasCoordinates
      ? repeat * (texture.uniform ? half : 1)
      : repeat / (texture.uniform ? 1 : half);
    for (let vertex = 0; vertex < vertexCount(shape); vertex++) {
      const projected =
        (axis === 0 ? 0.5 : -0.5) * scale * shape.positions[3 * vertex + axis]! - 0.5;
      texcoords[2 * vertex + axis] = hasCoordinates
        ? shape.texcoords[2 * vertex + axis]! * scale
        : projected;
    }
  }
  return texcoords;
}

/**
 * OpenGL 4.6, table 8.19: for the major axis of the direction, which coordinates run along s and t.
 * Rows: +x, -x, +y, -y, +z, -z; each `[sAxis, sSign, tAxis, tSign]`.
 */
const CUBE_AXES = [
  [2, -1, 1, -1],
  [2, 1, 1, -1],
  [0, 1, 2, 1],
  [0, 1, 2, -1],
  [0, 1, 1, -1],
  [0, -1, 1, -1],
] as const;

/** The face of the cube that `direction` points at, 0 to 5. */
export function cubeFaceOf(direction: readonly number[]): number {
  const [x, y, z] = [direction[0]!, direction[1]!, direction[2]!];
  const [ax, ay, az] = [Math.abs(x), Math.abs(y), Math.abs(z)];
  const axis = ax >= ay && ax >= az ? 0 : ay >= az ? 1 : 2;
  return 2 * axis + Number(direction[axis]! < 0);
}

/** Coordinates in [0, 1] of `direction` on `face`; outside that range if it points at another face. */
export function cubeTexcoord(direction: readonly number[], face: number): [number, number] {
  const [sAxis, sSign, tAxis, tSign] = CUBE_AXES[face as 0 | 1 | 2 | 3 | 4 | 5];
  const major = Math.max(Math.abs(direction[face >> 1]!), 1e-9);
  return [
    (sSign * direction[sAxis]! + major) / (2 * major),
    (tSign * direction[tAxis]! + major) / (2 * major),
  ];
}

/** Every triangle gets vertices of its own, since neighbours may read different faces. */
function applyCube(
  shape: Tessellation,
  texture: GeomTexture,
  isMesh: boolean,
): TexturedTessellation {
  const corners = shape.indices.length;
  const positions = new Float32Array(3 * corners);
  const normals = new Float32Array(3 * corners);
  const texcoords = new Float32Array(2 * corners);
  const images = new Int32Array(corners);
  // MuJoCo scales unit shapes (half extent 1), so their object coordinates lack the size; a mesh's do not.
  const direction = (vertex: number): number[] =>
    [0, 1, 2].map((axis) => {
      const half = texture.size[axis as 0 | 1 | 2];
      const value = shape.positions[3 * vertex + axis]!;
      return isMesh || texture.uniform || half <= 0 ? value : value / half;
    });
  for (let first = 0; first < corners; first += 3) {
    const vertices = [...shape.indices.subarray(first, first + 3)];
    const directions = vertices.map(direction);
    const centroid = [0, 1, 2].map((axis) => directions.reduce((sum, d) => sum + d[axis]!, 0));
    const face = cubeFaceOf(centroid);
    vertices.forEach((vertex, corner) => {
      const target = first + corner;
      positions.set(shape.positions.subarray(3 * vertex, 3 * vertex + 3), 3 * target);
      normals.set(shape.normals.subarray(3 * vertex, 3 * vertex + 3), 3 * target);
      texcoords.set(cubeTexcoord(directions[corner]!, face), 2 * target);
      images[target] = texture.firstImage + face;
    });
  }
  const indices = Int32Array.from({ length: corners }, (_, corner) => corner);
  return { positions, normals, texcoords, indices, images };
}
