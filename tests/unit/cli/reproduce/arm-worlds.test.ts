import { describe, expect, it } from "vitest";
import type { Environment, Observation, TimeStep } from "../../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../../src/core/index.ts";
import {
  ARM_STATE_SIZE,
  GOAL_STATE_SIZE,
  NEAR,
  ROTATION_AT,
  withArmState,
} from "../../../../src/cli/reproduce/arm-state.ts";
import { PIXELS, TABLETOP_WORLDS } from "../../../../src/cli/reproduce/tabletop-worlds.ts";
import { observedHash } from "../../../../src/cli/reproduce/observed.ts";
import { taskOf } from "../../../../src/cli/reproduce/tasks.ts";
import { withPush } from "../../../../src/cli/reproduce/push.ts";
import { STUDY_WORLDS } from "../../../../src/cli/reproduce/worlds.ts";
import { composePoses, invertPose, matrixFromQuatWxyz } from "../../../../src/math/index.ts";
import { brokered, rollout } from "../../../../src/rollout/index.ts";
import { panda } from "../../../../robots/panda/spec.ts";
import { createTabletop } from "../../../../sim-bridge/sims/tabletop/index.ts";
import { FakeEnv } from "../../../support/fake-env.ts";

const ARM = Object.keys(TABLETOP_WORLDS) as readonly (keyof typeof TABLETOP_WORLDS)[];

function state(observation: Observation): Float32Array {
  return observation.proprio["state"]!.data as Float32Array;
}

describe("withArmState()", () => {
  it("is what the ground truth says, in the order that it states", async () => {
    const world = STUDY_WORLDS.insert;
    const env = await world.open();
    const want = { ...WANT_NOTHING, privileged: true };
    const { first } = await env.reset({ task: taskOf(env, world.task, 0), seed: 3, want });
    const data = state(first.observation);
    expect(data).toHaveLength(GOAL_STATE_SIZE);
    expect(env.spec.observation.proprio.map(({ shape }) => shape)).toEqual([[GOAL_STATE_SIZE]]);
    expect(Object.keys(first.observation.proprio)).toEqual(["state"]);
    const { gripper, entities } = first.observation.privileged!;
    const hole = entities.find(({ name }) => name === "square_nut_1_hole_region")!;
    // The hand's pose is read beside the site's: equal to what float32 and the reading leave.
    gripper.position.forEach((value, axis) => expect(data[axis]).toBeCloseTo(value, 6));
    hole.position.forEach((value, axis) => {
      expect(data[10 + axis]).toBeCloseTo(value - gripper.position[axis]!, 6);
    });
    const columns = (matrix: readonly number[]): number[] =>
      [0, 3, 6, 1, 4, 7].map((entry) => matrix[entry]!);
    for (const [at, quat] of [
      [ROTATION_AT.hand, gripper.quatWxyz],
      [ROTATION_AT.thing, hole.quatWxyz],
    ] as const) {
      columns(matrixFromQuatWxyz(quat)).forEach((value, i) => {
        expect(data[at + i]).toBeCloseTo(value, 6);
      });
    }
    expect(data[9]).toBeCloseTo(gripper.opening, 6);
    await env.close();
  });

  it.each([
    ["insert", "square_nut_1", "square_peg_1"],
    ["hang", "wrench_1", "tool_rack_1"],
  ] as const)(
    "%s: is told where the hole is from the end of the shaft",
    async (name, thing, on) => {
      const world = STUDY_WORLDS[name];
      const env = await world.open();
      const want = { ...WANT_NOTHING, privileged: true };
      const { first } = await env.reset({ task: taskOf(env, world.task, 0), seed: 5, want });
      const { entities } = first.observation.privileged!;
      const hole = entities.find((entity) => entity.name === `${thing}_hole_region`)!;
      const shaft = entities.find((entity) => entity.name === `${on}_shaft_region`)!;
      // In the middle of the shaft, along its axis to the end.
      const from = composePoses(invertPose(shaft), hole);
      const [x, y, z] = from.position;
      const turned = matrixFromQuatWxyz(from.quatWxyz);
      const expected = [
        x,
        y,
        z - shaft.halfExtents[2],
        ...[0, 3, 6, 1, 4, 7].map((i) => turned[i]!),
      ];
      const data = state(first.observation);
      expected.forEach((value, i) => {
        const scale = i < 3 ? NEAR.position : NEAR.rotation;
        expect(data[ARM_STATE_SIZE + i]).toBeCloseTo(value, 6);
        expect(data[ARM_STATE_SIZE + 9 + i]).toBeCloseTo(Math.tanh(value / scale), 4);
      });
      await env.close();
    },
  );

  it("has no goal where a thing goes nowhere", async () => {
    const env = await STUDY_WORLDS.lift.open();
    expect(env.spec.observation.proprio.map(({ shape }) => shape)).toEqual([[ARM_STATE_SIZE]]);
    await env.close();
  });

  it("refuses a world without an arm, and a thing that is not there", async () => {
    const there = withArmState(await createTabletop({ images: [] }), "teapot_1");
    const request = { task: "lift_red_cube", seed: 0, want: WANT_NOTHING };
    await expect(there.reset(request)).rejects.toThrow(/has no such body/);
    await there.close();
    const without = withArmState(new FakeEnv(), "cube");
    await expect(without.reset({ ...request, task: "count_up" })).rejects.toThrow(TypeError);
  });
});

