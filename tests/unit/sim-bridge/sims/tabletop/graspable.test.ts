import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Environment, SceneEntity } from "../../../../../src/core/index.ts";
import { createTabletop, tasksOf } from "../../../../../sim-bridge/sims/tabletop/index.ts";
import { Hand, axesOf } from "./hand.ts";

let environment: Environment;
beforeAll(async () => {
  environment = await createTabletop();
});
afterAll(() => environment.close());

/** How far below the top of a thing the tool centre goes: the palm is 40 mm above it. */
const REACH_M = 0.034;

/** Where and how to pinch: across the narrow side, as low as the palm allows. */
function pinchOf(entity: SceneEntity): { at: [number, number, number]; yaw: number } {
  const [x, y, z] = entity.grasp ?? entity.position;
  const [xAxis] = axesOf(entity.quatWxyz);
  const along = Math.atan2(xAxis[1], xAxis[0]);
  const [hx, hy, hz] = entity.halfExtents;
  const lowest = entity.grasp === undefined ? Math.max(z, z + hz - REACH_M) : z;
  return { at: [x, y, Math.max(lowest, 0.012)], yaw: hx <= hy ? along : along + Math.PI / 2 };
}

describe("things of the object suite", () => {
  const targets = tasksOf("object").map(({ name, bddl }) => {
    const target = /\(:obj_of_interest (\S+?)[ )]/.exec(bddl)![1]!;
    return [target, name] as const;
  });

  it.each(targets)("%s of %s can be pinched from above, lifted and held", async (target, task) => {
    const hand = await Hand.start(environment, { task, initialState: 4 });
    const start = hand.entity(target).position[2];
    const { at, yaw } = pinchOf(hand.entity(target));
    await hand.setGrip(-1);
    await hand.pick(at, yaw);
    expect(hand.graph.gripper.holding).toEqual([target]);
    expect(hand.entity(target).position[2]).toBeGreaterThan(start + 0.08);
  });
});

describe("fixtures", () => {
  it.each(["top", "bottom"])("the %s drawer opens when its handle is pulled", async (level) => {
    const task = level === "top" ? "open_top_drawer" : "put_red_cube_in_bottom_drawer_and_close_it";
    const hand = await Hand.start(environment, { task, initialState: 1 });
    const drawer = (): SceneEntity => hand.entity(`cabinet_1_${level}_drawer`);
    const opened = drawer().joint!.value;
    const [x, y, z] = drawer().grasp!;
    await hand.setGrip(-1);
    await hand.moveTo([x, y, 0.25], { yaw: 0 });
    await hand.moveTo([x, y, z], { yaw: 0, speed: 0.4 });
    await hand.setGrip(1);
    // Along the joint's axis, which points out of the cabinet.
    const [dx, dy] = drawer().joint!.axis;
    const pull = 0.148 - opened;
    await hand.moveTo([x + dx * pull, y + dy * pull, z], { yaw: 0, speed: 0.4 });
    expect(drawer().joint!.value).toBeGreaterThan(level === "top" ? 0.1 : opened + 0.005);
    expect(hand.hasSucceeded).toBe(level === "top");
  });

  it("the button stays up until closed fingers push it down", async () => {
    const hand = await Hand.start(environment, { task: "press_button", initialState: 2 });
    const cap = (): number => hand.entity("button_1_cap").joint!.value;
    const [x, y, z] = hand.entity("button_1").grasp!;
    await hand.setGrip(1);
    expect(cap()).toBeCloseTo(0, 3);
    await hand.moveTo([x, y, z + 0.1]);
    await hand.moveTo([x, y, z - 0.02], { speed: 0.5, steps: 30 });
    expect(hand.hasSucceeded).toBe(true);
    expect(cap()).toBeLessThan(-0.007);
  });
});
