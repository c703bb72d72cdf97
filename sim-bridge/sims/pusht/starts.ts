import type { Rng } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import type { Start } from "./dynamics.ts";

/** Fixed initial states. */
export const INITIAL_STATES = 50;

/** A start as gym-pusht 0.1.8 distributes them: whole positions, any angle. Equal seeds there are other starts. */
export function drawStart(rng: Rng): Start {
  const between = (low: number, high: number): number => low + rng.int(high - low);
  return {
    pusher: { x: between(50, 450), y: between(50, 450) },
    block: { x: between(100, 400), y: between(100, 400) },
    angle: (2 * rng.uniform() - 1) * Math.PI,
  };
}

export function initialStart(index: number): Start {
  return drawStart(seeded("pusht/initial-state").split(index));
}