describe("the worlds of images", () => {
  it.each(["lift-images", "place-images"] as const)(
    "%s: what is seen are two cameras and the robot itself, not where things are",
    async (name) => {
      const world = STUDY_WORLDS[name];
      const env = await world.open();
      const { images, proprio, texts } = env.spec.observation;
      expect(images).toEqual(
        ["front", "wrist"].map((camera) => {
          return { name: camera, height: PIXELS, width: PIXELS, channels: 3 };
        }),
      );
      expect(texts).toEqual([]);
      const body = panda().proprio.map((component) => component.name);
      expect(proprio.map((component) => component.name)).toEqual(body);
      const want = { ...WANT_NOTHING, images: world.cameras };
      const { first } = await env.reset({ task: taskOf(env, world.task, 0), seed: 3, want });
      expect(Object.keys(first.observation.proprio).sort()).toEqual([...body].sort());
      expect(first.observation.privileged).toBeUndefined();
      for (const camera of world.cameras) {
        expect(
          new Set(Array.from(first.observation.images[camera]!.data, Number)).size,
        ).toBeGreaterThan(10);
      }
      await env.close();
    },
  );

  it("are the worlds of state otherwise: the same starts, modes, expert and disturbance", async () => {
    const ways: (string | undefined)[][] = [];
    for (const name of ["lift", "lift-images"] as const) {
      const world = STUDY_WORLDS[name];
      const env = await world.open();
      const decided: number[] = [];
      const tracker = world.track();
      await rollout(brokered(await world.expert()), world.disturbance!.around!(env), {
        ...{ task: taskOf(env, world.task, 0), seed: 2 },
        listeners: [
          {
            name: "expert",
            onDecision: (_step, _stampNs, { chunk }) => void decided.push(...chunk.data),
            onStart: (_header, first) => tracker.see(first),
            onStep: (step) => tracker.see(step),
          },
        ],
      });
      ways.push([tracker.mode(), JSON.stringify(decided)]);
      await env.close();
    }
    expect(ways[0]![0]).toBeDefined();
    expect(ways[1]).toEqual(ways[0]);
  });
});

