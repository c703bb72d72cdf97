import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { element, toXml } from "../../../../robots/mjcf.ts";
import { pandaForwardKinematics, pandaJacobian } from "../../../../robots/panda/kinematics.ts";
import { pandaMjcf } from "../../../../robots/panda/mjcf.ts";
import { PANDA_INITIAL_QPOS, PANDA_NAMES, panda } from "../../../../robots/panda/spec.ts";
import { Physics } from "../../../../sim-bridge/sims/manipulation/mujoco.ts";

const BASE = [-0.6, 0.1, 0.02];
let physics: Physics;

beforeAll(async () => {
  const robot = pandaMjcf({ basePosition: BASE });
  const model = element("mujoco", {}, [
    element("compiler", { angle: "radian", autolimits: true }),
    element("default", {}, robot.defaults),
    element("asset", {}, robot.assets),
    element("worldbody", {}, robot.bodies),
    element("actuator", {}, robot.actuators),
  ]);
  physics = await Physics.compile(toXml(model));
});
afterAll(() => physics[Symbol.dispose]());

const { joints } = panda();
/** Seven angles within the limits. */
const angles = fc
  .array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 7, maxLength: 7 })
  .map((units) => units.map((u, i) => joints[i]!.low + u * (joints[i]!.high - joints[i]!.low)));

function pose(qpos: readonly number[]): void {
  physics.reset();
  physics.views.qpos.set(qpos);
  physics.forward();
}

/** Largest difference between a pose in the base frame and the engine's, m and entries of R. */
function difference(ours: Float64Array, position: Float64Array, rotation: Float64Array): number {
  const apart = [0, 1, 2].map((i) => Math.abs(ours[9 + i]! + BASE[i]! - position[i]!));
  const turned = [...rotation].map((value, i) => Math.abs(ours[i]! - value));
  return Math.max(...apart, ...turned);
}

describe("pandaForwardKinematics()", () => {
  it("agrees with the engine's poses of every link, the hand and the tool centre", () => {
    fc.assert(
      fc.property(angles, (qpos) => {
        pose(qpos);
        const ours = pandaForwardKinematics(qpos);
        const { xpos, xmat, siteXpos, siteXmat } = physics.views;
        const bodies = [...ours.links.keys()].map((i) => `panda_link${i + 1}`);
        [...bodies, PANDA_NAMES.handBody].forEach((name, index) => {
          const id = physics.id("body", name);
          const position = xpos.subarray(3 * id, 3 * id + 3);
          const rotation = xmat.subarray(9 * id, 9 * id + 9);
          expect(difference(ours.links[index] ?? ours.hand, position, rotation)).toBeLessThan(1e-9);
        });
        const site = physics.id("site", PANDA_NAMES.gripSite);
        const position = siteXpos.subarray(3 * site, 3 * site + 3);
        const rotation = siteXmat.subarray(9 * site, 9 * site + 9);
        expect(difference(ours.grip, position, rotation)).toBeLessThan(1e-9);
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it("has the tool in front of the base, pointing down within 4 degrees, at the initial pose", () => {
    const { grip } = pandaForwardKinematics(PANDA_INITIAL_QPOS);
    expect(grip[9]).toBeCloseTo(0.4511, 4);
    expect(grip[10]).toBeCloseTo(0, 12);
    expect(grip[11]).toBeCloseTo(0.2544, 4);
    expect(grip[8]).toBeLessThan(-Math.cos((4 * Math.PI) / 180));
  });

  it.each([[[0, 0, 0, 0, 0, 0]], [[0, 0, 0, Number.NaN, 0, 0, 0]]])("refuses %j", (qpos) => {
    expect(() => pandaForwardKinematics(qpos)).toThrow(RangeError);
  });
});

describe("pandaJacobian()", () => {
  it("agrees with the engine's Jacobian of the tool centre", () => {
    const site = physics.id("site", PANDA_NAMES.gripSite);
    const position = new Float64Array(3 * physics.nv);
    const rotation = new Float64Array(3 * physics.nv);
    fc.assert(
      fc.property(angles, (qpos) => {
        pose(qpos);
        physics.siteJacobian(site, position, rotation);
        const ours = pandaJacobian(qpos);
        for (let row = 0; row < 3; row++) {
          for (let joint = 0; joint < 7; joint++) {
            const at = row * physics.nv + joint;
            expect(Math.abs(ours[row * 7 + joint]! - position[at]!)).toBeLessThan(1e-9);
            expect(Math.abs(ours[(row + 3) * 7 + joint]! - rotation[at]!)).toBeLessThan(1e-9);
          }
        }
      }),
      { numRuns: 50, seed: 2 },
    );
  });
});
