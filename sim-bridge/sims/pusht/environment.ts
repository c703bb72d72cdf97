import type {
  ActionChunk,
  Environment,
  EnvironmentSpec,
  NdArray,
  Observation,
  ResetRequest,
  ResetResult,
  TimeStep,
  Want,
} from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { SUCCESS_COVERAGE, coverageOf } from "./coverage.ts";
import type { Start } from "./dynamics.ts";
import { PushTDynamics, T_PARTS } from "./dynamics.ts";
import { IMAGE_SIZE, renderImage } from "./image.ts";
import { describeScene, graphOf, posesOf } from "./scene.ts";
import type { Snapshot } from "./snapshot.ts";
import { readSnapshot, writeSnapshot } from "./snapshot.ts";
import { INITIAL_STATES, drawStart, initialStart } from "./starts.ts";

const PERIOD_NS = 100_000_000n;
const ACTION_DIM = 2;
const MAX_STEPS = 300;
const TURN = 2 * Math.PI;
const CAMERA = "pixels";

/** Names and bounds as gym-pusht's have them through the Gymnasium adapter, of all its `obs_type`s at once. */
const SPEC: EnvironmentSpec = {
  observation: {
    images: [{ name: CAMERA, height: IMAGE_SIZE, width: IMAGE_SIZE, channels: 3 }],
    proprio: [
      {
        name: "observation",
        format: "raw",
        dtype: "float64",
        shape: [5],
        low: [0],
        high: [512, 512, 512, 512, TURN],
        description: "pusher x y, T x y, angle of the T; y down, rad in [0, 2 pi)",
      },
      {
        name: "agent_pos",
        format: "raw",
        dtype: "float64",
        shape: [2],
        low: [0],
        high: [512],
        description: "pusher x y, y down",
      },
      {
        name: "environment_state",
        format: "raw",
        dtype: "float64",
        shape: [16],
        low: [0],
        high: [512],
        description: "x y of the T's eight corners: bar, then stem; y down",
      },
    ],
    texts: [],
  },
  action: {
    components: [
      {
        name: "action",
        format: "raw",
        dtype: "float32",
        shape: [ACTION_DIM],
        low: [0],
        high: [512],
        description: "where the pusher is drawn to: x y, y down",
      },
    ],
  },
  controlFreqHz: 10,
  maxSteps: MAX_STEPS,
  privileged: true,
  snapshot: true,
};

const TASK = {
  name: "push_t",
  suite: "pusht",
  instruction: "push the T onto the green T",
  initialStates: INITIAL_STATES,
};

interface Episode extends Snapshot {
  readonly dynamics: PushTDynamics;
  readonly actions: number[];
  isRunning: boolean;
}

/**
 * PushT (Florence et al., "Implicit Behavioral Cloning", 2021; Chi et al., "Diffusion Policy", 2023), as gym-pusht 0.1.8
 * defines it: a disc is drawn to where the action says and pushes a T onto its outline. The reward is the covered
 * part of the goal over 0.95, at most 1; more than 0.95 is success and ends the episode.
 */
export function createPushT(): Environment {
  return new PushT();
}

class PushT implements Environment {
  readonly spec = SPEC;
  readonly identity = { name: "pusht", version: "1", versions: {} };
  readonly tasks = [TASK];
  #episode: Episode | undefined;

