import type {
  ActionChunk,
  Environment,
  EnvironmentSpec,
  NdArray,
  ResetRequest,
  ResetResult,
  Rng,
  RngState,
  TimeStep,
  Want,
} from "../src/core/index.ts";
import { restoreRng, seeded } from "../src/core/index.ts";

export interface CounterOptions {
  /** Square images of so many pixels a side. @default 8 */
  readonly imageSize?: number;
  /** Episodes are truncated after so many steps, unless asked for fewer. @default 50 */
  readonly maxSteps?: number;
  /** Called at the start of every step, for tests that slow it down or make it fail. */
  readonly onStep?: (count: number) => Promise<void> | void;
}

const ACTION_DIM = 2;
const PERIOD_NS = 100_000_000n;

/**
 * A world that proves that a connection loses, repeats and reorders nothing: what it shows is how many
 * steps it has made since it was created, how many since the reset, and the action it was given, with
 * noise from the seed and an image in which every byte depends on the count.
 */
export function createCounter(options: CounterOptions = {}): Environment {
  return new Counter(options);
}

function counterSpec({ imageSize = 8, maxSteps = 50 }: CounterOptions): EnvironmentSpec {
  return {
    observation: {
      images: [{ name: "count", height: imageSize, width: imageSize, channels: 3 }],
      proprio: [
        { name: "total", format: "raw", dtype: "int64", shape: [], unit: "1" },
        {
          name: "count",
          format: "raw",
          dtype: "float32",
          shape: [1],
          unit: "1",
          low: [0],
          high: [Infinity],
        },
        { name: "echo", format: "raw", dtype: "float32", shape: [ACTION_DIM], unit: "1" },
        { name: "noise", format: "raw", dtype: "float64", shape: [2], unit: "1" },
      ],
      texts: [],
    },
    action: {
      components: [
        {
          name: "move",
          format: "raw",
          dtype: "float32",
          shape: [ACTION_DIM],
          unit: "1",
          low: [-1],
          high: [1],
        },
      ],
    },
    controlFreqHz: 10,
    maxSteps,
    privileged: false,
    snapshot: true,
  };
}

class Counter implements Environment {
  readonly spec: EnvironmentSpec;
  readonly identity = { name: "counter", version: "1", versions: {} };
  readonly tasks = [
    { name: "count", suite: "counter", instruction: "count up", initialStates: 10 },
    {
      name: "count_to_four",
      suite: "counter",
      instruction: "count to four",
      initialStates: 0,
      maxSteps: 4,
    },
  ];
  readonly #options: CounterOptions;
  /** Steps since creation; survives resets and snapshots, so that a repeated step shows. */
  #total = 0;
  #count = 0;
  #limit = 0;
  #task = "";
  #echo = new Float32Array(ACTION_DIM);
  #rng: Rng = seeded(0);
  #noise = new Float64Array(2);
  #isRunning = false;

  constructor(options: CounterOptions) {
    this.#options = options;
    this.spec = counterSpec(options);
  }

  reset(request: ResetRequest): Promise<ResetResult> {
    return promised(() => this.#reset(request));
  }

  #reset(request: ResetRequest): ResetResult {
    const task = this.tasks.find(({ name }) => name === request.task);
    if (task === undefined) {
      const names = this.tasks.map(({ name }) => name).join(", ");
      throw new RangeError(
        `Cannot reset: there is no task "${request.task}", must be one of ${names}`,
      );
    }
    const { initialState = 0 } = request;
    if (initialState > 0 && initialState >= task.initialStates) {
      throw new RangeError(
        `Cannot reset: initial state is ${initialState}, must be below ${task.initialStates}`,
      );
    }
    this.#task = task.name;
    this.#count = 0;
    this.#limit = Math.min(request.maxSteps ?? Infinity, task.maxSteps ?? this.spec.maxSteps);
    this.#echo.fill(0);
    this.#rng = seeded(request.seed).split(initialState);
    this.#drawNoise();
    this.#isRunning = true;
    return {
      first: this.#timeStep("first", { want: request.want, withImages: true }),
      instruction: task.instruction,
    };
  }

