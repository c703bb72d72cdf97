/**
 * The part of `@mujoco/mujoco` 3.14.0 that is used, with the types its own declarations leave as
 * `any`. Nothing but `mujoco.ts` (and its reader of pictures) may touch these.
 */
import type { MujocoModelArrays } from "./render/read-model.ts";

/** Something that lives in WebAssembly memory: never collected, only deleted. */
export interface EngineObject {
  delete(): void;
}

export interface EngineModel extends EngineObject, MujocoModelArrays {
  readonly nq: number;
  readonly nv: number;
  readonly nu: number;
  readonly nbody: number;
  readonly nsite: number;
  readonly njnt: number;
  /** Bytes of scratch memory every data object allocates; bigint where it does not fit a number. */
  readonly narena: number | bigint;
  readonly opt: { readonly timestep: number; disableflags: number };
  readonly qpos0: Float64Array;
  readonly body_parentid: Int32Array;
  readonly body_rootid: Int32Array;
  readonly jnt_type: Int32Array;
  readonly jnt_qposadr: Int32Array;
  readonly jnt_dofadr: Int32Array;
  readonly jnt_bodyid: Int32Array;
  readonly jnt_range: Float64Array;
  readonly site_bodyid: Int32Array;
  readonly site_size: Float64Array;
  readonly actuator_ctrlrange: Float64Array;
  readonly M_rownnz: Int32Array;
  readonly M_rowadr: Int32Array;
  readonly M_colind: Int32Array;
}

export interface EngineContact extends EngineObject {
  readonly geom1: number;
  readonly geom2: number;
}

export interface EngineVector<T> extends EngineObject {
  size(): number;
  get(index: number): T | undefined;
}

export interface EngineWarning extends EngineObject {
  readonly number: number;
}

export interface EngineData extends EngineObject {
  time: number;
  readonly ncon: number;
  readonly arena: Uint8Array;
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  readonly ctrl: Float64Array;
  readonly xpos: Float64Array;
  readonly xquat: Float64Array;
  readonly xmat: Float64Array;
  readonly xanchor: Float64Array;
  readonly xaxis: Float64Array;
  readonly geom_xpos: Float64Array;
  readonly geom_xmat: Float64Array;
  readonly site_xpos: Float64Array;
  readonly site_xmat: Float64Array;
  readonly qfrc_bias: Float64Array;
  readonly M: Float64Array;
  /** A new copy at every access: must be deleted. */
  readonly contact: EngineVector<EngineContact>;
  /** A part of the data object: deleting it corrupts memory. Its elements are copies. */
  readonly warning: EngineVector<EngineWarning>;
}

export interface EngineBuffer<T> extends EngineObject {
  GetView(): T;
}

export interface MujocoModule {
  readonly MjModel: {
    from_xml_path(path: string): EngineModel;
    from_xml_string(xml: string): EngineModel;
  };
  readonly MjData: new (model: EngineModel) => EngineData;
  readonly DoubleBuffer: new (length: number) => EngineBuffer<Float64Array>;
  readonly IntBuffer: new (length: number) => EngineBuffer<Int32Array>;
  readonly FS: {
    mkdirTree(path: string): void;
    writeFile(path: string, data: Uint8Array | string): void;
    /** Dates of the last access and the last change, ms since the epoch. */
    utime(path: string, accessMs: number, changeMs: number): void;
    unlink(path: string): void;
    rmdir(path: string): void;
  };
  mj_versionString(): string;
  mj_name2id(model: EngineModel, objectType: number, name: string): number;
  mj_id2name(model: EngineModel, objectType: number, id: number): string;
  mj_resetData(model: EngineModel, data: EngineData): void;
  mj_forward(model: EngineModel, data: EngineData): void;
  mj_fwdKinematics(model: EngineModel, data: EngineData): void;
  mj_makeM(model: EngineModel, data: EngineData): void;
  mj_step1(model: EngineModel, data: EngineData): void;
  mj_step2(model: EngineModel, data: EngineData): void;
  mj_stateSize(model: EngineModel, signature: number): number;
  mj_getState(
    model: EngineModel,
    data: EngineData,
    state: EngineBuffer<Float64Array>,
    signature: number,
  ): void;
  mj_setState(model: EngineModel, data: EngineData, state: Float64Array, signature: number): void;
  mj_jacSite(
    model: EngineModel,
    data: EngineData,
    jacobianPosition: EngineBuffer<Float64Array>,
    jacobianRotation: EngineBuffer<Float64Array>,
    site: number,
  ): void;
  mj_multiRay(
    model: EngineModel,
    data: EngineData,
    origin: readonly number[],
    directions: Float64Array,
    geomGroups: Uint8Array | null,
    withStatic: boolean,
    excludedBody: number,
    geomIds: EngineBuffer<Int32Array>,
    distances: EngineBuffer<Float64Array>,
    normals: EngineBuffer<Float64Array> | null,
    count: number,
    cutoff: number,
  ): void;
}

/** `mjtObj` values. */
export const OBJECT_TYPE = {
  body: 1,
  joint: 3,
  geom: 5,
  site: 6,
  camera: 7,
  actuator: 19,
} as const;

/** `mjtDisableBit`: sensors are not computed (`mjDSBL_SENSOR`). */
export const DISABLE_SENSORS = 8192;

/** `mjtState`: everything the integrator's future depends on (`mjSTATE_INTEGRATION`). */
export const STATE_INTEGRATION = 16383;

/** `mjtWarning` values: physics that was silently left out, and states that were silently reset. */
export const WARNING = { contactFull: 1, constraintFull: 2, badQpos: 3, badQvel: 4 } as const;

/**
 * `mjContact` in memory: 584 bytes, an array of them at the start of the arena. Reading the two geom
 * ids there costs nanoseconds, where the engine's accessors copy every contact and leak unless
 * deleted. `verifyContactLayout` compares both once per process.
 */
export const CONTACT_STRIDE_INTS = 146;
export const CONTACT_GEOM1_INT = 135;
export const CONTACT_GEOM2_INT = 136;
