import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Vec3 } from "../../../../../src/core/index.ts";
import {
  angleBetweenQuatsRad,
  matrixFromAxisAngle,
  multiplyQuats,
  quatWxyzFromAxisAngle,
} from "../../../../../src/math/index.ts";
import {
  choleskyInPlace,
  solveCholesky,
} from "../../../../../sim-bridge/sims/manipulation/cholesky.ts";
import { sitePose } from "../../../../../sim-bridge/sims/manipulation/frames.ts";
import { Physics } from "../../../../../sim-bridge/sims/manipulation/mujoco.ts";
import { ArmController } from "../../../../../sim-bridge/sims/manipulation/osc.ts";
import { robosuiteRotation } from "../../../../../sim-bridge/sims/manipulation/robosuite-rotation.ts";
import { testScene, testWorld } from "../../../../support/manipulation-world.ts";

const scene = testScene();
let physics: Physics;
let controller: ArmController;

beforeAll(async () => {
  physics = await Physics.compile(scene.xml);
  controller = new ArmController(physics, scene.arm);
});
afterAll(() => physics[Symbol.dispose]());
beforeEach(() => {
  physics.reset();
  physics.views.qpos.set(testWorld().initialState("never", { index: 0 }).qpos);
  physics.forward();
  controller.reset({ holdState: false });
});

function act(action: readonly number[], steps: number): void {
  for (let step = 0; step < steps; step++) {
    for (let substep = 0; substep < 25; substep++) {
      physics.step1();
      controller.apply(action, substep === 0);
      physics.step2();
    }
  }
  physics.forward();
}

function grip(): ReturnType<typeof sitePose> {
  return sitePose(physics.views, physics.id("site", scene.arm.site));
}

const distance = (a: Vec3, b: Vec3): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
const fingers = (): readonly number[] =>
  scene.arm.fingerJoints.map((name) => physics.views.qpos[physics.joint(name).qposAddress]!);

describe("ArmController", () => {
  it("holds the arm still against gravity when the action is zero", () => {
    const before = grip();
    act([0, 0, 0, 0, 0, 0, 0], 40);
    expect(distance(grip().position, before.position)).toBeLessThan(0.001);
    expect(angleBetweenQuatsRad(grip().quatWxyz, before.quatWxyz)).toBeLessThan(0.005);
  });

  it.each([
    [0, [0.4, 0, 0, 0, 0, 0, 0]],
    [1, [0, 0.4, 0, 0, 0, 0, 0]],
    [2, [0, 0, 0.4, 0, 0, 0, 0]],
  ])("moves along world axis %i when told to, and little along others", (axis, action) => {
    const before = grip().position;
    act(action, 10);
    const moved = grip().position.map((value, i) => value - before[i]!);
    // Each goal counts from where the arm is, so that the arm only makes part of the 10 x 0.02 m.
    expect(moved[axis]).toBeGreaterThan(0.03);
    expect(moved[axis]).toBeLessThan(0.2);
    // Position and orientation are controlled as if uncoupled, so some of it goes astray at first.
    for (const other of [0, 1, 2].filter((i) => i !== axis)) {
      expect(Math.abs(moved[other]!)).toBeLessThan(0.35 * moved[axis]!);
    }
  });

  it("turns about world axes", () => {
    const before = grip().quatWxyz;
    act([0, 0, 0, 0, 0, 0.3, 0], 8);
    const after = grip().quatWxyz;
    const angle = angleBetweenQuatsRad(before, after);
    expect(angle).toBeGreaterThan(0.2);
    const expected = multiplyQuats(quatWxyzFromAxisAngle([0, 0, angle]), before);
    expect(angleBetweenQuatsRad(after, expected)).toBeLessThan(0.1 * angle);
  });

  it("clips actions to [-1, 1]", () => {
    act([9, 0, -7, 0, 0, 0, 5], 3);
    const far = physics.saveState();
    physics.reset();
    physics.views.qpos.set(testWorld().initialState("never", { index: 0 }).qpos);
    physics.forward();
    controller.reset({ holdState: false });
    act([1, 0, -1, 0, 0, 0, 1], 3);
    expect(physics.saveState()).toEqual(far);
  });

  it("moves the gripper's setpoint by the sign alone, from end to end in 200 substeps, 0 holds", () => {
    const setpoints = (): readonly number[] =>
      scene.arm.fingerActuators.map((name) => physics.views.ctrl[physics.id("actuator", name)]!);
    // It starts in the middle: 100 substeps to either end.
    act([0, 0, 0, 0, 0, 0, -0.001], 4);
    expect(setpoints()).toEqual([0.04, -0.04]);
    act([0, 0, 0, 0, 0, 0, 1], 4);
    const [first, second] = setpoints();
    expect(first).toBeCloseTo(0.02, 12);
    expect(second).toBeCloseTo(-0.02, 12);
    act([0, 0, 0, 0, 0, 0, 0], 4);
    expect(setpoints()).toEqual([first, second]);
    act([0, 0, 0, 0, 0, 0, 0.2], 4);
    for (const setpoint of setpoints()) expect(setpoint).toBeCloseTo(0, 12);
    act([0, 0, 0, 0, 0, 0, 1], 8);
    expect(fingers()[0]).toBeLessThan(0.005);
    expect(fingers()[1]).toBeGreaterThan(-0.005);
  });

  it("saveState() and restoreState() continue bit for bit, in the middle of an action too", () => {
    const action = [0.3, -0.2, 0.1, 0.1, 0, -0.2, 1];
    act(action, 2);
    physics.step1();
    controller.apply(action, true);
    physics.step2();
    const saved = [physics.saveState(), controller.saveState()] as const;
    const finish = (): Float64Array => {
      for (let substep = 1; substep < 100; substep++) {
        physics.step1();
        controller.apply(action, substep % 25 === 0);
        physics.step2();
      }
      return physics.saveState();
    };
    const first = finish();
    act([1, 1, 1, 1, 1, 1, -1], 3);
    physics.restoreState(saved[0]);
    controller.restoreState(saved[1]);
    expect(finish()).toEqual(first);
    expect(() => controller.restoreState(new Float64Array(3))).toThrow(RangeError);
  });

  it("holdState makes the first substep, and only that, use the state of the reset", () => {
    const start = physics.saveState();
    const rates = (holdState: boolean): number[] => {
      physics.restoreState(start);
      physics.forward();
      controller.reset({ holdState });
      // The arm is somewhere else by the time it is first controlled.
      physics.views.qpos[physics.joint(scene.arm.joints[0]!).qposAddress]! += 0.2;
      const torques: number[] = [];
      for (let substep = 0; substep < 2; substep++) {
        physics.step1();
        controller.apply([0, 0, 0, 0, 0, 0, 0], false);
        torques.push(physics.views.ctrl[physics.id("actuator", scene.arm.actuators[0]!)]!);
        physics.step2();
      }
      return torques;
    };
    const [heldFirst, heldSecond] = rates(true);
    const [freshFirst] = rates(false);
    expect(Math.abs(heldFirst!)).toBeLessThan(1);
    expect(Math.abs(freshFirst!)).toBeGreaterThan(5);
    expect(Math.abs(heldSecond!)).toBeGreaterThan(5);
  });

  it("refuses a NaN torque instead of letting the engine make it zero", () => {
    physics.step1();
    physics.views.qfrcBias[physics.joint(scene.arm.joints[3]!).dofAddress] = NaN;
    expect(() => controller.apply([0, 0, 0, 0, 0, 0, 0], true)).toThrow(/joint 4 is NaN/);
  });

  it("refuses arms it cannot control", () => {
    const { arm } = scene;
    expect(() => new ArmController(physics, { ...arm, joints: arm.joints.slice(1) })).toThrow(
      RangeError,
    );
    const slide = { ...arm, joints: [...arm.joints.slice(0, 6), arm.fingerJoints[0]] };
    expect(() => new ArmController(physics, slide)).toThrow(/seven hinges/);
    expect(() => new ArmController(physics, { ...arm, site: "nowhere" })).toThrow(/"nowhere"/);
  });

  it("refuses a tool centre that other joints move", () => {
    const finger = { ...scene.arm, site: "fingertip" };
    const xml = scene.xml.replace(
      /(<geom[^>]*name="panda_finger1_pad"[^>]*\/>)/,
      '$1<site name="fingertip"/>',
    );
    expect(xml).toContain("fingertip");
    return Physics.compile(xml).then((other) => {
      expect(() => new ArmController(other, finger)).toThrow(/moves the tool centre too/);
      other[Symbol.dispose]();
    });
  });
});

