/** The study's worlds with an arm: four tasks of the tabletop, seen as state. */
import type { Environment, TimeStep } from "../../core/index.ts";
import { ROTATION_AT, withArmState } from "./arm-state.ts";
import type { Push } from "./push.ts";
import { withPush } from "./push.ts";
import type { Mode, ModeTracker, StudyWorld, WorldName } from "./worlds.ts";

/** Evaluations start where no demonstration and no curve does. */
const EVALUATED_FROM = { seed: 9_000_000 } as const;
/** Less than this in all is no turn. */
const TURNED_RAD = 0.1;
/** About one third of a second, in the middle of the approach: 8 steps of up to 0.05 m are commanded. */
const LIFT_PUSH: Push = { from: 16, steps: 8, units: 1 };
/** Entry of the action that turns the hand about the vertical. */
const YAW_AT = 5;

interface About {
  readonly name: WorldName;
  readonly task: string;
  readonly thing: string;
  readonly noise: number;
  /** Whose turn about the vertical tells which way was gone; absent = there is one way. */
  readonly turns?: keyof typeof ROTATION_AT;
  /** Whether the first chunk of an episode turns the hand already. */
  readonly chunkTells?: boolean;
  readonly push?: Push;
}

function armWorld(about: About): StudyWorld {
  const { name, task, thing, noise, turns, push } = about;
  const open = async (): Promise<Environment> => {
    const { createTabletop } = await import("../../../sim-bridge/sims/tabletop/index.ts");
    return withArmState(await createTabletop({ images: [] }), thing);
  };
  return {
    ...{ name, task, noise, open, evaluatedFrom: EVALUATED_FROM, isGraded: false },
    simulator: "tabletop",
    ...(push === undefined
      ? {}
      : {
          disturbance: {
            words: `the tool centre is driven aside by ${push.units} of an action's unit (0.05 m) for ${push.steps} steps from step ${push.from}`,
            task,
            around: (env: Environment) => withPush(env, push),
          },
        }),
    modes: ["anticlockwise", "clockwise"],
    async expert() {
      const { scriptedPolicy } = await import("../../../policies/scripted/index.ts");
      return scriptedPolicy({ bothWays: turns !== undefined });
    },
    track: () => (turns === undefined ? untold() : turnTracker(ROTATION_AT[turns])),
    ...(about.chunkTells === true
      ? {
          modeOfChunk(_first, { data, horizon, actionDim }) {
            let turn = 0;
            for (let row = 0; row < horizon; row++) turn += data[row * actionDim + YAW_AT] ?? 0;
            return turn > 0 ? "anticlockwise" : "clockwise";
          },
        }
      : {}),
  };
}

function untold(): ModeTracker {
  return { see: () => undefined, mode: () => undefined };
}

/** Follows the angle about the vertical of the first column of a rotation. */
function turnTracker(at: number): ModeTracker {
  let before: number | undefined;
  let turned = 0;
  return {
    see({ observation }: TimeStep) {
      const { data } = observation.proprio["state"]!;
      const angle = Math.atan2(Number(data[at + 1]), Number(data[at]));
      const change = before === undefined ? 0 : angle - before;
      turned += change - 2 * Math.PI * Math.round(change / (2 * Math.PI));
      before = angle;
    },
    mode(): Mode | undefined {
      if (Math.abs(turned) < TURNED_RAD) return undefined;
      return turned > 0 ? "anticlockwise" : "clockwise";
    },
  };
}

export const TABLETOP_WORLDS = {
  lift: armWorld({
    ...{ name: "lift", task: "lift_red_cube", thing: "red_cube_1", noise: 0.1 },
    ...{ turns: "hand", chunkTells: true, push: LIFT_PUSH },
  }),
  place: armWorld({
    ...{ name: "place", task: "put_soup_can_in_bin", thing: "soup_can_1", noise: 0.1 },
    turns: "hand",
  }),
  insert: armWorld({
    ...{ name: "insert", task: "put_square_nut_on_peg", thing: "square_nut_1", noise: 0.1 },
    turns: "thing",
  }),
  hang: armWorld({
    ...{ name: "hang", task: "hang_wrench_on_rack", thing: "wrench_1", noise: 0.1 },
  }),
} satisfies Partial<Record<WorldName, StudyWorld>>;
