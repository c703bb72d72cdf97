/** The worlds of the study: who demonstrates there, and what the two ways to go are. */
import type { ActionChunk, Observation, Policy } from "../../core/index.ts";

export type WorldName = "detour";
/** Which of two ways, named as the world's `info` names them. */
export type Mode = string;

export interface StudyWorld {
  readonly name: WorldName;
  readonly simulator: string;
  readonly task: string;
  /** The same task, disturbed in the middle of the episode. */
  readonly disturbedTask: string;
  /** Standard deviation of the noise on executed actions while demonstrations are recorded. */
  readonly noise: number;
  readonly modes: readonly [Mode, Mode];
  expert(): Promise<Policy>;
  /** Of an episode, from what its last step says. */
  modeOfEpisode(info: Readonly<Record<string, unknown>>): Mode | undefined;
  /** Of a chunk that is decided at the start of an episode. */
  modeOfChunk(first: Observation, chunk: ActionChunk): Mode | undefined;
}

const DETOUR: StudyWorld = {
  name: "detour",
  simulator: "detour",
  task: "detour",
  disturbedTask: "detour_disturbed",
  noise: 0.2,
  modes: ["left", "right"],
  async expert() {
    const { detourExpert } = await import("../../../policies/scripted/detour.ts");
    return detourExpert();
  },
  modeOfEpisode: ({ side }) => (typeof side === "string" ? side : undefined),
  modeOfChunk(first, { data, horizon, actionDim }) {
    const disc = Number(first.proprio["disc"]?.data[0]);
    let x = Number(first.proprio["position"]?.data[0]);
    for (let row = 0; row < horizon; row++) x += 0.05 * (data[row * actionDim] ?? 0);
    return x < disc ? "left" : "right";
  },
};

export const STUDY_WORLDS: Readonly<Record<WorldName, StudyWorld>> = { detour: DETOUR };
