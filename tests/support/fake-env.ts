import type {
  ActionChunk,
  Decision,
  Environment,
  EnvironmentSpec,
  Policy,
  ResetRequest,
  TimeStep,
  Want,
} from "../../src/core/index.ts";
import { PeerLostError } from "../../src/core/index.ts";

export const FAKE_SPEC: EnvironmentSpec = {
  observation: {
    images: [{ name: "front", height: 2, width: 2, channels: 3 }],
    proprio: [{ name: "count", format: "raw", dtype: "float32", shape: [1], unit: "1" }],
    texts: [],
  },
  action: {
    components: [
      { name: "step", format: "raw", dtype: "float32", shape: [2], low: [-1], high: [1] },
    ],
  },
  controlFreqHz: 10,
  maxSteps: 5,
  privileged: false,
  snapshot: false,
};

export interface FakeOptions {
  /** The goal holds from this step on, and the episode ends there; absent = never. */
  readonly succeedAt?: number;
  /** Throws PeerLostError at the n-th `step` call over its life. */
  readonly dieAtCall?: number;
  /** Throws this at the n-th `step` call over its life. */
  readonly throwAtCall?: { readonly call: number; readonly error: Error };
}

/** Counts its steps; what it was asked for is kept for the test to look at. */
export class FakeEnv implements Environment {
  readonly spec = FAKE_SPEC;
  readonly identity = { name: "fake", version: "1", versions: {} };
  readonly tasks = [
    { name: "count_up", suite: "fake", instruction: "count", initialStates: 3 },
    { name: "count_more", suite: "fake", instruction: "count on", initialStates: 0 },
  ];
  readonly resets: ResetRequest[] = [];
  readonly chunks: { chunk: ActionChunk; want: Want }[] = [];
  closed = false;
  #step = 0;
  #limit = FAKE_SPEC.maxSteps;
  #options: FakeOptions;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
  }

  async reset(request: ResetRequest): Promise<{ first: TimeStep; instruction: string }> {
    this.resets.push(request);
    this.#step = 0;
    this.#limit = request.maxSteps ?? FAKE_SPEC.maxSteps;
    return { first: this.#timeStep("first"), instruction: "count" };
  }

  async step(chunk: ActionChunk, want: Want): Promise<TimeStep[]> {
    this.chunks.push({ chunk, want });
    const call = this.chunks.length;
    const { dieAtCall, throwAtCall, succeedAt } = this.#options;
    if (call === dieAtCall) throw new PeerLostError("step", { peer: "fake", reason: "was killed" });
    if (call === throwAtCall?.call) throw throwAtCall.error;
    const steps: TimeStep[] = [];
    for (let row = 0; row < chunk.horizon; row++) {
      this.#step++;
      const last = this.#step >= this.#limit || this.#step === succeedAt;
      steps.push(this.#timeStep(last ? "last" : "mid"));
      if (last) break;
    }
    return steps;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  #timeStep(kind: TimeStep["kind"]): TimeStep {
    const success = this.#step === this.#options.succeedAt;
    return {
      kind,
      observation: {
        images: {},
        proprio: { count: { dtype: "float32", shape: [1], data: Float32Array.of(this.#step) } },
        texts: {},
        instruction: "count",
        step: this.#step,
        stampNs: BigInt(this.#step) * 100_000_000n,
      },
      reward: kind === "first" ? 0 : 1,
      terminated: kind === "last" && success,
      truncated: kind === "last" && !success,
      success,
      busyNs: 1_000_000n,
    };
  }
}

/** Predicts chunks whose row k is `[count seen, k]`. */
export function fakePolicy(options: { predictHorizon?: number; fail?: Error } = {}): Policy & {
  readonly seen: number[];
} {
  const predictHorizon = options.predictHorizon ?? 3;
  const seen: number[] = [];
  return {
    seen,
    spec: {
      name: "fake-policy",
      observation: "any",
      action: FAKE_SPEC.action,
      predictHorizon,
      privileged: false,
    },
    async reset() {
      seen.length = 0;
    },
    async decide(observation): Promise<Decision> {
      if (options.fail !== undefined) throw options.fail;
      const count = Number(observation.proprio["count"]?.data[0]);
      seen.push(count);
      const data = Float32Array.from({ length: predictHorizon * 2 }, (_, i) =>
        i % 2 === 0 ? count : (i - 1) / 2,
      );
      return {
        chunk: { data, horizon: predictHorizon, actionDim: 2 },
        thoughts: [],
        timing: { totalMs: 0 },
      };
    },
  };
}
