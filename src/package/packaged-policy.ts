/** A loaded package as a `Policy`: observations in, checked action chunks out. */
import type {
  ActionChunk,
  Decision,
  Dtype,
  NdArray,
  Observation,
  Policy,
  PolicySpec,
  Rng,
} from "../core/index.ts";
import { actionDim, PolicyDivergedError } from "../core/index.ts";
import { bindObservations } from "./bind-observation.ts";
import type { Preprocessor } from "./features.ts";
import type { PolicyBinding } from "./assemble-policy.ts";
import type { InputBinding } from "./manifest.ts";
import type { PhysicalChunks, Postprocessing } from "./postprocessors.ts";
import { physicalChunksOf } from "./postprocessors.ts";
import type { GraphRunner } from "./run-graphs.ts";
import { thoughtOutputs, thoughtsOf } from "./thoughts.ts";

export interface PolicyParts {
  readonly binding: PolicyBinding;
  readonly preprocessors: readonly Preprocessor[];
  readonly runner: GraphRunner;
  readonly postprocessing: Postprocessing;
  /** Dtypes of the graphs' inputs. */
  readonly dtypes: ReadonlyMap<string, Dtype>;
  readonly rng: Rng;
  /** Observations of consecutive control steps that the graphs see. */
  readonly observeHorizon: number;
}

export function packagedPolicy(parts: PolicyParts): Policy {
  return new PackagedPolicy(parts);
}

class PackagedPolicy implements Policy {
  readonly spec: PolicySpec;
  readonly #parts: PolicyParts;
  readonly #fetches: readonly string[];
  #episodeRng: Rng;
  #memory: ReadonlyMap<string, NdArray> = new Map();
  #seen: readonly Observation[] = [];

  constructor(parts: PolicyParts) {
    const { binding } = parts;
    this.spec = binding.spec;
    this.#parts = parts;
    this.#episodeRng = parts.rng;
    const memories = binding.inputs.filter((entry) => entry.from === "memory");
    const { output, thoughts = [] } = binding;
    const fetches = [output, ...memories.map((entry) => entry.output), ...thoughtOutputs(thoughts)];
    this.#fetches = [...new Set(fetches)];
  }

  reset(start: { readonly seed: number }): Promise<void> {
    this.#episodeRng = this.#parts.rng.split(start.seed);
    this.#memory = new Map();
    this.#seen = [];
    return Promise.resolve();
  }

  async decide(observation: Observation): Promise<Decision> {
    const { binding, preprocessors, runner, dtypes, observeHorizon } = this.#parts;
    const started = performance.now();
    const rng = this.#episodeRng;
    const seen = withHistory(this.#seen, observation, observeHorizon);
    const context = { dtypes, rng, memory: this.#memory };
    const features = bindObservations(binding.inputs, seen, context);
    for (const step of preprocessors) step.apply(features);
    const bound = performance.now();
    const { outputs, runMs } = await runner.run({ features, outputs: this.#fetches, rng });
    const ran = performance.now();
    const physical = physicalChunksOf(this.#parts.postprocessing, binding.output, features);
    const chunk = this.#chunkOf(outputs[binding.output], physical);
    const thoughts = thoughtsOf(binding.thoughts ?? [], outputs, physical);
    // Only a decision that is given out is remembered.
    this.#memory = memoryOf(binding.inputs, outputs);
    this.#seen = seen;
    const now = performance.now();
    const timing = {
      totalMs: now - started,
      bindMs: bound - started,
      runMs,
      hopMs: ran - bound - runMs,
      chunkMs: now - ran,
    };
    return { chunk, thoughts, timing };
  }

  async close(): Promise<void> {
    await Promise.all(this.#parts.runner.sessions.map((session) => session.close()));
  }

  #chunkOf(output: NdArray | undefined, physical: PhysicalChunks): ActionChunk {
    const { binding, postprocessing } = this.#parts;
    const { predictHorizon: horizon, action } = this.spec;
    const dim = action === "any" ? (output?.shape.at(-1) ?? 0) : actionDim(action);
    const rows = postprocessing.rows ?? binding.take?.rows;
    const taken = take(output, { rows, columns: binding.take?.columns });
    if (taken?.data.length !== horizon * dim || taken.shape.at(-1) !== dim) {
      const is = output === undefined ? "absent" : `${output.dtype}[${output.shape.join(", ")}]`;
      throw new TypeError(
        `Cannot decide: output "${binding.output}" is ${is}, must be float32[1, ${horizon}, ${dim}]`,
      );
    }
    const data = physical(taken.data, taken.shape);
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new PolicyDivergedError(
        `Cannot decide: row ${Math.floor(bad / dim)}, entry ${bad % dim} of the chunk is ${data[bad]}, must be finite`,
      );
    }
    return { data, horizon, actionDim: dim };
  }
}

/**
 * The newest observations, oldest first; the first of an episode stands for those before it.
 * @throws {RangeError} if steps lie between them: the graphs were trained on consecutive ones
 */
function withHistory(
  seen: readonly Observation[],
  observation: Observation,
  horizon: number,
): readonly Observation[] {
  if (horizon === 1) return [observation];
  const last = seen.at(-1);
  if (last !== undefined && observation.step !== last.step + 1) {
    throw new RangeError(
      `Cannot decide: the observation before step ${observation.step} is of step ${last.step}, must be of step ` +
        `${observation.step - 1} (the policy sees ${horizon} steps: ask it at every step, with executeHorizon 1)`,
    );
  }
  const first = seen[0] ?? observation;
  const history = [...seen, observation].slice(-horizon);
  return [...Array.from({ length: horizon - history.length }, () => first), ...history];
}

interface Taken {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** The first rows and columns of `float32[1, rows, columns]`; undefined for anything else than numbers of a batch of 1. */
function take(
  output: NdArray | undefined,
  want: { readonly rows: number | undefined; readonly columns: number | undefined },
): Taken | undefined {
  if (output?.dtype !== "float32" || output.shape[0] !== 1) return undefined;
  const { shape } = output;
  const data = output.data as Float32Array;
  if (want.rows === undefined && want.columns === undefined) return { data, shape };
  const columns = shape.at(-1) ?? 0;
  const rows = columns === 0 ? 0 : data.length / columns;
  const [height, width] = [want.rows ?? rows, want.columns ?? columns];
  if (height > rows || width > columns) return undefined;
  const taken = new Float32Array(height * width);
  for (let row = 0; row < height; row++) {
    taken.set(data.subarray(row * columns, row * columns + width), row * width);
  }
  return { data: taken, shape: [1, height, width] };
}

function memoryOf(
  inputs: readonly InputBinding[],
  outputs: Readonly<Record<string, NdArray>>,
): ReadonlyMap<string, NdArray> {
  const memory = new Map<string, NdArray>();
  for (const entry of inputs) {
    if (entry.from !== "memory") continue;
    const value = outputs[entry.output];
    const shape = [1, ...entry.shape].join(", ");
    if (value?.dtype !== "float32" || value.shape.join(", ") !== shape) {
      throw new TypeError(
        `Cannot decide: output "${entry.output}" is ${value?.dtype ?? "absent"}[${value?.shape.join(", ") ?? ""}], ` +
          `must be float32[${shape}]`,
      );
    }
    memory.set(entry.input, value);
  }
  return memory;
}
