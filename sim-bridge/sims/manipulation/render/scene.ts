import { applyTexture } from "./texcoord.ts";
import type { TexturedTessellation } from "./texcoord.ts";
import {
  isRound,
  tessellateBox,
  tessellateCapsule,
  tessellateCylinder,
  tessellateEllipsoid,
  tessellateMesh,
  tessellatePlane,
} from "./tessellate.ts";
import type { Detail, Tessellation } from "./tessellate.ts";
import { smoothSurfaces } from "./surfaces.ts";
import { buildTextures } from "./texture.ts";
import type { TextureSet } from "./texture.ts";
import { GEOM_TYPE } from "./types.ts";
import type { Fidelity, RenderModel } from "./types.ts";

/** One tessellation of a geom: ranges of the scene's vertex and index arrays. */
export interface GeomLevel {
  readonly firstVertex: number;
  readonly vertexCount: number;
  readonly firstIndex: number;
  readonly indexCount: number;
  /** Good enough while the geom's radius covers at most this many pixels. */
  readonly maxRadiusPx: number;
}

/** A drawable geom. A class so that all have one hidden layout: the renderer's loops read it per frame. */
export class SceneGeom {
  readonly id: number;
  readonly bodyId: number;
  /** From coarse to fine; the last is good at any size. */
  readonly levels: readonly GeomLevel[];
  /** Radius whose pixels choose the level, m. */
  readonly detailRadius: number;
  /** Bounding sphere in the frame of the geom, m. */
  readonly center: Float64Array;
  readonly radius: number;
  /** As the model has it; `GeomColours` holds that of the present frame. */
  readonly rgba: Float64Array;
  readonly emission: number;
  readonly specular: number;
  readonly specularPower: SpecularPower;
  readonly isPlane: boolean;
  /** Share of the light that the geom's Z+ face mirrors; 0 for shapes other than planes and boxes. */
  readonly reflectance: number;
  /** Height of the Z+ face of a plane or a box above the geom's origin, m. */
  readonly faceHeight: number;

  constructor(
    model: RenderModel,
    id: number,
    shape: { levels: readonly GeomLevel[]; bounds: Bounds; powers: SpecularPowers },
  ) {
    const { levels, bounds, powers } = shape;
    const material = model.geoms.materialId[id]!;
    const { emission, specular, shininess, reflectance } = model.materials;
    const type = model.geoms.type[id]!;
    const isBox = type === GEOM_TYPE.box;
    this.id = id;
    this.bodyId = model.geoms.bodyId[id]!;
    this.levels = levels;
    this.detailRadius = bounds.detailRadius;
    this.center = Float64Array.from(bounds.center);
    this.radius = bounds.radius;
    this.rgba = Float64Array.from(colourOf(model, id));
    // Without material MuJoCo draws with these (mjv_initGeom).
    this.emission = material < 0 ? 0 : emission[material]!;
    this.specular = material < 0 ? 0.5 : specular[material]!;
    this.specularPower = powers.of(128 * (material < 0 ? 0.5 : shininess[material]!));
    this.isPlane = type === GEOM_TYPE.plane;
    this.reflectance = (this.isPlane || isBox) && material >= 0 ? reflectance[material]! : 0;
    this.faceHeight = isBox ? model.geoms.size[3 * id + 2]! : 0;
  }
}

interface Bounds {
  readonly center: readonly number[];
  readonly radius: number;
  readonly detailRadius: number;
}

/** All geometry of a model, ready to be drawn; never changes. */
export interface RenderScene {
  readonly geoms: readonly SceneGeom[];
  readonly vertexCount: number;
  /** float32[vertexCount, 3] in the frame of the geom. */
  readonly positions: Float32Array;
  readonly normals: Float32Array;
  /** float32[vertexCount, 2]. */
  readonly texcoords: Float32Array;
  /** Row of `geoms` per vertex. */
  readonly vertexGeom: Int32Array;
  /** Row of `textures.images` per vertex, -1 = untextured. */
  readonly vertexImage: Int32Array;
  /** int32[m, 3] into the vertices. */
  readonly indices: Int32Array;
  /** Smooth surface each vertex belongs to, see `smoothSurfaces`. */
  readonly vertexSurface: Int32Array;
  readonly textures: TextureSet;
}

