import { describe, expect, it } from "vitest";
import { detourExpert } from "../../../../policies/scripted/detour.ts";
import { createDetour, initialStart } from "../../../../sim-bridge/sims/detour/index.ts";
import {
  DISC_RADIUS_M,
  HALF_SIDE_M,
  HOLD_STEPS,
  INITIAL_STATES,
  REACH_PER_STEP_M,
  advance,
  begin,
  distance,
} from "../../../../sim-bridge/sims/detour/world.ts";
import { WANT_NOTHING, seeded } from "../../../../src/core/index.ts";
import type { RolloutResult, RolloutListener } from "../../../../src/rollout/index.ts";
import { brokered, perturbed, rollout } from "../../../../src/rollout/index.ts";

const START = { point: { x: 0, y: -0.8 }, disc: { x: 0, y: 0 }, target: { x: 0.4, y: 0.7 } };

interface Shown extends RolloutResult {
  readonly info: Readonly<Record<string, unknown>>;
}

async function shown(
  side: "left" | "right" | undefined,
  options: { seed?: number; initialState?: number; noise?: number; task?: string },
): Promise<Shown> {
  let info: Readonly<Record<string, unknown>> = {};
  const last: RolloutListener = {
    name: "last",
    onStep: (timeStep) => void (info = timeStep.info ?? {}),
  };
  const { noise = 0, seed = 0, initialState, task = "detour" } = options;
  const expert = brokered(detourExpert(side === undefined ? {} : { side }));
  const result = await rollout(perturbed(expert, { noise, seed }), createDetour(), {
    task,
    seed,
    listeners: [last],
    ...(initialState === undefined ? {} : { initialState }),
  });
  return { ...result, info };
}

describe("the world of detour", () => {
  it("moves by the action, bounded, and stays inside its square", () => {
    expect(advance(begin(START), [0.5, -1]).point).toEqual({ x: 0.025, y: -0.8 - 0.05 });
    expect(advance(begin(START), [7, 0]).point.x).toBe(REACH_PER_STEP_M);
    let state = begin(START);
    for (let i = 0; i < 60; i++) state = advance(state, [-1, -1]);
    expect(state.point).toEqual({ x: -HALF_SIDE_M, y: -HALF_SIDE_M });
    expect(state.touched).toBe(false);
  });

  it("ends as a failure where the straight way is gone", async () => {
    const env = createDetour();
    await env.reset({ task: "detour", seed: 0, initialState: 0, want: WANT_NOTHING });
    const { point, disc } = initialStart(0);
    const way = distance(point, disc);
    const row = [(disc.x - point.x) / way, (disc.y - point.y) / way];
    const chunk = {
      data: Float32Array.from({ length: 160 }, (_, i) => row[i % 2]!),
      horizon: 80,
      actionDim: 2,
    };
    const steps = await env.step(chunk, WANT_NOTHING);
    expect(steps.length).toBe(Math.floor((way - DISC_RADIUS_M) / REACH_PER_STEP_M) + 1);
    expect(steps.at(-1)).toMatchObject({ kind: "last", terminated: true, success: false });
    await expect(env.step(chunk, WANT_NOTHING)).rejects.toThrow("must be reset first");
  });

  it("is reached only by staying, and reports the side that was passed", () => {
    let state = { ...begin(START), point: { x: 0.4, y: 0.68 } };
    for (let i = 1; i <= HOLD_STEPS; i++) {
      state = advance(state, [0, 0]);
      expect(state.reached).toBe(i === HOLD_STEPS);
    }
    expect(state.side).toBe("right");
  });

  it("disturbs at one step only, clear of the disc, alike for equal starts", async () => {
    const still = { data: new Float32Array(2 * 30), horizon: 30, actionDim: 2 };
    const places = [];
    for (const task of ["detour", "detour_disturbed", "detour_disturbed"]) {
      const env = createDetour();
      await env.reset({ task, seed: 5, initialState: 3, want: WANT_NOTHING });
      const steps = await env.step(still, WANT_NOTHING);
      places.push(steps.map(({ observation }) => [...observation.proprio["position"]!.data]));
    }
    const [calm, disturbed, again] = places;
    expect(disturbed).toEqual(again);
    expect(disturbed!.slice(0, 23)).toEqual(calm!.slice(0, 23));
    expect(new Set(disturbed!.slice(23).map(String)).size).toBe(1);
    const [x, y] = disturbed![23] as [number, number];
    const { point, disc } = initialStart(3);
    expect(distance({ x, y }, point)).toBeCloseTo(0.3, 5);
    expect(distance({ x, y }, disc)).toBeGreaterThan(DISC_RADIUS_M + 0.059);
  });

  it("names what is wrong with a request or a chunk", async () => {
    const env = createDetour();
    const want = WANT_NOTHING;
    await expect(env.reset({ task: "x", seed: 0, want })).rejects.toThrow('no task "x"');
    await expect(
      env.reset({ task: "detour", seed: 0, initialState: INITIAL_STATES, want }),
    ).rejects.toThrow("must be an integer below 200");
    await env.reset({ task: "detour", seed: 0, want });
    await expect(
      env.step({ data: Float32Array.of(1, NaN), horizon: 1, actionDim: 2 }, want),
    ).rejects.toThrow("entry 1 of the chunk is NaN");
    await expect(
      env.step({ data: new Float32Array(3), horizon: 1, actionDim: 3 }, want),
    ).rejects.toThrow(TypeError);
  });
});

describe("its experts", () => {
  it.each(["left", "right"] as const)(
    "keep %s and arrive, from every fixed start",
    async (side) => {
      for (let initialState = 0; initialState < INITIAL_STATES; initialState += 5) {
        const { outcome, info } = await shown(side, { initialState });
        expect(outcome.kind).toBe("success");
        expect(info["side"]).toBe(side);
      }
    },
  );

  it("take both sides alike, also where they are pushed off their way", async () => {
    let arrived = 0;
    let left = 0;
    for (let seed = 0; seed < 100; seed++) {
      const { outcome, info } = await shown(undefined, { seed, noise: 0.2 });
      if (outcome.kind === "success") arrived++;
      if (info["side"] === "left") left++;
    }
    expect(arrived).toBeGreaterThanOrEqual(95);
    expect(left).toBeGreaterThan(35);
    expect(left).toBeLessThan(65);
  });

  it("find their way back after a disturbance", async () => {
    let arrived = 0;
    for (let initialState = 0; initialState < 50; initialState++) {
      const { outcome } = await shown(undefined, {
        initialState,
        seed: initialState,
        task: "detour_disturbed",
      });
      if (outcome.kind === "success") arrived++;
    }
    expect(arrived).toBeGreaterThanOrEqual(40);
  });

  it("are the same for equal seeds", async () => {
    const rng = seeded("which").int(1000);
    const [a, b] = [await shown(undefined, { seed: rng }), await shown(undefined, { seed: rng })];
    expect(a.outcome).toEqual(b.outcome);
    expect(a.info).toEqual(b.info);
  });
});
