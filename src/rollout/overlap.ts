/** Deciding while the arm moves. */
import type { ActionChunk, Decision, Observation, Policy } from "../core/index.ts";
import type { Command, Controller } from "./controller.ts";
import { assertFiniteChunk, chunkRows } from "./controller.ts";

export interface OverlapOptions {
  /** Control steps before a chunk is needed at which it is asked for: the time that a decision has. */
  readonly ahead: number;
  /** Rows executed of every chunk. Default: what the policy's spec says, else all rows that are left. */
  readonly executeHorizon?: number;
}

type Settled = { readonly decision: Decision } | { readonly error: unknown };

/**
 * Asks for the next chunk `ahead` steps before it is needed, and executes the former one meanwhile. Of a chunk that was asked
 * for at step s the rows from `ahead` on are executed, from step s + `ahead` on; earlier rows are past by then. Only the
 * first decision is waited for.
 *
 *     rows      0 1 2 3 4 5 6 7|      asked for at step 0, at once
 *     next              . . . .|4 5 6 7 8 ...      asked for at step 4 (ahead = 4), in force from step 8
 *
 * When a chunk takes over does not depend on how long it took, so that an episode is the same on a quick machine and a slow
 * one, and in simulated time: an evaluation tells what the delay costs. A decision that is not there in time is waited for.
 * The decision of a command has the rows that are left, so that its chunk begins where it is executed.
 *
 * @throws {RangeError} if `ahead` or `executeHorizon` is no integer from 1, if `ahead` is above `executeHorizon`, or if a
 *     chunk has fewer rows than both together
 */
export function overlapped(policy: Policy, options: OverlapOptions): Controller {
  const { name, predictHorizon } = policy.spec;
  const { ahead } = options;
  const spare = predictHorizon - ahead;
  const executeHorizon = options.executeHorizon ?? policy.spec.executeHorizon ?? spare;
  const isWhole = Number.isInteger(ahead) && Number.isInteger(executeHorizon);
  if (!isWhole || ahead < 1 || ahead > executeHorizon || executeHorizon > spare) {
    throw new RangeError(
      `Cannot overlap policy "${name}": ahead is ${ahead} and executeHorizon ${executeHorizon}, must be whole numbers, ` +
        `1 <= ahead <= executeHorizon, together at most ${predictHorizon} rows of a chunk`,
    );
  }
  let plan: ActionChunk | undefined;
  /** Row of the plan that is executed next, and the one that the next plan takes over from. */
  let [row, last] = [0, 0];
  let pending: Promise<Settled> | undefined;

  const ask = (observation: Observation): Promise<Settled> => {
    // Settled either way: what fails is thrown when the decision is needed.
    pending = policy.decide(observation).then(
      (decision) => ({ decision }),
      (error: unknown) => ({ error }),
    );
    return pending;
  };
  const taken = async (asked: Promise<Settled>): Promise<Decision> => {
    const settled = await asked;
    [pending, plan] = [undefined, undefined];
    if ("error" in settled) throw settled.error;
    const { chunk } = settled.decision;
    assertFiniteChunk(policy.spec, chunk);
    if (chunk.horizon > ahead) return settled.decision;
    throw new RangeError(
      `Cannot use the chunk of policy "${name}": it has ${chunk.horizon} rows, must have more than the ${ahead} that pass meanwhile`,
    );
  };
  /** Up to where the next decision is due, or to where it takes over. */
  const rows = (chunk: ActionChunk, decision?: Decision): Command => {
    const to = pending === undefined ? last - ahead : last;
    const command = { chunk: chunkRows(chunk, row, to) };
    row = to;
    return decision === undefined ? command : { ...command, decision };
  };

  return {
    spec: policy.spec,
    async reset(start) {
      await pending;
      [plan, pending] = [undefined, undefined];
      await policy.reset(start);
    },
    async next(observation) {
      if (plan !== undefined && row < last) {
        void ask(observation);
        return rows(plan);
      }
      const asked = pending;
      const decision = await taken(asked ?? ask(observation));
      plan = decision.chunk;
      row = asked === undefined ? 0 : ahead;
      last = Math.min(row + executeHorizon, plan.horizon);
      // A chunk that is no longer than the delay leaves no time before the next one is due.
      if (last - row <= ahead) void ask(observation);
      const left = { ...decision, chunk: chunkRows(plan, row, plan.horizon) };
      return rows(plan, left);
    },
    async close() {
      await pending;
      await policy.close?.();
    },
  };
}
