/**
 * An episode made of arithmetic alone: an arm of capsules carries a red cube to a plate, while a policy
 * thinks aloud. It has everything an episode can hold, needs no simulator, and is the same on every machine.
 */
import type {
  Decision,
  EnvironmentSpec,
  ImageSpec,
  SceneDescription,
  TimeStep,
} from "../../src/core/index.ts";
import { seeded } from "../../src/core/index.ts";
import type {
  EpisodeEvent,
  EpisodeHeader,
  EpisodeOutcome,
  EpisodeReader,
  RecordedStep,
} from "../../src/episode/types.ts";
import { descentThoughts } from "./synthetic-descent.ts";
import { armPoses, BODIES, renderCamera, SCENE } from "./synthetic-scene.ts";

export const CONTROL_FREQ_HZ = 20;
const HORIZON = 16;
const EXECUTED = 8;
/** Metres per unit of the delta action. */
export const ACTION_SCALE_M = 0.05;
const DEFAULT_IMAGE_PX = 64;

export interface SyntheticOptions {
  readonly episodeId?: string;
  readonly task?: string;
  readonly seed?: number;
  /** Control steps; the task takes about 150. */
  readonly steps?: number;
  readonly outcome?: EpisodeOutcome["kind"];
  readonly images?: boolean;
  /** Side of the square camera images. */
  readonly imagePx?: number;
  readonly policy?: string;
  readonly attempt?: number;
  readonly startedNs?: bigint;
  /** Decisions tell of the candidates that they were made from, and of the energies around them. */
  readonly descent?: boolean;
}

export interface SyntheticDecision {
  readonly step: number;
  readonly stampNs: bigint;
  readonly decision: Decision;
}

/** Everything that was recorded, in the order of time. */
export interface SyntheticEpisode {
  readonly header: EpisodeHeader;
  readonly timeSteps: readonly TimeStep[];
  /** `actions[k]` led to `timeSteps[k + 1]`. */
  readonly actions: readonly Float32Array[];
  readonly decisions: readonly SyntheticDecision[];
  readonly events: readonly EpisodeEvent[];
  readonly outcome: EpisodeOutcome;
}

const imageSpec = (name: string, size: number): ImageSpec => ({
  name,
  height: size,
  width: size,
  channels: 3,
});

export const SYNTHETIC_SPEC: EnvironmentSpec = {
  observation: {
    images: [imageSpec("front", DEFAULT_IMAGE_PX), imageSpec("wrist", DEFAULT_IMAGE_PX)],
    proprio: [
      {
        name: "eef_position",
        format: "position",
        dtype: "float64",
        shape: [3],
        unit: "m",
        frame: "world",
      },
      {
        name: "gripper_opening",
        format: "gripper_opening",
        dtype: "float64",
        shape: [1],
        unit: "1",
      },
      {
        name: "joint_position",
        format: "joint_position",
        dtype: "float64",
        shape: [4],
        unit: "rad",
      },
    ],
    texts: [],
  },
  action: {
    components: [
      {
        name: "delta_position",
        format: "delta_position",
        dtype: "float32",
        shape: [3],
        unit: "1",
        frame: "world",
        low: [-1],
        high: [1],
        description: "1 moves by 0.05 m",
      },
      {
        name: "gripper",
        format: "gripper_close_positive",
        dtype: "float32",
        shape: [1],
        low: [-1],
        high: [1],
      },
    ],
  },
  controlFreqHz: CONTROL_FREQ_HZ,
  maxSteps: 300,
  privileged: true,
  snapshot: false,
};

type Point = [number, number, number];

interface Phase {
  readonly subtask: string;
  readonly goal: Point;
  readonly closed: boolean;
  readonly ticks: number;
}

const stampOf = (step: number): bigint => (BigInt(step) * 1_000_000_000n) / BigInt(CONTROL_FREQ_HZ);