describe("withPush()", () => {
  /** Tool centres, step by step, of an arm that is told to hold still. */
  async function still(env: Environment, seed: number): Promise<number[][]> {
    const task = taskOf(env, STUDY_WORLDS.lift.task, 0);
    const { first } = await env.reset({ task, seed, want: WANT_NOTHING });
    const rows = [first.observation];
    // Chunks of 3, so that the push begins and ends inside of chunks.
    for (let i = 0; i < 5; i++) {
      const chunk = { data: new Float32Array(21), horizon: 3, actionDim: 7 };
      const steps: readonly TimeStep[] = await env.step(chunk, WANT_NOTHING);
      rows.push(...steps.map(({ observation }) => observation));
    }
    return rows.map((row) => [...state(row).subarray(0, 3)]);
  }

  it("drives the arm aside for its steps alone, the same way for equal seeds", async () => {
    const env = withPush(await STUDY_WORLDS.lift.open(), { from: 4, steps: 4, units: 1 });
    const path = await still(env, 5);
    const moved = (from: number, to: number): number =>
      Math.hypot(path[to]![0]! - path[from]![0]!, path[to]![1]! - path[from]![1]!);
    expect(moved(0, 4)).toBeLessThan(0.002);
    expect(moved(4, 12)).toBeGreaterThan(0.03);
    expect(moved(13, 15)).toBeLessThan(0.01);
    expect(await still(env, 5)).toEqual(path);
    expect(await still(env, 6)).not.toEqual(path);
    await env.close();
  });

  it("pushes a share of the episodes, drawn from their seeds, like all others are", async () => {
    const push = { from: 4, steps: 4, units: 1 };
    const all = withPush(await STUDY_WORLDS.lift.open(), push);
    const half = withPush(await STUDY_WORLDS.lift.open(), { ...push, share: 0.5 });
    const none = withPush(await STUDY_WORLDS.lift.open(), { ...push, share: 0 });
    let pushed = 0;
    for (let seed = 0; seed < 12; seed++) {
      const path = JSON.stringify(await still(half, seed));
      const isPushed = path === JSON.stringify(await still(all, seed));
      if (isPushed) pushed++;
      else expect(path).toBe(JSON.stringify(await still(none, seed)));
    }
    expect(pushed).toBeGreaterThan(2);
    expect(pushed).toBeLessThan(10);
    await Promise.all([all.close(), half.close(), none.close()]);
  });

  it("refuses actions that it cannot push, and pushes that are none", () => {
    const push = { from: 4, steps: 4, units: 1 };
    expect(() => withPush(new FakeEnv(), push)).toThrow(/must be delta_position/);
    const shares = [{ share: -0.1 }, { share: 1.1 }, { share: NaN }];
    for (const bad of [{ steps: 0 }, { from: 0.5 }, { from: -1 }, { units: NaN }, ...shares]) {
      expect(() => withPush(new FakeEnv(), { ...push, ...bad })).toThrow(RangeError);
    }
  });
});

describe("lift-pushed", () => {
  /** States on the whole way of the expert, from two seeds of which one is pushed. */
  async function shown(env: Environment): Promise<readonly number[][]> {
    const path: number[][] = [];
    const world = STUDY_WORLDS["lift-pushed"];
    for (const seed of [3, 4]) {
      await rollout(brokered(await world.expert()), env, {
        ...{ task: taskOf(env, world.task, 0), seed },
        listeners: [
          {
            name: "path",
            onStep: ({ observation }) => void path.push([...state(observation).subarray(0, 13)]),
          },
        ],
      });
    }
    return path;
  }

  it("is lift otherwise, and shows its experts pushed off and coming back", async () => {
    const { lift, "lift-pushed": pushed } = STUDY_WORLDS;
    expect(lift.demonstratedIn).toBeUndefined();
    for (const key of ["task", "noise", "evaluatedFrom", "modes", "cameras"] as const) {
      expect(pushed[key]).toEqual(lift[key]);
    }
    expect(pushed.disturbance!.words).toBe(lift.disturbance!.words);
    const env = await pushed.open();
    /** How far beside the cube an open hand comes that is as low as the push finds it. */
    const aside = async (seen: Environment): Promise<number> =>
      Math.max(
        ...(await shown(seen))
          .filter((row) => row[2]! < 0.13 && row[9]! > 0.8)
          .map((row) => Math.hypot(row[10]!, row[11]!)),
      );
    expect(await aside(env)).toBeLessThan(0.04);
    expect(await aside(pushed.demonstratedIn!(env))).toBeGreaterThan(0.05);
    await env.close();
  });
});

