/** Cuts proprio and action windows out of episodes. */
import type { PlannedWindow } from "./plan.ts";
import type { WindowTable } from "./rows.ts";
import type { FloatArray } from "./types.ts";

export interface WindowShape {
  readonly predictHorizon: number;
  readonly observeHorizon: number;
  /** Steps between observations. */
  readonly observeStride: number;
  readonly actionDim: number;
  readonly proprioDim: number;
}

export interface CutWindows {
  readonly proprio: FloatArray;
  readonly actions: FloatArray;
  readonly actionMask: FloatArray;
}

/** The steps a window decided at `step` observes, oldest first; before the beginning the first repeats. */
export function observedSteps(
  step: number,
  { observeHorizon, observeStride }: Pick<WindowShape, "observeHorizon" | "observeStride">,
): number[] {
  return Array.from({ length: observeHorizon }, (_, i) =>
    Math.max(0, step - (observeHorizon - 1 - i) * observeStride),
  );
}

export function cutWindows(
  tables: readonly WindowTable[],
  planned: readonly PlannedWindow[],
  shape: WindowShape,
): CutWindows {
  const { predictHorizon, observeHorizon, actionDim, proprioDim } = shape;
  const count = planned.length;
  const proprio = new Float32Array(count * observeHorizon * proprioDim);
  const actions = new Float32Array(count * predictHorizon * actionDim);
  const mask = new Float32Array(count * predictHorizon);
  let [proprioAt, row] = [0, 0];
  for (const { part, window } of planned) {
    const { rows, step } = tables[part]!.at(window);
    for (const seen of observedSteps(step, shape)) {
      proprio.set(rows.proprio.subarray(seen * proprioDim, (seen + 1) * proprioDim), proprioAt);
      proprioAt += proprioDim;
    }
    const last = rows.episode.length - 1;
    for (let ahead = step; ahead < step + predictHorizon; ahead++, row++) {
      const from = Math.min(last, ahead);
      actions.set(rows.actions.subarray(from * actionDim, (from + 1) * actionDim), row * actionDim);
      mask[row] = ahead <= last ? 1 : 0;
    }
  }
  const history = observeHorizon > 1 ? [observeHorizon] : [];
  const floats = (dims: readonly number[], data: Float32Array<ArrayBuffer>): FloatArray => ({
    dtype: "float32",
    shape: [count, ...dims],
    data,
  });
  return {
    proprio: floats([...history, proprioDim], proprio),
    actions: floats([predictHorizon, actionDim], actions),
    actionMask: floats([predictHorizon], mask),
  };
}