/** The material's colour, unless the geom has one that is not MuJoCo's default grey. */
function colourOf(model: RenderModel, id: number): readonly number[] {
  const own = [...model.geoms.rgba.subarray(4 * id, 4 * id + 4)];
  const material = model.geoms.materialId[id]!;
  const isDefault = own[0] === 0.5 && own[1] === 0.5 && own[2] === 0.5 && own[3] === 1;
  if (material < 0 || !isDefault) return own;
  return [...model.materials.rgba.subarray(4 * material, 4 * material + 4)];
}

/** `x -> x^(power/2)` for x in [0, 1] as a table: the specular term, given the squared cosine. */
export type SpecularPower = Float64Array;
export const SPECULAR_STEPS = 1024;

/** Tables of powers; geoms that shine alike share one. */
class SpecularPowers {
  readonly #tables = new Map<number, SpecularPower>();

  of(power: number): SpecularPower {
    const known = this.#tables.get(power);
    if (known !== undefined) return known;
    const table = Float64Array.from({ length: SPECULAR_STEPS + 1 }, (_, step) =>
      Math.pow(step / SPECULAR_STEPS, power / 2),
    );
    this.#tables.set(power, table);
    return table;
  }
}

/**
 * Tessellates the geoms of the visible groups (`fast`: at several levels of detail) and resolves their
 * textures.
 *
 * @throws {RangeError} if a mesh geom refers to a mesh that does not exist
 */
export function buildScene(
  model: RenderModel,
  visibleGroups: readonly number[],
  fidelity: Fidelity = "fast",
): RenderScene {
  const textures = buildTextures(model.textures);
  const visible = new Set(visibleGroups);
  const dynamic = new Set(model.geoms.dynamicColours);
  const powers = new SpecularPowers();
  const pieces: { geom: number; shape: TexturedTessellation }[] = [];
  const geoms: SceneGeom[] = [];
  const end = { vertices: 0, indices: 0 };
  for (let id = 0; id < model.geoms.count; id++) {
    const mayBeSeen = colourOf(model, id)[3]! > 0 || dynamic.has(id);
    if (!visible.has(model.geoms.group[id]!) || !mayBeSeen) continue;
    const shapes = tessellateGeom(model, { id, isExact: fidelity === "exact" });
    if (shapes.length === 0) continue;
    const levels = shapes.map(({ shape, maxRadiusPx }) => {
      const textured = applyTexture(shape, model, { geomId: id, textures });
      const level = {
        firstVertex: end.vertices,
        vertexCount: textured.images.length,
        firstIndex: end.indices,
        indexCount: textured.indices.length,
        maxRadiusPx,
      };
      pieces.push({ geom: geoms.length, shape: textured });
      end.vertices += level.vertexCount;
      end.indices += level.indexCount;
      return level;
    });
    const bounds = boundsOf(model, id, shapes.at(-1)!.shape);
    geoms.push(new SceneGeom(model, id, { levels, bounds, powers }));
  }
  return assemble(geoms, pieces, { ...end, textures });
}

function assemble(
  geoms: readonly SceneGeom[],
  pieces: readonly { geom: number; shape: TexturedTessellation }[],
  end: { vertices: number; indices: number; textures: TextureSet },
): RenderScene {
  const scene = {
    geoms,
    vertexCount: end.vertices,
    positions: new Float32Array(3 * end.vertices),
    normals: new Float32Array(3 * end.vertices),
    texcoords: new Float32Array(2 * end.vertices),
    vertexGeom: new Int32Array(end.vertices),
    vertexImage: new Int32Array(end.vertices),
    indices: new Int32Array(end.indices),
    textures: end.textures,
  };
  let vertex = 0;
  let index = 0;
  for (const { geom, shape } of pieces) {
    scene.positions.set(shape.positions, 3 * vertex);
    scene.normals.set(shape.normals, 3 * vertex);
    scene.texcoords.set(shape.texcoords, 2 * vertex);
    scene.vertexImage.set(shape.images, vertex);
    scene.vertexGeom.fill(geom, vertex, vertex + shape.images.length);
    for (const local of shape.indices) scene.indices[index++] = vertex + local;
    vertex += shape.images.length;
  }
  return { ...scene, vertexSurface: smoothSurfaces(scene.indices, scene.vertexCount) };
}

interface LevelShape {
  readonly shape: Tessellation;
  readonly maxRadiusPx: number;
}