/** Runs the little world. */
export function synthesiseEpisode(options: SyntheticOptions = {}): SyntheticEpisode {
  const {
    seed = 3,
    steps = 160,
    outcome: kind = "success",
    task = "put_red_cube_on_plate",
  } = options;
  const rng = seeded(seed);
  const cube: Point = [0.48 + 0.05 * rng.uniform(), -0.16 + 0.1 * rng.uniform(), 0.025];
  const plate: Point = [0.5, 0.2, 0.01];
  const drop: Point = kind === "failure" ? [0.42, 0.06, 0.12] : [plate[0], plate[1], 0.1];
  const phases: readonly Phase[] = [
    {
      subtask: "reach above the red cube",
      goal: [cube[0], cube[1], 0.16],
      closed: false,
      ticks: 32,
    },
    {
      subtask: "lower onto the red cube",
      goal: [cube[0], cube[1], 0.035],
      closed: false,
      ticks: 18,
    },
    { subtask: "close the gripper", goal: [cube[0], cube[1], 0.035], closed: true, ticks: 8 },
    { subtask: "lift the red cube", goal: [cube[0], cube[1], 0.22], closed: true, ticks: 24 },
    {
      subtask: "carry it over the plate",
      goal: [plate[0], plate[1], 0.22],
      closed: true,
      ticks: 34,
    },
    { subtask: "put it down", goal: drop, closed: true, ticks: 18 },
    { subtask: "open the gripper", goal: drop, closed: false, ticks: 8 },
    { subtask: "move away", goal: [drop[0] - 0.1, drop[1] - 0.05, 0.3], closed: false, ticks: 40 },
  ];
  const world = {
    gripper: [0.36, 0.02, 0.34] as Point,
    opening: 1,
    cube: [...cube] as Point,
    held: false,
  };
  const noise = rng.split("policy");
  const timeSteps: TimeStep[] = [];
  const actions: Float32Array[] = [];
  const decisions: SyntheticDecision[] = [];
  const events: EpisodeEvent[] = [{ step: 0, stampNs: 0n, kind: "reset", text: `seed ${seed}` }];
  let chunk: Float32Array | undefined;

  const record = (step: number): void => {
    const last = step === steps;
    timeSteps.push(
      timeStepOf(world, {
        step,
        last,
        plate,
        success: kind === "success" && last,
        imagePx: options.images === false ? 0 : (options.imagePx ?? DEFAULT_IMAGE_PX),
      }),
    );
  };
  record(0);
  for (let step = 0; step < steps; step++) {
    if (step % EXECUTED === 0) {
      const bias: Point = [noise.normal() * 0.06, noise.normal() * 0.06, noise.normal() * 0.05];
      chunk = predictChunk(phases, { step, from: world.gripper, bias });
      const said = thinkAloud(phases, { step, chunk, cube: world.cube, noise: noise.uniform() });
      const { decision } = said;
      const thoughts =
        options.descent === true
          ? [...decision.thoughts, ...descentThoughts(chunk)]
          : decision.thoughts;
      decisions.push({ ...said, decision: { ...decision, thoughts } });
    }
    const row = (step % EXECUTED) * 4;
    const action = chunk!.slice(row, row + 4);
    actions.push(action);
    for (let axis = 0; axis < 3; axis++) world.gripper[axis]! += action[axis]! * ACTION_SCALE_M;
    const wasHeld = world.held;
    moveGripper(world, action[3]!);
    if (wasHeld !== world.held) {
      const word = world.held ? "grasp" : "release";
      events.push({ step: step + 1, stampNs: stampOf(step + 1), kind: word, text: "red_cube" });
    }
    record(step + 1);
  }
  const outcome = outcomeOf(kind, steps);
  events.push({
    step: steps,
    stampNs: stampOf(steps),
    kind: kind === "failure" ? "time_limit" : kind,
    text: "",
  });
  return {
    header: headerOf({ ...options, seed, task }),
    timeSteps,
    actions,
    decisions,
    events,
    outcome,
  };
}

function outcomeOf(kind: EpisodeOutcome["kind"], step: number): EpisodeOutcome {
  switch (kind) {
    case "success":
      return { kind, step };
    case "failure":
      return { kind, reason: "time_limit", step };
    case "crash":
      return { kind, error: "the simulator went away", step };
  }
}

