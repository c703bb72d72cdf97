/**
 * Where the gripper would go if a predicted chunk were carried out: the path that the scene and the
 * camera images show. Knows nothing of drawing.
 */
import type { ActionSpec, ComponentSpec, SceneDescription } from "../../core/index.ts";
import { boundAt, elementCount } from "../../core/index.ts";
import type { EpisodeReader } from "../../episode/types.ts";
import { POSE_LENGTH, rotateByQuatWxyz } from "./transforms.ts";

/** How rows of an action move the gripper in the world. */
export interface MotionModel {
  readonly kind: "delta" | "absolute";
  /** First of the entries in an action row. */
  readonly offset: number;
  /** Entries in a row: 3, or 2 where things move in the plane of x and y. */
  readonly axes: number;
  /** What a row counts as at least and at most, by entry, in units of the action: the controller's own clipping. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Metres per unit of the action. */
  readonly scaleM: number;
  /** Where `scaleM` comes from: the spec says it, or it was fitted to the recorded motion. */
  readonly scaleFrom: "spec" | "recording";
  /** Body whose orientation turns the numbers into the world; undefined = world axes. */
  readonly frameBody: number | undefined;
  readonly gripperBody: number;
}

/** A chunk as it was recorded: row-major, physical units. */
export interface PathChunk {
  readonly data: ArrayLike<number>;
  readonly horizon: number;
  readonly actionDim: number;
}

const METRES: Readonly<Record<string, number>> = { m: 1, cm: 0.01, mm: 0.001 };

/** Metres per unit as the spec states it: a unit of length (`m`, `0.05 m`), or a length in the description. */
export function metresPerUnit(component: ComponentSpec): number | undefined {
  for (const [text, exact] of [
    [component.unit, true],
    [component.description, false],
  ] as const) {
    if (text === undefined) continue;
    const length = exact
      ? /^\s*(\d*\.?\d+(?:e-?\d+)?)?\s*(m|cm|mm)\s*$/.exec(text)
      : /(\d*\.?\d+(?:e-?\d+)?)\s*(m|cm|mm)\b/.exec(text);
    const scale = METRES[length?.[2] ?? ""];
    if (scale !== undefined) return Number(length?.[1] ?? 1) * scale;
  }
  return undefined;
}

/** The motion model of an episode; undefined where its actions do not say where the gripper goes. */
export function motionModelOf(reader: EpisodeReader): MotionModel | undefined {
  const { scene } = reader.header;
  const gripperBody = scene?.bodies.indexOf(scene.gripperBody ?? "") ?? -1;
  const found = positionComponent(reader.header.spec.action, scene?.actionPlace?.component);
  if (scene === undefined || gripperBody < 0 || found === undefined) return undefined;
  const { component, offset } = found;
  const kind = component.format === "delta_position" ? "delta" : "absolute";
  const frame = found.isPlace ? scene.actionPlace?.body : component.frame;
  const draft: Omit<MotionModel, "scaleM" | "scaleFrom"> = {
    kind,
    offset,
    gripperBody,
    axes: Math.min(3, elementCount(component.shape)),
    low: boundsOf(component.low, -Infinity),
    high: boundsOf(component.high, Infinity),
    frameBody: frameBodyOf(frame, scene, gripperBody),
  };
  const scaleOfPlace = found.isPlace ? scene.actionPlace?.metresPerUnit : undefined;
  const stated = scaleOfPlace ?? metresPerUnit(component) ?? (kind === "absolute" ? 1 : undefined);
  if (stated !== undefined) return { ...draft, scaleM: stated, scaleFrom: "spec" };
  const fitted = fittedScale(reader, { ...draft, scaleM: 1, scaleFrom: "recording" });
  return fitted === undefined ? undefined : { ...draft, scaleM: fitted, scaleFrom: "recording" };
}

function boundsOf(given: readonly number[] | undefined, none: number): number[] {
  return [0, 1, 2].map((axis) => boundAt(given, axis) ?? none);
}

/** The first component that is a position or a step, or that the scene says to be a place. */
function positionComponent(
  spec: ActionSpec,
  place: string | undefined,
): { component: ComponentSpec; offset: number; isPlace: boolean } | undefined {
  let offset = 0;
  for (const component of spec.components) {
    const { format, name } = component;
    const isPlace = name === place;
    if (isPlace || format === "delta_position" || format === "position") {
      return { component, offset, isPlace };
    }
    offset += elementCount(component.shape);
  }
  return undefined;
}

