import type {
  RenderGeoms,
  RenderLights,
  RenderMaterials,
  RenderMesh,
  RenderModel,
  RenderTexture,
} from "./types.ts";

/** The part of `mjModel` (JavaScript bindings of MuJoCo 3.14) that is read; nothing of it is kept. */
export interface MujocoModelArrays {
  readonly ngeom: number;
  readonly nmat: number;
  readonly nmesh: number;
  readonly ntex: number;
  readonly nlight: number;
  readonly ncam: number;
  readonly geom_type: Int32Array;
  readonly geom_size: Float64Array;
  readonly geom_pos: Float64Array;
  readonly geom_quat: Float64Array;
  readonly geom_rgba: Float32Array;
  readonly geom_bodyid: Int32Array;
  readonly geom_matid: Int32Array;
  readonly geom_dataid: Int32Array;
  readonly geom_group: Int32Array;
  readonly mat_rgba: Float32Array;
  readonly mat_emission: Float32Array;
  readonly mat_specular: Float32Array;
  readonly mat_shininess: Float32Array;
  readonly mat_reflectance: Float32Array;
  readonly mat_texid: Int32Array;
  readonly mat_texrepeat: Float32Array;
  readonly mesh_vertadr: Int32Array;
  readonly mesh_vertnum: Int32Array;
  readonly mesh_vert: Float32Array;
  readonly mesh_normaladr: Int32Array;
  readonly mesh_normalnum: Int32Array;
  readonly mesh_normal: Float32Array;
  readonly mesh_texcoordadr: Int32Array;
  readonly mesh_texcoordnum: Int32Array;
  readonly mesh_texcoord: Float32Array;
  readonly mesh_faceadr: Int32Array;
  readonly mesh_facenum: Int32Array;
  readonly mesh_face: Int32Array;
  readonly mesh_facenormal: Int32Array;
  readonly mesh_facetexcoord: Int32Array;
  readonly tex_type: Int32Array;
  readonly tex_width: Int32Array;
  readonly tex_height: Int32Array;
  readonly tex_nchannel: Int32Array;
  readonly tex_colorspace: Int32Array;
  readonly tex_adr: Int32Array;
  readonly tex_data: Uint8Array;
  readonly light_type: Int32Array;
  readonly light_bodyid: Int32Array;
  readonly light_pos: Float64Array;
  readonly light_dir: Float64Array;
  readonly light_attenuation: Float32Array;
  readonly light_cutoff: Float32Array;
  readonly light_exponent: Float32Array;
  readonly light_ambient: Float32Array;
  readonly light_diffuse: Float32Array;
  readonly light_specular: Float32Array;
  readonly cam_mode: Int32Array;
  readonly cam_bodyid: Int32Array;
  readonly cam_pos: Float64Array;
  readonly cam_quat: Float64Array;
  readonly cam_fovy: Float64Array;
  readonly body_weldid: Int32Array;
  readonly stat: { readonly extent: number };
  readonly vis: {
    readonly map: { readonly znear: number; readonly zfar: number };
    readonly quality: {
      readonly numslices: number;
      readonly numstacks: number;
      readonly numquads: number;
    };
    readonly headlight: {
      readonly active: number;
      readonly ambient: ArrayLike<number>;
      readonly diffuse: ArrayLike<number>;
      readonly specular: ArrayLike<number>;
    };
  };
  /** Arrays of booleans are not readable through the bindings; these per-element accessors are. */
  mat(id: number): { readonly texuniform: boolean | number; delete(): void };
  light(id: number): {
    readonly active: boolean | number;
    readonly castshadow: boolean | number;
    delete(): void;
  };
  cam(id: number): { readonly name: string; delete(): void };
}

/** `mjNTEXROLE`, and the two roles that carry colour: `mjTEXROLE_RGB`, `mjTEXROLE_RGBA`. */
const TEXTURE_ROLES = 10;
const ROLE_RGB = 1;
const ROLE_RGBA = 8;
/** `mjCOLORSPACE_SRGB`. */
const COLORSPACE_SRGB = 2;

/**
 * Copies from a compiled MuJoCo model what pictures depend on.
 *
 * The copies stay valid when the engine's memory grows or the model is freed. Cameras that track a
 * body (`mode` other than "fixed") are drawn as if fixed to their body.
 */
export function readRenderModel(model: MujocoModelArrays): RenderModel {
  const { stat, vis } = model;
  return {
    geoms: readGeoms(model),
    materials: readMaterials(model),
    meshes: Array.from({ length: model.nmesh }, (_, id) => readMesh(model, id)),
    textures: Array.from({ length: model.ntex }, (_, id) => readTexture(model, id)),
    lights: readLights(model),
    cameras: Array.from({ length: model.ncam }, (_, id) => ({
      name: readAccessor(model.cam(id), (camera) => camera.name),
      bodyId: model.cam_bodyid[id]!,
      pos: [...model.cam_pos.subarray(3 * id, 3 * id + 3)],
      quatWxyz: [...model.cam_quat.subarray(4 * id, 4 * id + 4)],
      fovyDeg: model.cam_fovy[id]!,
    })),
    headlight: {
      active: vis.headlight.active !== 0,
      ambient: Array.from(vis.headlight.ambient),
      diffuse: Array.from(vis.headlight.diffuse),
      specular: Array.from(vis.headlight.specular),
    },
    bodyWeldId: model.body_weldid.slice(),
    extent: stat.extent,
    znear: vis.map.znear,
    zfar: vis.map.zfar,
    slices: vis.quality.numslices,
    stacks: vis.quality.numstacks,
    quads: vis.quality.numquads,
  };
}

