import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pushTExpert } from "../../../../policies/scripted/pusht/index.ts";
import type { PushTExpertOptions } from "../../../../policies/scripted/pusht/index.ts";
import {
  GOAL,
  PUSHER_RADIUS,
  berths,
  distanceTo,
  poseOf,
  pushedBy,
  toWorld,
} from "../../../../policies/scripted/pusht/tee.ts";
import { PushTDynamics, createPushT, drawStart } from "../../../../sim-bridge/sims/pusht/index.ts";
import { seeded } from "../../../../src/core/index.ts";
import { brokered, rollout } from "../../../../src/rollout/index.ts";

interface Pushed {
  readonly success: boolean;
  readonly steps: number;
  /** Steps in which the pusher hardly moved. */
  readonly still: number;
  /** Radians that the T turned in all; above 0 clockwise in the image. */
  readonly turned: number;
  readonly startsAt: number;
}

async function pushed(seed: number, options: PushTExpertOptions = {}): Promise<Pushed> {
  const angles: number[] = [];
  let still = 0;
  let at: readonly [number, number] = [NaN, NaN];
  const see = (angle: number): void => {
    const before = angles.at(-1) ?? angle;
    angles.push(before + Math.atan2(Math.sin(angle - before), Math.cos(angle - before)));
  };
  const policy = pushTExpert(options);
  const { outcome, steps } = await rollout(brokered(policy), createPushT(), {
    seed,
    listeners: [
      {
        name: "angle",
        onStart: (_header, first) => see(Number(first.observation.proprio["observation"]!.data[4])),
        onStep(step) {
          const { data } = step.observation.proprio["observation"]!;
          see(Number(data[4]));
          const now = [Number(data[0]), Number(data[1])] as const;
          if (Math.hypot(now[0] - at[0], now[1] - at[1]) < 1.5) still++;
          at = now;
        },
      },
    ],
  });
  const turned = angles.at(-1)! - angles[0]!;
  return { success: outcome.kind === "success", steps, still, turned, startsAt: angles[0]! };
}

/** How far the T must turn, the shorter way. */
function due(angle: number): number {
  return Math.atan2(Math.sin(GOAL.angle - angle), Math.cos(GOAL.angle - angle));
}

describe("the model of pushing", () => {
  it("agrees with the simulator on slow pushes on every side", () => {
    const rng = seeded("pushes");
    let compared = 0;
    for (let i = 0; i < 40; i++) {
      const { block, angle } = drawStart(rng.split(i));
      const middle = { x: 156 + block.x / 2.56, y: 156 + block.y / 2.56 };
      const sides = berths(PUSHER_RADIUS + 2, 12);
      const { place, inwards } = sides[rng.int(sides.length)]!;
      // The simulator turns a start about its centre of gravity; where that leaves the T is read from it.
      const start = { pusher: { x: 30, y: 30 }, block: middle, angle };
      const still = new PushTDynamics(start);
      const pose = poseOf(still.block.position, still.block.angle);
      const from = toWorld(pose, place);
      const inside = (v: number): boolean => v > 30 && v < 480;
      if (!inside(from.x) || !inside(from.y)) continue;
      const world = new PushTDynamics({ ...start, pusher: from });
      const way = toWorld({ ...pose, x: 0, y: 0 }, inwards);
      const to = { x: from.x + 20 * way.x, y: from.y + 20 * way.y };
      let model = pose;
      let before = from;
      for (let step = 1; step <= 60; step++) {
        const share = Math.min(1, step / 40);
        world.step({ x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) });
        const now = world.pusher.position;
        for (let k = 1; k <= 4; k++) {
          const at = (a: number, b: number): number => a + ((b - a) * k) / 4;
          model = pushedBy(model, { x: at(before.x, now.x), y: at(before.y, now.y) });
        }
        before = now;
      }
      const found = poseOf(world.block.position, world.block.angle);
      compared++;
      expect(Math.hypot(model.x - found.x, model.y - found.y)).toBeLessThan(1.5);
      expect(Math.abs(model.angle - found.angle)).toBeLessThan(0.03);
    }
    expect(compared).toBeGreaterThan(25);
  });

  it("leaves no overlap, and nothing moves that is not touched", () => {
    const number = fc.double({ min: -200, max: 200, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.double({ min: -7, max: 7, noNaN: true }), (x, y, angle) => {
        const pose = { x: 256, y: 256, angle };
        const pusher = { x: 256 + x, y: 256 + y };
        const gap = distanceTo(pose, pusher);
        const after = pushedBy(pose, pusher);
        if (gap >= PUSHER_RADIUS) expect(after).toEqual(pose);
        // Deep inside the corner between bar and stem four passes need not be enough.
        else if (gap > PUSHER_RADIUS - 2) {
          expect(distanceTo(after, pusher)).toBeGreaterThan(PUSHER_RADIUS - 0.5);
        }
      }),
    );
  });

  it("knows the outline: its berths are as far away as they say", () => {
    for (const { place, inwards } of berths(20, 9)) {
      const gap = distanceTo({ x: 0, y: 0, angle: 0 }, place);
      // Corners of the ring lie farther away.
      expect(gap).toBeGreaterThan(20 - 1e-9);
      expect(gap).toBeLessThan(20 * Math.SQRT2 + 1e-9);
      expect(Math.hypot(inwards.x, inwards.y)).toBeCloseTo(1, 12);
      const nearer = { x: place.x + inwards.x, y: place.y + inwards.y };
      expect(distanceTo({ x: 0, y: 0, angle: 0 }, nearer)).toBeLessThanOrEqual(gap);
    }
  });
});

