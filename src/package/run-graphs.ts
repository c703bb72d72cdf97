/** Runs the graphs of a plan: once one after the other, or one of them in a loop. */
import type { NdArray, Rng } from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import type { RunResult, Session, SessionPort } from "../session/index.ts";
import type { Feature, FeatureKinds } from "./features.ts";
import { cast, castable, feedOf } from "./features.ts";
import type { LoopPlan } from "./runner.ts";

/** Open graphs that make an action chunk from features. */
export interface GraphRunner {
  readonly sessions: readonly Session[];
  /**
   * @throws {TypeError} if the graphs' inputs are not all among the features, or of other kinds
   */
  plan(kinds: FeatureKinds): void;
  /** Whether a graph has an input of that name. */
  reads(name: string): boolean;
  /** Whether a run has a result of that name. */
  gives(name: string): boolean;
  /**
   * @param outputs names of the results wanted
   */
  run(request: RunRequest): Promise<Results>;
}

export interface RunRequest {
  readonly features: ReadonlyMap<string, Feature>;
  readonly outputs: readonly string[];
  readonly rng: Rng;
}

export interface Results {
  readonly outputs: Readonly<Record<string, NdArray>>;
  /** In the engine, all runs together. */
  readonly runMs: number;
}

/** One graph after the other; each may take what those before it gave. */
export function passRunner(sessions: readonly Session[]): GraphRunner {
  return {
    sessions,
    plan(kinds) {
      const known: FeatureKinds = new Map(kinds);
      for (const session of sessions) {
        for (const port of session.inputs) assertFed(port, known);
        for (const { name, dtype } of session.outputs) known.set(name, dtype);
      }
    },
    reads: (name) => sessions.some(({ inputs }) => hasPort(inputs, name)),
    gives: (name) => sessions.some(({ outputs }) => hasPort(outputs, name)),
    async run({ features, outputs }) {
      const known = new Map<string, Feature>(features);
      let runMs = 0;
      for (const [i, session] of sessions.entries()) {
        const later = sessions.slice(i + 1).flatMap(({ inputs }) => inputs.map(({ name }) => name));
        const wanted = namesOf(session.outputs, [...later, ...outputs]);
        const last = i === sessions.length - 1;
        const result = await runWith(session, known, { outputs: wanted, last });
        runMs += result.runMs;
        for (const [name, array] of Object.entries(result.outputs)) known.set(name, array);
      }
      return { outputs: arraysOf(known, outputs), runMs };
    },
  };
}

/** Names that published exporters give to the ports of a step's graph. */
const USUAL = {
  sample: ["x_t", "noisy_actions", "sample"],
  timestep: ["timestep", "t", "time"],
  prediction: ["v_t", "velocity", "noise_pred", "model_output"],
} as const;

export interface LoopParts {
  readonly plan: LoopPlan;
  readonly encoder?: Session;
  readonly step: Session;
  /** Name that the finished sample gets. */
  readonly result: string;
}

/**
 * A sample of noise led to actions by `plan.schedule`, the step's graph asked at every step. What the encoder gives
 * (a condition, or keys and values of a prefix) goes to the step's inputs of the same names, every time.
 * @throws {TypeError} if the step's graph has not the ports that a loop needs
 */
export function loopRunner({ plan, encoder, step, result }: LoopParts): GraphRunner {
  const sample = portFor(step.inputs, USUAL.sample, { given: plan.ports.sample, what: "sample" });
  const time = portFor(step.inputs, USUAL.timestep, {
    given: plan.ports.timestep,
    what: "timestep",
  });
  const [only, ...more] = step.outputs;
  const named = plan.ports.prediction ?? (more.length === 0 ? only?.name : undefined);
  const prediction = portFor(step.outputs, USUAL.prediction, { given: named, what: "prediction" });
  assertPort(sample, ["float32"], 3);
  assertPort(prediction, ["float32"], 3);
  assertPort(time, ["float32", "int64", "int32"], 1);
  const sessions = encoder === undefined ? [step] : [encoder, step];
  const given = encoder?.outputs ?? [];
  const fed = step.inputs.filter((port) => port !== sample && port !== time);
  return {
    sessions,
    plan(kinds) {
      for (const port of encoder?.inputs ?? []) assertFed(port, kinds);
      const known: FeatureKinds = new Map(kinds);
      for (const { name, dtype } of given) known.set(name, dtype);
      for (const port of fed) assertFed(port, known);
    },
    reads: (name) => hasPort(fed, name) || hasPort(encoder?.inputs ?? [], name),
    gives: (name) => name === result || hasPort(given, name),
    async run({ features, outputs, rng }) {
      const known = new Map<string, Feature>(features);
      let runMs = 0;
      if (encoder !== undefined) {
        const wanted = namesOf(given, [...fed.map(({ name }) => name), ...outputs]);
        const encoded = await runWith(encoder, known, { outputs: wanted, last: false });
        runMs += encoded.runMs;
        for (const [name, array] of Object.entries(encoded.outputs)) known.set(name, array);
      }
      const { schedule, count, horizon, actionDim } = plan;
      const shape = [1, horizon, actionDim];
      let now = Float32Array.from({ length: elementCount(shape) }, () => rng.normal());
      for (const [index, timestep] of schedule.timesteps(count).entries()) {
        known.set(sample.name, { dtype: "float32", shape, data: now });
        known.set(time.name, timeTensor(time, timestep));
        const told = await runWith(step, known, { outputs: [prediction.name], last: false });
        runMs += told.runMs;
        const data = predictionOf(told.outputs[prediction.name], { name: prediction.name, shape });
        now = Float32Array.from(
          schedule.step({ sample: now, prediction: data, index, count, rng }),
        );
      }
      known.set(result, { dtype: "float32", shape, data: now });
      return { outputs: arraysOf(known, outputs), runMs };
    },
  };
}

