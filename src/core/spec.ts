import type { Dtype } from "./array.ts";

/**
 * What the numbers of a component mean. The same three floats are a rotation vector to one program
 * and Euler angles to another; naming the format is what lets two sides be compared.
 *
 * | format | dims | meaning |
 * | --- | --- | --- |
 * | `position` / `delta_position` | 3 | metres, in `frame` |
 * | `axis_angle` / `delta_axis_angle` | 3 | rotation vector, rad, in `frame` |
 * | `quat_wxyz` / `quat_xyzw` | 4 | unit quaternion, order as named |
 * | `rot6d_row_major` / `rot6d_col_major` | 6 | first two rows / columns of the rotation matrix |
 * | `euler_xyz_extrinsic` | 3 | rad, about fixed x, then y, then z |
 * | `joint_position` / `joint_velocity` | n | rad (rad/s), m (m/s) for prismatic joints |
 * | `gripper_opening` | 1 | [0, 1], 1 = open |
 * | `gripper_close_positive` | 1 | command in [-1, 1]: +1 closes, -1 opens (LIBERO, robosuite) |
 * | `gripper_open_positive` | 1 | command in [-1, 1]: +1 opens, -1 closes |
 * | `discrete` | 1 | a category: an integer from 0 to `categories[0] - 1` |
 * | `multi_discrete` | n | n categories, entry i from 0 to `categories[i] - 1` |
 * | `binary` | n | n bits, each 0 or 1 |
 * | `text` | n | code points as indices into `charset`; -1 pads after the end |
 * | `raw` | n | numbers without a declared meaning |
 */
export type ComponentFormat =
  | "position"
  | "delta_position"
  | "axis_angle"
  | "delta_axis_angle"
  | "quat_wxyz"
  | "quat_xyzw"
  | "rot6d_row_major"
  | "rot6d_col_major"
  | "euler_xyz_extrinsic"
  | "joint_position"
  | "joint_velocity"
  | "gripper_opening"
  | "gripper_close_positive"
  | "gripper_open_positive"
  | "discrete"
  | "multi_discrete"
  | "binary"
  | "text"
  | "raw";

export const COMPONENT_FORMATS: readonly ComponentFormat[] = [
  "position",
  "delta_position",
  "axis_angle",
  "delta_axis_angle",
  "quat_wxyz",
  "quat_xyzw",
  "rot6d_row_major",
  "rot6d_col_major",
  "euler_xyz_extrinsic",
  "joint_position",
  "joint_velocity",
  "gripper_opening",
  "gripper_close_positive",
  "gripper_open_positive",
  "discrete",
  "multi_discrete",
  "binary",
  "text",
  "raw",
];

/** Formats of actions in which 0 is standing still. */
export const STILL_AT_ZERO: ReadonlySet<ComponentFormat> = new Set<ComponentFormat>([
  "delta_position",
  "delta_axis_angle",
  "joint_velocity",
]);

/** One named part of a state or of an action. */
export interface ComponentSpec {
  /** snake_case, unique within its side; nested spaces are joined by `/`. */
  readonly name: string;
  readonly format: ComponentFormat;
  readonly dtype: Dtype;
  /** Dimensions of the component as the simulator holds it; an action's flat width is their product. */
  readonly shape: readonly number[];
  /** SI unit of every entry, for instance `m`, `rad`, `1`; absent for categories. */
  readonly unit?: string;
  /** The frame the numbers are expressed in, for instance `world`, `robot_base`, `gripper`. */
  readonly frame?: string;
  /** Inclusive bounds, one entry per element or a single one for all; `±Infinity` = unbounded. */
  readonly low?: readonly number[];
  readonly high?: readonly number[];
  /** For `discrete` and `multi_discrete`: how many categories each entry has. */
  readonly categories?: readonly number[];
  /** For `text`: the allowed characters in index order, and the shortest legal length. */
  readonly charset?: string;
  readonly minLength?: number;
  readonly description?: string;
}

/** One named camera image, `uint8[height, width, channels]`, row 0 at the top. */
export interface ImageSpec {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3 | 4;
}

/** A piece of text that is part of the observation (a `Text` space, a chat line). */
export interface TextSpec {
  readonly name: string;
  readonly maxLength: number;
}

export interface ObservationSpec {
  readonly images: readonly ImageSpec[];
  readonly proprio: readonly ComponentSpec[];
  readonly texts: readonly TextSpec[];
}

export interface ActionSpec {
  /** In this order they are concatenated into one `float32[actionDim]` row. */
  readonly components: readonly ComponentSpec[];
}

/** The contract of an environment, exchanged at the handshake. */
export interface EnvironmentSpec {
  readonly observation: ObservationSpec;
  readonly action: ActionSpec;
  /** Control steps per second of simulated time. */
  readonly controlFreqHz: number;
  /** A task ends as `truncated` after this many control steps, unless the caller asks for fewer. */
  readonly maxSteps: number;
  /** True where `Observation.privileged` can be asked for (simulators with a ground truth). */
  readonly privileged: boolean;
  /** True where `snapshot()` and `restore()` are offered. */
  readonly snapshot: boolean;
}

/** The contract of a policy: what it needs to see, and what it makes. */
export interface PolicySpec {
  readonly name: string;
  /** `"any"` accepts every observation (scripted, random and replay policies). */
  readonly observation: ObservationSpec | "any";
  /** `"any"` means the policy reads the environment's action spec at `reset` and conforms to it. */
  readonly action: ActionSpec | "any";
  /** Rows in one predicted chunk. */
  readonly predictHorizon: number;
  /** Rows that are executed before the next inference, unless a caller says otherwise; absent = all. */
  readonly executeHorizon?: number;
  /** Needs `Observation.privileged` (scripted experts do). */
  readonly privileged: boolean;
  /** The rate its actions are meant for; absent = any. */
  readonly controlFreqHz?: number;
}

/** Number of float32 entries of one action row. */
export function actionDim(spec: ActionSpec): number {
  return spec.components.reduce((sum, component) => sum + elementCount(component.shape), 0);
}

/** Of one entry of a component: bounds are one for each entry, or one for all. Undefined where none is stated. */
export function boundAt(bounds: readonly number[] | undefined, entry: number): number | undefined {
  return bounds?.[bounds.length === 1 ? 0 : entry];
}

/** Product of the dimensions; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
