import loadMujoco from "@mujoco/mujoco";
import { readRenderModel } from "../../../sim-bridge/sims/manipulation/render/read-model.ts";
import type { MujocoModelArrays } from "../../../sim-bridge/sims/manipulation/render/read-model.ts";
import type { BodyPoses, RenderModel } from "../../../sim-bridge/sims/manipulation/render/types.ts";

interface Buffer<T> {
  GetView(): T;
  delete(): void;
}
interface EngineData {
  readonly qpos: Float64Array;
  readonly xpos: Float64Array;
  readonly xmat: Float64Array;
  readonly cam_xpos: Float64Array;
  readonly cam_xmat: Float64Array;
  delete(): void;
}
type EngineModel = MujocoModelArrays & { delete(): void };
interface Engine {
  MjModel: { from_xml_string(xml: string): EngineModel };
  MjData: new (model: EngineModel) => EngineData;
  IntBuffer: { FromArray(values: readonly number[]): Buffer<Int32Array> };
  DoubleBuffer: { FromArray(values: readonly number[]): Buffer<Float64Array> };
  mj_forward(model: EngineModel, data: EngineData): void;
  mj_multiRay(
    model: EngineModel,
    data: EngineData,
    origin: readonly number[],
    directions: Float64Array,
    groups: null,
    hitsStatic: boolean,
    exceptBody: number,
    geomIds: Buffer<Int32Array>,
    distances: Buffer<Float64Array>,
    normals: null,
    count: number,
    cutoff: number,
  ): void;
}

/** What rays see: the reference for labels and depths. */
export interface RayImage {
  /** int32[height, width], geom id, -1 = nothing. */
  readonly geomIds: Int32Array;
  /** float64[height, width], m along the optical axis. */
  readonly depth: Float64Array;
}

/** A scene in the real engine, drawn by casting one ray through the centre of each pixel. */
export class RayCamera {
  readonly model: RenderModel;
  readonly poses: BodyPoses;
  readonly #engine: Engine;
  readonly #model: EngineModel;
  readonly #data: EngineData;

  static async open(xml: string, qpos: readonly number[]): Promise<RayCamera> {
    return new RayCamera((await loadMujoco()) as unknown as Engine, xml, qpos);
  }

  constructor(engine: Engine, xml: string, qpos: readonly number[]) {
    this.#engine = engine;
    this.#model = engine.MjModel.from_xml_string(xml);
    this.#data = new engine.MjData(this.#model);
    this.#data.qpos.set(qpos);
    engine.mj_forward(this.#model, this.#data);
    this.model = readRenderModel(this.#model);
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
    const ids = this.#engine.IntBuffer.FromArray(new Array<number>(count).fill(0));
    const distances = this.#engine.DoubleBuffer.FromArray(new Array<number>(count).fill(0));
    const args = [null, true, -1, ids, distances, null, count, 1e6] as const;
    this.#engine.mj_multiRay(this.#model, this.#data, origin, directions, ...args);
    const geomIds = ids.GetView().slice();
    const depth = distances.GetView().map((distance, pixel) => distance * cosines[pixel]!);
    ids.delete();
    distances.delete();
    return { geomIds, depth };
  }

  close(): void {
    this.#data.delete();
    this.#model.delete();
  }
}
