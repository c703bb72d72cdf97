/** Whether what is seen still fits what was meant to be done. */
import type { ActionChunk, ActionSpec, Policy, Thought } from "../core/index.ts";
import { PolicyDivergedError, boundAt, elementCount } from "../core/index.ts";

/** What was decided, and when. */
export interface Plan {
  readonly chunk: ActionChunk;
  /** Control step of its first row. */
  readonly step: number;
}

/**
 * How far a decision is from what the one before meant to do at the same control steps: root mean square over the rows that
 * both have, in halves of an entry's range where the action spec bounds it, else in its unit.
 *
 * @returns undefined where their rows do not meet
 */
export function departure(before: Plan, now: Plan, action: ActionSpec): number | undefined {
  const { data, horizon, actionDim } = before.chunk;
  const first = now.step - before.step;
  const rows = Math.min(horizon - first, now.chunk.horizon);
  if (first < 0 || rows <= 0) return undefined;
  const scales = halfRanges(action);
  let sum = 0;
  for (let i = 0; i < rows * actionDim; i++) {
    const meant = data[first * actionDim + i] ?? NaN;
    sum += (((now.chunk.data[i] ?? NaN) - meant) / (scales[i % actionDim] ?? 1)) ** 2;
  }
  return Math.sqrt(sum / (rows * actionDim));
}

/** Half of the range of every entry of an action row; 1 where there are no finite bounds, or none apart. */
function halfRanges({ components }: ActionSpec): readonly number[] {
  return components.flatMap(({ shape, low, high }) =>
    Array.from({ length: elementCount(shape) }, (_, i) => {
      const half = ((boundAt(high, i) ?? NaN) - (boundAt(low, i) ?? NaN)) / 2;
      return half > 0 && Number.isFinite(half) ? half : 1;
    }),
  );
}

export interface WatchOptions {
  /** A departure beyond it is a `PolicyDivergedError`, on which `holding` stands still; absent: it is only told. */
  readonly most?: number;
}

/**
 * The same decisions, with a scalar thought `replanned`: the departure from the decision before. Chunks overlap, so that a
 * policy says twice what it does at a step; where the world goes on as it was seen it says the same. Nothing is told of the
 * first decision, and where all rows of a chunk are executed.
 *
 * A decision whose departure is beyond `most` is thrown away, and the next one is compared with it: a glitch of the
 * sensors costs two decisions, a world that has really changed one.
 *
 * @throws {RangeError} if `most` is not positive
 */
export function watched(policy: Policy, { most }: WatchOptions = {}): Policy {
  const { name } = policy.spec;
  if (most !== undefined && !(most > 0)) {
    throw new RangeError(`Cannot watch policy "${name}": most is ${most}, must be positive`);
  }
  let before: Plan | undefined;
  let action: ActionSpec | undefined;
  return {
    ...policy,
    spec: policy.spec,
    async reset(start) {
      before = undefined;
      action = start.spec.action;
      await policy.reset(start);
    },
    async decide(observation) {
      const decision = await policy.decide(observation);
      const now = { chunk: decision.chunk, step: observation.step };
      const last = before;
      before = now;
      if (last === undefined || action === undefined) return decision;
      const value = departure(last, now, action);
      if (value === undefined) return decision;
      if (most !== undefined && value > most) {
        throw new PolicyDivergedError(
          `Cannot act on what policy "${name}" sees: it departs from its plan by ${value.toFixed(2)}, must by at most ${most}`,
        );
      }
      const thought: Thought = { kind: "scalar", tag: "replanned", value };
      return { ...decision, thoughts: [...decision.thoughts, thought] };
    },
    ...(policy.close === undefined ? {} : { close: () => policy.close!() }),
  };
}
