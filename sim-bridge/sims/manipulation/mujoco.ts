/**
 * The one adapter of MuJoCo (`@mujoco/mujoco` 3.14.0, pinned): compiling, stepping, reading, saving.
 * Knows no robot, no task and no picture; nothing else in the project imports the engine.
 *
 * It owns the engine's traps, so that nobody else has to know them:
 * - contacts read through the engine leak unless each is deleted: read from memory here instead;
 * - typed-array views go dead when WebAssembly memory grows: `Physics.views` makes new ones then;
 * - a model may ask for gigabytes of scratch memory: refused with the way out;
 * - mesh files are slow through the engine's virtual file objects: written to its file system;
 * - a NaN makes the engine reset itself without a word: `assertHealthy` notices;
 * - engine objects are never collected: `Physics` is disposable.
 */
import { compileModel, folderOf, loadMujoco, readContactPairs } from "./mujoco-engine.ts";
import {
  CONTACT_GEOM1_INT,
  CONTACT_GEOM2_INT,
  CONTACT_STRIDE_INTS,
  DISABLE_SENSORS,
  OBJECT_TYPE,
  STATE_INTEGRATION,
  WARNING,
  type EngineBuffer,
  type EngineData,
  type EngineModel,
  type EngineVector,
  type EngineWarning,
  type MujocoModule,
} from "./mujoco-module.ts";
import { bindViews, type PhysicsViews } from "./mujoco-views.ts";
import { readGeoms, readMesh, readRenderModel } from "./render/read-model.ts";
import type { RenderGeoms, RenderMesh, RenderModel } from "./render/types.ts";

export { ENGINE_URL, loadMujoco } from "./mujoco-engine.ts";
export type { PhysicsViews } from "./mujoco-views.ts";

export type ObjectKind = keyof typeof OBJECT_TYPE;

export interface JointInfo {
  readonly id: number;
  readonly kind: "free" | "ball" | "slide" | "hinge";
  readonly bodyId: number;
  /** First index of the joint in qpos and in qvel. */
  readonly qposAddress: number;
  readonly dofAddress: number;
  readonly low: number;
  readonly high: number;
}

/** Largest scratch memory a scene may ask for; the engine's heap ends at 2 GiB. */
const MAX_ARENA_BYTES = 128 * 2 ** 20;
const JOINT_KINDS = ["free", "ball", "slide", "hinge"] as const;

/**
 * A compiled model and its running data. Holds engine memory until disposed.
 *
 * `step1` computes positions, contacts and velocities' forces from the present state; then forces are
 * set; `step2` integrates. So after `step2` poses and contacts still show the state one step earlier,
 * while `qpos` and `qvel` are new: as in robosuite, and what LIBERO's predicates read.
 */
export class Physics implements Disposable, AsyncDisposable {
  readonly timestepS: number;
  readonly nq: number;
  readonly nv: number;
  readonly bodyCount: number;
  readonly geomCount: number;
  /** Numbers in `saveState`. */
  readonly stateSize: number;
  readonly #mujoco: MujocoModule;
  readonly #model: EngineModel;
  readonly #data: EngineData;
  readonly #state: EngineBuffer<Float64Array>;
  readonly #warnings: EngineVector<EngineWarning>;
  #views: PhysicsViews;
  #disposed = false;

  /**
   * Compiles MJCF text.
   * @param files contents of the files it refers to, by the name it uses (relative, no `..`)
   * @throws {SyntaxError} with the engine's message and line if the text does not compile
   * @throws {RangeError} if it wants more than 128 MiB of scratch memory, or a file name leads outside
   */
  static async compile(
    xml: string,
    files: Readonly<Record<string, Uint8Array>> = {},
  ): Promise<Physics> {
    const mujoco = await loadMujoco();
    const model = compileModel(mujoco, { xml, files }, await folderOf(files));
    const arenaBytes = Number(model.narena);
    if (arenaBytes > MAX_ARENA_BYTES) {
      model.delete();
      throw new RangeError(
        `Cannot compile the scene: it wants ${(arenaBytes / 2 ** 20).toFixed(0)} MiB of scratch memory, must be at most ${MAX_ARENA_BYTES / 2 ** 20}: set <size memory="..."/> and neither njmax nor nconmax`,
      );
    }
    return new Physics(mujoco, model);
  }

  /** Takes over the model; `compile` is the way to make one. */
  constructor(mujoco: MujocoModule, model: EngineModel) {
    this.#mujoco = mujoco;
    this.#model = model;
    // Nothing here reads them and no force comes of them; robosuite's two at the wrist take a twentieth of a step.
    model.opt.disableflags |= DISABLE_SENSORS;
    this.#data = new mujoco.MjData(model);
    this.timestepS = model.opt.timestep;
    this.nq = model.nq;
    this.nv = model.nv;
    this.bodyCount = model.nbody;
    this.geomCount = model.ngeom;
    this.stateSize = mujoco.mj_stateSize(model, STATE_INTEGRATION);
    this.#state = new mujoco.DoubleBuffer(this.stateSize);
    this.#warnings = this.#data.warning;
    this.#views = bindViews(this.#data);
  }

