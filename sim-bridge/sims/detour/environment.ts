import type {
  ActionChunk,
  ComponentSpec,
  Environment,
  EnvironmentSpec,
  NdArray,
  Observation,
  ResetRequest,
  ResetResult,
  Rng,
  TimeStep,
  Want,
} from "../../../src/core/index.ts";
import { monotonicNs, seeded } from "../../../src/core/index.ts";
import { describeScene, graphOf, posesOf } from "./scene.ts";
import type { DetourState, Point, Start } from "./world.ts";
import { INITIAL_STATES, advance, begin, distance, drawStart, initialStart } from "./world.ts";

const PERIOD_NS = 50_000_000n;
const ACTION_DIM = 2;
const MAX_STEPS = 80;
const INSTRUCTION = "go to the target without touching the disc";

const SPEC: EnvironmentSpec = {
  observation: {
    images: [],
    proprio: [
      inPlane("position", "the point"),
      inPlane("disc", "centre of the disc"),
      inPlane("target", "the target"),
      { ...inPlane("target_offset", "the target, seen from the point"), format: "raw" },
    ],
    texts: [],
  },
  action: {
    components: [
      {
        name: "delta_position",
        format: "delta_position",
        dtype: "float32",
        shape: [ACTION_DIM],
        unit: "0.05 m",
        frame: "world",
        low: [-1],
        high: [1],
        description: "x y",
      },
    ],
  },
  controlFreqHz: 20,
  maxSteps: MAX_STEPS,
  privileged: true,
  snapshot: false,
};

const TASKS = [
  {
    name: "detour",
    suite: "detour",
    instruction: INSTRUCTION,
    initialStates: INITIAL_STATES,
  },
  {
    name: "detour_disturbed",
    suite: "disturbed",
    instruction: INSTRUCTION,
    initialStates: INITIAL_STATES,
  },
] as const;

interface Episode {
  readonly limit: number;
  /** Where the disturbance's direction comes from; absent = an undisturbed task. */
  readonly disturbance?: Rng;
  state: DetourState;
  isRunning: boolean;
}

/**
 * A point goes to a target behind a disc, which it may pass on either side and must not touch. Demonstrations that
 * take both sides alike are a mixture whose mean runs into the disc.
 *
 * Task `detour_disturbed` moves the point by 0.3 m after 24 steps, in a direction drawn from the start.
 */
export function createDetour(): Environment {
  return new Detour();
}

class Detour implements Environment {
  readonly spec = SPEC;
  readonly identity = { name: "detour", version: "1", versions: {} };
  readonly tasks = TASKS;
  #episode: Episode | undefined;

  async reset(request: ResetRequest): Promise<ResetResult> {
    const start = startOf(request);
    this.#episode = {
      limit: Math.min(request.maxSteps ?? Infinity, MAX_STEPS),
      state: begin(start),
      isRunning: true,
      ...(request.task === TASKS[1].name ? { disturbance: disturbanceOf(start) } : {}),
    };
    const first = timeStep(this.#episode, { kind: "first", want: request.want, busyNs: 0n });
    return Promise.resolve({ first, scene: describeScene(start), instruction: INSTRUCTION });
  }

  async step(chunk: ActionChunk, want: Want): Promise<readonly TimeStep[]> {
    assertChunk(chunk);
    const steps: TimeStep[] = [];
    for (let row = 0; row < chunk.horizon; row++) {
      const episode = this.#episode;
      if (episode?.isRunning !== true) {
        throw new RangeError("Cannot step: no episode is running, must be reset first");
      }
      const startNs = monotonicNs();
      const action = [chunk.data[row * ACTION_DIM]!, chunk.data[row * ACTION_DIM + 1]!] as const;
      const state = advance(episode.state, action, episode.disturbance);
      episode.state = state;
      episode.isRunning = !state.touched && !state.reached && state.step < episode.limit;
      const kind = episode.isRunning ? "mid" : "last";
      steps.push(timeStep(episode, { kind, want, busyNs: monotonicNs() - startNs }));
      if (!episode.isRunning) break;
    }
    return Promise.resolve(steps);
  }

  async close(): Promise<void> {
    this.#episode = undefined;
    return Promise.resolve();
  }
}

function inPlane(name: string, description: string): ComponentSpec {
  return {
    name,
    format: "raw",
    dtype: "float32",
    shape: [2],
    unit: "m",
    frame: "world",
    description: `${description}: x y`,
  };
}

function startOf({ task, seed, initialState }: ResetRequest): Start {
  if (!TASKS.some(({ name }) => name === task)) {
    const names = TASKS.map(({ name }) => name).join(", ");
    throw new RangeError(`Cannot reset: there is no task "${task}", must be one of ${names}`);
  }
  if (initialState === undefined) return drawStart(seeded("detour/start").split(seed));
  if (!Number.isInteger(initialState) || initialState < 0 || initialState >= INITIAL_STATES) {
    throw new RangeError(
      `Cannot reset: initial state is ${initialState}, must be an integer below ${INITIAL_STATES}`,
    );
  }
  return initialStart(initialState);
}

/** Of the start alone, so that every policy is disturbed alike where it stands alike. */
function disturbanceOf({ point, disc }: Start): Rng {
  return seeded("detour/disturbance").split(`${point.x} ${point.y} ${disc.x} ${disc.y}`);
}

interface View {
  readonly kind: TimeStep["kind"];
  readonly want: Want;
  readonly busyNs: bigint;
}

function timeStep({ state }: Episode, { kind, want, busyNs }: View): TimeStep {
  const ended = state.touched || state.reached;
  return {
    kind,
    observation: observe(state, want),
    reward: state.reached ? 1 : 0,
    terminated: kind === "last" && ended,
    truncated: kind === "last" && !ended,
    success: state.reached,
    busyNs,
    ...(want.poses && { poses: posesOf(state) }),
    info: {
      side: state.side ?? null,
      touched: state.touched,
      distance_m: distance(state.point, state.target),
    },
  };
}

function observe(state: DetourState, want: Want): Observation {
  const { point, disc, target, step } = state;
  return {
    images: {},
    proprio: {
      position: pair(point),
      disc: pair(disc),
      target: pair(target),
      target_offset: pair({ x: target.x - point.x, y: target.y - point.y }),
    },
    texts: {},
    instruction: INSTRUCTION,
    step,
    stampNs: BigInt(step) * PERIOD_NS,
    ...(want.privileged && { privileged: graphOf(state) }),
  };
}

function pair({ x, y }: Point): NdArray {
  return { dtype: "float32", shape: [2], data: Float32Array.of(x, y) };
}

function assertChunk({ data, horizon, actionDim }: ActionChunk): void {
  if (actionDim !== ACTION_DIM || data.length !== horizon * actionDim) {
    throw new TypeError(
      `Cannot step: the chunk is float32[${horizon}, ${actionDim}] with ${data.length} numbers, must be float32[horizon, ${ACTION_DIM}]`,
    );
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad === -1) return;
  throw new RangeError(`Cannot step: entry ${bad} of the chunk is ${data[bad]}, must be finite`);
}
