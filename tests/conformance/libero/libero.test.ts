/**
 * LIBERO's official tasks run in the manipulation runtime with nothing but their data: actions give the
 * states robosuite recorded, and episodes that succeeded there succeed here.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Environment, TimeStep } from "../../../src/core/index.ts";
import { WANT_NOTHING } from "../../../src/core/index.ts";
import { scriptedPolicy } from "../../../policies/scripted/index.ts";
import { rotateVec3 } from "../../../src/math/index.ts";
import { brokered, rollout } from "../../../src/rollout/index.ts";
import { createLibero } from "../../../sim-bridge/sims/libero/index.ts";
import type { LiberoOptions } from "../../../sim-bridge/sims/libero/index.ts";
import { decodeSnapshot } from "../../../sim-bridge/sims/manipulation/snapshot.ts";
import {
  LIBERO_ABSENT,
  LIBERO_DEMOS,
  liberoFiles,
  liberoReference,
  liberoTaskNames,
  readFloat64,
} from "../../support/libero-files.ts";

const isFull = process.env["EFFERENCE_FULL"] === "1";
/** All with EFFERENCE_FULL=1 (five minutes), else evenly spaced ones. */
function sample<T>(items: readonly T[], count: number): readonly T[] {
  if (isFull || items.length <= count) return items;
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]!);
}

const tasks = LIBERO_ABSENT === undefined ? liberoTaskNames() : [];
const demos = LIBERO_ABSENT === undefined ? readdirSync(LIBERO_DEMOS) : [];

const environments: Environment[] = [];
/** What was recorded had no settling steps. */
async function open(names: readonly string[], options: LiberoOptions = {}): Promise<Environment> {
  const environment = await createLibero(liberoFiles(names), {
    settleSteps: 0,
    maxCompiledScenes: 2,
    ...options,
  });
  environments.push(environment);
  return environment;
}
afterAll(() => Promise.all(environments.map((environment) => environment.close())));

function row(data: Float32Array): { data: Float32Array; horizon: number; actionDim: number } {
  return { data, horizon: data.length / 7, actionDim: 7 };
}

describe.skipIf(LIBERO_ABSENT !== undefined)(`LIBERO (${LIBERO_ABSENT ?? "data present"})`, () => {
  it("has the 130 official tasks", () => {
    expect(tasks).toHaveLength(130);
  });

  it.each(tasks)(
    "%s follows robosuite's recorded states",
    async (task) => {
      const environment = await open([task]);
      await environment.reset({ task, seed: 0, initialState: 0, want: WANT_NOTHING });
      const actions = readFloat64(liberoReference(task, "ref_act.f64"));
      const recorded = readFloat64(liberoReference(task, "ref_step_qpos.f64"));
      const nq = recorded.length / (actions.length / 7);
      const errors: number[] = [];
      for (let k = 0; k < 10; k++) {
        await stepExactly(environment, actions.subarray(7 * k, 7 * k + 7));
        const { numbers } = decodeSnapshot(await environment.snapshot!());
        // The engine's state begins with the time, then qpos.
        const qpos = numbers.state.subarray(1, 1 + nq);
        errors.push(Math.max(...qpos.map((q, i) => Math.abs(q - recorded[k * nq + i]!))));
      }
      expect(errors[0]).toBeLessThan(1e-15);
      expect(errors[9]).toBeLessThan(1e-12);
      await environment.close();
    },
    60_000,
  );

  it.each(sample(demos, 6))(
    "%s succeeds as it did in the original",
    async (file) => {
      const [suite, name, initialState] = file
        .replace("libero_", "")
        .replace(".f64", "")
        .split("__");
      const task = `${suite}/${name}`;
      const environment = await open([task], { firstSubstep: "fresh" });
      const first = await environment.reset({
        task,
        seed: 0,
        initialState: Number(initialState),
        want: WANT_NOTHING,
      });
      expect(first.first.success).toBe(false);
      const actions = Float32Array.from(readFloat64(join(LIBERO_DEMOS, file)));
      let last = (await environment.step(row(actions), WANT_NOTHING)).at(-1)!;
      // Things may still be falling into place when the recorded actions end.
      const wait = Float32Array.of(0, 0, 0, 0, 0, 0, -1);
      for (let k = 0; k < 30 && last.kind !== "last"; k++) {
        last = (await environment.step(row(wait), WANT_NOTHING))[0]!;
      }
      expect(summary(last)).toEqual({ kind: "last", terminated: true, success: true });
      await environment.close();
    },
    60_000,
  );
});

