import { evaluate } from "mathjs";
import { describe, expect, it } from "vitest";
import {
  GOAL,
  PUSHER_RADIUS,
  distanceTo,
  poseOf,
  turned,
} from "../../../../policies/scripted/pusht/tee.ts";
import { PUSHT, PUSHT_ABSOLUTE } from "../../../../src/cli/reproduce/pusht-world.ts";
import type { Environment } from "../../../../src/core/index.ts";
import { WANT_NOTHING, seeded } from "../../../../src/core/index.ts";
import { originsOf } from "../../../../src/imitation/relative.ts";

const START = { task: "push_t", seed: 3, want: WANT_NOTHING };

/** Where the T is after some steps towards one corner. */
async function pushed(env: Environment): Promise<readonly number[]> {
  await env.reset(START);
  const data = Float32Array.from({ length: 40 }, () => 500);
  const steps = await env.step({ data, horizon: 20, actionDim: 2 }, WANT_NOTHING);
  return Array.from(steps.at(-1)!.observation.proprio["observation"]!.data, Number);
}

describe("PushT in the study", () => {
  it("derives where the pusher is from the T, and the T from its goal", () => {
    const rng = seeded("pusht");
    for (let i = 0; i < 50; i++) {
      const seen = [...Array.from({ length: 4 }, () => 512 * rng.uniform()), 7 * rng.uniform()];
      const [x, y, tx, ty, angle] = seen as [number, number, number, number, number];
      const names = seen.map((value, entry) => [`observation_${entry}`, value]);
      const found = PUSHT.derived!.map((text) => {
        return Number(evaluate(text, Object.fromEntries(names) as Record<string, number>));
      });
      const from = turned({ x: x - tx, y: y - ty }, -angle);
      const pose = poseOf({ x: tx, y: ty }, angle);
      const away = { x: pose.x - GOAL.x, y: pose.y - GOAL.y };
      const seenFromT = turned(away, -angle);
      const left = angle - GOAL.angle;
      const expected = [
        ...[from.x / 100, from.y / 100, away.x / 100, away.y / 100],
        ...[seenFromT.x / 100, seenFromT.y / 100],
        ...[away.x, away.y, seenFromT.x, seenFromT.y].map((value) => Math.tanh(value / 10)),
        ...[Math.sin(left), Math.cos(left), Math.tanh(5 * Math.sin(left))],
        // In which tenths of units it is from where it would touch an edge.
        ...[-75, -30, 0, 30, 75].map((edge) => Math.tanh((from.x - edge) / 10)),
        ...[-15, 45, 135].map((edge) => Math.tanh((from.y - edge) / 10)),
      ];
      expect(found).toHaveLength(expected.length);
      for (const [entry, value] of expected.entries()) expect(found[entry]).toBeCloseTo(value, 4);
    }
  });

  it("tells edges where the pusher touches them", () => {
    const texts = PUSHT.derived!.slice(PUSHT_ABSOLUTE.derived!.length);
    const pose = poseOf({ x: 0, y: 0 }, 0);
    const [x, y, tx, ty, angle] = [0, 1, 2, 3, 4].map((entry) => `observation_${entry}`) as [
      ...[string, string, string, string, string],
    ];
    /** Of the features those that are 0 where the pusher's centre is at a place of the T's frame. */
    const zeros = (px: number, py: number): number =>
      texts.filter((text) => {
        const names = { [x]: px, [y]: py, [tx]: 0, [ty]: 0, [angle]: 0 };
        return Math.abs(Number(evaluate(text, names))) < 1e-9;
      }).length;
    // At the bar's ends, its outer edge and its inner one, the stem's sides and its end.
    for (const [px, py] of [
      ...[
        [-75, 10],
        [75, 20],
        [40, -15],
        [50, 45],
      ],
      ...[
        [-30, 80],
        [30, 100],
        [5, 135],
      ],
    ] as [number, number][]) {
      expect(distanceTo(pose, { x: px, y: py - 45 + pose.y })).toBeCloseTo(PUSHER_RADIUS, 9);
      expect(zeros(px, py)).toBe(1);
      expect(zeros(px + 1.5, py + 1.5)).toBe(0);
    }
  });

  it("learns targets from where the pusher is, and had them as places before", async () => {
    const { action } = (await PUSHT.open()).spec;
    const proprio = [{ name: "observation", format: "raw", dtype: "float32", shape: [5] }] as const;
    expect(originsOf(PUSHT.relative!, { action: action.components, proprio })).toEqual([0, 1]);
    expect(PUSHT_ABSOLUTE.relative).toBeUndefined();
  });

  it("shows what gym-pusht's state is, and no picture", async () => {
    const env = await PUSHT.open();
    expect(env.spec.observation.images).toEqual([]);
    expect(env.spec.observation.proprio).toMatchObject([{ name: "observation", shape: [5] }]);
    const { first } = await env.reset({ ...START, want: { ...WANT_NOTHING, images: "all" } });
    expect(first.observation.images).toEqual({});
    await env.close();
  });

  it("executes something else than what is decided while it is demonstrated, drawn from the seed", async () => {
    const [calm, nudged, again] = await Promise.all([PUSHT.open(), PUSHT.open(), PUSHT.open()]);
    const [plain, once, twice] = [
      await pushed(calm),
      await pushed(PUSHT.demonstratedIn!(nudged)),
      await pushed(PUSHT.demonstratedIn!(again)),
    ];
    expect(once).toEqual(twice);
    expect(once).not.toEqual(plain);
    // Units of the workspace: it is off by a few, not by hundreds.
    expect(Math.hypot(once[0]! - plain[0]!, once[1]! - plain[1]!)).toBeLessThan(30);
    await Promise.all([calm, nudged, again].map((env) => env.close()));
  });
});