/** Copies the shapes alone. */
export function readGeoms(model: MujocoModelArrays): RenderGeoms {
  return {
    count: model.ngeom,
    type: model.geom_type.slice(),
    size: model.geom_size.slice(),
    pos: model.geom_pos.slice(),
    quatWxyz: model.geom_quat.slice(),
    rgba: model.geom_rgba.slice(),
    bodyId: model.geom_bodyid.slice(),
    materialId: model.geom_matid.slice(),
    meshId: model.geom_dataid.slice(),
    group: model.geom_group.slice(),
  };
}

/** Reads one value of an engine-side object and frees it: such objects are never collected. */
function readAccessor<A extends { delete(): void }, T>(accessor: A, read: (accessor: A) => T): T {
  try {
    return read(accessor);
  } finally {
    accessor.delete();
  }
}

function readMaterials(model: MujocoModelArrays): RenderMaterials {
  const count = model.nmat;
  const textureOf = (id: number): number => {
    const rgb = model.mat_texid[id * TEXTURE_ROLES + ROLE_RGB]!;
    return rgb >= 0 ? rgb : model.mat_texid[id * TEXTURE_ROLES + ROLE_RGBA]!;
  };
  return {
    count,
    rgba: model.mat_rgba.slice(),
    emission: model.mat_emission.slice(),
    specular: model.mat_specular.slice(),
    shininess: model.mat_shininess.slice(),
    reflectance: model.mat_reflectance.slice(),
    textureId: Int32Array.from({ length: count }, (_, id) => textureOf(id)),
    texRepeat: model.mat_texrepeat.slice(),
    texUniform: Uint8Array.from({ length: count }, (_, id) =>
      readAccessor(model.mat(id), (material) => Number(material.texuniform)),
    ),
  };
}

/** Copies one mesh. */
export function readMesh(model: MujocoModelArrays, id: number): RenderMesh {
  const vertex = model.mesh_vertadr[id]!;
  const normal = model.mesh_normaladr[id]!;
  const texcoord = model.mesh_texcoordadr[id]!;
  const face = model.mesh_faceadr[id]!;
  const faceEnd = face + model.mesh_facenum[id]!;
  const texcoordCount = texcoord < 0 ? 0 : model.mesh_texcoordnum[id]!;
  return {
    vertices: model.mesh_vert.slice(3 * vertex, 3 * (vertex + model.mesh_vertnum[id]!)),
    normals: model.mesh_normal.slice(3 * normal, 3 * (normal + model.mesh_normalnum[id]!)),
    texcoords: model.mesh_texcoord.slice(2 * texcoord, 2 * (texcoord + texcoordCount)),
    faces: model.mesh_face.slice(3 * face, 3 * faceEnd),
    faceNormals: model.mesh_facenormal.slice(3 * face, 3 * faceEnd),
    faceTexcoords:
      texcoordCount === 0
        ? new Int32Array(0)
        : model.mesh_facetexcoord.slice(3 * face, 3 * faceEnd),
  };
}

function readTexture(model: MujocoModelArrays, id: number): RenderTexture {
  const width = model.tex_width[id]!;
  const height = model.tex_height[id]!;
  const channels = model.tex_nchannel[id]!;
  const start = model.tex_adr[id]!;
  return {
    type: model.tex_type[id]!,
    width,
    height,
    channels,
    srgb: model.tex_colorspace[id] === COLORSPACE_SRGB,
    data: model.tex_data.slice(start, start + width * height * channels),
  };
}

function readLights(model: MujocoModelArrays): RenderLights {
  const count = model.nlight;
  const flags = (name: "active" | "castshadow"): Uint8Array =>
    Uint8Array.from({ length: count }, (_, id) =>
      readAccessor(model.light(id), (light) => Number(light[name])),
    );
  return {
    count,
    type: model.light_type.slice(),
    bodyId: model.light_bodyid.slice(),
    active: flags("active"),
    castShadow: flags("castshadow"),
    pos: model.light_pos.slice(),
    dir: model.light_dir.slice(),
    attenuation: model.light_attenuation.slice(),
    cutoffDeg: model.light_cutoff.slice(),
    exponent: model.light_exponent.slice(),
    ambient: model.light_ambient.slice(),
    diffuse: model.light_diffuse.slice(),
    specular: model.light_specular.slice(),
  };
}
