/**
 * The words of the camera renderer: what it needs of a compiled model (`RenderModel`), what moves
 * from frame to frame (`BodyPoses`) and what it answers (`CameraImages`).
 *
 * The renderer knows no physics engine: `readRenderModel` copies the numbers once, and afterwards
 * only body poses are needed. World frame: metres, right-handed, z up. Quaternions are wxyz, matrices
 * row-major and world-from-body, colours linear factors in [0, 1] as MuJoCo's renderer treats them
 * (no gamma). Names and meanings of the arrays follow `mjModel` of MuJoCo 3.14.
 */

/** Changes whenever the same scene would be drawn with other bytes. */
export const RENDERER_VERSION = "3";

/** `mjtGeom` values that can be drawn (2 is a sphere ... 7 a mesh; 1 is a height field, not drawn). */
export const GEOM_TYPE = {
  plane: 0,
  sphere: 2,
  capsule: 3,
  ellipsoid: 4,
  cylinder: 5,
  box: 6,
  mesh: 7,
} as const;

/** `mjtLightType`: a spot has a cone (`cutoffDeg`, `exponent`), a point light shines all round. */
export const LIGHT_TYPE = { spot: 0, directional: 1, point: 2 } as const;

/** `mjtTexture`. */
export const TEXTURE_TYPE = { flat2d: 0, cube: 1, skybox: 2 } as const;

/** Drawable shapes, one row per geom; row index = MuJoCo geom id. */
export interface RenderGeoms {
  readonly count: number;
  /** `GEOM_TYPE`, int32[count]. */
  readonly type: Int32Array;
  /** float64[count, 3], meaning by type: half extents, radius, half length; a plane has (hx, hy, grid). */
  readonly size: Float64Array;
  /** Pose in the frame of the body: float64[count, 3] and float64[count, 4] wxyz. */
  readonly pos: Float64Array;
  readonly quatWxyz: Float64Array;
  /** float32[count, 4]; alpha 0 = never drawn, alpha < 1 = blended. */
  readonly rgba: Float32Array;
  readonly bodyId: Int32Array;
  /** Material, -1 = none. */
  readonly materialId: Int32Array;
  /** Mesh, -1 = none. */
  readonly meshId: Int32Array;
  /** Visibility group, 0-5. */
  readonly group: Int32Array;
  /**
   * Ids of geoms whose colour, or being seen at all, may change from frame to frame
   * (`BodyPoses.geomColours`); they are never part of a baked background. Default none.
   */
  readonly dynamicColours?: readonly number[];
}

/** Materials, one row per material. */
export interface RenderMaterials {
  readonly count: number;
  /** float32[count, 4]; used instead of the geom's colour only when that is MuJoCo's default grey. */
  readonly rgba: Float32Array;
  readonly emission: Float32Array;
  readonly specular: Float32Array;
  /** [0, 1]; the specular exponent is 128 times this. */
  readonly shininess: Float32Array;
  readonly reflectance: Float32Array;
  /** Texture of the RGB (or RGBA) role, -1 = none. */
  readonly textureId: Int32Array;
  /** float32[count, 2]. */
  readonly texRepeat: Float32Array;
  /** 1 = `texRepeat` counts per metre instead of per geom. */
  readonly texUniform: Uint8Array;
}

/** One triangle mesh in its own frame. */
export interface RenderMesh {
  /** float32[n, 3], m. */
  readonly vertices: Float32Array;
  /** float32[k, 3], unit. */
  readonly normals: Float32Array;
  /** float32[j, 2]; empty if the mesh has none. */
  readonly texcoords: Float32Array;
  /** int32[f, 3] into `vertices`, counter-clockwise from outside. */
  readonly faces: Int32Array;
  /** int32[f, 3] into `normals`. */
  readonly faceNormals: Int32Array;
  /** int32[f, 3] into `texcoords`; empty if the mesh has none. */
  readonly faceTexcoords: Int32Array;
}

/** One texture; a cube or skybox is one square image or six stacked ones (right, left, up, down, front, back). */
export interface RenderTexture {
  readonly type: number;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** True if the texels are sRGB-encoded and must be decoded when read (`tex_colorspace` 2). */
  readonly srgb: boolean;
  /** uint8[height, width, channels]. */
  readonly data: Uint8Array;
}

/** Lights of the scene, one row each; position and direction are in the frame of the body. */
export interface RenderLights {
  readonly count: number;
  /** `LIGHT_TYPE`. */
  readonly type: Int32Array;
  readonly bodyId: Int32Array;
  readonly active: Uint8Array;
  readonly castShadow: Uint8Array;
  readonly pos: Float64Array;
  readonly dir: Float64Array;
  /** float32[count, 3]: constant, linear, quadratic. */
  readonly attenuation: Float32Array;
  readonly cutoffDeg: Float32Array;
  readonly exponent: Float32Array;
  /** float32[count, 3] each. */
  readonly ambient: Float32Array;
  readonly diffuse: Float32Array;
  readonly specular: Float32Array;
}

