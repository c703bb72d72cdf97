/** What an arm does while its policy has no action: nothing, for a bounded time. */
import type { ActionSpec, Decision } from "../core/index.ts";
import {
  actionDim,
  elementCount,
  messageOf,
  PolicyDivergedError,
  STILL_AT_ZERO,
} from "../core/index.ts";
import type { Command, Controller } from "./controller.ts";

export interface HoldOptions {
  /** Decisions in a row that may fail before the episode does. Default 5. */
  readonly most?: number;
}

/**
 * Turns a decision that ran away (`PolicyDivergedError`) into one row that holds: components that are differences or
 * velocities are 0, all others what they were last. The decision that is recorded says so in a thought `hold`.
 *
 * @throws {PolicyDivergedError} after `most` such decisions in a row, or where something has to be held that was never
 *     commanded
 * @throws {RangeError} if `most` is no whole number from 1
 */
export function holding(controller: Controller, { most = 5 }: HoldOptions = {}): Controller {
  if (!Number.isInteger(most) || most < 1) {
    throw new RangeError(`Cannot hold: most is ${most}, must be a whole number from 1`);
  }
  let action: ActionSpec | "any" = controller.spec.action;
  let last: Float32Array | undefined;
  let failed = 0;
  return {
    ...controller,
    spec: controller.spec,
    reset(start) {
      action = controller.spec.action === "any" ? start.spec.action : controller.spec.action;
      [last, failed] = [undefined, 0];
      return controller.reset(start);
    },
    async next(observation) {
      const started = performance.now();
      try {
        const command = await controller.next(observation);
        failed = 0;
        const { data, horizon, actionDim: width } = command.chunk;
        last = data.slice((horizon - 1) * width, horizon * width);
        return command;
      } catch (error) {
        failed++;
        if (!(error instanceof PolicyDivergedError) || failed > most) throw error;
        if (action === "any") throw error;
        const row = last === undefined ? firstRow(action) : restRow(action, last);
        if (row === undefined) throw error;
        return heldCommand(row, { error, totalMs: performance.now() - started });
      }
    },
  };
}

/**
 * The row that holds still after another: differences and velocities are 0, all else, as a gripper or a place to be at, is
 * what it was.
 */
export function restRow({ components }: ActionSpec, last: Float32Array): Float32Array {
  const row = last.slice();
  let at = 0;
  for (const { format, shape } of components) {
    const width = elementCount(shape);
    if (STILL_AT_ZERO.has(format)) row.fill(0, at, at + width);
    at += width;
  }
  return row;
}

/** The row that holds where nothing was commanded yet; none where something has to be held. */
function firstRow(action: ActionSpec): Float32Array | undefined {
  const isStill = action.components.every(({ format }) => STILL_AT_ZERO.has(format));
  return isStill ? new Float32Array(actionDim(action)) : undefined;
}

function heldCommand(
  row: Float32Array,
  { error, totalMs }: { readonly error: unknown; readonly totalMs: number },
): Command {
  const chunk = { data: row, horizon: 1, actionDim: row.length };
  const decision: Decision = {
    chunk,
    thoughts: [{ kind: "text", tag: "hold", text: messageOf(error) }],
    timing: { totalMs },
  };
  return { chunk, decision };
}
