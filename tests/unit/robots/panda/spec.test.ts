import { describe, expect, it } from "vitest";
import { element, toXml } from "../../../../robots/mjcf.ts";
import { COLLISION_BITS, pandaMjcf } from "../../../../robots/panda/mjcf.ts";
import { PANDA_NAMES, panda } from "../../../../robots/panda/spec.ts";
import { actionDim } from "../../../../src/core/index.ts";
import { Physics } from "../../../../sim-bridge/sims/manipulation/mujoco.ts";

describe("panda()", () => {
  it("takes seven numbers and starts within its limits", () => {
    const body = panda();
    expect(actionDim({ components: body.action })).toBe(7);
    expect(body.joints).toHaveLength(9);
    body.joints.forEach(({ low, high }, index) => {
      expect(body.initialQpos[index]).toBeGreaterThanOrEqual(low);
      expect(body.initialQpos[index]).toBeLessThanOrEqual(high);
    });
  });

  it("holds still with zero deltas and the gripper command given last", () => {
    const { holdAction } = panda();
    expect([...holdAction()]).toEqual([0, 0, 0, 0, 0, 0, 0]);
    const last = Float32Array.of(1, -1, 0.5, 0.1, 0.2, 0.3, 1);
    expect([...holdAction(last)]).toEqual([0, 0, 0, 0, 0, 0, 1]);
  });

  it("is what the MJCF says: joint ranges and command ranges", async () => {
    const robot = pandaMjcf({ basePosition: [0, 0, 0] });
    const xml = element("mujoco", {}, [
      element("compiler", { angle: "radian", autolimits: true }),
      element("default", {}, robot.defaults),
      element("asset", {}, robot.assets),
      element("worldbody", {}, robot.bodies),
      element("actuator", {}, robot.actuators),
    ]);
    using physics = await Physics.compile(toXml(xml));
    const { joints } = panda();
    for (const { name, low, high } of joints) {
      expect(physics.joint(name)).toMatchObject({ low, high });
    }
    PANDA_NAMES.actuators.forEach((name, index) => {
      const { maxEffort } = joints[index]!;
      expect(physics.commandRange(physics.id("actuator", name))).toEqual([-maxEffort, maxEffort]);
    });
    expect(physics.commandRange(physics.id("actuator", "panda_finger_servo1"))).toEqual([0, 0.04]);
    expect(physics.commandRange(physics.id("actuator", "panda_finger_servo2"))).toEqual([-0.04, 0]);
  });
});

describe("COLLISION_BITS", () => {
  const meet = (a: keyof typeof COLLISION_BITS, b: keyof typeof COLLISION_BITS): boolean =>
    (COLLISION_BITS[a].contype & COLLISION_BITS[b].conaffinity) !== 0 ||
    (COLLISION_BITS[b].contype & COLLISION_BITS[a].conaffinity) !== 0;

  it("lets everything meet but the robot itself and fixtures among themselves", () => {
    expect(meet("robot", "robot")).toBe(false);
    expect(meet("fixture", "fixture")).toBe(false);
    expect(meet("robot", "object")).toBe(true);
    expect(meet("robot", "fixture")).toBe(true);
    expect(meet("object", "object")).toBe(true);
    expect(meet("object", "fixture")).toBe(true);
  });
});
