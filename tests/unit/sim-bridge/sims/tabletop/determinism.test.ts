import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../../../../src/core/index.ts";
import { WANT_NOTHING, seeded } from "../../../../../src/core/index.ts";
import { createTabletop } from "../../../../../sim-bridge/sims/tabletop/index.ts";

const STEPS = 200;
const want = { ...WANT_NOTHING, poses: true };

/** Random actions that stir things up: the hand goes down and about, the gripper works. */
function stirringActions(): Float32Array {
  const rng = seeded("tabletop determinism");
  const data = new Float32Array(7 * STEPS);
  let drift = [0, 0, 0];
  for (let step = 0; step < STEPS; step++) {
    if (step % 20 === 0) drift = [0, 1, 2].map(() => rng.uniform() - 0.5);
    for (let i = 0; i < 7; i++) data[7 * step + i] = (drift[i] ?? 0) + 0.6 * (rng.uniform() - 0.5);
    data[7 * step + 2]! -= step < 60 ? 0.35 : 0;
  }
  return data;
}

/** SHA-256 of every body's pose after every one of 200 actions. */
async function trajectoryHash(environment: Environment, task: string): Promise<string> {
  await environment.reset({ task, seed: 0, initialState: 7, maxSteps: STEPS + 1, want });
  const chunk = { data: stirringActions(), horizon: STEPS, actionDim: 7 };
  const steps = await environment.step(chunk, want);
  const hash = createHash("sha256");
  for (const { poses } of steps) hash.update(new Uint8Array(poses!.slice().buffer));
  return `${steps.length} ${hash.digest("hex")}`;
}

describe("createTabletop()", () => {
  it.each([
    [
      "put_red_cube_on_plate_and_green_cube_in_bowl",
      "200 7385a2543cd28427a994f501d22d2118e7253246bd6562e2d3c047e573442475",
    ],
    [
      "put_milk_carton_in_bin",
      "200 4b84623fdff22208f803578fecdbb4a12d9b0000d93f708a1cb1fd99dccbea8b",
    ],
  ])("repeats %s bit for bit, in every process", async (task, golden) => {
    const first = await createTabletop();
    const second = await createTabletop();
    try {
      expect(await trajectoryHash(first, task)).toBe(golden);
      // Another scene in between, so that nothing is left over from a fresh start.
      await trajectoryHash(second, "press_button");
      expect(await trajectoryHash(second, task)).toBe(golden);
    } finally {
      await first.close();
      await second.close();
    }
  });
});
