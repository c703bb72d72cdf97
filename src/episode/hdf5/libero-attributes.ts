/** What a file of LIBERO's layout says of its task, in LIBERO's and robomimic's words. */
import type { ImageSpec } from "../../core/index.ts";
import type { Hdf5Attribute } from "./hdf5-file.ts";

/** A task's problem, as its BDDL file has it. */
export interface LiberoProblem {
  readonly problem: string;
  readonly domain: string;
  readonly language: string;
  /** The file itself, and its name below `bddl_files`. */
  readonly bddl: string;
  readonly bddlFile: string;
}

/** robosuite 1.4's default for `OSC_POSE` (controllers/config/osc_pose.json), which is how the arm is driven. */
const OSC_POSE = {
  type: "OSC_POSE",
  input_max: 1,
  input_min: -1,
  output_max: [0.05, 0.05, 0.05, 0.5, 0.5, 0.5],
  output_min: [-0.05, -0.05, -0.05, -0.5, -0.5, -0.5],
  kp: 150,
  damping_ratio: 1,
  impedance_mode: "fixed",
  kp_limits: [0, 300],
  damping_ratio_limits: [0, 10],
  position_limits: null,
  orientation_limits: null,
  uncouple_pos_ori: true,
  control_delta: true,
  interpolation: null,
  ramp_ratio: 0.2,
};

/** robomimic's number for environments of robosuite. */
const ROBOSUITE_TYPE = 1;

/**
 * Attributes of the group `data`. Names and words are in lower case where LIBERO's reader of problems makes them so.
 * @param images cameras of the recording
 */
export function liberoAttributes(
  { problem, domain, language, bddl, bddlFile }: LiberoProblem,
  images: readonly ImageSpec[],
): Readonly<Record<string, Hdf5Attribute>> {
  const problemName = problem.toLowerCase();
  const envName = problem.replace(/^LIBERO_/, "Libero_");
  const bddlFileName = `bddl_files/${bddlFile}`;
  const info = {
    problem_name: problemName,
    domain_name: domain.toLowerCase(),
    language_instruction: language.toLowerCase(),
  };
  const args = {
    type: ROBOSUITE_TYPE,
    env_name: envName,
    problem_name: problemName,
    bddl_file: bddlFileName,
    env_kwargs: {
      robots: ["Panda"],
      controller_configs: OSC_POSE,
      control_freq: 20,
      bddl_file_name: bddlFileName,
      has_renderer: false,
      has_offscreen_renderer: images.length > 0,
      use_camera_obs: images.length > 0,
      camera_names: images.map(({ name }) => name),
      camera_heights: images.map(({ height }) => height),
      camera_widths: images.map(({ width }) => width),
      ignore_done: true,
    },
  };
  return {
    env_name: envName,
    problem_info: JSON.stringify(info),
    bddl_file_name: bddlFileName,
    bddl_file_content: bddl,
    env_args: JSON.stringify(args),
    macros_image_convention: "opengl",
  };
}
