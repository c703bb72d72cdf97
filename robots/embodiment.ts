import type { ComponentSpec } from "../src/core/index.ts";

/** One actuated joint: its limits are what the hardware allows, not what a task needs. */
export interface JointSpec {
  readonly name: string;
  readonly kind: "hinge" | "slide";
  /** rad or m. */
  readonly low: number;
  readonly high: number;
  /** rad/s or m/s, absolute value. */
  readonly maxVelocity: number;
  /** N m or N, absolute value, as commanded here (a robot's own limit may be higher). */
  readonly maxEffort: number;
}

/** A body that can be commanded: what it reports, what it accepts, and how it holds still. */
export interface Embodiment {
  readonly name: string;
  readonly joints: readonly JointSpec[];
  /** Joint values it starts from, in the order of `joints`. */
  readonly initialQpos: readonly number[];
  readonly controlFreqHz: number;
  readonly proprio: readonly ComponentSpec[];
  readonly action: readonly ComponentSpec[];
  /**
   * The action that keeps the body where it is and the gripper as it was last told.
   * @param last the action executed before, `float32[actionDim]`; absent at the first step
   * @returns `float32[actionDim]`
   */
  holdAction(last?: Float32Array): Float32Array;
}
