/**
 * What a tabletop-manipulation world must provide so that `createManipulationEnvironment` can run it:
 * MJCF text, names and sizes of things, tasks in LIBERO's BDDL dialect, and initial states.
 * Plain readonly data and two pure functions; it never sees the simulator, and the runtime never
 * sees how a world was made (composed in TypeScript, or exported from LIBERO).
 *
 * Goals use LIBERO's predicates and these of our own (case does not matter). Left is +y, right -y,
 * "in front of" is towards the robot (-x), behind is +x: directions as the robot sees them.
 *
 * | atom | holds when |
 * | --- | --- |
 * | `(Lifted a)` | root of `a` is at least 0.08 m above where it was at reset |
 * | `(LeftOf a b)`, `(RightOf a b)`, `(FrontOf a b)`, `(Behind a b)` | with `d` the distance from b to a along that direction and `o` across it: `ra + rb <= d <= 0.25 m` and `abs(o) <= 0.7 d`; `r` = larger horizontal half extent |
 * | `(At a region)` | root of `a` is inside the region horizontally (region's axes) and within 0.1 m of it vertically |
 * | `(Pressed f)` | some joint of `f` is within its `pressed` range |
 * | `(Released a)` | no finger geom touches `a` |
 * | `(Threaded hole seat)` | centre of the region `hole` is inside the region `seat`, in the seat's axes |
 */
import type { ImageSpec, QuatWxyz, TaskInfo, Vec3 } from "../../../src/core/index.ts";
import type { RenderModel } from "./render/types.ts";

/** A task: what is asked. What is there, where it starts and when it is done: its scene's `bddl`. */
export interface ManipulationTask extends TaskInfo {
  /** Kind of work, for tables: `lift`, `stack`, `place_in`, ... */
  readonly family: string;
}

/** The arm that stands in the scene, by MJCF names. */
export interface ArmMeta {
  /** Tool centre between the fingertips; the frame that actions move. */
  readonly site: string;
  /**
   * Orientation of the gripper frame (z out through the fingers, fingers slide along y) in the site's.
   * Default: the same.
   */
  readonly siteFromGripper?: QuatWxyz;
  /** Body whose orientation is reported as the end effector's (LIBERO: the hand, not the site). */
  readonly handBody: string;
  readonly baseBody: string;
  /** Seven hinges, base to flange, and their torque motors. */
  readonly joints: readonly string[];
  readonly actuators: readonly string[];
  /** Arm pose at reset, rad; also the posture the null space pulls to. */
  readonly initialQpos: readonly number[];
  /** Two slides, `[0, 0.04]` and `[-0.04, 0]` m, and their position servos. */
  readonly fingerJoints: readonly [string, string];
  readonly fingerActuators: readonly [string, string];
  /** Geoms of each finger that can touch things: "held" = both touch, "released" = neither. */
  readonly fingerGeoms: readonly [readonly string[], readonly string[]];
}

/** A thing that moves freely (`kind: "object"`) or stands fixed, perhaps with moving parts. */
export interface ThingMeta {
  readonly kind: "object" | "fixture";
  /** What it is to a person: `red cube`, `drawer cabinet`. */
  readonly category: string;
  /** Body whose pose is the thing's pose. */
  readonly rootBody: string;
  /** Its free joint (objects), or the joints of its moving parts (fixtures). */
  readonly joints: readonly string[];
  /** Every colliding geom, moving parts included. */
  readonly contactGeoms: readonly string[];
  /**
   * Half extents (m) of its box in the root body's frame, and that box's centre there. Default: the box
   * around its colliding geoms, moving parts where `qpos0` has them.
   */
  readonly halfExtents?: Vec3;
  readonly centre?: Vec3;
  /** Where a gripper should take hold, in the root body's frame, if not the centre. */
  readonly grasp?: Vec3;
  readonly ranges?: ArticulationRanges;
}

/**
 * Joint values that count as a state, LIBERO's `default_*_ranges`, `[low, high]`. How they are read
 * depends on the predicate: see `predicates.ts`.
 */
export interface ArticulationRanges {
  readonly open?: readonly [number, number];
  readonly close?: readonly [number, number];
  readonly turnOn?: readonly [number, number];
  readonly turnOff?: readonly [number, number];
  /** Our extension, `(Pressed button)`: some joint is within this range. */
  readonly pressed?: readonly [number, number];
}