function summary({ kind, terminated, success }: TimeStep): object {
  return { kind, terminated, success };
}

/** The references were made from float64 actions; float32 ones differ by 6e-8. */
async function stepExactly(environment: Environment, action: Float64Array): Promise<void> {
  const chunk = { data: action as unknown as Float32Array, horizon: 1, actionDim: 7 };
  await environment.step(chunk, WANT_NOTHING);
}

describe.skipIf(LIBERO_ABSENT !== undefined)("the LIBERO simulator", () => {
  it("lets things settle before anybody looks, and counts no step for it", async () => {
    // Things of this scene begin inside each other and pop up.
    const name = tasks.find((each) => each.includes("LIVING_ROOM_SCENE1"))!;
    const settled = await open([name], { settleSteps: 10 });
    const { first } = await settled.reset({
      task: name,
      seed: 0,
      initialState: 0,
      want: WANT_NOTHING,
    });
    expect(first.observation.step).toBe(0);
    expect(first.observation.stampNs).toBe(0n);
    // Ten no-ops by hand lead to the same state.
    const plain = await open([name]);
    await plain.reset({ task: name, seed: 0, initialState: 0, want: WANT_NOTHING });
    const wait = Float32Array.of(0, 0, 0, 0, 0, 0, -1);
    for (let k = 0; k < 10; k++) await plain.step(row(wait), WANT_NOTHING);
    const stateOf = async (env: Environment): Promise<Float64Array> =>
      decodeSnapshot(await env.snapshot!()).numbers.state;
    expect(await stateOf(settled)).toEqual(await stateOf(plain));
    expect((await settled.step(row(wait), WANT_NOTHING))[0]!.observation.step).toBe(1);
  });

  it("knows limits, instructions and initial states, and refuses what is not there", async () => {
    const environment = await open(tasks);
    expect(environment.tasks).toHaveLength(130);
    const limits = new Set(environment.tasks.map(({ suite, maxSteps }) => `${suite} ${maxSteps}`));
    expect([...limits].sort()).toEqual([
      "10 520",
      "90 400",
      "goal 300",
      "object 280",
      "spatial 220",
    ]);
    expect(environment.tasks.find(({ name }) => name.includes("milk"))?.instruction).toBe(
      "pick up the milk and place it in the basket",
    );
    const [task] = tasks;
    const start = (initialState: number, name = task!) =>
      environment.reset({ task: name, seed: 0, initialState, want: WANT_NOTHING });
    await expect(start(50)).rejects.toThrow(/initial state is 50, must be an integer in \[0, 50\)/);
    await expect(start(0, "object/fly")).rejects.toThrow(
      /there is no task "object\/fly" in libero/,
    );
    await expect(
      environment.reset({ task: task!, seed: 0, want: { ...WANT_NOTHING, images: ["agentview"] } }),
    ).rejects.toThrow(/there is no such camera/);
  });

  it("says which command brings missing data", async () => {
    const whole = liberoFiles(tasks.slice(0, 1));
    const without = (file: string) => ({
      ...whole,
      read: (path: string) =>
        path.endsWith(file) ? Promise.reject(new Error("ENOENT")) : whole.read(path),
    });
    await expect(createLibero(without("libero.json"))).rejects.toThrow(
      /has no libero.json, must be made by "efference libero prepare"/,
    );
    const half = await createLibero(without("init.pruned_init"));
    environments.push(half);
    await expect(
      half.reset({ task: tasks[0]!, seed: 0, initialState: 0, want: WANT_NOTHING }),
    ).rejects.toThrow(
      /has no tasks\/.*init.pruned_init, must be there \("efference libero prepare"/,
    );
  });
});

describe.skipIf(LIBERO_ABSENT !== undefined)("scripted experts in LIBERO", () => {
  /** A pinch, a box that lies flat, a rim, something put on top of a fixture. */
  it.each([
    "object/pick_up_the_milk_and_place_it_in_the_basket",
    "object/pick_up_the_cream_cheese_and_place_it_in_the_basket",
    "spatial/pick_up_the_black_bowl_from_table_center_and_place_it_on_the_plate",
    "goal/put_the_bowl_on_top_of_the_cabinet",
    "goal/turn_on_the_stove",
    "goal/open_the_middle_drawer_of_the_cabinet",
    "goal/push_the_plate_to_the_front_of_the_stove",
    "90/KITCHEN_SCENE8_turn_off_the_stove",
    "90/KITCHEN_SCENE6_close_the_microwave",
    "90/KITCHEN_SCENE10_close_the_top_drawer_of_the_cabinet",
  ])("do %s from the first official state", async (task) => {
    const environment = await open([task], { settleSteps: 10 });
    const { outcome } = await rollout(brokered(scriptedPolicy()), environment, {
      task,
      initialState: 0,
    });
    expect(outcome.kind).toBe("success");
  });

  it("are told what moves of a fixture, apart from what stands still", async () => {
    const task = "goal/open_the_middle_drawer_of_the_cabinet";
    const environment = await open([task]);
    const want = { ...WANT_NOTHING, privileged: true };
    const { first } = await environment.reset({ task, seed: 0, initialState: 0, want });
    const { entities } = first.observation.privileged!;
    const drawers = entities.filter(({ parent, kind }) => {
      return parent === "wooden_cabinet_1" && kind === "fixture";
    });
    expect(drawers.map(({ name }) => name)).toEqual(
      ["top", "middle", "bottom"].map((level) => `wooden_cabinet_1_cabinet_${level}`),
    );
    for (const { joint, cuboids } of drawers) {
      expect(joint).toMatchObject({ kind: "slide", low: -0.16, high: 0.01 });
      expect(cuboids).toHaveLength(9);
    }
    expect(entities.find(({ name }) => name === "wooden_cabinet_1")!.cuboids).toHaveLength(9);
    const knob = entities.find(({ name }) => name === "flat_stove_1_button")!;
    expect(knob).toMatchObject({ parent: "flat_stove_1", category: "button" });
    expect(knob.joint!.kind).toBe("hinge");
    expect(knob.joint!.anchor).toHaveLength(3);
  });

  it("are told shapes at the beginning, and which way the fingers close", async () => {
    const task = "object/pick_up_the_milk_and_place_it_in_the_basket";
    const environment = await open([task]);
    const want = { ...WANT_NOTHING, privileged: true };
    const { first } = await environment.reset({ task, seed: 0, initialState: 0, want });
    const entities = first.observation.privileged!.entities;
    const milk = entities.find(({ name }) => name === "milk_1")!;
    expect(milk.cuboids).toHaveLength(4);
    // The box around the shapes is centred where the entity says it is.
    const heights = milk.cuboids!.map(({ position, quatWxyz, halfExtents: [a, b, c] }) => {
      const axes = [[a, 0, 0] as const, [0, b, 0] as const, [0, 0, c] as const];
      return (
        position[2] + axes.reduce((sum, axis) => sum + Math.abs(rotateVec3(quatWxyz, axis)[2]), 0)
      );
    });
    const highest = Math.max(...heights);
    expect(highest).toBeCloseTo(milk.halfExtents[2], 6);
    const [next] = await environment.step(row(Float32Array.of(0, 0, 0, 0, 0, 0, -1)), want);
    expect(
      next!.observation.privileged!.entities.some(({ cuboids }) => cuboids !== undefined),
    ).toBe(false);
    // The hand points down and closes along the world's y.
    const { quatWxyz } = first.observation.privileged!.gripper;
    expect(rotateVec3(quatWxyz, [0, 0, 1])[2]).toBeLessThan(-0.98);
    expect(Math.abs(rotateVec3(quatWxyz, [0, 1, 0])[1])).toBeGreaterThan(0.98);
  });
});