interface World {
  gripper: Point;
  opening: number;
  cube: Point;
  held: boolean;
}

function moveGripper(world: World, command: number): void {
  world.opening = Math.max(0.3, Math.min(1, world.opening - command * 0.16));
  const near = Math.hypot(...world.cube.map((c, axis) => c - world.gripper[axis]!)) < 0.05;
  if (world.opening < 0.45 && near) world.held = true;
  if (world.opening > 0.6) world.held = false;
  if (world.held) world.cube = [world.gripper[0], world.gripper[1], world.gripper[2] - 0.01];
  else world.cube[2] = Math.max(0.025, world.cube[2] - 0.03);
}

function phaseAt(
  phases: readonly Phase[],
  step: number,
): { phase: Phase; index: number; left: number } {
  let start = 0;
  for (const [index, phase] of phases.entries()) {
    if (step < start + phase.ticks || index === phases.length - 1) {
      return { phase, index, left: Math.max(1, start + phase.ticks - step) };
    }
    start += phase.ticks;
  }
  throw new RangeError("Cannot find a phase: there are none, must be at least one");
}

/** `float32[HORIZON, 4]`: towards the goals of the phases to come, with a bias that grows along the chunk. */
function predictChunk(
  phases: readonly Phase[],
  { step, from, bias }: { step: number; from: Point; bias: Point },
): Float32Array {
  const chunk = new Float32Array(HORIZON * 4);
  const at: Point = [...from];
  for (let row = 0; row < HORIZON; row++) {
    const { phase, left } = phaseAt(phases, step + row);
    const share = easedShare(1 - left / phase.ticks, 1 / phase.ticks);
    for (let axis = 0; axis < 3; axis++) {
      const drift = row < EXECUTED ? 0 : bias[axis]! * ((row - EXECUTED + 1) / EXECUTED);
      const wish = ((phase.goal[axis]! - at[axis]!) / ACTION_SCALE_M) * share;
      const value = Math.max(-1, Math.min(1, wish)) + drift;
      chunk[row * 4 + axis] = value;
      at[axis]! += value * ACTION_SCALE_M;
    }
    chunk[row * 4 + 3] = phase.closed ? 1 : -1;
  }
  return chunk;
}

/** Of the way that is left at `time` of a smooth (minimum-jerk) move, the share to go in `tick`; both in [0, 1]. */
function easedShare(time: number, tick: number): number {
  const done = (t: number): number => t ** 3 * (10 - 15 * t + 6 * t * t);
  const left = 1 - done(Math.max(0, time));
  return left < 1e-6 ? 1 : (done(Math.min(1, time + tick)) - done(Math.max(0, time))) / left;
}

function thinkAloud(
  phases: readonly Phase[],
  args: { step: number; chunk: Float32Array; cube: Point; noise: number },
): SyntheticDecision {
  const { step, chunk, noise } = args;
  const { phase, index } = phaseAt(phases, step);
  const move = `move ${phase.goal.map((value) => value.toFixed(2)).join(", ")}, gripper ${phase.closed ? "closed" : "open"}`;
  return {
    step,
    stampNs: stampOf(step),
    decision: {
      chunk: { data: chunk, horizon: HORIZON, actionDim: 4 },
      thoughts: [
        {
          kind: "text",
          tag: "plan",
          text: "1. grasp the red cube  2. carry it to the plate  3. put it down and move away",
        },
        { kind: "text", tag: "subtask", text: phase.subtask },
        { kind: "text", tag: "move", text: move },
        { kind: "point", tag: "target", position: [...phase.goal] },
        {
          kind: "scalar",
          tag: "energy",
          value: 0.4 + 1.8 * Math.exp(-((step % 40) / 12)) + 0.2 * noise,
        },
        { kind: "scalar", tag: "uncertainty", value: 0.05 + 0.1 * noise + (index === 2 ? 0.2 : 0) },
      ],
      timing: { totalMs: 11 + 5 * noise, encodeMs: 3.2 + noise, actMs: 6 + 3 * noise },
    },
  };
}

