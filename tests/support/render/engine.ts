import { compileModel, folderOf } from "../../../sim-bridge/sims/manipulation/mujoco-engine.ts";
import type {
  EngineBuffer,
  EngineData,
  EngineModel,
  MujocoModule,
} from "../../../sim-bridge/sims/manipulation/mujoco-module.ts";
import { loadMujoco } from "../../../sim-bridge/sims/manipulation/mujoco.ts";
import { readRenderModel } from "../../../sim-bridge/sims/manipulation/render/read-model.ts";
import type { BodyPoses, RenderModel } from "../../../sim-bridge/sims/manipulation/render/types.ts";

/** What rays see: the reference for labels and depths. */
export interface RayImage {
  /** int32[height, width], geom id, -1 = nothing. */
  readonly geomIds: Int32Array;
  /** float64[height, width], m along the optical axis. */
  readonly depth: Float64Array;
}

export interface RayScene {
  readonly xml: string;
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Joint positions; those left out stay at their defaults. */
  readonly qpos: ArrayLike<number>;
  /** Leaves see-through geoms see-through; default false. */
  readonly keepsColours?: boolean;
}

/** The groups that both rays and the renderer see: MuJoCo's default. */
const VISIBLE_GROUPS = Uint8Array.of(1, 1, 1, 0, 0, 0);

type RayEngine = MujocoModule & {
  /** @returns distance to the nearest hit, whose geom is left in `geomId`; -1 where nothing is hit */
  mj_ray(
    model: EngineModel,
    data: EngineData,
    origin: readonly number[],
    direction: readonly number[],
    geomGroups: Uint8Array,
    withStatic: boolean,
    excludedBody: number,
    geomId: EngineBuffer<Int32Array>,
    normal: null,
  ): number;
};
type CameraData = EngineData & {
  readonly cam_xpos: Float64Array;
  readonly cam_xmat: Float64Array;
};

/** A scene in the real engine, drawn by casting one ray through the centre of each pixel. */
export class RayCamera {
  /** See-through geoms are made opaque unless told otherwise, since rays do not pass them. */
  readonly model: RenderModel;
  readonly poses: BodyPoses;
  readonly #engine: RayEngine;
  readonly #model: EngineModel;
  readonly #data: CameraData;

  static async open(scene: RayScene): Promise<RayCamera> {
    const folder = await folderOf(scene.files ?? {});
    return new RayCamera((await loadMujoco()) as RayEngine, scene, folder);
  }

  constructor(engine: RayEngine, scene: RayScene, folder: string) {
    this.#engine = engine;
    this.#model = compileModel(engine, { xml: scene.xml, files: scene.files ?? {} }, folder);
    this.#data = new engine.MjData(this.#model) as CameraData;
    this.#data.qpos.set(scene.qpos);
    engine.mj_forward(this.#model, this.#data);
    const model = readRenderModel(this.#model);
    this.model = scene.keepsColours === true ? model : opaque(model);
    this.poses = { bodyXpos: this.#data.xpos.slice(), bodyXmat: this.#data.xmat.slice() };
  }

  cast(cameraName: string, width: number, height: number): RayImage {
    const camera = this.model.cameras.findIndex(({ name }) => name === cameraName);
    const { cam_xpos, cam_xmat } = this.#data;
    const origin = [...cam_xpos.subarray(3 * camera, 3 * camera + 3)];
    const axes = cam_xmat.slice(9 * camera, 9 * camera + 9);
    const count = width * height;
    const focal = height / 2 / Math.tan((this.model.cameras[camera]!.fovyDeg * Math.PI) / 360);
    const directions = new Float64Array(3 * count);
    const cosines = new Float64Array(count);
    for (let pixel = 0; pixel < count; pixel++) {
      const x = ((pixel % width) + 0.5 - width / 2) / focal;
      const y = (height / 2 - Math.floor(pixel / width) - 0.5) / focal;
      cosines[pixel] = 1 / Math.hypot(x, y, 1);
      for (let k = 0; k < 3; k++) {
        const world = axes[3 * k]! * x + axes[3 * k + 1]! * y - axes[3 * k + 2]!;
        directions[3 * pixel + k] = world * cosines[pixel]!;
      }
    }
    // One `mj_ray` per pixel: `mj_multiRay` of MuJoCo 3.14 misses whole bodies (its quick test of a
    // body's bounds in spherical angles drops some that rays do hit, as a cabinet in a tabletop scene).
    const geomIds = new Int32Array(count);
    const depth = new Float64Array(count);
    const id = new this.#engine.IntBuffer(1);
    for (let pixel = 0; pixel < count; pixel++) {
      const direction = [...directions.subarray(3 * pixel, 3 * pixel + 3)];
      const distance = this.#engine.mj_ray(
        ...([this.#model, this.#data, origin, direction, VISIBLE_GROUPS, true, -1] as const),
        ...([id, null] as const),
      );
      geomIds[pixel] = id.GetView()[0]!;
      depth[pixel] = distance * cosines[pixel]!;
    }
    id.delete();
    return { geomIds, depth };
  }

  close(): void {
    this.#data.delete();
    this.#model.delete();
  }
}

function opaque(model: RenderModel): RenderModel {
  const solid = (rgba: Float32Array): Float32Array =>
    rgba.map((value, index) => (index % 4 === 3 && value > 0 ? 1 : value));
  const { geoms, materials } = model;
  return {
    ...model,
    geoms: { ...geoms, rgba: solid(geoms.rgba) },
    materials: { ...materials, rgba: solid(materials.rgba) },
  };
}
