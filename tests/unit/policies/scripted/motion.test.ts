import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Observation, SceneGraph } from "../../../../src/core/index.ts";
import { rotateVec3 } from "../../../../src/math/index.ts";
import type { Target } from "../../../../policies/scripted/motion.ts";
import {
  GRIP,
  METRES_PER_UNIT,
  View,
  handDown,
  nearestYawRad,
  reach,
  servo,
} from "../../../../policies/scripted/motion.ts";

function observationAt(position: readonly [number, number, number]): Observation {
  const privileged: SceneGraph = {
    entities: [],
    gripper: { position, quatWxyz: handDown(0), opening: 1, holding: [] },
    goal: [],
  };
  return { images: {}, proprio: {}, texts: {}, instruction: "", step: 0, stampNs: 0n, privileged };
}

const coordinate = fc.double({ min: -1, max: 1, noNaN: true });
const point = fc.tuple(coordinate, coordinate, coordinate);

describe("handDown()", () => {
  it("points the hand's z down and its fingers along the closing direction", () => {
    fc.assert(
      fc.property(fc.double({ min: -4, max: 4, noNaN: true }), (yaw) => {
        const down = rotateVec3(handDown(yaw), [0, 0, 1]);
        const fingers = rotateVec3(handDown(yaw), [0, 1, 0]);
        expect(down[2]).toBeCloseTo(-1, 12);
        expect(fingers[0]).toBeCloseTo(Math.cos(yaw), 12);
        expect(fingers[1]).toBeCloseTo(Math.sin(yaw), 12);
      }),
    );
  });
});

describe("nearestYawRad()", () => {
  it("turns by half turns only, to within a quarter turn", () => {
    const angle = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(angle, angle, (yaw, to) => {
        const near = nearestYawRad(yaw, to);
        expect(Math.abs(near - to)).toBeLessThanOrEqual(Math.PI / 2 + 1e-9);
        const turns = (near - yaw) / Math.PI;
        expect(turns).toBeCloseTo(Math.round(turns), 9);
      }),
    );
  });
});

describe("servo()", () => {
  it("stays within the action's range and heads straight for the target", () => {
    fc.assert(
      fc.property(point, point, (from, to) => {
        const target: Target = { position: to, quatWxyz: handDown(1), grip: GRIP.close };
        const action = servo(new View(observationAt(from)), target);
        expect(Math.max(...action.map(Math.abs))).toBeLessThanOrEqual(1 + 1e-6);
        const along = to.map((value, axis) => value - from[axis]!);
        const dot = along.reduce((sum, value, axis) => sum + value * action[axis]!, 0);
        const lengths = Math.hypot(...along) * Math.hypot(action[0]!, action[1]!, action[2]!);
        expect(dot).toBeGreaterThanOrEqual(lengths * (1 - 1e-5) - 1e-9);
        expect(action[6]).toBe(1);
      }),
    );
  });
});

describe("reach()", () => {
  it("arrives in a world that moves as told, and reports it", () => {
    const view = new View(observationAt([0, 0, 0]));
    const skill = reach(view, { position: [0.3, -0.2, 0.1], grip: GRIP.open });
    let next = skill.next();
    let steps = 0;
    const here: [number, number, number] = [0, 0, 0];
    while (next.done !== true) {
      const { value } = next;
      for (let axis = 0; axis < 3; axis++) here[axis]! += value[axis]! * METRES_PER_UNIT;
      steps++;
      next = skill.next(observationAt([...here]));
    }
    expect(next.value).toBe(true);
    expect(here[0]).toBeCloseTo(0.3, 1);
    expect(steps).toBeLessThan(20);
  });

  it("gives up where nothing moves", () => {
    const still = observationAt([0, 0, 0]);
    const skill = reach(new View(still), {
      position: [1, 0, 0],
      grip: GRIP.open,
      untilStalled: true,
    });
    let next = skill.next();
    for (let i = 0; i < 10 && next.done !== true; i++) next = skill.next(still);
    expect(next).toEqual({ done: true, value: false });
  });

  it("says what it needs when there is no ground truth", () => {
    const { privileged: _, ...blind } = observationAt([0, 0, 0]);
    expect(() => new View(blind)).toThrow("the observation has no ground truth");
  });
});
