/** PushT as a world of the study: from the state that gym-pusht tells, so that what is learned here acts there. */
import type { PushTExpertOptions } from "../../../policies/scripted/pusht/index.ts";
import type { Environment, Policy } from "../../core/index.ts";
import { seeded } from "../../core/index.ts";
import { createSimulator } from "../registry.ts";
import { around } from "./around.ts";
import { EARLY_STEPS } from "./study.ts";
import { turnTracker } from "./turns.ts";
import type { StudyWorld } from "./worlds.ts";

/** What is read: pusher x y, T x y, angle. */
const OBSERVATION = "observation";
/** Less than this in all is no way round. */
const TURNED_RAD = Math.PI / 2;
/** Standard deviation of what executed actions are off by while demonstrations are recorded, workspace units. */
const NUDGE = 3;
const WORKSPACE = [0, 512] as const;

/** Where the T's centre of gravity is from where it goes, workspace units: it lies 45 from the frame's origin. */
const AWAY = {
  x: "(observation_2 - 45 * sin(observation_4) - 224.1802)",
  y: "(observation_3 + 45 * cos(observation_4) - 287.8198)",
} as const;
/** The pusher from the origin of the T's frame. */
const FROM_T = {
  x: "(observation_0 - observation_2)",
  y: "(observation_1 - observation_3)",
} as const;

/** A difference of places, seen in the T's frame. */
function inFrame({ x, y }: { readonly x: string; readonly y: string }): readonly [string, string] {
  const [cos, sin] = ["cos(observation_4)", "sin(observation_4)"];
  return [`(${cos} * ${x} + ${sin} * ${y})`, `(${cos} * ${y} - ${sin} * ${x})`];
}

/** Where the pusher's centre is when it touches an edge of the T, in the T's frame, and the stem's middle. */
const TOUCHING = [
  [-75, -30, 0, 30, 75],
  [-15, 45, 135],
] as const;

/** What counts is relative: the pusher in the T's frame, and how far the T is from its goal, once more finely where it is near. */
const COARSE: readonly string[] = [
  ...inFrame(FROM_T).map((text) => `${text} / 100`),
  `${AWAY.x} / 100`,
  `${AWAY.y} / 100`,
  ...inFrame(AWAY).map((text) => `${text} / 100`),
  `tanh(${AWAY.x} / 10)`,
  `tanh(${AWAY.y} / 10)`,
  ...inFrame(AWAY).map((text) => `tanh(${text} / 10)`),
  "sin(observation_4 - pi / 4)",
  "cos(observation_4 - pi / 4)",
  "tanh(5 * sin(observation_4 - pi / 4))",
];

/** Whether it touches is a matter of two or three units. */
const FINE = inFrame(FROM_T).flatMap((text, axis) =>
  (TOUCHING[axis] ?? []).map((edge) => `tanh((${text} - ${edge}) / 10)`),
);

export const PUSHT: StudyWorld = {
  name: "pusht",
  simulator: "pusht",
  task: "push_t",
  cameras: [],
  derived: [...COARSE, ...FINE],
  // Where the pusher is to be drawn to, from where it is.
  relative: { action_0: "observation_0", action_1: "observation_1" },
  // It has 50 fixed states, which are too few.
  evaluatedFrom: { seed: 9_000_000 },
  open: async () => withStateAlone(await createSimulator("pusht")),
  noise: 0,
  demonstratedIn: withNudges,
  modes: ["clockwise", "anticlockwise"],
  // Most episodes are live then, and what will not come to its end is known from how it goes.
  judgedSteps: [40, 80, 120],
  isGraded: true,
  expert: () => expert({}),
  track: () =>
    turnTracker({
      angleOf: ({ proprio }) => Number(proprio[OBSERVATION]?.data[4]),
      leastRad: TURNED_RAD,
      // Angles of the workspace grow clockwise, because y counts down.
      ways: ["clockwise", "anticlockwise"],
    }),
};

/** The same as it was until 29 November 2026: targets are places, pushes slow down, and no edge is told finely. */
export const PUSHT_ABSOLUTE: StudyWorld = withoutRelative({
  ...PUSHT,
  name: "pusht-absolute",
  derived: COARSE,
  judgedSteps: EARLY_STEPS,
  expert: () => expert({ eases: true }),
});

function withoutRelative({ relative: _, ...world }: StudyWorld): StudyWorld {
  return world;
}

async function expert(options: PushTExpertOptions): Promise<Policy> {
  const { pushTExpert } = await import("../../../policies/scripted/pusht/index.ts");
  return pushTExpert(options);
}

/** No picture is drawn, and nothing is said twice. */
function withStateAlone(env: Environment): Environment {
  const proprio = env.spec.observation.proprio.filter(({ name }) => name === OBSERVATION);
  return around(env, {
    spec: { observation: { images: [], texts: [], proprio } },
    reset: (request) => env.reset({ ...request, want: { ...request.want, images: "none" } }),
    step: (chunk, want) => env.step(chunk, { ...want, images: "none" }),
  });
}

/** Executes something else than what was decided, so that demonstrations show the way back; drawn from the episode's seed. */
function withNudges(env: Environment): Environment {
  let rng = seeded("reproduce/nudges");
  return around(env, {
    reset(request) {
      rng = seeded("reproduce/nudges").split(request.seed);
      return env.reset(request);
    },
    step(chunk, want) {
      const [low, high] = WORKSPACE;
      const data = chunk.data.map((value) => {
        return Math.min(high, Math.max(low, value + NUDGE * rng.normal()));
      });
      return env.step({ ...chunk, data }, want);
    },
  });
}
