/**
 * An expert for PushT, from the state: it looks for the straight push that brings the T nearer to its outline fastest, goes
 * round the T to where that push begins, and pushes until the model of quasi-static pushing says that more would not help.
 *
 * At every step it looks anew and remembers nothing, so that what it does can be learned from what is seen then; it goes on with
 * what it is at because a push costs least where the pusher already is. But for a coin that follows from the episode's seed:
 * where the T has to turn by nearly half a turn, it says which way round, so that demonstrations from one start differ.
 */
import type { Decision, Observation, Policy, Rng } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { choosePush, nextOnWay } from "./plan.ts";
import type { Pose, Vec2 } from "./tee.ts";
import { GOAL, distance, poseOf } from "./tee.ts";

export type Turn = "clockwise" | "anticlockwise";

export interface PushTExpertOptions {
  /** As seen in the image, where there is a choice. Default: drawn for every episode. */
  readonly turn?: Turn;
  /**
   * Whether a push slows down as it comes to its end. Default: it does not, so that nothing is learned that looks like waiting; it is given up
   * sooner or goes a little too far, and episodes are no longer.
   */
  readonly eases?: boolean;
}

const TWO_PI = 2 * Math.PI;
/** From here on either way round will do. */
const CHOICE_RAD = (5 / 6) * Math.PI;
/** Targets farther than this make the pusher too fast to stop where it should. */
const TRAVEL_LEAD = 70;
const PUSH_LEAD = 34;
/** Of a push that does not slow down. With 15 units 58 of 60 starts are done, in a fifth more steps. */
const LEAST_LEAD = 8;

/** Reads `observation`: pusher x y, T x y, angle; answers where the pusher is to be drawn to. */
export function pushTExpert({ turn, eases = false }: PushTExpertOptions = {}): Policy {
  const leastLead = eases ? 0 : LEAST_LEAD;
  let coin: Turn | undefined;
  return {
    spec: {
      name: "scripted-pusht",
      observation: "any",
      action: {
        components: [
          { name: "action", format: "raw", dtype: "float32", shape: [2], low: [0], high: [512] },
        ],
      },
      predictHorizon: 1,
      privileged: false,
    },
    reset({ seed }) {
      coin = turn ?? drawn(seeded("pusht/expert").split(seed));
      return Promise.resolve();
    },
    decide(observation): Promise<Decision> {
      const started = performance.now();
      if (coin === undefined) {
        throw new RangeError("Cannot decide: there is no episode, must be reset first");
      }
      const { x, y } = next({ coin, leastLead }, observation);
      return Promise.resolve({
        chunk: { data: Float32Array.of(x, y), horizon: 1, actionDim: 2 },
        thoughts: [],
        timing: { totalMs: performance.now() - started },
      });
    },
  };
}

interface Manner {
  readonly coin: Turn;
  /** How far ahead the target of a push is at least. */
  readonly leastLead: number;
}

function next({ coin, leastLead }: Manner, observation: Observation): Vec2 {
  const [x, y, originX, originY, angle] = stateOf(observation);
  const pose = poseOf({ x: originX, y: originY }, angle);
  const goal = { ...GOAL, angle: angle + wayRound(angle, coin) };
  return act(pose, { pusher: { x, y }, goal, leastLead });
}

function drawn(rng: Rng): Turn {
  return rng.uniform() < 0.5 ? "clockwise" : "anticlockwise";
}

function act(
  pose: Pose,
  {
    pusher,
    goal,
    leastLead,
  }: { readonly pusher: Vec2; readonly goal: Pose } & Pick<Manner, "leastLead">,
): Vec2 {
  const push = choosePush(pose, { pusher, goal });
  if (push === undefined) return pusher;
  const { start, direction, depth } = push;
  if (start === undefined) {
    return ahead(pusher, direction, Math.min(Math.max(depth, leastLead), PUSH_LEAD));
  }
  const to = nextOnWay(pose, { from: pusher, to: start });
  const way = distance(pusher, to);
  return way <= TRAVEL_LEAD
    ? to
    : ahead(pusher, { x: (to.x - pusher.x) / way, y: (to.y - pusher.y) / way }, TRAVEL_LEAD);
}

function ahead(from: Vec2, direction: Vec2, by: number): Vec2 {
  return { x: from.x + direction.x * by, y: from.y + direction.y * by };
}

/** Radians that the T is to turn by: the shorter way, or the coin's where both are long. Angles grow clockwise: y is down. */
function wayRound(angle: number, coin: Turn): number {
  const shorter = wrapped(GOAL.angle - angle);
  if (Math.abs(shorter) < CHOICE_RAD) return shorter;
  const isClockwise = shorter > 0;
  if (isClockwise === (coin === "clockwise")) return shorter;
  return shorter - Math.sign(shorter) * TWO_PI;
}

/** To [-pi, pi). */
function wrapped(angle: number): number {
  return angle - TWO_PI * Math.floor((angle + Math.PI) / TWO_PI);
}

/** @throws {TypeError} if the observation has no such component of five numbers */
function stateOf({ proprio }: Observation): readonly [number, number, number, number, number] {
  const array = proprio["observation"];
  if (array?.data.length !== 5) {
    throw new TypeError(
      `Cannot push a T: the observation has ${array === undefined ? "no" : `${array.data.length} numbers of`} "observation", must have 5`,
    );
  }
  return Array.from(array.data, Number) as [number, number, number, number, number];
}
