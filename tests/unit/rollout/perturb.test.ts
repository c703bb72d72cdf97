import { describe, expect, it } from "vitest";
import type { EnvironmentSpec } from "../../../src/core/index.ts";
import { perturbed } from "../../../src/rollout/index.ts";
import type { Controller } from "../../../src/rollout/index.ts";

const ACTION: EnvironmentSpec["action"] = {
  components: [
    { name: "p", format: "delta_position", dtype: "float32", shape: [3] },
    { name: "r", format: "delta_axis_angle", dtype: "float32", shape: [3] },
    { name: "g", format: "gripper_close_positive", dtype: "float32", shape: [1] },
  ],
};
const SPEC = { action: ACTION } as EnvironmentSpec;

/** Decides the same row for ever. */
function constant(row: readonly number[]): Controller {
  const chunk = { data: Float32Array.from(row), horizon: 1, actionDim: row.length };
  return {
    spec: { name: "c", observation: "any", action: "any", predictHorizon: 1, privileged: false },
    reset: () => Promise.resolve(),
    next: () =>
      Promise.resolve({ chunk, decision: { chunk, thoughts: [], timing: { totalMs: 0 } } }),
  };
}

async function rows(controller: Controller, seed: number, spec = SPEC): Promise<number[][]> {
  await controller.reset({ task: "t", instruction: "", seed, spec });
  const made: number[][] = [];
  for (let i = 0; i < 400; i++) {
    const { chunk, decision } = await controller.next({} as never);
    made.push(Array.from(chunk.data));
    expect(Array.from(decision?.chunk.data ?? [])).toEqual([
      0,
      0,
      0,
      0,
      0,
      0,
      decision?.chunk.data[6],
    ]);
  }
  return made;
}

const OPEN = [0, 0, 0, 0, 0, 0, -1];

describe("perturbed", () => {
  it("executes noise of the asked size and leaves the decision clean", async () => {
    const made = await rows(perturbed(constant(OPEN), { noise: 0.1 }), 3);
    const rms = (entry: number): number =>
      Math.sqrt(made.reduce((sum, row) => sum + (row[entry] ?? 0) ** 2, 0) / made.length);
    expect(rms(0)).toBeGreaterThan(0.085);
    expect(rms(0)).toBeLessThan(0.115);
    expect(rms(4)).toBeGreaterThan(0.028);
    expect(rms(4)).toBeLessThan(0.039);
    expect(made.every((row) => row[6] === -1)).toBe(true);
  });

  it("pushes for two to six steps in one direction", async () => {
    const made = await rows(perturbed(constant(OPEN), { pushes: 0.05 }), 3);
    const runs: number[] = [];
    let last = "";
    for (const row of made) {
      const key = row.slice(0, 3).join();
      if (key === "0,0,0") last = "";
      else if (key === last) runs[runs.length - 1]!++;
      else {
        runs.push(1);
        last = key;
      }
    }
    expect(runs.length).toBeGreaterThan(5);
    expect(Math.min(...runs.slice(0, -1))).toBeGreaterThanOrEqual(2);
    expect(Math.max(...runs)).toBeLessThanOrEqual(6);
  });

  it("repeats itself for equal seeds and differs for others", async () => {
    const run = (seed: number): Promise<number[][]> =>
      rows(perturbed(constant(OPEN), { noise: 0.1, pushes: 0.1, seed: 1 }), seed);
    expect(await run(4)).toEqual(await run(4));
    expect(await run(4)).not.toEqual(await run(5));
  });

  it("leaves a closing gripper alone, whichever sign closes it", async () => {
    const strength = { noise: 0.3, pushes: 0.5 };
    const closing = await rows(perturbed(constant([0, 0, 0, 0, 0, 0, 1]), strength), 1);
    expect(closing.every((row) => row[0] === 0)).toBe(true);
    const components = ACTION.components.map((c) =>
      c.name === "g" ? { ...c, format: "gripper_open_positive" as const } : c,
    );
    const spec = { action: { components } } as unknown as EnvironmentSpec;
    const opening = await rows(perturbed(constant([0, 0, 0, 0, 0, 0, 1]), strength), 1, spec);
    expect(opening.some((row) => row[0] !== 0)).toBe(true);
  });

  it("disturbs what is held by a share, once the fingers have closed", async () => {
    const closing = constant([0, 0, 0, 0, 0, 0, 1]);
    const made = await rows(perturbed(closing, { noise: 0.1, held: 0.5 }), 1);
    const moved = made.map((row) => row[0] !== 0);
    expect(moved.slice(0, 16)).toEqual(Array<boolean>(16).fill(false));
    expect(moved.slice(16).every(Boolean)).toBe(true);
    const rest = made.slice(16);
    const rms = Math.sqrt(rest.reduce((sum, row) => sum + (row[0] ?? 0) ** 2, 0) / rest.length);
    expect(rms).toBeGreaterThan(0.042);
    expect(rms).toBeLessThan(0.058);
  });

  it("refuses what it cannot do", async () => {
    expect(() => perturbed(constant(OPEN), { noise: 1, held: 1.5 })).toThrow(
      /held is 1.5, must be in \[0, 1\]/,
    );
    expect(() => perturbed(constant(OPEN), { noise: -1 })).toThrow(/noise is -1/);
    expect(() => perturbed(constant(OPEN), { pushes: 2 })).toThrow(/pushes 2/);
    const components = [{ name: "j", format: "joint_position", dtype: "float32", shape: [7] }];
    const spec = { action: { components } } as unknown as EnvironmentSpec;
    await expect(rows(perturbed(constant(OPEN), { noise: 1 }), 0, spec)).rejects.toThrow(
      /they are joint_position, must have a delta_position/,
    );
  });
});