function predictionOf(
  told: NdArray | undefined,
  want: { readonly name: string; readonly shape: readonly number[] },
): Float32Array {
  if (told?.dtype === "float32" && told.shape.join() === want.shape.join()) {
    return told.data as Float32Array;
  }
  const is = told === undefined ? "absent" : `${told.dtype}[${told.shape.join(", ")}]`;
  throw new TypeError(
    `Cannot decide: prediction "${want.name}" is ${is}, must be float32[${want.shape.join(", ")}]`,
  );
}

/** `[1]`, or `[]` where the input is a scalar. */
function timeTensor({ dtype, shape }: SessionPort, value: number): NdArray {
  const dims = shape.map(() => 1);
  if (dtype === "float32") return { dtype, shape: dims, data: Float32Array.of(value) };
  if (!Number.isInteger(value)) {
    throw new RangeError(
      `Cannot decide: the timestep is ${value}, must be an integer for an ${dtype} input (num_timestep_buckets makes it one)`,
    );
  }
  return dtype === "int64"
    ? { dtype, shape: dims, data: BigInt64Array.of(BigInt(value)) }
    : { dtype, shape: dims, data: Int32Array.of(value) };
}

async function runWith(
  session: Session,
  known: ReadonlyMap<string, Feature>,
  { outputs, last }: { readonly outputs: readonly string[]; readonly last: boolean },
): Promise<RunResult> {
  const feeds: Record<string, NdArray> = {};
  for (const port of session.inputs) {
    const feature = known.get(port.name);
    // `plan` has seen that it is there.
    if (feature !== undefined && typeof feature !== "string") {
      // The session takes the buffers away; nobody asks for them after the last run.
      feeds[port.name] = last ? cast(feature, port.dtype) : feedOf(feature, port);
    }
  }
  return session.run(feeds, { outputs, transfer: true });
}

/** The port that is named, or the only one with a usual name. */
function portFor(
  ports: readonly SessionPort[],
  usual: readonly string[],
  { given, what }: { readonly given: string | undefined; readonly what: string },
): SessionPort {
  const names = given === undefined ? usual : [given];
  const found = ports.filter(({ name }) => names.includes(name));
  const [port, ...others] = found;
  if (port !== undefined && others.length === 0) return port;
  const is = found.length > 0 ? found.map(({ name }) => name) : ports.map(({ name }) => name);
  const field = what === "prediction" ? "prediction_output" : `${what}_input`;
  throw new TypeError(
    `Cannot load policy: the ${what} of its step may be any of ${is.join(", ")}, ` +
      `must be one of ${names.join(", ")} (or name it: model.runner.${field})`,
  );
}

function assertPort(port: SessionPort, dtypes: readonly string[], rank: number): void {
  // A time may also be a scalar.
  const ranks = rank === 1 ? [0, 1] : [rank];
  if (dtypes.includes(port.dtype) && ranks.includes(port.shape.length)) return;
  throw new TypeError(
    `Cannot load policy: "${port.name}" of its step is ${port.dtype}[${port.shape.join(", ")}], ` +
      `must be ${dtypes.join(" or ")} with ${rank} dimension${rank === 1 ? "" : "s"}`,
  );
}

function assertFed({ name, dtype }: SessionPort, kinds: FeatureKinds): void {
  const kind = kinds.get(name);
  if (kind === undefined) {
    throw new TypeError(
      `Cannot load policy: input "${name}" is unbound, must have a binding (or come from a step or graph before)`,
    );
  }
  if (!castable(kind, dtype)) {
    throw new TypeError(`Cannot load policy: input "${name}" is ${dtype}, must be ${kind}`);
  }
}

const hasPort = (ports: readonly SessionPort[], name: string): boolean =>
  ports.some((port) => port.name === name);

const namesOf = (ports: readonly SessionPort[], wanted: readonly string[]): string[] =>
  ports.map(({ name }) => name).filter((name) => wanted.includes(name));

function arraysOf(
  known: ReadonlyMap<string, Feature>,
  names: readonly string[],
): Readonly<Record<string, NdArray>> {
  const arrays: Record<string, NdArray> = {};
  for (const name of names) {
    const feature = known.get(name);
    if (feature !== undefined && typeof feature !== "string") arrays[name] = feature;
  }
  return arrays;
}