function timeStepOf(
  world: World,
  at: { step: number; last: boolean; plate: Point; success: boolean; imagePx: number },
): TimeStep {
  const { step, last, imagePx } = at;
  const { poses, joints } = armPoses({ ...world, plate: at.plate });
  const image = (name: string): [string, { dtype: "uint8"; shape: number[]; data: Uint8Array }] => [
    name,
    { dtype: "uint8", shape: [imagePx, imagePx, 3], data: renderCamera(name, poses, imagePx) },
  ];
  const lifted = Math.max(0, world.cube[2] - 0.025);
  return {
    kind: step === 0 ? "first" : last ? "last" : "mid",
    observation: {
      images: imagePx > 0 ? Object.fromEntries([image("front"), image("wrist")]) : {},
      proprio: {
        eef_position: { dtype: "float64", shape: [3], data: Float64Array.from(world.gripper) },
        gripper_opening: { dtype: "float64", shape: [1], data: Float64Array.of(world.opening) },
        joint_position: { dtype: "float64", shape: [4], data: Float64Array.from(joints) },
      },
      texts: {},
      instruction: "put the red cube on the plate",
      step,
      stampNs: stampOf(step),
    },
    reward: step === 0 ? 0 : at.success ? 1 : Math.min(0.5, 2 * lifted),
    terminated: last && at.success,
    truncated: last && !at.success,
    success: at.success,
    busyNs: 1_000_000n,
    poses,
  };
}

function headerOf(options: SyntheticOptions & { seed: number; task: string }): EpisodeHeader {
  const { seed, task, attempt = 1 } = options;
  const name = options.policy ?? "synthetic";
  const imagePx = options.imagePx ?? DEFAULT_IMAGE_PX;
  const images = [imageSpec("front", imagePx), imageSpec("wrist", imagePx)];
  return {
    episodeId: options.episodeId ?? `synthetic-${task}-${seed}-a${attempt}`,
    runId: "synthetic",
    task,
    suite: "synthetic",
    instruction: "put the red cube on the plate",
    seed,
    attempt,
    policy: {
      name,
      spec: { name, observation: "any", action: "any", predictHorizon: HORIZON, privileged: false },
    },
    environment: { name: "arithmetic", version: "1", versions: {} },
    spec: { ...SYNTHETIC_SPEC, observation: { ...SYNTHETIC_SPEC.observation, images } },
    scene: SCENE satisfies SceneDescription,
    startedNs: options.startedNs ?? 1_700_000_000_000_000_000n,
    versions: { efference: "0.1.0" },
  };
}

/** The episode behind the reader's interface, without any file. Images are left out. */
export function inMemoryReader(episode: SyntheticEpisode): EpisodeReader {
  const steps = episode.timeSteps.map((timeStep, index): RecordedStep => {
    const { observation, reward, terminated, truncated, success } = timeStep;
    const proprio = Object.entries(observation.proprio).map(([key, value]) => [
      key,
      Float64Array.from(value.data as Float64Array),
    ]);
    const action = episode.actions[index - 1];
    return {
      step: observation.step,
      stampNs: observation.stampNs,
      reward,
      terminated,
      truncated,
      ...(success !== undefined && { success }),
      proprio: Object.fromEntries(proprio) as Record<string, Float64Array>,
      ...(action !== undefined && { action }),
    };
  });
  const decisions = episode.decisions.map(({ step, stampNs, decision }) => ({
    step,
    stampNs,
    chunk: decision.chunk,
    thoughts: decision.thoughts,
    timingMs: decision.timing,
  }));
  return {
    header: episode.header,
    complete: true,
    outcome: episode.outcome,
    steps,
    decisions,
    events: episode.events,
    cameras: [],
    poses: (step) => episode.timeSteps[step]?.poses,
    image: () => Promise.resolve(undefined),
    imagePlaces: () => Promise.resolve(undefined),
    refresh: () => Promise.resolve(false),
  };
}

export { BODIES };