/** A moving part of a fixture that an expert or an annotation speaks of: a drawer, a button cap. */
export interface PartMeta {
  readonly name: string;
  readonly category: string;
  /** Name of the thing it belongs to. */
  readonly parent: string;
  readonly body: string;
  readonly joint: string;
  readonly halfExtents: Vec3;
  readonly centre?: Vec3;
  /** Handle, in the part body's frame. */
  readonly grasp?: Vec3;
}

/** A named region: an MJCF site of the same name, with what the predicates need to know of it. */
export interface RegionMeta {
  /** Thing it belongs to, or null (a zone of the table). */
  readonly parent: string | null;
  /** Half sizes of the site, m. */
  readonly size: Vec3;
  /** Joints that `open`, `close`, `turnon`, `turnoff` of this region read. */
  readonly joints: readonly string[];
  readonly category?: string;
}

/** The bodies of a compiled scene, by name, for what is fixed to them. */
export interface SceneBodies {
  /** @throws {RangeError} if there is no such body; the world itself is `world` */
  id(name: string): number;
  /** int32[nbody]; 0 = welded to the world, so it never moves. */
  readonly weldId: Int32Array;
}

/** What is seen of a scene, where that is more than what collides. */
export interface SceneVisuals {
  /** Changes with anything that is drawn. */
  readonly hash: string;
  /** For the cameras; absent where no camera looks. */
  readonly drawn: ((bodies: SceneBodies) => RenderModel) | undefined;
  /** For the scene description: the same shapes, perhaps coarser, with a texel for a texture. */
  readonly described: (bodies: SceneBodies) => RenderModel;
  /** Shapes that are seen only while something is switched on. */
  readonly lit?: readonly LitShape[];
}

/** A shape, by its number among those drawn, and what shows it: one of the joints is at least so far. */
export interface LitShape {
  readonly shape: number;
  /** [0, 1] each; the model's alpha hides it. */
  readonly rgba: readonly [number, number, number, number];
  readonly joints: readonly string[];
  /** rad or m. */
  readonly from: number;
}

/** The compiled-from text and names of one task's scene. */
export interface ManipulationScene {
  /** The task's problem in LIBERO's BDDL dialect. Its `:goal` is the success condition. */
  readonly bddl: string;
  readonly xml: string;
  /** Files the MJCF refers to, by the name it uses. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly arm: ArmMeta;
  readonly things: Readonly<Record<string, ThingMeta>>;
  readonly parts: readonly PartMeta[];
  /** By the name goals use, for instance `main_table_goal_region`, `cabinet_1_top_region`. */
  readonly regions: Readonly<Record<string, RegionMeta>>;
  /** Default: what the MJCF has. */
  readonly visuals?: SceneVisuals;
}

/** A full state of the mechanics at rest or in motion. */
export interface InitialState {
  /** `float64[nq]` and `float64[nv]` in the order of the compiled model. */
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
}

/** Which initial state: a fixed one (`index`), or a fresh one drawn from `seed`. */
export type InitialStateChoice = { readonly index: number } | { readonly seed: number };

export interface ManipulationWorld {
  readonly name: string;
  readonly version: string;
  /** Names and versions (or hashes) of what the world is made of, for `EnvironmentIdentity`. */
  readonly versions: Readonly<Record<string, string>>;
  readonly tasks: readonly ManipulationTask[];
  /** Cameras of every scene, by MJCF name, at their default size. */
  readonly images: readonly ImageSpec[];
  /** Longest task limit, control steps. */
  readonly maxSteps: number;
  /** Consecutive control steps for which the goal must hold to count as success; default 1. */
  readonly successHoldSteps?: number;
  /**
   * What is done after a reset before anybody looks, so that things come to rest. Not counted as steps.
   * Default: nothing.
   */
  readonly settle?: { readonly steps: number; readonly action: Float32Array };
  /** World-frame height of the table top, m: `lifted` is measured from an object's start. */
  readonly tableHeightM: number;
  /**
   * Brings what the next two need of a task into memory; called before them. For worlds that are read from
   * somewhere, which may forget it once other tasks were asked for. An unknown task is no error here.
   */
  prepare?(task: string): Promise<void>;
  /**
   * Two tasks with equal `xml` share a compiled model.
   * @throws {RangeError} for an unknown task
   */
  buildScene(task: string): ManipulationScene;
  /**
   * The same state on every machine and in every process.
   * @throws {RangeError} for an unknown task or an index outside `[0, initialStates)`
   */
  initialState(task: string, choice: InitialStateChoice): InitialState;
}