  async reset(request: ResetRequest): Promise<ResetResult> {
    const start = startOf(request);
    const limit = Math.min(request.maxSteps ?? Infinity, MAX_STEPS);
    this.#episode = begin(start, limit);
    const first = timeStep(this.#episode, { kind: "first", want: request.want });
    return Promise.resolve({ first, scene: describeScene(), instruction: TASK.instruction });
  }

  async step(chunk: ActionChunk, want: Want): Promise<readonly TimeStep[]> {
    assertChunk(chunk);
    const steps: TimeStep[] = [];
    for (let row = 0; row < chunk.horizon; row++) {
      const episode = this.#episode;
      if (episode?.isRunning !== true) {
        throw new RangeError("Cannot step: no episode is running, must be reset first");
      }
      const startNs = process.hrtime.bigint();
      advance(episode, chunk.data[row * ACTION_DIM]!, chunk.data[row * ACTION_DIM + 1]!);
      const busyNs = process.hrtime.bigint() - startNs;
      const isShown = want.imagesAt === "every" || !episode.isRunning || row === chunk.horizon - 1;
      const kind = episode.isRunning ? "mid" : "last";
      steps.push(
        timeStep(episode, { kind, want: isShown ? want : { ...want, images: "none" }, busyNs }),
      );
      if (!episode.isRunning) break;
    }
    return Promise.resolve(steps);
  }

  async snapshot(): Promise<Uint8Array> {
    if (this.#episode === undefined) {
      throw new RangeError("Cannot take a snapshot: there is no episode, must be reset first");
    }
    return Promise.resolve(writeSnapshot(this.#episode));
  }

  /** The solver remembers contacts and pairs: only the episode made again, action by action, is in the same state. */
  async restore(snapshot: Uint8Array, want: Want): Promise<TimeStep> {
    const { start, limit, actions } = readSnapshot(snapshot);
    const episode = begin(start, limit);
    for (let i = 0; i < actions.length; i += ACTION_DIM) {
      advance(episode, actions[i]!, actions[i + 1]!);
    }
    this.#episode = episode;
    const kind = !episode.isRunning ? "last" : actions.length === 0 ? "first" : "mid";
    return Promise.resolve(timeStep(episode, { kind, want }));
  }

  async close(): Promise<void> {
    this.#episode = undefined;
    return Promise.resolve();
  }
}

function startOf({ task, seed, initialState }: ResetRequest): Start {
  if (task !== TASK.name) {
    throw new RangeError(`Cannot reset: there is no task "${task}", must be ${TASK.name}`);
  }
  if (initialState === undefined) return drawStart(seeded(seed));
  if (initialState < 0 || initialState >= INITIAL_STATES) {
    throw new RangeError(
      `Cannot reset: initial state is ${initialState}, must be below ${INITIAL_STATES}`,
    );
  }
  return initialStart(initialState);
}

function begin(start: Start, limit: number): Episode {
  return { start, limit, actions: [], dynamics: new PushTDynamics(start), isRunning: true };
}

function advance(episode: Episode, x: number, y: number): void {
  episode.dynamics.step({ x, y });
  episode.actions.push(x, y);
  episode.isRunning = stepsOf(episode) < episode.limit && !isSolved(episode.dynamics);
}

function stepsOf({ actions }: Snapshot): number {
  return actions.length / ACTION_DIM;
}

function coverage({ block }: PushTDynamics): number {
  return coverageOf((corner) => block.toWorld(corner));
}

function isSolved(dynamics: PushTDynamics): boolean {
  return coverage(dynamics) > SUCCESS_COVERAGE;
}

interface View {
  readonly kind: TimeStep["kind"];
  readonly want: Want;
  readonly busyNs?: bigint;
}

function timeStep(episode: Episode, { kind, want, busyNs = 0n }: View): TimeStep {
  const { dynamics } = episode;
  const covered = coverage(dynamics);
  const success = kind !== "first" && covered > SUCCESS_COVERAGE;
  return {
    kind,
    observation: observe(episode, want),
    reward: kind === "first" ? 0 : Math.min(covered / SUCCESS_COVERAGE, 1),
    terminated: kind === "last" && success,
    truncated: kind === "last" && !success,
    success,
    busyNs,
    ...(want.poses && { poses: posesOf(dynamics) }),
    info: { coverage: covered },
  };
}

function observe(episode: Episode, want: Want): Observation {
  const { pusher, block } = episode.dynamics;
  const step = stepsOf(episode);
  const corners = T_PARTS.flat().map((corner) => block.toWorld(corner));
  const state = Float64Array.of(
    pusher.position.x,
    pusher.position.y,
    block.position.x,
    block.position.y,
    ((block.angle % TURN) + TURN) % TURN,
  );
  return {
    images: shows(want) ? { [CAMERA]: imageOf(episode.dynamics) } : {},
    proprio: {
      observation: { dtype: "float64", shape: [5], data: state },
      agent_pos: { dtype: "float64", shape: [2], data: state.slice(0, 2) },
      environment_state: {
        dtype: "float64",
        shape: [16],
        data: Float64Array.from(corners.flatMap(({ x, y }) => [x, y])),
      },
    },
    texts: {},
    instruction: TASK.instruction,
    step,
    stampNs: BigInt(step) * PERIOD_NS,
    ...(want.privileged && { privileged: graphOf(episode.dynamics) }),
  };
}

function shows({ images }: Want): boolean {
  return images === "all" || images.includes(CAMERA);
}

function imageOf(dynamics: PushTDynamics): NdArray {
  return { dtype: "uint8", shape: [IMAGE_SIZE, IMAGE_SIZE, 3], data: renderImage(dynamics) };
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