describe("insert-stopping", () => {
  it("is insert otherwise, and its expert stops before the peg", async () => {
    const { insert, "insert-stopping": stopping } = STUDY_WORLDS;
    for (const key of ["task", "noise", "held", "evaluatedFrom", "cameras"] as const) {
      expect(stopping[key]).toEqual(insert[key]);
    }
    expect(await observedHash("insert-stopping")).toBe(await observedHash("insert"));
    const env = await insert.open();
    const decided = async ({ task, expert }: typeof insert): Promise<readonly number[][]> => {
      const rows: number[][] = [];
      await rollout(brokered(await expert()), env, {
        ...{ task: taskOf(env, task, 0), seed: 1 },
        listeners: [{ name: "rows", onStep: (_, action) => void rows.push([...action]) }],
      });
      return rows;
    };
    const [going, stops] = [await decided(insert), await decided(stopping)];
    const differs = going.findIndex((row, i) => row.some((value, k) => value !== stops[i]![k]));
    // Until the nut is in the hand they do the same.
    expect(going.slice(0, differs).filter((row) => row[6]! > 0).length).toBeGreaterThan(12);
    expect(going.length).toBeLessThan(stops.length);
    await env.close();
  });
});

describe("the worlds with an arm", () => {
  it.each(ARM)("%s: the expert succeeds and goes a way that is told", async (name) => {
    const world = STUDY_WORLDS[name];
    const env = await world.open();
    const tracker = world.track();
    const { outcome } = await rollout(brokered(await world.expert()), env, {
      ...{ task: taskOf(env, world.task, 0), seed: 1 },
      listeners: [
        {
          name: "mode",
          onStart: (_header, first) => tracker.see(first),
          onStep: (step) => tracker.see(step),
        },
      ],
    });
    expect(outcome.kind).toBe("success");
    // One that hardly had to turn tells no way.
    const told = [...world.modes!, undefined];
    expect(["insert", "insert-stopping", "hang"].includes(name) ? [undefined] : told).toContain(
      tracker.mode(),
    );
    await env.close();
  });

  it("the way is the sum of the hand's small turns, across the seam of angles", () => {
    const modeAfter = (anglesRad: readonly number[]): string | undefined => {
      const tracker = STUDY_WORLDS.lift.track();
      for (const angle of anglesRad) {
        const data = new Float32Array(ARM_STATE_SIZE);
        data.set([Math.cos(angle), Math.sin(angle)], ROTATION_AT.hand);
        const proprio = { state: { dtype: "float32", shape: [ARM_STATE_SIZE], data } };
        tracker.see({ observation: { proprio } } as unknown as TimeStep);
      }
      return tracker.mode();
    };
    expect(modeAfter([3, 3.1, 3.2, 3.4])).toBe("anticlockwise");
    expect(modeAfter([-3, -3.1, -3.2, -3.4])).toBe("clockwise");
    expect(modeAfter([0.5, 1, 0.55])).toBeUndefined();
    expect(modeAfter([])).toBeUndefined();
  });

  it("lift: the first chunk tells the way by the sum of its turns", () => {
    const { modeOfChunk } = STUDY_WORLDS.lift;
    const data = new Float32Array(14);
    data[5] = 0.4;
    data[12] = -0.1;
    const first = {} as Observation;
    expect(modeOfChunk!(first, { data, horizon: 2, actionDim: 7 })).toBe("anticlockwise");
    data[12] = -0.5;
    expect(modeOfChunk!(first, { data, horizon: 2, actionDim: 7 })).toBe("clockwise");
  });
});
