import type { PolicySpec } from "../core/index.ts";
import { actionDim, boundAt, elementCount } from "../core/index.ts";
import type { Affine } from "./statistics.ts";

/** Normalised actions lie within so many half ranges, or deviations, of the middle. */
const REACH = 3;

/**
 * Compares the statistics of actions with the bounds of the spec: a package whose demonstrations were in other units
 * than its spec may lie wholly beyond them.
 * @param affine of the actions
 * @throws {RangeError} naming the first entry of an action row that could never lie within its bounds
 */
export function assertInBounds({ action }: PolicySpec, affine: Affine | undefined): void {
  if (action === "any" || affine?.offset.length !== actionDim(action)) return;
  let first = 0;
  for (const { name, shape, low, high } of action.components) {
    const size = elementCount(shape);
    for (let i = 0; i < size; i++) {
      const [offset = 0, scale = 1] = [affine.offset[first + i], affine.scale[first + i]];
      const [least, most] = [boundAt(low, i) ?? -Infinity, boundAt(high, i) ?? Infinity];
      if (offset - REACH * scale <= most && offset + REACH * scale >= least) continue;
      throw new RangeError(
        `Cannot load policy: its statistics put entry ${i} of action component "${name}" at ${words(offset)}, give or take ` +
          `${words(scale)}, must reach the bounds of its spec, ${least} to ${most} (are they in the same unit?)`,
      );
    }
    first += size;
  }
}

function words(value: number): string {
  return String(Number(value.toPrecision(3)));
}
