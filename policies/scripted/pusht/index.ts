/**
 * An expert for PushT, from the state: it looks for the straight push that brings the T nearer to its outline fastest, goes
 * round the T to where that push begins, and pushes until the model of quasi-static pushing says that more would not help.
 *
 * Where the T has to turn by more than a right angle, a coin that follows from the episode's seed says which way round, so
 * that demonstrations from one start differ.
 */
import type { Decision, Observation, Policy, Rng } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import type { Push } from "./plan.ts";
import { bestDepth, choosePush, nextOnWay } from "./plan.ts";
import type { Pose, Vec2 } from "./tee.ts";
import { GOAL, distance, poseOf } from "./tee.ts";

export type Turn = "clockwise" | "anticlockwise";

export interface PushTExpertOptions {
  /** As seen in the image, where there is a choice. Default: drawn for every episode. */
  readonly turn?: Turn;
}

const TWO_PI = 2 * Math.PI;
/** From here on either way round will do. */
const CHOICE_RAD = Math.PI / 2;
/** Targets farther than this make the pusher too fast to stop where it should. */
const TRAVEL_LEAD = 70;
const PUSH_LEAD = 34;
/** Arrived where a push begins: within this distance, and this slow (units a step). */
const ARRIVED = 4;
const SLOW = 6;
/** A push that has less than this left to do is over. */
const DONE = 0.4;
const MOST_STEPS_PER_PUSH = 14;

interface Episode {
  readonly coin: Turn;
  goal: Pose | undefined;
  /** Not wrapped, followed from step to step. */
  angle: number;
  before: Vec2 | undefined;
  push: Push | undefined;
  pushing: number;
}

/** Reads `observation`: pusher x y, T x y, angle; answers where the pusher is to be drawn to. */
export function pushTExpert({ turn }: PushTExpertOptions = {}): Policy {
  let episode: Episode | undefined;
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
      episode = begin(seeded("pusht/expert").split(seed), turn);
      return Promise.resolve();
    },
    decide(observation): Promise<Decision> {
      const started = performance.now();
      if (episode === undefined) {
        throw new RangeError("Cannot decide: there is no episode, must be reset first");
      }
      const { x, y } = next(episode, observation);
      return Promise.resolve({
        chunk: { data: Float32Array.of(x, y), horizon: 1, actionDim: 2 },
        thoughts: [],
        timing: { totalMs: performance.now() - started },
      });
    },
  };
}

function begin(rng: Rng, turn: Turn | undefined): Episode {
  const coin = turn ?? (rng.uniform() < 0.5 ? "clockwise" : "anticlockwise");
  return { coin, goal: undefined, angle: 0, before: undefined, push: undefined, pushing: 0 };
}

function next(episode: Episode, observation: Observation): Vec2 {
  const [x, y, originX, originY, angle] = stateOf(observation);
  const pusher = { x, y };
  if (episode.goal === undefined) {
    episode.angle = angle;
    episode.goal = { ...GOAL, angle: angle + wayRound(angle, episode.coin) };
  }
  episode.angle += wrapped(angle - episode.angle);
  const pose = poseOf({ x: originX, y: originY }, episode.angle);
  const speed = episode.before === undefined ? 0 : distance(episode.before, pusher);
  episode.before = pusher;
  return act(episode, { pose, pusher, speed, goal: episode.goal });
}

interface Situation {
  readonly pose: Pose;
  readonly goal: Pose;
  readonly pusher: Vec2;
  /** Units that the pusher moved in the last step. */
  readonly speed: number;
}

function act(episode: Episode, now: Situation): Vec2 {
  const { pose, pusher, goal, speed } = now;
  if (episode.push !== undefined && episode.pushing > 0) {
    const { direction } = episode.push;
    const { depth } = bestDepth(pose, { from: pusher, direction, goal });
    if (depth >= DONE && episode.pushing < MOST_STEPS_PER_PUSH) {
      episode.pushing++;
      return ahead(pusher, direction, Math.min(depth, PUSH_LEAD));
    }
    episode.push = undefined;
  }
  if (episode.push === undefined) {
    episode.push = choosePush(pose, { pusher, goal });
    episode.pushing = 0;
  }
  const { push } = episode;
  if (push === undefined) return pusher;
  if (distance(pusher, push.start) < ARRIVED && speed < SLOW) {
    episode.pushing = 1;
    return act(episode, now);
  }
  const to = nextOnWay(pose, { from: pusher, to: push.start });
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
