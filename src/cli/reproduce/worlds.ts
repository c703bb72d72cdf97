/** The worlds of the study: who demonstrates there, and what the two ways to go are. */
import type { ActionChunk, Environment, Observation, Policy, TimeStep } from "../../core/index.ts";
import { createSimulator } from "../registry.ts";
import { LIBERO_WORLDS } from "./libero-worlds.ts";
import { PUSHT, PUSHT_ABSOLUTE } from "./pusht-world.ts";
import type { WorldName } from "./study.ts";
import { EARLY_STEPS } from "./study.ts";
import { TABLETOP_WORLDS } from "./tabletop-worlds.ts";
import type { TaskChoice } from "./tasks.ts";

/** Which of two ways. */
export type Mode = string;

/** Follows one episode and says which way it went. */
export interface ModeTracker {
  see(step: TimeStep): void;
  mode(): Mode | undefined;
}

/** A disturbed task of the world, or the same task in a world that something is done to. */
export interface Disturbance {
  readonly words: string;
  readonly task: string;
  around?(env: Environment): Environment;
}

export interface StudyWorld {
  readonly name: WorldName;
  readonly simulator: string;
  readonly task: TaskChoice;
  /** What policies look through; none where they are told the state. */
  readonly cameras: readonly string[];
  /** Formulas of the proprio that policies read beside it; absent: none. */
  readonly derived?: readonly string[];
  /** Actions that are places, and the proprio they are told from (`policy.relative`); absent: none. */
  readonly relative?: Readonly<Record<string, string>>;
  /** What happens in the middle of an episode, in words, and how; absent where nothing does. */
  readonly disturbance?: Disturbance;
  /** Where evaluations start: the world's fixed states, or those of seeds from this one on. */
  readonly evaluatedFrom: "fixed" | { readonly seed: number };
  /** Standard deviation of the noise on executed actions while demonstrations are recorded. */
  readonly noise: number;
  /** Share of that noise while a thing is held. Absent: 0. */
  readonly held?: number;
  /** What else happens while demonstrations are recorded; what experts decide stays clean. Absent: nothing. */
  demonstratedIn?(env: Environment): Environment;
  /** The two ways, where there are two. */
  readonly modes?: readonly [Mode, Mode];
  /** Control steps of the decisions whose uncertainty is judged: fixed, so that lengths of episodes tell nothing. */
  readonly judgedSteps: readonly number[];
  /** Whether rewards tell how near to success an episode came. */
  readonly isGraded: boolean;
  open(): Promise<Environment>;
  expert(): Promise<Policy>;
  track(): ModeTracker;
  /** Of a chunk that is decided at the start of an episode; absent where a chunk does not tell. */
  modeOfChunk?(first: Observation, chunk: ActionChunk): Mode | undefined;
}

const DETOUR: StudyWorld = {
  name: "detour",
  simulator: "detour",
  task: "detour",
  cameras: [],
  disturbance: {
    words: "the point is moved by 0.3 m after step 24, clear of the disc",
    task: "detour_disturbed",
  },
  evaluatedFrom: "fixed",
  open: () => createSimulator("detour"),
  noise: 0.2,
  modes: ["left", "right"],
  judgedSteps: EARLY_STEPS,
  isGraded: false,
  async expert() {
    const { detourExpert } = await import("../../../policies/scripted/detour.ts");
    return detourExpert();
  },
  track() {
    let side: Mode | undefined;
    return {
      see({ info }) {
        if (typeof info?.["side"] === "string") side = info["side"];
      },
      mode: () => side,
    };
  },
  modeOfChunk(first, { data, horizon, actionDim }) {
    const disc = Number(first.proprio["disc"]?.data[0]);
    let x = Number(first.proprio["position"]?.data[0]);
    for (let row = 0; row < horizon; row++) x += 0.05 * (data[row * actionDim] ?? 0);
    return x < disc ? "left" : "right";
  },
};

export const STUDY_WORLDS: Readonly<Record<WorldName, StudyWorld>> = {
  detour: DETOUR,
  pusht: PUSHT,
  "pusht-absolute": PUSHT_ABSOLUTE,
  ...TABLETOP_WORLDS,
  ...LIBERO_WORLDS,
};
