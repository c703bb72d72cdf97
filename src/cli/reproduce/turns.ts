/** Which way something turns over an episode. */
import type { Observation } from "../../core/index.ts";
import type { Mode, ModeTracker } from "./worlds.ts";

interface Turns {
  /** Where it stands, rad; whole turns do not count. */
  readonly angleOf: (observation: Observation) => number;
  /** Less than this in all is no turn, rad. */
  readonly leastRad: number;
  /** While angles grow, and while they fall. */
  readonly ways: readonly [growing: Mode, falling: Mode];
}

/** Follows an angle from step to step, so that more than half a turn is told from less than that the other way. */
export function turnTracker({ angleOf, leastRad, ways }: Turns): ModeTracker {
  let before: number | undefined;
  let turned = 0;
  return {
    see({ observation }) {
      const angle = angleOf(observation);
      const change = before === undefined ? 0 : angle - before;
      turned += change - 2 * Math.PI * Math.round(change / (2 * Math.PI));
      before = angle;
    },
    mode: () => (Math.abs(turned) < leastRad ? undefined : ways[turned > 0 ? 0 : 1]),
  };
}

/** Where there is one way, or what is seen does not tell. */
export function oneWay(): ModeTracker {
  return { see: () => undefined, mode: () => undefined };
}
