/**
 * Privileged experts: they read the simulator's ground truth and reach goals written as predicates.
 * They make the demonstrations that policies learn from, and prove that tasks can be done. They know
 * no simulator: whatever offers a `SceneGraph` and takes operational-space deltas will do.
 */
import type {
  ComponentSpec,
  Decision,
  Observation,
  Policy,
  Thought,
} from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";
import type { Skill } from "./motion.ts";
import { GRIP, View, servo } from "./motion.ts";
import { pursue } from "./plan.ts";

export { randomPolicy } from "./random.ts";

const ACTION: readonly ComponentSpec[] = [
  {
    name: "delta_position",
    format: "delta_position",
    dtype: "float32",
    shape: [3],
    unit: "0.05 m",
    frame: "world",
    low: [-1],
    high: [1],
  },
  {
    name: "delta_rotation",
    format: "delta_axis_angle",
    dtype: "float32",
    shape: [3],
    unit: "0.5 rad",
    frame: "world",
    low: [-1],
    high: [1],
  },
  {
    name: "gripper",
    format: "gripper_close_positive",
    dtype: "float32",
    shape: [1],
    unit: "1",
    low: [-1],
    high: [1],
  },
];

export interface ScriptedOptions {
  /**
   * Whether a coin of the episode's seed decides, where a thing can be taken across either side or turned either way;
   * default false: the nearer is taken.
   */
  readonly bothWays?: boolean;
  /**
   * Whether a hole goes down over a shaft as far as it is aligned, so that nothing stops; false: it stops before the shaft's end until
   * it is aligned, which a policy that learns from it may do for good. Default true.
   */
  readonly funnels?: boolean;
}

/** An expert for every task family; one decision is one action row. */
export function scriptedPolicy(options: ScriptedOptions = {}): Policy {
  const { bothWays = false, funnels = true } = options;
  let way: 0 | 1 = 0;
  let episode: Episode | undefined;
  return {
    spec: {
      name: "scripted",
      observation: "any",
      action: { components: ACTION },
      predictHorizon: 1,
      privileged: true,
    },
    reset({ seed }) {
      const coin = bothWays && seeded("scripted/way").split(seed).uniform() < 0.5;
      way = coin ? 1 : 0;
      episode = undefined;
      return Promise.resolve();
    },
    decide(observation): Promise<Decision> {
      const started = performance.now();
      episode ??= beginEpisode(new View(observation, { way, funnels }));
      const { action, thoughts } = nextAction(episode, observation);
      const chunk = { data: action, horizon: 1, actionDim: action.length };
      return Promise.resolve({ chunk, thoughts, timing: { totalMs: performance.now() - started } });
    },
  };
}

interface Episode {
  readonly view: View;
  readonly skill: Skill<boolean>;
  readonly pending: Thought[];
  begun: boolean;
}

function beginEpisode(view: View): Episode {
  const pending: Thought[] = [];
  const skill = pursue(view, view.scene.goal, ({ words }) => {
    pending.push({ kind: "text", tag: "SUBTASK", text: words });
  });
  return { view, skill, pending, begun: false };
}

function nextAction(
  episode: Episode,
  observation: Observation,
): { action: Float32Array; thoughts: Thought[] } {
  const { view, skill, pending } = episode;
  view.observation = observation;
  const next = episode.begun ? skill.next(observation) : skill.next();
  episode.begun = true;
  const thoughts = pending.splice(0);
  if (next.done !== true) return { action: Float32Array.from(next.value), thoughts };
  // Done, or out of ideas: stay where it is.
  const { position } = view.gripper;
  return { action: servo(view, { position, grip: GRIP.hold }), thoughts };
}