/** A camera fixed to a body; looks along its own -z, y up. */
export interface RenderCamera {
  readonly name: string;
  readonly bodyId: number;
  readonly pos: readonly number[];
  readonly quatWxyz: readonly number[];
  /** Full vertical field of view, degrees. */
  readonly fovyDeg: number;
}

/** The light that sits on the camera and shines along its axis. */
export interface RenderHeadlight {
  readonly active: boolean;
  readonly ambient: readonly number[];
  readonly diffuse: readonly number[];
  readonly specular: readonly number[];
}

/** Everything about a compiled model that a picture depends on, besides the poses. */
export interface RenderModel {
  readonly geoms: RenderGeoms;
  readonly materials: RenderMaterials;
  readonly meshes: readonly RenderMesh[];
  readonly textures: readonly RenderTexture[];
  readonly lights: RenderLights;
  readonly cameras: readonly RenderCamera[];
  readonly headlight: RenderHeadlight;
  /** int32[nbody]; 0 = welded to the world, so it never moves. */
  readonly bodyWeldId: Int32Array;
  /** Mean size of the model, m (`stat.extent`). */
  readonly extent: number;
  /** Near and far plane as fractions of `extent` (`vis.map`). */
  readonly znear: number;
  readonly zfar: number;
  /** Tessellation of round shapes and boxes (`vis.quality`). */
  readonly slices: number;
  readonly stacks: number;
  readonly quads: number;
}

/** Where the bodies are: views of `mjData`, read during the call and not kept. */
export interface BodyPoses {
  /** `xpos`: float64[nbody, 3], m. */
  readonly bodyXpos: Float64Array;
  /** `xmat`: float64[nbody, 3, 3], row-major, world from body. */
  readonly bodyXmat: Float64Array;
  /**
   * Colours of the geoms that `RenderGeoms.dynamicColours` names, in its order: float32[n, 4], finite.
   * With an alpha of 0 or less a geom is neither drawn nor labelled. Without it they have the model's.
   */
  readonly geomColours?: Float32Array;
}

/** Which images to make; `rgb` is on unless switched off. */
export interface CameraOutputs {
  readonly rgb?: boolean;
  readonly depth?: boolean;
  readonly segmentation?: boolean;
}

/**
 * Images of one camera, row 0 at the TOP. The arrays are new in every call and belong to the caller.
 */
export interface CameraImages {
  /** uint8[height, width, 3]; empty if not asked for. */
  readonly rgb: Uint8Array;
  /**
   * float32[height, width]: metres along the optical axis at the pixel's centre; the far plane's depth
   * where nothing is. See-through geoms are not seen.
   */
  readonly depth?: Float32Array;
  /** uint16[height, width]: what is at the pixel's centre, see-through or not: 0 = background, else 1 + geom id. */
  readonly segmentation?: Uint16Array;
}

/**
 * How close pictures come to those of MuJoCo's own renderer: "fast" takes short cuts where they are hard to
 * see (coarser round shapes far away, one colour for the samples of a smooth surface, textures between two
 * mip levels in four steps), "exact" takes none of them.
 */
export type Fidelity = "fast" | "exact";

export interface CameraRendererOptions {
  readonly width: number;
  readonly height: number;
  /** Colour samples per pixel; 4 (default) is smooth at edges. */
  readonly samples?: 1 | 4;
  /** Default "fast". */
  readonly fidelity?: Fidelity;
  /** Geom groups to draw; default 0, 1, 2, MuJoCo's default. */
  readonly visibleGroups?: readonly number[];
  /**
   * Positions (m) and entries of rotations of bodies are rounded to multiples of this, in (0, 1), before anything is
   * drawn, so that what lies still but for an engine's creep (some 1e-9 m per step) is where it was, and need not be
   * drawn again. Default: they are taken as they are.
   */
  readonly poseStep?: number;
  /** Keep a baked picture of what does not move for each camera that never moves; default true. */
  readonly cacheBackground?: boolean;
}

/** Draws the cameras of one model at one image size; holds a few MB until disposed. */
export interface CameraRenderer {
  readonly width: number;
  readonly height: number;
  /**
   * Draws one camera.
   * @throws {RangeError} if the model has no such camera or the poses or colours do not fit the model
   */
  render(cameraName: string, poses: BodyPoses, outputs?: CameraOutputs): CameraImages;
  /**
   * Forgets baked backgrounds. A body welded to the world that is seen elsewhere than before is
   * noticed without it, but is drawn anew in every frame from then on; call this after placing such
   * bodies (at a reset) to have them baked again.
   */
  invalidate(): void;
  /** Frees the buffers; `render` throws afterwards. Calling it twice is harmless. */
  dispose(): void;
}
