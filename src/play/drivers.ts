/** Who drives, as controllers of a rollout. */
import type { ActionSpec, EnvironmentSpec } from "../core/index.ts";
import { actionDim } from "../core/index.ts";
import { scriptedPolicy } from "../../policies/scripted/index.ts";
import type { Controller } from "../rollout/controller.ts";
import { brokered } from "../rollout/controller.ts";
import type { Drive } from "../viewer/play-protocol.ts";

/** A person's newest wish; all zero = stay. */
export interface CommandBox {
  row: Float32Array;
}

/** @throws {TypeError} if rows to be replayed are not as wide as the world's actions */
export function driverOf(drive: Drive, spec: EnvironmentSpec, box: CommandBox): Controller {
  switch (drive.kind) {
    case "keyboard":
      return rowByRow("keyboard", spec.action, () => box.row);
    case "expert":
      return brokered(scriptedPolicy());
    case "replay":
      return replay(drive, spec.action);
  }
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
    if (at >= rows.length) return held(rows.subarray(rows.length - wanted), action);
    at += wanted;
    return rows.subarray(at - wanted, at);
  });
}

/** No motion, the gripper as it was last told. */
function held(last: Float32Array, { components }: ActionSpec): Float32Array {
  const row = new Float32Array(last.length);
  let at = 0;
  for (const { shape, format } of components) {
    const size = shape.reduce((product, dim) => product * dim, 1);
    if (format.startsWith("gripper")) row.set(last.subarray(at, at + size), at);
    at += size;
  }
  return row;
}

function rowByRow(name: string, action: ActionSpec, next: () => Float32Array): Controller {
  const width = actionDim(action);
  return {
    spec: { name, observation: "any", action, predictHorizon: 1, privileged: false },
    reset: () => Promise.resolve(),
    next: () => Promise.resolve({ chunk: { data: next().slice(), horizon: 1, actionDim: width } }),
  };
}
