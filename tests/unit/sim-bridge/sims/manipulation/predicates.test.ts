import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Physics } from "../../../../../sim-bridge/sims/manipulation/mujoco.ts";
import { compileGoal } from "../../../../../sim-bridge/sims/manipulation/predicates.ts";
import { TABLE_TOP_M, testScene, testWorld } from "../../../../support/manipulation-world.ts";

const scene = testScene();
let physics: Physics;
beforeAll(async () => {
  physics = await Physics.compile(scene.xml);
});
afterAll(() => physics[Symbol.dispose]());
beforeEach(() => {
  physics.reset();
  physics.views.qpos.set(testWorld().initialState("never", { index: 0 }).qpos);
  physics.forward();
});

/** Puts a free thing somewhere, upright. */
function put(name: "cube" | "plate", position: readonly number[]): void {
  const { qposAddress } = physics.joint(`${name}_free`);
  physics.views.qpos.set([...position, 1, 0, 0, 0], qposAddress);
  physics.forward();
}

function pull(value: number): void {
  physics.views.qpos[physics.joint("drawer_slide").qposAddress] = value;
  physics.forward();
}

function holds(...atom: [string, ...string[]]): boolean {
  const goal = compileGoal([atom], scene, physics);
  goal.start();
  return goal.holds();
}

const CUBE_Z = TABLE_TOP_M + 0.02;

describe("LIBERO's predicates", () => {
  it("In: strictly inside the region's box, 0.01 m lower allowed", () => {
    // The region is at (0.15, -0.3, 0.43), half sizes 0.04, 0.07, 0.03.
    const inside = (x: number, y: number, z: number): boolean => {
      put("cube", [x, y, z]);
      return holds("in", "cube", "drawer_inside");
    };
    expect(inside(0.15, -0.3, 0.43)).toBe(true);
    expect(inside(0.189, -0.231, 0.459)).toBe(true);
    expect(inside(0.191, -0.3, 0.43)).toBe(false);
    expect(inside(0.15, -0.371, 0.43)).toBe(false);
    expect(inside(0.15, -0.3, 0.461)).toBe(false);
    expect(inside(0.15, -0.3, 0.391)).toBe(true);
    expect(inside(0.15, -0.3, 0.389)).toBe(false);
    pull(-0.1);
    expect(inside(0.15, -0.3, 0.43), "the region moves with its drawer").toBe(false);
    expect(inside(0.05, -0.3, 0.43)).toBe(true);
  });

  it("On a thing: above, within 3 cm, touching", () => {
    const [x, y] = [0.05, -0.1];
    put("cube", [x, y, TABLE_TOP_M + 0.01 + 0.0199]);
    expect(holds("on", "cube", "plate")).toBe(true);
    expect(holds("on", "plate", "cube")).toBe(false);
    put("cube", [x + 0.031, y, TABLE_TOP_M + 0.01 + 0.0199]);
    expect(holds("on", "cube", "plate")).toBe(false);
    put("cube", [x, y, TABLE_TOP_M + 0.01 + 0.03]);
    expect(holds("on", "cube", "plate"), "hovering").toBe(false);
  });

  it("On a region: at its height, within its size, touching its parent", () => {
    const z = 0.43 + 0.03;
    put("cube", [0.15, -0.3, z + 0.0199 - 0.01]);
    expect(holds("on", "cube", "drawer_inside")).toBe(true);
    put("cube", [0.15, -0.3, z + 0.05]);
    expect(holds("on", "cube", "drawer_inside"), "hovering").toBe(false);
    // A zone of the table has no parent: no contact is asked for.
    put("cube", [0.1, 0.2, TABLE_TOP_M + 0.05]);
    expect(holds("on", "cube", "zone")).toBe(true);
    put("cube", [0.151, 0.2, TABLE_TOP_M + 0.05]);
    expect(holds("on", "cube", "zone")).toBe(false);
    put("cube", [0.1, 0.2, TABLE_TOP_M + 0.106]);
    expect(holds("on", "cube", "zone"), "more than 0.1 m above").toBe(false);
  });

  it("Open and Close read the joint of a fixture and of its region", () => {
    for (const name of ["drawer", "drawer_inside"]) {
      pull(0);
      expect([holds("open", name), holds("close", name)]).toEqual([false, true]);
      pull(-0.1);
      expect([holds("open", name), holds("close", name)]).toEqual([false, false]);
      pull(-0.141);
      expect([holds("open", name), holds("close", name)]).toEqual([true, false]);
    }
  });

  it("TurnOn is 'any at least', TurnOff 'all below', and Open turns round where opening is positive", () => {
    const ranges = {
      open: [0.1, 0.2],
      close: [0, 0.01],
      turnOn: [0.05, 1],
      turnOff: [-1, 0],
    } as const;
    const stove = { ...scene, things: { stove: { ...scene.things["drawer"]!, ranges } } };
    const value = (atom: string): boolean => compileGoal([[atom, "stove"]], stove, physics).holds();
    pull(0.15);
    expect(["open", "close", "turnon", "turnoff"].map(value)).toEqual([true, false, true, false]);
    pull(0.005);
    expect(["open", "close", "turnon", "turnoff"].map(value)).toEqual([false, true, false, false]);
    pull(-0.001);
    expect(["open", "close", "turnon", "turnoff"].map(value)).toEqual([false, true, false, true]);
  });

  it("InContact, Up, True and False", () => {
    expect(holds("incontact", "cube", "plate")).toBe(false);
    put("cube", [0.05, -0.1, TABLE_TOP_M + 0.0299]);
    expect(holds("incontact", "cube", "plate")).toBe(true);
    expect(holds("incontact", "plate", "cube")).toBe(true);
    expect(holds("up", "cube")).toBe(false);
    put("cube", [0, 0, 1]);
    expect(holds("up", "cube")).toBe(true);
    expect(holds("true")).toBe(true);
    expect(holds("false")).toBe(false);
  });
});

