/**
 * Demonstrations in the layout of LIBERO's datasets, which is robomimic's with LIBERO's names: one file for a task, one group
 * `data/demo_N` for an episode. Read in LIBERO's `scripts/create_dataset.py` (which writes such files) and
 * `libero/lifelong/datasets.py` (which reads them). Where we differ:
 *
 * - Row t of `obs` is what was seen before action t. LIBERO's script writes what was seen after it, and drops the first five.
 * - Images are there if the world has cameras; row 0 is at the bottom, as in LIBERO's (`macros_image_convention` opengl).
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { signedAxisAngleFromQuatXyzw } from "../../math/index.ts";
import { flipImage } from "../../tensor/index.ts";
import type { RasterImage } from "../png.ts";
import type { Hdf5Array, Hdf5Attribute, Hdf5Group } from "./hdf5-file.ts";
import { createHdf5 } from "./hdf5-file.ts";

/** One episode, row t before action t. */
export interface LiberoDemonstration {
  /** `[steps, 7]`, as they were executed. */
  readonly actions: Float32Array;
  /** By component name, `[steps, size]`; those of `LIBERO_PROPRIO` must be there. */
  readonly proprio: Readonly<Record<string, Float32Array>>;
  /** By camera, one for each step. */
  readonly images: Readonly<Record<string, readonly RasterImage[]>>;
  /** MuJoCo's flattened state (time, positions, velocities) of each step, float64. */
  readonly states: readonly Float64Array[];
  /** Whether the last action reached the goal. */
  readonly success: boolean;
  /** The scene as MJCF. */
  readonly modelXml: string;
}

/** What the observations are made of, with the sizes that they must have. */
export const LIBERO_PROPRIO = {
  eef_position: 3,
  eef_quat_xyzw: 4,
  gripper_qpos: 2,
  joint_position: 7,
} as const;
type Part = keyof typeof LIBERO_PROPRIO;

/** LIBERO's names of images by those of cameras; another camera's is its own with `_rgb`. */
const IMAGE_NAMES: Readonly<Record<string, string>> = {
  agentview: "agentview_rgb",
  front: "agentview_rgb",
  robot0_eye_in_hand: "eye_in_hand_rgb",
  wrist: "eye_in_hand_rgb",
};

export interface LiberoFileWriter {
  /**
   * @throws {TypeError} if something has not one row for each action, or a component is absent
   * @throws {RangeError} if there are no actions
   */
  add(demonstration: LiberoDemonstration): void;
  /** Completes the file. @throws {RangeError} without demonstrations */
  end(): Promise<void>;
  /** Leaves nothing behind, unless the file is complete. */
  discard(): Promise<void>;
}

/**
 * Begins a file of one task, and the folders that it stands in.
 *
 * @param attributes of `data`: `problem_info`, `bddl_file_name` and so on; `num_demos` and `total` are added
 */
export async function createLiberoFile(
  path: string,
  attributes: Readonly<Record<string, Hdf5Attribute>>,
): Promise<LiberoFileWriter> {
  await mkdir(dirname(path), { recursive: true });
  const file = await createHdf5(path);
  file.addGroup("data", { attributes });
  let [demonstrations, total] = [0, 0];
  return {
    add(demonstration) {
      const group = groupOf(demonstration);
      file.addGroup(`data/demo_${demonstrations}`, group);
      demonstrations++;
      total += demonstration.states.length;
    },
    async end() {
      if (demonstrations === 0) {
        throw new RangeError(`Cannot end "${path}": it has no demonstrations, must have`);
      }
      file.setAttributes("data", { num_demos: demonstrations, total });
      await file.end();
    },
    discard: () => file.discard(),
  };
}