describe("the expert", () => {
  it("covers the goal from fresh starts", async () => {
    let successes = 0;
    for (let seed = 0; seed < 24; seed++) if ((await pushed(seed)).success) successes++;
    expect(successes).toBe(24);
  });

  it("hardly ever waits where it does not ease off", async () => {
    const shareOf = async (options: PushTExpertOptions): Promise<number> => {
      let [still, steps] = [0, 0];
      for (let seed = 0; seed < 12; seed++) {
        const episode = await pushed(seed, options);
        still += episode.still;
        steps += episode.steps;
      }
      return still / steps;
    };
    expect(await shareOf({})).toBeLessThan(0.75 * (await shareOf({ eases: true })));
  });

  it("remembers nothing of an episode but its coin", async () => {
    const { spec } = createPushT();
    const used = pushTExpert({ turn: "clockwise" });
    await used.reset({ task: "push_t", instruction: "", seed: 0, spec });
    const rng = seeded("states");
    const at = (low: number, high: number): number => low + (high - low) * rng.uniform();
    for (let i = 0; i < 40; i++) {
      const data = Float64Array.of(at(50, 450), at(50, 450), at(150, 350), at(150, 350), at(0, 6));
      const proprio = { observation: { dtype: "float64", shape: [5], data } } as const;
      const seen = { images: {}, proprio, texts: {}, instruction: "", step: i, stampNs: 0n };
      const fresh = pushTExpert({ turn: "clockwise" });
      await fresh.reset({ task: "push_t", instruction: "", seed: 1, spec });
      const { chunk } = await used.decide(seen);
      expect(chunk).toEqual((await fresh.decide(seen)).chunk);
    }
  });

  it("turns the T either way round where both are long, and the short way where one is short", async () => {
    let far = 0;
    for (let seed = 100; far < 4; seed++) {
      const clockwise = await pushed(seed, { turn: "clockwise" });
      if (!clockwise.success) continue;
      if (Math.abs(due(clockwise.startsAt)) < (5 / 6) * Math.PI) {
        expect(clockwise.turned).toBeCloseTo(due(clockwise.startsAt), 0);
        continue;
      }
      far++;
      const other = await pushed(seed, { turn: "anticlockwise" });
      expect(clockwise.turned).toBeGreaterThan((5 / 6) * Math.PI - 0.2);
      if (other.success) expect(other.turned).toBeLessThan(0.2 - (5 / 6) * Math.PI);
    }
  });

  it("is the same for equal seeds, and says what it misses", async () => {
    expect(await pushed(7)).toEqual(await pushed(7));
    const policy = pushTExpert();
    const observation = {
      ...{ images: {}, proprio: {}, texts: {}, instruction: "", step: 0, stampNs: 0n },
    };
    await expect(async () => policy.decide(observation)).rejects.toThrow("must be reset first");
    const { spec } = createPushT();
    await policy.reset({ task: "push_t", instruction: "", seed: 0, spec });
    await expect(async () => policy.decide(observation)).rejects.toThrow('no "observation"');
  });
});
