/** What files of demonstrations say beside observations and actions: the simulator's own states, problems and scenes. */
import type { Environment, NdArray, TimeStep } from "../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../src/core/index.ts";
import { parseBddl } from "./bddl.ts";
import { decodeSnapshot } from "./snapshot.ts";
import type { ManipulationWorld } from "./world.ts";

/** An episode that was executed. */
export interface ExecutedEpisode {
  readonly task: string;
  readonly seed: number;
  readonly initialState?: number;
  /** `float32[steps, 7]`. */
  readonly actions: Float32Array;
  /** What was seen before each action, by component; `[steps, size]`. */
  readonly proprio: Readonly<Record<string, Float32Array>>;
}

/** Of one task. */
export interface TaskDocument {
  /** Of the problem file: `LIBERO_Tabletop_Manipulation`, `robosuite`. */
  readonly problem: string;
  readonly domain: string;
  readonly language: string;
  /** The problem file itself. */
  readonly bddl: string;
  /** The scene as MJCF. */
  readonly modelXml: string;
}

/** A world and an environment of it, for going through episodes again. */
export interface DemonstrationSource extends AsyncDisposable {
  document(task: string): Promise<TaskDocument>;
  /**
   * Executes the episode again and returns MuJoCo's flattened state before each action: time, positions and velocities, as
   * robosuite's `get_state().flatten()` gives them; `float64[1 + nq + nv]`. Episodes are deterministic to the last bit, and
   * what is seen is compared with what was recorded.
   * @throws {RangeError} if it goes another way, which another engine, data folder or setting does
   */
  states(episode: ExecutedEpisode): Promise<readonly Float64Array[]>;
}

export function demonstrationSource(
  world: ManipulationWorld,
  environment: Environment,
): DemonstrationSource {
  return {
    async document(task) {
      await world.prepare?.(task);
      const { bddl, xml } = world.buildScene(task);
      const { name: problem, domain, language } = parseBddl(bddl);
      return { problem, domain, language, bddl, modelXml: xml };
    },
    async states(episode) {
      const { task, seed, initialState: index } = episode;
      await world.prepare?.(task);
      const { qpos, qvel } = world.initialState(task, index === undefined ? { seed } : { index });
      return replayed(environment, episode, 1 + qpos.length + qvel.length);
    },
    [Symbol.asyncDispose]: () => environment.close(),
  };
}

async function replayed(
  environment: Environment,
  episode: ExecutedEpisode,
  size: number,
): Promise<Float64Array[]> {
  const { task, seed, initialState, actions } = episode;
  const width = 7;
  const steps = actions.length / width;
  const request = {
    ...{ task, seed, want: WANT_NOTHING, maxSteps: steps },
    ...(initialState === undefined ? {} : { initialState }),
  };
  let { first: step }: { first: TimeStep } = await environment.reset(request);
  const states: Float64Array[] = [];
  for (let t = 0; t < steps; t++) {
    assertSame(episode, t, step);
    // The engine's state begins with time, positions and velocities.
    const { numbers } = decodeSnapshot(await environment.snapshot!());
    states.push(numbers.state.slice(0, size));
    const data = actions.slice(t * width, (t + 1) * width);
    if (step.kind === "last") throw strayed(episode, `it ends at step ${t}`);
    step = (await environment.step({ data, horizon: 1, actionDim: width }, WANT_NOTHING))[0]!;
  }
  return states;
}

function assertSame(episode: ExecutedEpisode, t: number, { observation }: TimeStep): void {
  for (const [name, { data }] of Object.entries<NdArray>(observation.proprio)) {
    const recorded = episode.proprio[name];
    const size = data.length;
    for (let i = 0; i < size; i++) {
      const [is, was] = [Number(data[i]), recorded?.[t * size + i]];
      if (is !== was)
        throw strayed(episode, `entry ${i} of "${name}" is ${is} at step ${t}, was ${was}`);
    }
  }
}

function strayed({ task }: ExecutedEpisode, what: string): RangeError {
  return new RangeError(
    `Cannot replay an episode of "${task}": ${what}, must go as it was recorded (with the same version, data and settings)`,
  );
}
