/** Who drives, as controllers of a rollout. */
import type { ActionSpec, ComponentFormat, EnvironmentSpec, Policy } from "../core/index.ts";
import { actionDim, elementCount } from "../core/index.ts";
import type { Controller } from "../rollout/controller.ts";
import { brokered } from "../rollout/controller.ts";
import { holding, restRow } from "../rollout/hold.ts";
import type { Drive } from "../viewer/play-protocol.ts";

/** A person's newest wish, as an arm's seven numbers; all zero = stay. */
export interface CommandBox {
  row: Float32Array;
}

/** Those who can drive a world. */
export interface Drivers {
  readonly spec: EnvironmentSpec;
  readonly box: CommandBox;
  readonly expert: () => Policy;
  /** Absent: the world was opened without one. */
  readonly policy?: Policy;
}

/**
 * @throws {TypeError} if rows to be replayed are not as wide as the world's actions
 * @throws {RangeError} for a policy where there is none
 */
export function driverOf(drive: Drive, { spec, box, expert, policy }: Drivers): Controller {
  switch (drive.kind) {
    case "keyboard":
      return rowByRow("keyboard", spec.action, () => rowFor(spec.action, box.row));
    case "expert":
      return brokered(expert());
    case "replay":
      return replay(drive, spec.action);
    case "policy":
      if (policy === undefined) {
        throw new RangeError("Cannot play: the world is open without a policy, must be with one");
      }
      return holding(brokered(policy));
  }
}

/** Where an arm's row has what a component of that format wants; see CONVENTIONS.md, "Actions". */
const ARM_ENTRIES: Readonly<Partial<Record<ComponentFormat, number>>> = {
  delta_position: 0,
  delta_axis_angle: 3,
  gripper_close_positive: 6,
};

/** An arm's row as the world's: what it does not have is left out, what an arm does not have stays 0. */
function rowFor(action: ActionSpec, arm: Float32Array): Float32Array {
  const row = new Float32Array(actionDim(action));
  let at = 0;
  for (const { shape, format } of action.components) {
    const size = elementCount(shape);
    const from = ARM_ENTRIES[format];
    if (from !== undefined) row.set(arm.subarray(from, from + size), at);
    at += size;
  }
  return row;
}

function replay(
  { rows, actionDim: width }: Drive & { kind: "replay" },
  action: ActionSpec,
): Controller {
  const wanted = actionDim(action);
  if (width !== wanted || rows.length === 0 || rows.length % wanted !== 0) {
    throw new TypeError(
      `Cannot replay: there are ${rows.length} numbers in rows of ${width}, must be rows of ${wanted}`,
    );
  }
  let at = 0;
  return rowByRow("replay", action, () => {
    // After the last row it holds still, until the world or the time limit ends the episode.
    if (at >= rows.length) return restRow(action, rows.subarray(rows.length - wanted));
    at += wanted;
    return rows.subarray(at - wanted, at);
  });
}

function rowByRow(name: string, action: ActionSpec, next: () => Float32Array): Controller {
  const width = actionDim(action);
  return {
    spec: { name, observation: "any", action, predictHorizon: 1, privileged: false },
    reset: () => Promise.resolve(),
    next: () => Promise.resolve({ chunk: { data: next().slice(), horizon: 1, actionDim: width } }),
  };
}
