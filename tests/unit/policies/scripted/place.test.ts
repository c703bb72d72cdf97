import { describe, expect, it } from "vitest";
import type { Observation, SceneEntity, Vec3 } from "../../../../src/core/index.ts";
import {
  GRIP,
  METRES_PER_UNIT,
  View,
  bottomOf,
  handDown,
} from "../../../../policies/scripted/motion.ts";
import { place } from "../../../../policies/scripted/skills.ts";

const BOWL_HEIGHT_M = 0.05;
const SUPPORT_M = 0.02;

/** What the bowl hangs below the tool centre, m. */
const HANG_M = 0.01;

function sceneAt(hand: Vec3, bowl: Vec3): Observation {
  const half = BOWL_HEIGHT_M / 2;
  const halfExtents = [0.06, 0.06, half] as const;
  const entity: SceneEntity = {
    name: "bowl_1",
    category: "bowl",
    kind: "object",
    position: bowl,
    quatWxyz: [1, 0, 0, 0],
    halfExtents,
    boxes: {},
    cuboids: [{ position: [0, 0, 0], quatWxyz: [1, 0, 0, 0], halfExtents }],
  };
  const gripper = { position: hand, quatWxyz: handDown(0), opening: 0.1, holding: ["bowl_1"] };
  const privileged = { entities: [entity], gripper, goal: [] };
  return { images: {}, proprio: {}, texts: {}, instruction: "", step: 0, stampNs: 0n, privileged };
}

/** Puts a held bowl down with an arm whose joints have friction: what is told below 0.15 units does not move it. */
function putDown(): { rows: Float32Array[]; letGoAt: number } {
  let hand: Vec3 = [0, 0, 0.2];
  let bowl: Vec3 = [0, 0, 0.2 - HANG_M];
  const view = new View(sceneAt(hand, bowl));
  const skill = place(view, {
    name: "bowl_1",
    over: () => [0.1, 0.05, 0],
    supportZ: () => SUPPORT_M,
    carryZ: 0.1,
  });
  const rows: Float32Array[] = [];
  let letGoAt = Number.NaN;
  for (let next = skill.next(); next.done !== true;) {
    const row = next.value;
    rows.push(row);
    const moved = [0, 1, 2].map((axis) =>
      Math.abs(row[axis]!) < 0.15 ? 0 : 0.3 * METRES_PER_UNIT * row[axis]!,
    );
    const by = (point: Vec3): Vec3 => [
      point[0] + moved[0]!,
      point[1] + moved[1]!,
      point[2] + moved[2]!,
    ];
    hand = by(hand);
    if (row[6] === GRIP.close) bowl = by(bowl);
    else if (Number.isNaN(letGoAt)) letGoAt = bottomOf(view.entity("bowl_1"));
    next = skill.next(sceneAt(hand, bowl));
  }
  return { rows, letGoAt };
}

describe("place()", () => {
  const { rows, letGoAt } = putDown();

  it("lets go in passing, just above what it puts things on", () => {
    expect(letGoAt - SUPPORT_M).toBeGreaterThan(0);
    expect(letGoAt - SUPPORT_M).toBeLessThan(0.015);
  });

  it("does not creep before it lets go, so that a look tells when to", () => {
    const opens = rows.findIndex((row) => row[6] === GRIP.open);
    expect(opens).toBeGreaterThan(10);
    for (const row of rows.slice(opens - 5, opens)) expect(row[2]).toBeLessThan(-0.3);
  });
});