  async step(chunk: ActionChunk, want: Want): Promise<readonly TimeStep[]> {
    assertChunk(chunk);
    const steps: TimeStep[] = [];
    for (let row = 0; row < chunk.horizon; row++) {
      if (!this.#isRunning) {
        throw new RangeError("Cannot step: no episode is running, must be reset first");
      }
      await this.#options.onStep?.(this.#count + 1);
      this.#total++;
      this.#count++;
      this.#drawNoise();
      this.#echo.set(chunk.data.subarray(row * ACTION_DIM, (row + 1) * ACTION_DIM));
      const isLast = this.#count >= this.#limit;
      const withImages = want.imagesAt === "every" || isLast || row === chunk.horizon - 1;
      steps.push(this.#timeStep(isLast ? "last" : "mid", { want, withImages }));
      this.#isRunning = !isLast;
      if (isLast) break;
    }
    return steps;
  }

  snapshot(): Promise<Uint8Array> {
    const state = {
      task: this.#task,
      count: this.#count,
      limit: this.#limit,
      echo: [...this.#echo],
      rng: this.#rng.state(),
      noise: [...this.#noise],
      isRunning: this.#isRunning,
    };
    return Promise.resolve(new TextEncoder().encode(JSON.stringify(state)));
  }

  restore(snapshot: Uint8Array, want: Want): Promise<TimeStep> {
    return promised(() => this.#restore(snapshot, want));
  }

  #restore(snapshot: Uint8Array, want: Want): TimeStep {
    const state = JSON.parse(new TextDecoder().decode(snapshot)) as {
      task: string;
      count: number;
      limit: number;
      echo: number[];
      rng: RngState;
      noise: number[];
      isRunning: boolean;
    };
    this.#task = state.task;
    this.#count = state.count;
    this.#limit = state.limit;
    this.#echo.set(state.echo);
    this.#rng = restoreRng(state.rng);
    this.#noise.set(state.noise);
    this.#isRunning = state.isRunning;
    const kind = !state.isRunning ? "last" : state.count === 0 ? "first" : "mid";
    return this.#timeStep(kind, { want, withImages: true });
  }

  close(): Promise<void> {
    this.#isRunning = false;
    return Promise.resolve();
  }

  #drawNoise(): void {
    this.#noise.set([this.#rng.normal(), this.#rng.uniform()]);
  }

  #timeStep(
    kind: TimeStep["kind"],
    { want, withImages }: { want: Want; withImages: boolean },
  ): TimeStep {
    const startNs = process.hrtime.bigint();
    const count = this.#count;
    const isWanted = withImages && (want.images === "all" || want.images.includes("count"));
    return {
      kind,
      observation: {
        images: isWanted ? { count: countImage(count, this.#options.imageSize ?? 8) } : {},
        proprio: {
          total: { dtype: "int64", shape: [], data: BigInt64Array.of(BigInt(this.#total)) },
          count: { dtype: "float32", shape: [1], data: Float32Array.of(count) },
          echo: { dtype: "float32", shape: [ACTION_DIM], data: this.#echo.slice() },
          noise: { dtype: "float64", shape: [2], data: this.#noise.slice() },
        },
        texts: {},
        instruction: this.tasks.find(({ name }) => name === this.#task)?.instruction ?? "",
        step: count,
        stampNs: BigInt(count) * PERIOD_NS,
      },
      reward: kind === "first" ? 0 : 1,
      terminated: false,
      truncated: kind === "last",
      busyNs: process.hrtime.bigint() - startNs,
      ...(want.poses && { poses: Float64Array.of(0, 0, 0, 1, 0, 0, 0, count, 0, 0, 1, 0, 0, 0) }),
    };
  }
}

/** What `work` makes, or a rejection with what it throws: callers await both alike. */
function promised<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

/** Byte i is (count + i) mod 256: neither a shifted nor a torn image goes unnoticed. */
function countImage(count: number, size: number): NdArray {
  const data = new Uint8Array(size * size * 3);
  for (let i = 0; i < data.length; i++) data[i] = count + i;
  return { dtype: "uint8", shape: [size, size, 3], data };
}

function assertChunk({ data, horizon, actionDim }: ActionChunk): void {
  if (actionDim !== ACTION_DIM || data.length !== horizon * actionDim) {
    throw new TypeError(
      `Cannot step: the chunk is float32[${horizon}, ${actionDim}] with ${data.length} numbers, must be float32[horizon, ${ACTION_DIM}]`,
    );
  }
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1)
    throw new RangeError(`Cannot step: entry ${bad} of the chunk is ${data[bad]}, must be finite`);
}