/** Slices around round shapes, coarse to fine; the model's own quality is the last. */
const ROUND_SLICES = [8, 12, 16, 20];
/** How far the outline of a polygon may be off that of the round shape, pixels. */
const MAX_SAGITTA_PX = 0.15;
/** Up to which size, pixels, a box face of one and of 2 x 2 quads has enough vertices to be lit at. */
const BOX_LEVELS = [
  { quads: 1, maxRadiusPx: 16 },
  { quads: 2, maxRadiusPx: 48 },
];

function tessellateGeom(
  model: RenderModel,
  { id, isExact }: { id: number; isExact: boolean },
): readonly LevelShape[] {
  const { geoms } = model;
  const type = geoms.type[id]!;
  const size = [0, 1, 2].map((axis) => geoms.size[3 * id + axis]!) as [number, number, number];
  if (isExact && (isRound(type) || type === GEOM_TYPE.box)) {
    const { slices, stacks, quads } = model;
    const shape = isRound(type)
      ? tessellateRound(type, size, { slices, stacks, isExact })
      : tessellateBox(size, quads, isExact);
    return [{ shape, maxRadiusPx: Infinity }];
  }
  if (isRound(type)) return roundLevels(model, type, size);
  if (type === GEOM_TYPE.box) {
    const finer = { quads: Math.max(model.quads, 1), maxRadiusPx: Infinity };
    return [...BOX_LEVELS.filter((level) => level.quads < finer.quads), finer].map((level) => ({
      shape: tessellateBox(size, level.quads),
      maxRadiusPx: level.maxRadiusPx,
    }));
  }
  if (type === GEOM_TYPE.plane) {
    const shape = tessellatePlane(size, model.zfar * model.extent, isExact);
    return [{ shape, maxRadiusPx: Infinity }];
  }
  if (type !== GEOM_TYPE.mesh) return []; // height fields and decorations are not drawn
  const mesh = model.meshes[geoms.meshId[id]!];
  if (mesh === undefined) {
    throw new RangeError(
      `Cannot draw geom ${id}: its mesh is ${geoms.meshId[id]}, it must be one of the model's ${model.meshes.length}`,
    );
  }
  return [{ shape: tessellateMesh(mesh), maxRadiusPx: Infinity }];
}

/** A regular n-gon inside a circle of radius r is off by the sagitta `r (1 - cos(pi / n))`. */
function roundLevels(
  model: RenderModel,
  type: number,
  size: [number, number, number],
): readonly LevelShape[] {
  const finest = Math.max(model.slices, 3);
  return [...ROUND_SLICES.filter((slices) => slices < finest), finest].map((slices) => ({
    shape: tessellateRound(type, size, {
      slices,
      stacks: Math.max(4, 2 * Math.round((model.stacks * slices) / (2 * finest))),
      isExact: false,
    }),
    maxRadiusPx: slices === finest ? Infinity : MAX_SAGITTA_PX / (1 - Math.cos(Math.PI / slices)),
  }));
}

function tessellateRound(
  type: number,
  size: [number, number, number],
  detail: Detail,
): Tessellation {
  if (type === GEOM_TYPE.capsule) return tessellateCapsule(size[0], size[1], detail);
  if (type === GEOM_TYPE.cylinder) return tessellateCylinder(size[0], size[1], detail);
  const radii: [number, number, number] =
    type === GEOM_TYPE.sphere ? [size[0], size[0], size[0]] : size;
  return tessellateEllipsoid(radii, detail);
}

/** Sphere about the middle of the axis-aligned box of the vertices. */
function boundsOf(model: RenderModel, id: number, shape: Tessellation): Bounds {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  shape.positions.forEach((value, index) => {
    low[index % 3] = Math.min(low[index % 3]!, value);
    high[index % 3] = Math.max(high[index % 3]!, value);
  });
  const center = low.map((value, axis) => (value + high[axis]!) / 2);
  let radius = 0;
  for (let vertex = 0; vertex < shape.positions.length; vertex += 3) {
    const offset = center.map((value, axis) => shape.positions[vertex + axis]! - value);
    radius = Math.max(radius, Math.hypot(...offset));
  }
  const round = isRound(model.geoms.type[id]!);
  const ellipsoid = model.geoms.type[id] === GEOM_TYPE.ellipsoid;
  const detailRadius = ellipsoid || !round ? radius : model.geoms.size[3 * id]!;
  return { center, radius: radius * (1 + 1e-6), detailRadius };
}