function frameBodyOf(
  frame: string | undefined,
  scene: SceneDescription,
  gripperBody: number,
): number | undefined {
  if (frame === undefined || frame === "world") return undefined;
  if (frame === "gripper" || frame === "end_effector") return gripperBody;
  const index = scene.bodies.indexOf(frame);
  return index < 0 ? undefined : index;
}

/** Least squares of the recorded gripper motion on the executed actions, m per unit. */
function fittedScale(reader: EpisodeReader, model: MotionModel): number | undefined {
  let moved = 0;
  let commanded = 0;
  const delta = new Float64Array(3);
  for (let index = 1; index < reader.steps.length; index++) {
    const { action, step } = reader.steps[index]!;
    const before = reader.poses(step - 1);
    const after = reader.poses(step);
    if (action === undefined || before === undefined || after === undefined) continue;
    worldDelta(delta, model, { row: action, rowAt: 0, poses: before });
    const at = model.gripperBody * POSE_LENGTH;
    for (let axis = 0; axis < 3; axis++) {
      moved += delta[axis]! * (after[at + axis]! - before[at + axis]!);
      commanded += delta[axis]! ** 2;
    }
  }
  return commanded > 0 && moved > 0 ? moved / commanded : undefined;
}

function worldDelta(
  out: Float64Array,
  model: MotionModel,
  args: { row: ArrayLike<number>; rowAt: number; poses: Float64Array },
): void {
  const { row, rowAt, poses } = args;
  const { axes, offset, low, high, scaleM } = model;
  for (let axis = 0; axis < 3; axis++) {
    const value = axis < axes ? row[rowAt + offset + axis]! : 0;
    out[axis] = Math.min(Math.max(value, low[axis]!), high[axis]!) * scaleM;
  }
  if (model.frameBody === undefined) return;
  const qAt = model.frameBody * POSE_LENGTH + 3;
  rotateByQuatWxyz(out, 0, { q: poses, qAt, v: out, vAt: 0 });
}

const scratchDelta = new Float64Array(3);

/**
 * Writes the predicted path: the gripper at the decision, then one point per row.
 *
 * Each row counts within the bounds of its spec, as it does for the controller. Deltas are summed from where the
 * gripper was at the decision, each in full, without the controller's lag and without contacts: the path is what was
 * asked for, not what a simulator would make of it. Rotations do not move the gripper's point.
 *
 * @param out `float64[>= horizon + 1, 3]`, world frame, m
 * @param poses body poses at the step of the decision
 * @returns number of points written
 */
export function writeChunkPath(
  out: Float64Array,
  model: MotionModel,
  { chunk, poses }: { chunk: PathChunk; poses: Float64Array },
): number {
  const at = model.gripperBody * POSE_LENGTH;
  const base = model.frameBody === undefined ? undefined : model.frameBody * POSE_LENGTH;
  for (let axis = 0; axis < 3; axis++) out[axis] = poses[at + axis]!;
  const points = Math.min(chunk.horizon, Math.floor(out.length / 3) - 1);
  for (let row = 0; row < points; row++) {
    worldDelta(scratchDelta, model, { row: chunk.data, rowAt: row * chunk.actionDim, poses });
    for (let axis = 0; axis < 3; axis++) {
      const from =
        model.kind === "delta" || axis >= model.axes
          ? out[row * 3 + axis]!
          : base === undefined
            ? 0
            : poses[base + axis]!;
      out[(row + 1) * 3 + axis] = from + scratchDelta[axis]!;
    }
  }
  return points + 1;
}

const AXES: Partial<Record<ComponentSpec["format"], readonly string[]>> = {
  position: ["x", "y", "z"],
  delta_position: ["x", "y", "z"],
  axis_angle: ["rx", "ry", "rz"],
  delta_axis_angle: ["rx", "ry", "rz"],
  euler_xyz_extrinsic: ["roll", "pitch", "yaw"],
  quat_wxyz: ["w", "x", "y", "z"],
  quat_xyzw: ["x", "y", "z", "w"],
};

/** Short names of a component's entries; `""` for a lone one. */
export function axisNames(component: ComponentSpec): string[] {
  const count = elementCount(component.shape);
  if (count === 1) return [""];
  const known = AXES[component.format];
  return Array.from({ length: count }, (_, i) => (known?.length === count ? known[i]! : String(i)));
}
