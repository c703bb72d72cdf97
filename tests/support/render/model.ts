import { GEOM_TYPE } from "../../../sim-bridge/sims/manipulation/render/types.ts";
import type {
  BodyPoses,
  RenderCamera,
  RenderModel,
  RenderTexture,
} from "../../../sim-bridge/sims/manipulation/render/types.ts";

export interface TestMaterial {
  readonly rgba?: readonly number[];
  readonly emission?: number;
  readonly specular?: number;
  readonly shininess?: number;
  readonly reflectance?: number;
  readonly textureId?: number;
  readonly texRepeat?: readonly [number, number];
}

export interface TestGeom {
  readonly type: keyof typeof GEOM_TYPE;
  readonly size: readonly number[];
  readonly pos?: readonly number[];
  readonly quatWxyz?: readonly number[];
  readonly rgba?: readonly number[];
  readonly bodyId?: number;
  readonly material?: TestMaterial;
  readonly group?: number;
}

export interface TestLight {
  readonly type: number;
  readonly pos?: readonly number[];
  readonly dir: readonly number[];
  readonly diffuse?: readonly number[];
  readonly specular?: readonly number[];
  readonly ambient?: readonly number[];
  readonly attenuation?: readonly number[];
  readonly cutoffDeg?: number;
  readonly exponent?: number;
}

export interface TestModel {
  readonly geoms: readonly TestGeom[];
  readonly lights?: readonly TestLight[];
  readonly textures?: readonly RenderTexture[];
  readonly cameras?: readonly RenderCamera[];
  readonly headlight?: RenderModel["headlight"];
  /** `body_weldid`; default one body, the world. */
  readonly bodyWeldId?: readonly number[];
  readonly znear?: number;
  readonly zfar?: number;
}

/** Looks down from 2 m; one metre at z = 0 is half the height of the image. */
export const CAMERA_ABOVE: RenderCamera = {
  name: "above",
  bodyId: 0,
  pos: [0, 0, 2],
  quatWxyz: [1, 0, 0, 0],
  fovyDeg: (2 * Math.atan(0.5) * 180) / Math.PI,
};

const DARK = { active: false, ambient: [0, 0, 0], diffuse: [0, 0, 0], specular: [0, 0, 0] };

/** A render model by hand: what is not said is plain (no light, no shine, identity pose). */
export function renderModel(test: TestModel): RenderModel {
  const { geoms, lights = [] } = test;
  const rows = (values: readonly (readonly number[])[]): number[] => values.flat();
  const materials = geoms.map((geom) => geom.material ?? {});
  const lightRows = (pick: (light: TestLight) => readonly number[] | undefined): Float32Array =>
    Float32Array.from(rows(lights.map((light) => pick(light) ?? [0, 0, 0])));
  return {
    geoms: {
      count: geoms.length,
      type: Int32Array.from(geoms, (geom) => GEOM_TYPE[geom.type]),
      size: Float64Array.from(rows(geoms.map(({ size }) => [...size, 0, 0].slice(0, 3)))),
      pos: Float64Array.from(rows(geoms.map(({ pos }) => pos ?? [0, 0, 0]))),
      quatWxyz: Float64Array.from(rows(geoms.map(({ quatWxyz }) => quatWxyz ?? [1, 0, 0, 0]))),
      rgba: Float32Array.from(rows(geoms.map(({ rgba }) => rgba ?? [0.5, 0.5, 0.5, 1]))),
      bodyId: Int32Array.from(geoms, ({ bodyId }) => bodyId ?? 0),
      materialId: Int32Array.from(geoms.keys()),
      meshId: new Int32Array(geoms.length).fill(-1),
      group: Int32Array.from(geoms, ({ group }) => group ?? 0),
    },
    materials: {
      count: geoms.length,
      rgba: Float32Array.from(rows(materials.map(({ rgba }) => rgba ?? [1, 1, 1, 1]))),
      emission: Float32Array.from(materials, ({ emission }) => emission ?? 0),
      specular: Float32Array.from(materials, ({ specular }) => specular ?? 0),
      shininess: Float32Array.from(materials, ({ shininess }) => shininess ?? 0),
      reflectance: Float32Array.from(materials, ({ reflectance }) => reflectance ?? 0),
      textureId: Int32Array.from(materials, ({ textureId }) => textureId ?? -1),
      texRepeat: Float32Array.from(rows(materials.map(({ texRepeat }) => texRepeat ?? [1, 1]))),
      texUniform: new Uint8Array(geoms.length),
    },
    meshes: [],
    textures: test.textures ?? [],
    lights: {
      count: lights.length,
      type: Int32Array.from(lights, ({ type }) => type),
      bodyId: new Int32Array(lights.length),
      active: new Uint8Array(lights.length).fill(1),
      castShadow: new Uint8Array(lights.length),
      pos: Float64Array.from(rows(lights.map(({ pos }) => pos ?? [0, 0, 0]))),
      dir: Float64Array.from(rows(lights.map(({ dir }) => dir))),
      attenuation: lightRows((light) => light.attenuation ?? [1, 0, 0]),
      cutoffDeg: Float32Array.from(lights, ({ cutoffDeg }) => cutoffDeg ?? 45),
      exponent: Float32Array.from(lights, ({ exponent }) => exponent ?? 10),
      ambient: lightRows((light) => light.ambient),
      diffuse: lightRows((light) => light.diffuse),
      specular: lightRows((light) => light.specular),
    },
    cameras: test.cameras ?? [CAMERA_ABOVE],
    headlight: test.headlight ?? DARK,
    bodyWeldId: Int32Array.from(test.bodyWeldId ?? [0]),
    extent: 1,
    znear: test.znear ?? 0.01,
    zfar: test.zfar ?? 50,
    slices: 28,
    stacks: 16,
    quads: 4,
  };
}

/** All bodies at the origin, axes along the world's, then moved to `positions` by body id. */
export function bodyPoses(
  bodies: number,
  positions: Readonly<Record<number, readonly number[]>> = {},
): BodyPoses {
  const bodyXpos = new Float64Array(3 * bodies);
  const bodyXmat = new Float64Array(9 * bodies);
  for (let body = 0; body < bodies; body++) bodyXmat.set([1, 0, 0, 0, 1, 0, 0, 0, 1], 9 * body);
  for (const [body, position] of Object.entries(positions)) {
    bodyXpos.set(position, 3 * Number(body));
  }
  return { bodyXpos, bodyXmat };
}

/** The bytes of one pixel. */
export function pixelAt(rgb: Uint8Array, width: number, column: number, row: number): number[] {
  return [...rgb.subarray(3 * (row * width + column), 3 * (row * width + column) + 3)];
}
