/** The study's worlds with an arm: four tasks of the tabletop, seen as state; two of them through cameras, too. */
import type { Environment, ImageSpec, Observation, QuatWxyz } from "../../core/index.ts";
import { matrixFromQuatWxyz } from "../../math/index.ts";
import { SHAFT_ENDS } from "../../../sim-bridge/sims/tabletop/fixtures/shafts.ts";
import type { Goal } from "./arm-state.ts";
import { ROTATION_AT, withArmState } from "./arm-state.ts";
import type { Push } from "./push.ts";
import { withPush } from "./push.ts";
import { oneWay, turnTracker } from "./turns.ts";
import type { WorldName } from "./study.ts";
import { EARLY_STEPS } from "./study.ts";
import type { StudyWorld } from "./worlds.ts";

/** Evaluations start where no demonstration and no curve does. */
const EVALUATED_FROM = { seed: 9_000_000 } as const;
/** Less than this in all is no turn. */
const TURNED_RAD = 0.1;
/** About one third of a second, in the middle of the approach: 8 steps of up to 0.05 m are commanded. */
const LIFT_PUSH: Push = { from: 16, steps: 8, units: 1 };
/** Two pictures of what robots have: an eye across the table, and one in the hand. Square, so many pixels high and wide. */
const CAMERAS = ["front", "wrist"] as const;
export const PIXELS = 64;
/** At the start, on the way to a shaft, and before its end. */
const OVER_STEPS = [0, 64, 104] as const;
/** Entry of the action that turns the hand about the vertical. */
const YAW_AT = 5;

interface About {
  readonly name: WorldName;
  readonly task: string;
  /** What policies are told of: its pose. Absent: they look for it through the cameras, and have what the robot says of itself. */
  readonly thing?: string;
  /** The kind of fixture over whose shaft its hole goes; the scene has one of it. */
  readonly over?: keyof typeof SHAFT_ENDS;
  readonly noise: number;
  /** Share of the noise while the thing is held. */
  readonly held?: number;
  /** Whether experts turn the hand about the vertical either way, so that its turn tells which way was gone; absent = there is one way. */
  readonly eitherWay?: boolean;
  /** Whether experts stop before a shaft until they are aligned, rather than going down as far as they are. */
  readonly stops?: boolean;
  /** Whether the first chunk of an episode turns the hand already. */
  readonly chunkTells?: boolean;
  readonly push?: Push;
  /** Share of the demonstrations that are pushed like that, each in a direction of its own; absent: none. */
  readonly shown?: number;
}

function armWorld(about: About): StudyWorld {
  const { name, task, thing, noise, held = 0, eitherWay = false, push, shown } = about;
  const open = (): Promise<Environment> => (thing === undefined ? seen() : told(thing, about.over));
  return {
    ...{ name, task, noise, held, open, evaluatedFrom: EVALUATED_FROM, isGraded: false },
    judgedSteps: about.over === undefined ? EARLY_STEPS : OVER_STEPS,
    cameras: thing === undefined ? CAMERAS : [],
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
    ...(push === undefined || shown === undefined
      ? {}
      : { demonstratedIn: (env: Environment) => withPush(env, { ...push, share: shown }) }),
    modes: ["anticlockwise", "clockwise"],
    async expert() {
      const { scriptedPolicy } = await import("../../../policies/scripted/index.ts");
      return scriptedPolicy({ bothWays: eitherWay, funnels: about.stops !== true });
    },
    track: () =>
      eitherWay
        ? turnTracker({
            angleOf: thing === undefined ? seenYawRad : toldYawRad,
            leastRad: TURNED_RAD,
            ways: ["anticlockwise", "clockwise"],
          })
        : oneWay(),
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

/** The world as a vector. */
async function told(thing: string, over: About["over"]): Promise<Environment> {
  const { createTabletop } = await import("../../../sim-bridge/sims/tabletop/index.ts");
  const goal: Goal | undefined = over && { body: `${over}_1`, at: SHAFT_ENDS[over] };
  return withArmState(await createTabletop({ images: [] }), thing, goal);
}

/** The world as it is, through cameras. */
async function seen(): Promise<Environment> {
  const { createTabletop } = await import("../../../sim-bridge/sims/tabletop/index.ts");
  const images = CAMERAS.map((name): ImageSpec => {
    return { name, height: PIXELS, width: PIXELS, channels: 3 };
  });
  return createTabletop({ images });
}

/** Angle of the hand about the vertical, of the first column of its matrix. */
function toldYawRad({ proprio }: Observation): number {
  const { data } = proprio["state"]!;
  return Math.atan2(Number(data[ROTATION_AT.hand + 1]), Number(data[ROTATION_AT.hand]));
}

function seenYawRad({ proprio }: Observation): number {
  const [x, y, z, w] = Array.from(proprio["eef_quat_xyzw"]!.data, Number) as unknown as QuatWxyz;
  const matrix = matrixFromQuatWxyz([w, x, y, z]);
  return Math.atan2(matrix[3], matrix[0]);
}

/** Most of these tasks is what is done with a thing in the hand: without noise there, nothing shows how to come back to where its hole fits. */
const HELD = 0.5;

type Seen = Omit<About, "name" | "thing">;
const LIFT: Seen = {
  task: "lift_red_cube",
  noise: 0.1,
  eitherWay: true,
  chunkTells: true,
  push: LIFT_PUSH,
};
const PLACE: Seen = { task: "put_soup_can_in_bin", noise: 0.1, held: HELD, eitherWay: true };

/** One way: where nuts are turned either way in the air, looking again after two rows means to waver between the two. */
const INSERT: Omit<About, "name"> = {
  ...{ task: "put_square_nut_on_peg", thing: "square_nut_1", over: "square_peg" },
  ...{ noise: 0.1, held: HELD },
};

export const TABLETOP_WORLDS = {
  lift: armWorld({ ...LIFT, name: "lift", thing: "red_cube_1" }),
  "lift-pushed": armWorld({ ...LIFT, name: "lift-pushed", thing: "red_cube_1", shown: 0.5 }),
  place: armWorld({ ...PLACE, name: "place", thing: "soup_can_1" }),
  insert: armWorld({ ...INSERT, name: "insert" }),
  "insert-stopping": armWorld({ ...INSERT, name: "insert-stopping", stops: true }),
  hang: armWorld({
    ...{ name: "hang", task: "hang_wrench_on_rack", thing: "wrench_1", noise: 0.1 },
    over: "tool_rack",
    held: HELD,
    stops: true,
  }),
  "lift-images": armWorld({ ...LIFT, name: "lift-images" }),
  "place-images": armWorld({ ...PLACE, name: "place-images" }),
} satisfies Partial<Record<WorldName, StudyWorld>>;