  /**
   * Views into engine memory. Ask anew at every control step: compiling another scene may move the
   * memory, which empties old views; this getter notices and makes new ones.
   */
  get views(): PhysicsViews {
    if (this.#views.xpos.length === 0) this.#views = bindViews(this.#data);
    return this.#views;
  }

  get time(): number {
    return this.#data.time;
  }

  /** Size of the engine's memory, shared by all scenes of the process. */
  get heapBytes(): number {
    return this.views.xpos.buffer.byteLength;
  }

  /** The state of the model's `qpos0`, at rest, time 0. Poses are stale until `forward`. */
  reset(): void {
    this.#mujoco.mj_resetData(this.#model, this.#data);
  }

  /**
   * Computes poses, contacts, the mass matrix and forces of velocity from the state, without moving: the first half of a
   * step. Not the accelerations: nothing here reads them, and where things overlap, as at `qpos0`, they take up to 50 ms.
   */
  forward(): void {
    this.step1();
  }

  /**
   * Computes where everything is, what Jacobians need, and the mass matrix: nothing of contacts, which at `qpos0`, where
   * all free bodies may be in one place, take milliseconds.
   */
  place(): void {
    this.#mujoco.mj_fwdKinematics(this.#model, this.#data);
    this.#mujoco.mj_makeM(this.#model, this.#data);
  }

  step1(): void {
    this.#mujoco.mj_step1(this.#model, this.#data);
  }

  step2(): void {
    this.#mujoco.mj_step2(this.#model, this.#data);
  }

  /**
   * Checks that the steps since `startTime` were all taken and no contact was left out. The engine
   * itself resets its state (and its clock) on NaN and carries on.
   * @throws {Error} saying what went wrong; the state is then of no use
   */
  assertHealthy(startTime: number, steps: number): void {
    const lag = startTime + steps * this.timestepS - this.#data.time;
    const wild = this.#warningCount(WARNING.badQpos) + this.#warningCount(WARNING.badQvel);
    if (!(Math.abs(lag) < this.timestepS / 2) || wild > 0) {
      throw new Error(
        `Cannot step the physics: it diverged within ${steps} steps after ${startTime.toFixed(3)} s (a position, velocity or acceleration became NaN or huge), the state must be reset`,
      );
    }
    if (this.#warningCount(WARNING.contactFull) + this.#warningCount(WARNING.constraintFull) > 0) {
      throw new Error(
        `Cannot step the physics: contacts do not fit the scene's memory, <size memory="..."/> must be larger than ${Number(this.#model.narena)} bytes`,
      );
    }
  }

  /** @throws {RangeError} if the model has nothing of that kind and name */
  id(kind: ObjectKind, name: string): number {
    const id = this.#mujoco.mj_name2id(this.#model, OBJECT_TYPE[kind], name);
    if (id < 0)
      throw new RangeError(`Cannot find ${kind} "${name}": the scene has none of that name`);
    return id;
  }

  /** The name, or an empty string where it has none. */
  name(kind: ObjectKind, id: number): string {
    return this.#mujoco.mj_id2name(this.#model, OBJECT_TYPE[kind], id);
  }

  joint(name: string): JointInfo {
    const id = this.id("joint", name);
    const { jnt_type, jnt_bodyid, jnt_qposadr, jnt_dofadr, jnt_range } = this.#model;
    return {
      id,
      kind: JOINT_KINDS[jnt_type[id]!]!,
      bodyId: jnt_bodyid[id]!,
      qposAddress: jnt_qposadr[id]!,
      dofAddress: jnt_dofadr[id]!,
      low: jnt_range[2 * id]!,
      high: jnt_range[2 * id + 1]!,
    };
  }

  /** `[low, high]` of an actuator's command. */
  commandRange(actuatorId: number): readonly [number, number] {
    const { actuator_ctrlrange: range } = this.#model;
    return [range[2 * actuatorId]!, range[2 * actuatorId + 1]!];
  }

  /** Parent of every body: int32[nbody], a copy. Body 0 is the world. */
  bodyParents(): Int32Array {
    return this.#model.body_parentid.slice();
  }

  /** Body of every geom and of every site: int32 copies. */
  geomBodies(): Int32Array {
    return this.#model.geom_bodyid.slice();
  }

  /** The body each body is welded to: 0 = the world, so it never moves. An int32 copy. */
  bodyWelds(): Int32Array {
    return this.#model.body_weldid.slice();
  }

  siteBodies(): Int32Array {
    return this.#model.site_bodyid.slice();
  }

  /** 1 for each of the geoms, 0 for the rest: what `isTouching` reads. */
  geomMask(names: readonly string[]): Uint8Array {
    const mask = new Uint8Array(this.geomCount);
    for (const name of names) mask[this.id("geom", name)] = 1;
    return mask;
  }

  get contactCount(): number {
    return this.#data.ncon;
  }

  /** Whether any contact joins a geom of `a` with a geom of `b`. */
  isTouching(a: Uint8Array, b: Uint8Array): boolean {
    const ints = this.views.arenaInts;
    const end = this.#data.ncon * CONTACT_STRIDE_INTS;
    for (let at = 0; at < end; at += CONTACT_STRIDE_INTS) {
      const first = ints[at + CONTACT_GEOM1_INT]!;
      const second = ints[at + CONTACT_GEOM2_INT]!;
      if ((a[first] === 1 && b[second] === 1) || (a[second] === 1 && b[first] === 1)) return true;
    }
    return false;
  }

  /** Geom ids of every contact: int32[contacts, 2], a copy. */
  contactPairs(): Int32Array {
    return readContactPairs(this.views.arenaInts, this.#data.ncon);
  }

  /** Writes d(site position)/d(qvel) and the angular one: float64[3, nv] each. */
  siteJacobian(siteId: number, position: Float64Array, rotation: Float64Array): void {
    const buffers = [3 * this.nv, 3 * this.nv].map((n) => new this.#mujoco.DoubleBuffer(n));
    const [forPosition, forRotation] = buffers as [
      EngineBuffer<Float64Array>,
      EngineBuffer<Float64Array>,
    ];
    this.#mujoco.mj_jacSite(this.#model, this.#data, forPosition, forRotation, siteId);
    position.set(forPosition.GetView());
    rotation.set(forRotation.GetView());
    for (const buffer of buffers) buffer.delete();
  }

  /**
   * Where the entries between some degrees of freedom lie in `views.massMatrix`: int32[n, n], -1 where
   * the matrix is zero by structure.
   */
  massMatrixIndex(dofs: readonly number[]): Int32Array {
    const { M_rownnz, M_rowadr, M_colind } = this.#model;
    const index = new Int32Array(dofs.length ** 2).fill(-1);
    dofs.forEach((row, i) => {
      for (let entry = M_rowadr[row]!; entry < M_rowadr[row]! + M_rownnz[row]!; entry++) {
        const j = dofs.indexOf(M_colind[entry]!);
        if (j < 0) continue;
        index[i * dofs.length + j] = entry;
        index[j * dofs.length + i] = entry;
      }
    });
    return index;
  }

  /** Everything the future depends on, exactly: float64[stateSize]. */
  saveState(into: Float64Array = new Float64Array(this.stateSize)): Float64Array {
    this.#mujoco.mj_getState(this.#model, this.#data, this.#state, STATE_INTEGRATION);
    into.set(this.#state.GetView());
    return into;
  }

  /**
   * Brings a saved state back; poses and contacts are stale until `forward` or `step1`.
   * @throws {RangeError} if it has the wrong length, so is of another scene
   */
  restoreState(state: Float64Array): void {
    if (state.length !== this.stateSize) {
      throw new RangeError(
        `Cannot restore the physics: the state has ${state.length} numbers, must have ${this.stateSize}`,
      );
    }
    this.#mujoco.mj_setState(this.#model, this.#data, state, STATE_INTEGRATION);
  }

  /**
   * Casts rays from one point.
   * @param directions float64[n, 3] in the world; distances count in their length
   * @returns nearest hit per ray: distance and geom id, both -1 where nothing is hit
   */
  multiRay(
    origin: readonly [number, number, number],
    directions: Float64Array,
    cutoff = 1e10,
  ): { readonly distances: Float64Array; readonly geomIds: Int32Array } {
    const count = directions.length / 3;
    if (!Number.isInteger(count) || count === 0) {
      throw new TypeError(
        `Cannot cast rays: there are ${directions.length} numbers, must be three per direction`,
      );
    }
    const ids = new this.#mujoco.IntBuffer(count);
    const lengths = new this.#mujoco.DoubleBuffer(count);
    this.#mujoco.mj_multiRay(
      ...([this.#model, this.#data, origin, directions, null, true, -1] as const),
      ...([ids, lengths, null, count, cutoff] as const),
    );
    const hits = { distances: lengths.GetView().slice(), geomIds: ids.GetView().slice() };
    ids.delete();
    lengths.delete();
    return hits;
  }

  /** Shapes and their places in their bodies, as copies. */
  readGeoms(): RenderGeoms {
    return readGeoms(this.#model);
  }

  /** A mesh, as a copy. */
  readMesh(id: number): RenderMesh {
    return readMesh(this.#model, id);
  }

  /** What a renderer needs of the model, as copies. */
  readRenderModel(): RenderModel {
    return readRenderModel(this.#model);
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#state.delete();
    this.#data.delete();
    this.#model.delete();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
    return Promise.resolve();
  }

  #warningCount(index: number): number {
    const warning = this.#warnings.get(index);
    if (warning === undefined) return 0;
    const { number } = warning;
    warning.delete();
    return number;
  }
}