describe("our own predicates", () => {
  it("Lifted counts from the height at reset", () => {
    const goal = compileGoal([["lifted", "cube"]], scene, physics);
    goal.start();
    put("cube", [0.05, 0.05, CUBE_Z + 0.079]);
    expect(goal.holds()).toBe(false);
    put("cube", [0.05, 0.05, CUBE_Z + 0.0801]);
    expect(goal.holds()).toBe(true);
    const saved = goal.saveStart();
    goal.start();
    expect(goal.holds()).toBe(false);
    goal.restoreStart(saved);
    expect(goal.holds()).toBe(true);
  });

  it("LeftOf, RightOf, FrontOf and Behind are the robot's: +y, -y, -x, +x", () => {
    const sides = ["leftof", "rightof", "frontof", "behind"];
    const at = (x: number, y: number): readonly boolean[] => {
      put("plate", [0, 0, TABLE_TOP_M + 0.005]);
      put("cube", [x, y, CUBE_Z]);
      return sides.map((side) => holds(side, "cube", "plate"));
    };
    expect(at(0, 0.1)).toEqual([true, false, false, false]);
    expect(at(0, -0.1)).toEqual([false, true, false, false]);
    expect(at(-0.1, 0)).toEqual([false, false, true, false]);
    expect(at(0.1, 0)).toEqual([false, false, false, true]);
    // Radii are 0.05 and 0.02: nearer than 0.07 is not beside; nor farther than 0.25, nor aslant.
    expect(at(0, 0.069)).toEqual([false, false, false, false]);
    expect(at(0, 0.251)).toEqual([false, false, false, false]);
    expect(at(0.069, 0.1)).toEqual([true, false, false, false]);
    expect(at(0.071, 0.1)).toEqual([false, false, false, false]);
  });

  it("At is inside horizontally, near vertically", () => {
    put("cube", [0.149, 0.151, CUBE_Z]);
    expect(holds("at", "cube", "zone")).toBe(true);
    put("cube", [0.151, 0.2, CUBE_Z]);
    expect(holds("at", "cube", "zone")).toBe(false);
    put("cube", [0.1, 0.2, TABLE_TOP_M + 0.101]);
    expect(holds("at", "cube", "zone")).toBe(false);
  });

  it("Pressed is within the range", () => {
    pull(-0.155);
    expect(holds("pressed", "drawer")).toBe(true);
    pull(-0.145);
    expect(holds("pressed", "drawer")).toBe(false);
  });

  it("Released is untouched by either finger", () => {
    expect(holds("released", "cube")).toBe(true);
    const pad = 3 * physics.id("geom", scene.arm.fingerGeoms[0][0]!);
    const [x, y, z] = physics.views.geomXpos.subarray(pad, pad + 3);
    put("cube", [x!, y!, z!]);
    expect(holds("released", "cube")).toBe(false);
  });
});

describe("compileGoal()", () => {
  it("is a conjunction; empty is true; evaluate() says which atoms hold", () => {
    const goal = compileGoal([["true"], ["false"], ["close", "drawer"]], scene, physics);
    expect(goal.evaluate()).toEqual([true, false, true]);
    expect(goal.holds()).toBe(false);
    expect(compileGoal([], scene, physics).holds()).toBe(true);
  });

  it.each([
    [["fly", "cube"], RangeError, /\(fly cube\): the predicate is unknown/],
    [["constructor"], RangeError, /predicate is unknown/],
    [["on", "cube"], TypeError, /there are 1 names, on must have 2/],
    [["on", "cube", "moon"], RangeError, /\(on cube moon\): "moon" is no object/],
    [["in", "cube", "plate"], RangeError, /"plate" is no region/],
    [["open", "plate"], RangeError, /"plate" has no joint with a range for open/],
    [["turnon", "drawer"], RangeError, /"drawer" has no joint with a range for turnOn/],
  ] as const)("refuses %j", (atom, type, message) => {
    const compile = (): unknown =>
      compileGoal([[...atom] as [string, ...string[]]], scene, physics);
    expect(compile).toThrow(type);
    expect(compile).toThrow(message);
  });
});
