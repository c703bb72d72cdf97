import type {
  ActionChunk,
  Decision,
  EpisodeStart,
  Observation,
  Policy,
  PolicySpec,
} from "../core/index.ts";

/** The next rows to execute, and the inference they came from if one was made just now. */
export interface Command {
  /** At least one row; the loop executes all of them before asking again. */
  readonly chunk: ActionChunk;
  readonly decision?: Decision;
}

/** Turns a policy's chunks into actions. All state is per episode: `reset` clears it. */
export interface Controller {
  readonly spec: PolicySpec;
  reset(start: EpisodeStart): Promise<void>;
  next(observation: Observation): Promise<Command>;
  close?(): Promise<void>;
}

/** Rows `[from, to)` of a chunk, sharing its memory. */
export function chunkRows(chunk: ActionChunk, from: number, to: number): ActionChunk {
  const { actionDim } = chunk;
  return {
    data: chunk.data.subarray(from * actionDim, to * actionDim),
    horizon: to - from,
    actionDim,
  };
}

/**
 * Executes the first `executeHorizon` rows of every predicted chunk, then asks again
 * (receding horizon; "action chunking" in Zhao et al. 2023, arXiv:2304.13705).
 *
 * @param options.executeHorizon default: what the policy's spec says, else all rows
 * @throws {RangeError} if `executeHorizon` is not an integer in [1, predictHorizon]
 */
export function brokered(policy: Policy, options: { executeHorizon?: number } = {}): Controller {
  const { predictHorizon } = policy.spec;
  const executeHorizon = options.executeHorizon ?? policy.spec.executeHorizon ?? predictHorizon;
  if (!Number.isInteger(executeHorizon) || executeHorizon < 1 || executeHorizon > predictHorizon) {
    throw new RangeError(
      `Cannot broker policy "${policy.spec.name}": executeHorizon is ${executeHorizon}, ` +
        `must be an integer in [1, ${predictHorizon}]`,
    );
  }
  return {
    spec: policy.spec,
    reset: (start) => policy.reset(start),
    async next(observation) {
      const decision = await policy.decide(observation);
      assertFiniteChunk(policy.spec, decision.chunk);
      const rows = Math.min(executeHorizon, decision.chunk.horizon);
      return { chunk: chunkRows(decision.chunk, 0, rows), decision };
    },
    ...closing(policy),
  };
}

/**
 * Asks the policy at every step and blends every live chunk's opinion of now.
 *
 *     age 2    a  a [a] a
 *     age 1       a [a] a  a
 *     age 0         [a] a  a  a       predicted from the newest observation
 *
 * Weights are `exp(-decay * rank)` with rank 0 the OLDEST chunk: ACT's temporal ensembling
 * (Zhao et al. 2023, arXiv:2304.13705, section IV). A larger `decay` trusts old predictions more.
 *
 * @param options.decay per control step, >= 0; 0 is the plain mean; ACT uses 0.01
 */
export function ensembled(policy: Policy, options: { decay?: number } = {}): Controller {
  const decay = options.decay ?? 0.01;
  if (!(decay >= 0)) {
    throw new RangeError(`Cannot ensemble actions: decay is ${decay}, must be 0 or more`);
  }
  let live: ActionChunk[] = [];
  return {
    spec: policy.spec,
    async reset(start) {
      live = [];
      await policy.reset(start);
    },
    async next(observation) {
      const decision = await policy.decide(observation);
      assertFiniteChunk(policy.spec, decision.chunk);
      // Newest first: live[k] was predicted k steps ago, so its row k is its opinion of now.
      live = [decision.chunk, ...live].filter((chunk, age) => age < chunk.horizon);
      return { chunk: blend(live, decay), decision };
    },
    ...closing(policy),
  };
}

function blend(live: readonly ActionChunk[], decay: number): ActionChunk {
  const actionDim = live[0]?.actionDim ?? 0;
  const data = new Float32Array(actionDim);
  const weights = live.map((_, age) => Math.exp(-decay * (live.length - 1 - age)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  for (let dim = 0; dim < actionDim; dim++) {
    let sum = 0;
    live.forEach((chunk, age) => {
      sum += (weights[age] ?? 0) * (chunk.data[age * actionDim + dim] ?? 0);
    });
    data[dim] = sum / total;
  }
  return { data, horizon: 1, actionDim };
}

function closing(policy: Policy): { close?: () => Promise<void> } {
  const close = policy.close?.bind(policy);
  return close === undefined ? {} : { close };
}

/** @throws {RangeError} if an entry is NaN or infinite; {TypeError} if the data do not fill the rows */
export function assertFiniteChunk(spec: PolicySpec, chunk: ActionChunk): void {
  const { data, horizon, actionDim } = chunk;
  if (horizon < 1 || data.length !== horizon * actionDim) {
    throw new TypeError(
      `Cannot use the chunk of policy "${spec.name}": ${data.length} numbers for ` +
        `float32[${horizon}, ${actionDim}], must be ${horizon * actionDim} with at least one row`,
    );
  }
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      const row = Math.floor(i / actionDim);
      throw new RangeError(
        `Cannot use the chunk of policy "${spec.name}": row ${row}, dimension ` +
          `${i - row * actionDim} is ${data[i]}, must be finite`,
      );
    }
  }
}