function groupOf(demonstration: LiberoDemonstration): Hdf5Group {
  const { actions, states, success, modelXml } = demonstration;
  const steps = actions.length / 7;
  if (!Number.isInteger(steps) || steps < 1) {
    throw new RangeError(
      `Cannot write a demonstration: it has ${actions.length} numbers of actions, must have rows of 7`,
    );
  }
  const [initial] = states;
  if (states.length !== steps || states.some(({ length }) => length !== initial?.length)) {
    throw new TypeError(
      `Cannot write a demonstration: it has ${states.length} states, must have ${steps} of one length`,
    );
  }
  const parts = partsOf(demonstration, steps);
  // LIBERO marks the last step alone, whatever came before it.
  const last = Uint8Array.from({ length: steps }, (_, t) => (t === steps - 1 ? 1 : 0));
  return {
    attributes: { num_samples: steps, model_file: modelXml, init_state: initial! },
    groups: {
      obs: { arrays: { ...statesOf(parts, steps), ...imagesOf(demonstration, steps) } },
    },
    arrays: {
      actions: rows(actions, steps),
      dones: { shape: [steps], data: last },
      rewards: { shape: [steps], data: success ? last : new Uint8Array(steps) },
      robot_states: joined([parts.gripper_qpos, parts.eef_position, parts.eef_quat_xyzw], steps),
      states: rows(Float64Array.from(states.flatMap((state) => [...state])), steps),
    },
  };
}

type Parts = Readonly<Record<Part, Float64Array>>;

function partsOf({ proprio }: LiberoDemonstration, steps: number): Parts {
  const entries = Object.entries(LIBERO_PROPRIO).map(([name, size]) => {
    const values = proprio[name];
    if (values?.length !== steps * size) {
      const found = values === undefined ? "absent" : `of ${values.length} numbers`;
      throw new TypeError(
        `Cannot write a demonstration: "${name}" is ${found}, must be [${steps}, ${size}]`,
      );
    }
    return [name, Float64Array.from(values)] as const;
  });
  return Object.fromEntries(entries) as unknown as Parts;
}

function statesOf(parts: Parts, steps: number): Readonly<Record<string, Hdf5Array>> {
  const turns = new Float64Array(3 * steps);
  for (let t = 0; t < steps; t++) {
    const [x = 0, y = 0, z = 0, w = 0] = parts.eef_quat_xyzw.subarray(4 * t, 4 * t + 4);
    turns.set(signedAxisAngleFromQuatXyzw([x, y, z, w]), 3 * t);
  }
  return {
    ee_pos: rows(parts.eef_position, steps),
    ee_ori: rows(turns, steps),
    ee_states: joined([parts.eef_position, turns], steps),
    gripper_states: rows(parts.gripper_qpos, steps),
    joint_states: rows(parts.joint_position, steps),
  };
}

function imagesOf(
  { images }: LiberoDemonstration,
  steps: number,
): Readonly<Record<string, Hdf5Array>> {
  const arrays: Record<string, Hdf5Array> = {};
  for (const [camera, frames] of Object.entries(images)) {
    const name = IMAGE_NAMES[camera] ?? `${camera}_rgb`;
    if (arrays[name] !== undefined) {
      throw new TypeError(
        `Cannot write a demonstration: two cameras are "${name}" to LIBERO, must be one`,
      );
    }
    arrays[name] = stacked(camera, frames, steps);
  }
  return arrays;
}

function stacked(camera: string, frames: readonly RasterImage[], steps: number): Hdf5Array {
  const [first] = frames;
  if (first === undefined || frames.length !== steps) {
    throw new TypeError(
      `Cannot write a demonstration: there are ${frames.length} images of "${camera}", must be ${steps}`,
    );
  }
  const { height, width, channels } = first;
  const size = height * width * channels;
  const data = new Uint8Array(steps * size);
  for (const [t, frame] of frames.entries()) {
    data.set(flipImage(frame.data, [height, width, channels], { rows: true }), t * size);
  }
  return { shape: [steps, height, width, channels], data };
}

function rows(values: Float32Array | Float64Array, steps: number): Hdf5Array {
  return { shape: [steps, values.length / steps], data: Float64Array.from(values) };
}

/** Rows side by side. */
function joined(parts: readonly Float64Array[], steps: number): Hdf5Array {
  const widths = parts.map(({ length }) => length / steps);
  const width = widths.reduce((sum, each) => sum + each, 0);
  const data = new Float64Array(steps * width);
  for (let t = 0; t < steps; t++) {
    let at = t * width;
    for (const [i, part] of parts.entries()) {
      const each = widths[i]!;
      data.set(part.subarray(t * each, (t + 1) * each), at);
      at += each;
    }
  }
  return { shape: [steps, width], data };
}
