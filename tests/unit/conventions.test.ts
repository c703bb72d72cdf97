import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Environment, TimeStep, Want } from "../../src/core/index.ts";
import { WANT_NOTHING, actionDim } from "../../src/core/index.ts";
import { panda } from "../../robots/panda/spec.ts";
import { createTabletop } from "../../sim-bridge/sims/tabletop/index.ts";

/** CONVENTIONS.md, held to the world that ships. */
const WANT: Want = { ...WANT_NOTHING, images: "all", poses: true, privileged: true, depth: true };
const TASK = "lift_red_cube";

let env: Environment;
beforeAll(async () => {
  env = await createTabletop();
});
afterAll(() => env.close());

async function driven(
  entries: Readonly<Record<number, number>>,
  steps = 8,
): Promise<[TimeStep, TimeStep]> {
  const { first } = await env.reset({ task: TASK, seed: 0, initialState: 0, want: WANT });
  const row = new Float32Array(7);
  for (const [index, value] of Object.entries(entries)) row[Number(index)] = value;
  const data = Float32Array.from({ length: 7 * steps }, (_, i) => row[i % 7]!);
  const executed = await env.step({ data, horizon: steps, actionDim: 7 }, WANT);
  return [first, executed.at(-1)!];
}

const gripper = (at: TimeStep) => at.observation.privileged!.gripper;

describe("conventions", () => {
  it("an action row is the seven numbers of the table, in the order of the spec", () => {
    expect(actionDim(env.spec.action)).toBe(7);
    expect(env.spec.action).toEqual({ components: panda().action });
    expect(env.spec.action.components.map(({ name, format }) => [name, format])).toEqual([
      ["delta_position", "delta_position"],
      ["delta_rotation", "delta_axis_angle"],
      ["gripper", "gripper_close_positive"],
    ]);
    expect(env.spec.controlFreqHz).toBe(20);
  });

  it.each([
    [0, "x, away from the robot"],
    [1, "y, to the robot's left"],
    [2, "z, up"],
  ])("entry %i moves the tool centre along world %s", async (axis) => {
    const [before, after] = await driven({ [axis]: 0.5 });
    const moved = gripper(after).position.map((v, i) => v - gripper(before).position[i]!);
    expect(moved[axis]).toBeGreaterThan(0.03);
    for (const other of [0, 1, 2].filter((i) => i !== axis)) {
      expect(Math.abs(moved[other]!)).toBeLessThan(0.02);
    }
  });

  it("opening is 1 when open: -1 opens, +1 closes, 0 holds", async () => {
    const [before, opened] = await driven({ 6: -1 }, 16);
    const [, closed] = await driven({ 6: 1 }, 16);
    const [, held] = await driven({ 6: 0 }, 16);
    expect(gripper(opened).opening).toBeGreaterThan(0.95);
    expect(gripper(closed).opening).toBeLessThan(0.05);
    expect(gripper(held).opening).toBeCloseTo(gripper(before).opening, 1);
    const proprio = opened.observation.proprio["gripper_opening"]!;
    expect(Number(proprio.data[0])).toBeCloseTo(gripper(opened).opening, 5);
  });

  it("the gripper's z points out through the fingers: down, at the start", async () => {
    const [before] = await driven({}, 1);
    const [w, x, y, z] = gripper(before).quatWxyz;
    expect(Math.hypot(w, x, y, z)).toBeCloseTo(1, 9);
    expect(1 - 2 * (x * x + y * y)).toBeLessThan(-0.98);
  });

  it("the table's surface is z = 0 and the base stands at x = -0.6", async () => {
    const { first, scene } = await env.reset({ task: TASK, seed: 0, initialState: 0, want: WANT });
    const base = scene!.bodies.indexOf("panda_link0") * 7;
    expect([...first.poses!.subarray(base, base + 3)]).toEqual([-0.6, 0, expect.closeTo(0, 1)]);
    expect([...first.poses!.subarray(base + 3, base + 7)]).toEqual([1, 0, 0, 0]);
    const cube = first.observation.privileged!.entities.find(({ name }) => name === "red_cube_1")!;
    expect(cube.position[2]).toBeCloseTo(cube.halfExtents[2], 3);
  });

  it("images are HWC with row 0 at the top; boxes are pixels of them; depth is along the axis", async () => {
    const { first, scene } = await env.reset({ task: TASK, seed: 0, initialState: 0, want: WANT });
    const front = first.observation.images["front"]!;
    expect(front.shape).toEqual([128, 128, 3]);
    const cube = first.observation.privileged!.entities.find(({ name }) => name === "red_cube_1")!;
    const { xMin, xMax, yMin, yMax } = cube.boxes["front"]!;
    const [u, v] = [Math.floor((xMin + xMax) / 2), Math.floor((yMin + yMax) / 2)];
    const [r, g, b] = [...front.data.subarray((v * 128 + u) * 3, (v * 128 + u) * 3 + 3)].map(
      Number,
    );
    expect(r).toBeGreaterThan(2 * Math.max(g!, b!));
    const camera = scene!.cameras.find(({ name }) => name === "front")!;
    const [w, x, y, z] = camera.quatWxyz;
    // The camera looks along its own -z.
    const axis = [-2 * (x * z + w * y), -2 * (y * z - w * x), -(1 - 2 * (x * x + y * y))];
    const along = cube.position.reduce(
      (sum, p, i) => sum + (p - camera.position[i]!) * axis[i]!,
      0,
    );
    const depth = Number(first.observation.depth!["front"]!.data[v * 128 + u]);
    expect(Math.abs(depth - along)).toBeLessThan(0.03);
    // The arm stands above the table, so it is above the cube in a picture whose row 0 is the top.
    expect(v).toBeGreaterThan(40);
  });
});