describe("choleskyInPlace() and solveCholesky()", () => {
  const entry = fc.double({ min: -1, max: 1, noNaN: true });

  it("solve symmetric positive definite systems", () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 7 })
          .chain((n) =>
            fc.tuple(
              fc.array(entry, { minLength: n * n, maxLength: n * n }),
              fc.array(entry, { minLength: n, maxLength: n }),
            ),
          ),
        ([factor, x]) => {
          const n = x.length;
          // F F^T + 0.1 is positive definite whatever F is.
          const matrix = Float64Array.from({ length: n * n }, (_, at) => {
            const [i, j] = [Math.floor(at / n), at % n];
            let sum = i === j ? 0.1 : 0;
            for (let k = 0; k < n; k++) sum += factor[i * n + k]! * factor[j * n + k]!;
            return sum;
          });
          const b = Float64Array.from({ length: n }, (_, i) =>
            x.reduce((sum, value, j) => sum + matrix[i * n + j]! * value, 0),
          );
          const pivots = new Float64Array(n);
          choleskyInPlace(matrix, pivots, n);
          solveCholesky(matrix, pivots, b);
          b.forEach((value, i) => expect(value).toBeCloseTo(x[i]!, 10));
        },
      ),
    );
  });

  it("leave a direction without stiffness alone", () => {
    const matrix = Float64Array.of(4, 0, 0, 0, 0, 0, 0, 0, 9);
    const pivots = new Float64Array(3);
    const b = Float64Array.of(8, 5, 18);
    choleskyInPlace(matrix, pivots, 3);
    solveCholesky(matrix, pivots, b);
    expect([...b]).toEqual([2, 0, 2]);
  });
});

describe("robosuiteRotation()", () => {
  it("is the rotation to float32's accuracy, and exact where nothing turns", () => {
    const angle = fc.double({ min: -0.5, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(angle, angle, angle, (x, y, z) => {
        const exact = matrixFromAxisAngle([x, y, z]);
        robosuiteRotation(x, y, z).forEach((value, i) => {
          expect(Math.abs(value - exact[i]!)).toBeLessThan(4e-7);
        });
      }),
    );
    expect([...robosuiteRotation(0, 0, 0)]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
  });
});
