import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { ActionChunk, Environment, TimeStep, Want } from "../../../../../src/core/index.ts";
import { WANT_NOTHING, actionDim, seeded } from "../../../../../src/core/index.ts";
import {
  createManipulationEnvironment,
  type ManipulationOptions,
} from "../../../../../sim-bridge/sims/manipulation/environment.ts";
import { Physics } from "../../../../../sim-bridge/sims/manipulation/mujoco.ts";
import type { ManipulationWorld } from "../../../../../sim-bridge/sims/manipulation/world.ts";
import { TABLE_TOP_M, testScene, testWorld } from "../../../../support/manipulation-world.ts";

const open: Environment[] = [];
afterEach(async () => {
  for (const environment of open.splice(0)) await environment.close();
});
async function create(
  world: ManipulationWorld = testWorld(),
  options: ManipulationOptions = {},
): Promise<Environment> {
  const environment = await createManipulationEnvironment(world, options);
  open.push(environment);
  return environment;
}

const ALL: Want = {
  images: "all",
  imagesAt: "every",
  poses: true,
  privileged: true,
  depth: true,
  segmentation: true,
};
const IDLE = Float32Array.of(0, 0, 0, 0, 0, 0, -1);

function chunkOf(...rows: readonly Float32Array[]): ActionChunk {
  const data = new Float32Array(7 * rows.length);
  rows.forEach((row, i) => data.set(row, 7 * i));
  return { data, horizon: rows.length, actionDim: 7 };
}
function idle(rows: number): ActionChunk {
  return chunkOf(...Array.from({ length: rows }, () => IDLE));
}
function randomChunk(seed: string, rows: number): ActionChunk {
  const rng = seeded(seed);
  return {
    data: Float32Array.from({ length: 7 * rows }, () => 2 * rng.uniform() - 1),
    horizon: rows,
    actionDim: 7,
  };
}
/** All that must repeat; the time spent does not. */
function facts(step: TimeStep): unknown {
  return { ...step, busyNs: 0n };
}

describe("the manipulation environment", () => {
  it("declares what it then delivers", async () => {
    const environment = await create();
    const { spec, identity, tasks } = environment;
    expect(identity.versions).toEqual({ assets: "none", mujoco: "3.14.0" });
    expect(tasks.map(({ name }) => name)).toContain("lift_cube");
    expect(actionDim(spec.action)).toBe(7);
    const { first, scene, instruction } = await environment.reset({
      task: "lift_cube",
      seed: 0,
      want: ALL,
    });
    expect(instruction).toBe("please lift_cube");
    expect(first).toMatchObject({ kind: "first", reward: 0, terminated: false, truncated: false });
    const { observation } = first;
    for (const { name, dtype, shape } of spec.observation.proprio) {
      expect(observation.proprio[name]).toMatchObject({ dtype, shape });
      expect(observation.proprio[name]!.data).toHaveLength(shape[0]!);
    }
    expect(Object.keys(observation.proprio).sort()).toEqual(
      spec.observation.proprio.map(({ name }) => name).sort(),
    );
    for (const { name, width, height } of spec.observation.images) {
      expect(observation.images[name]).toMatchObject({ dtype: "uint8", shape: [height, width, 3] });
      expect(observation.depth![name]).toMatchObject({ dtype: "float32", shape: [height, width] });
      const labels = observation.segmentation![name]!.data as Uint16Array;
      expect(Math.max(...labels)).toBeLessThanOrEqual(scene!.geoms.length);
      expect(new Set(labels).size).toBeGreaterThan(2);
    }
    expect(first.poses).toHaveLength(7 * scene!.bodies.length);
    expect(scene!.bodies[0]).toBe("world");
    expect([...first.poses!.subarray(0, 7)]).toEqual([0, 0, 0, 1, 0, 0, 0]);
    expect(first.info).toEqual({ scene_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it("makes nothing that nobody asked for", async () => {
    const environment = await create();
    const { first } = await environment.reset({ task: "never", seed: 0, want: WANT_NOTHING });
    expect(first.observation.images).toEqual({});
    for (const key of ["privileged", "depth", "segmentation"]) {
      expect(first.observation).not.toHaveProperty(key);
    }
    expect(first).not.toHaveProperty("poses");
    const last: Want = { ...WANT_NOTHING, images: ["wrist"] };
    const steps = await environment.step(idle(3), last);
    expect(steps.map(({ observation }) => Object.keys(observation.images))).toEqual([
      [],
      [],
      ["wrist"],
    ]);
    const every = await environment.step(idle(2), { ...last, imagesAt: "every" });
    expect(every.every(({ observation }) => "wrist" in observation.images)).toBe(true);
  });

  it("counts steps and time, truncates at the limit, and then wants a reset", async () => {
    const environment = await create();
    await environment.reset({ task: "never", seed: 0, maxSteps: 4, want: WANT_NOTHING });
    const steps = [
      ...(await environment.step(idle(1), WANT_NOTHING)),
      ...(await environment.step(idle(9), WANT_NOTHING)),
    ];
    expect(steps.map(({ kind }) => kind)).toEqual(["mid", "mid", "mid", "last"]);
    expect(steps.map(({ observation }) => observation.step)).toEqual([1, 2, 3, 4]);
    expect(steps.map(({ observation }) => observation.stampNs)).toEqual([
      50_000_000n,
      100_000_000n,
      150_000_000n,
      200_000_000n,
    ]);
    expect(steps[3]).toMatchObject({
      truncated: true,
      terminated: false,
      success: false,
      reward: 0,
    });
    expect(steps[3]!.info).toEqual({ goal: [false] });
    await expect(environment.step(idle(1), WANT_NOTHING)).rejects.toThrow(/has ended/);
    await environment.reset({ task: "never", seed: 0, want: WANT_NOTHING });
    expect(await environment.step(idle(1), WANT_NOTHING)).toHaveLength(1);
  });

  it("terminates with reward 1 when the goal holds, after as many steps as the world asks for", async () => {
    const open = async (successHoldSteps: number): Promise<readonly TimeStep[]> => {
      const world = testWorld({ successHoldSteps });
      const moved: ManipulationWorld = {
        ...world,
        initialState(task, choice) {
          const state = world.initialState(task, choice);
          state.qpos[0] = -0.15; // the drawer stands open
          return state;
        },
      };
      const environment = await create(moved);
      const { first } = await environment.reset({
        task: "open_drawer",
        seed: 0,
        want: WANT_NOTHING,
      });
      expect(first).toMatchObject({ kind: "first", success: false, terminated: false });
      return environment.step(idle(5), WANT_NOTHING);
    };
    const atOnce = await open(1);
    expect(atOnce).toHaveLength(1);
    expect(atOnce[0]).toMatchObject({ kind: "last", terminated: true, success: true, reward: 1 });
    const held = await open(3);
    expect(held.map(({ success }) => success)).toEqual([false, false, true]);
  });

  it("gives the same bits for the same seed, whatever happened before, in any environment", async () => {
    const run = async (environment: Environment): Promise<unknown> => {
      const { first } = await environment.reset({ task: "never", seed: 7, want: ALL });
      const steps = await environment.step(randomChunk("a", 12), ALL);
      return [first, ...steps].map(facts);
    };
    const used = await create();
    await used.reset({ task: "lift_cube", seed: 3, want: WANT_NOTHING });
    await used.step(randomChunk("b", 20), WANT_NOTHING);
    const first = await run(used);
    expect(await run(used)).toEqual(first);
    expect(await run(await create())).toEqual(first);
    const other = await used.reset({ task: "never", seed: 8, want: ALL });
    expect(facts(other.first)).not.toEqual((first as unknown[])[0]);
  });

  it("a chunk equals its rows one by one", async () => {
    const environment = await create();
    const chunk = randomChunk("c", 8);
    const want: Want = { ...ALL, images: "none" };
    await environment.reset({ task: "never", seed: 1, want });
    const together = (await environment.step(chunk, want)).map(facts);
    await environment.reset({ task: "never", seed: 1, want });
    const apart: unknown[] = [];
    for (let row = 0; row < 8; row++) {
      const one = chunkOf(chunk.data.subarray(7 * row, 7 * row + 7));
      apart.push(...(await environment.step(one, want)).map(facts));
    }
    expect(apart).toEqual(together);
  });

  it("takes overlapping calls in their order", async () => {
    const environment = await create(testWorld({ variants: true }), { maxCompiledScenes: 1 });
    const reset = (task: string) => environment.reset({ task, seed: 0, want: WANT_NOTHING });
    const [, first, failed, , second] = await Promise.allSettled([
      reset("never"),
      environment.step(idle(2), WANT_NOTHING),
      reset("fly"),
      reset("lift_cube"),
      environment.step(idle(3), WANT_NOTHING),
    ]);
    expect(first).toMatchObject({ status: "fulfilled", value: { length: 2 } });
    expect(failed.status).toBe("rejected");
    expect(second).toMatchObject({ status: "fulfilled", value: { length: 3 } });
  });

  it("refuses actions that are not finite before anything moves", async () => {
    const environment = await create();
    await environment.reset({ task: "never", seed: 0, want: WANT_NOTHING });
    const before = await environment.snapshot!();
    const bad = idle(3);
    bad.data[7 * 2 + 4] = NaN;
    await expect(environment.step(bad, WANT_NOTHING)).rejects.toThrow(RangeError);
    await expect(environment.step(bad, WANT_NOTHING)).rejects.toThrow(/number 4 of row 2 is NaN/);
    expect(await environment.snapshot!()).toEqual(before);
    const narrow = { data: new Float32Array(6), horizon: 1, actionDim: 6 };
    await expect(environment.step(narrow, WANT_NOTHING)).rejects.toThrow(TypeError);
    const none = { data: new Float32Array(0), horizon: 0, actionDim: 7 };
    await expect(environment.step(none, WANT_NOTHING)).rejects.toThrow(TypeError);
  });

  it("refuses unknown tasks, cameras, initial states and limits, and use out of order", async () => {
    const environment = await create();
    const reset = { task: "never", seed: 0, want: WANT_NOTHING };
    await expect(environment.step(idle(1), WANT_NOTHING)).rejects.toThrow(/not begun/);
    await expect(environment.snapshot!()).rejects.toThrow(/no episode/);
    await expect(environment.reset({ ...reset, task: "fly" })).rejects.toThrow(/no task "fly"/);
    await expect(environment.reset({ ...reset, initialState: 3 })).rejects.toThrow(RangeError);
    await expect(environment.reset({ ...reset, maxSteps: 0 })).rejects.toThrow(/maxSteps is 0/);
    const side: Want = { ...WANT_NOTHING, images: ["side"] };
    await expect(environment.reset({ ...reset, want: side })).rejects.toThrow(/no such camera/);
    await environment.close();
    await expect(environment.reset(reset)).rejects.toThrow(/closed/);
    await expect(create(testWorld(), { maxCompiledScenes: 0 })).rejects.toThrow(RangeError);
    const images = [{ name: "side", width: 8, height: 8, channels: 3 as const }];
    const noCamera = await create(testWorld(), { images });
    await expect(noCamera.reset(reset)).rejects.toThrow(/camera "side"/);
  });

  it("says so when the physics diverges, and goes on after a reset", async () => {
    const world = testWorld();
    let isBad = true;
    const environment = await create({
      ...world,
      initialState(task, choice) {
        const state = world.initialState(task, choice);
        if (isBad) state.qvel[20] = 1e9;
        return state;
      },
    });
    await environment.reset({ task: "never", seed: 0, want: WANT_NOTHING });
    await expect(environment.step(idle(1), WANT_NOTHING)).rejects.toThrow(/diverged|NaN/);
    await expect(environment.step(idle(1), WANT_NOTHING)).rejects.toThrow(/has ended/);
    await expect(environment.snapshot!()).rejects.toThrow(/last step failed/);
    isBad = false;
    await environment.reset({ task: "never", seed: 0, want: WANT_NOTHING });
    expect(await environment.step(idle(2), WANT_NOTHING)).toHaveLength(2);
  });
});

describe("looking early", () => {
  it("changes what is seen and nothing that happens", async () => {
    const [end, early] = [
      await create(),
      await create(testWorld(), { observes: "early" }),
    ] as const;
    const request = { task: "lift_cube", seed: 2, want: ALL };
    const firsts = [await end.reset(request), await early.reset(request)].map(({ first }) => first);
    expect(facts(firsts[1]!)).toEqual(facts(firsts[0]!));
    const chunk = randomChunk("early", 6);
    const steps = [await end.step(chunk, ALL), await early.step(chunk, ALL)];
    for (const [k, atEnd] of steps[0]!.entries()) {
      const { observation, poses, success } = steps[1]![k]!;
      expect(poses).toEqual(atEnd.poses);
      expect(success).toBe(atEnd.success);
      const joints = [observation, atEnd.observation].map(
        ({ proprio }) => proprio["joint_position"]!.data as Float32Array,
      );
      const velocity = atEnd.observation.proprio["joint_velocity"]!.data as Float32Array;
      // 2 ms of motion, at a speed that is nearly that of the end.
      for (const [i, joint] of joints[0]!.entries()) {
        expect(joints[1]![i]! - joint).toBeCloseTo(0.002 * velocity[i]!, 3);
      }
      expect(joints[0]).not.toEqual(joints[1]);
    }
    const pictures = steps.map((side) => side.at(-1)!.observation.images);
    expect(pictures[0]).not.toEqual(pictures[1]);
  });
});

describe("snapshot() and restore()", () => {
  it.each(["end", "early"] as const)(
    "continue bit for bit, pictures and ground truth included, in another environment too (seen %s)",
    async (observes) => {
      const environment = await create(testWorld(), { observes });
      await environment.reset({ task: "lift_cube", seed: 2, maxSteps: 40, want: ALL });
      const [seen] = (await environment.step(randomChunk("d", 10), ALL)).slice(-1);
      const snapshot = await environment.snapshot!();
      const future = (await environment.step(randomChunk("e", 40), ALL)).map(facts);
      expect(future).toHaveLength(30); // the limit came along

      for (const later of [environment, await create(testWorld(), { observes })]) {
        const restored = await later.restore!(snapshot, ALL);
        expect(facts(restored)).toEqual(facts(seen!));
        expect((await later.step(randomChunk("e", 40), ALL)).map(facts)).toEqual(future);
      }
    },
  );

  it.each(["end", "early"] as const)(
    "bring the first and the last step back as such (seen %s)",
    async (observes) => {
      const environment = await create(testWorld(), { observes });
      const { first } = await environment.reset({ task: "never", seed: 0, maxSteps: 1, want: ALL });
      const atStart = await environment.snapshot!();
      const [last] = await environment.step(idle(1), ALL);
      const atEnd = await environment.snapshot!();
      expect(facts(await environment.restore!(atStart, ALL))).toEqual(facts(first));
      expect(facts(await environment.restore!(atEnd, ALL))).toEqual(facts(last!));
      await expect(environment.step(idle(1), ALL)).rejects.toThrow(/has ended/);
    },
  );

  it("remember the height that lifting counts from", async () => {
    const world = testWorld();
    const environment = await create(world);
    await environment.reset({ task: "lift_cube", seed: 0, want: WANT_NOTHING });
    await environment.step(idle(1), WANT_NOTHING);
    const snapshot = await environment.snapshot!();
    const high = await create({
      ...world,
      initialState(task, choice) {
        const state = world.initialState(task, choice);
        state.qpos[12] = TABLE_TOP_M + 0.3; // elsewhere the cube starts in the air
        return state;
      },
    });
    await high.reset({ task: "lift_cube", seed: 0, want: WANT_NOTHING });
    await high.restore!(snapshot, WANT_NOTHING);
    const [step] = await high.step(idle(1), WANT_NOTHING);
    expect(step!.success).toBe(false);
  });

  it("refuse a snapshot of another scene and bytes that are none", async () => {
    const environment = await create(testWorld({ variants: true }));
    await environment.reset({ task: "never", seed: 0, want: WANT_NOTHING });
    const snapshot = await environment.snapshot!();
    const plain = await create();
    await expect(plain.restore!(snapshot, WANT_NOTHING)).rejects.toThrow(/has hash/);
    await fc.assert(
      fc.asyncProperty(fc.nat(snapshot.length - 1), fc.nat(255), async (at, value) => {
        const cut = snapshot.slice(0, at);
        await expect(environment.restore!(cut, WANT_NOTHING)).rejects.toThrow(SyntaxError);
        const changed = snapshot.slice();
        changed[at] = value;
        // Numbers may change without anybody knowing; what must not happen is a foreign error.
        await environment.restore!(changed, WANT_NOTHING).catch((error: unknown) => {
          const known = error instanceof SyntaxError || error instanceof RangeError;
          expect(known, String(error)).toBe(true);
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe("the ground truth", () => {
  it("says where things, parts and regions are, and what the goal is", async () => {
    const environment = await create();
    const { first } = await environment.reset({ task: "open_drawer", seed: 0, want: ALL });
    const { entities, gripper, goal } = first.observation.privileged!;
    expect(goal).toEqual([["open", "drawer_inside"]]);
    expect(entities.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      "object cube",
      "object plate",
      "fixture drawer",
      "fixture drawer_box",
      "region zone",
      "region drawer_inside",
    ]);
    const entity = (name: string) => entities.find((candidate) => candidate.name === name)!;
    expect(entity("cube")).toMatchObject({ category: "red cube", halfExtents: [0.02, 0.02, 0.02] });
    expect(entity("cube").position.map((x) => x.toFixed(6))).toEqual([
      "0.050000",
      "0.050000",
      "0.420000",
    ]);
    expect(entity("drawer_box")).toMatchObject({
      parent: "drawer",
      joint: { value: 0, low: -0.16, high: 0, axis: [1, 0, 0], kind: "slide" },
    });
    expect(entity("drawer_box").grasp!.map((x) => x.toFixed(3))).toEqual([
      "0.090",
      "-0.300",
      "0.430",
    ]);
    expect(gripper.opening).toBeCloseTo(1, 6);
    expect(gripper.holding).toEqual([]);
    // The front camera looks at the table from +x: world y to the right, the cube's pixels are red.
    const box = entity("cube").boxes["front"]!;
    const image = first.observation.images["front"]!;
    const column = Math.floor((box.xMin + box.xMax) / 2);
    const row = Math.floor((box.yMin + box.yMax) / 2);
    const pixel = 3 * (row * 48 + column);
    expect(image.data[pixel]).toBeGreaterThan(2 * Number(image.data[pixel + 1]));
    const zone = entity("zone").boxes["front"]!;
    expect(zone.xMin).toBeGreaterThan(box.xMin);
  });

  it("says what is held once both fingers touch it", async () => {
    const world = testWorld();
    const scene = testScene();
    const physics = await Physics.compile(scene.xml);
    physics.views.qpos.set(world.initialState("never", { index: 0 }).qpos);
    physics.forward();
    const site = 3 * physics.id("site", scene.arm.site);
    const [x, y, z] = physics.views.siteXpos.subarray(site, site + 3);
    physics[Symbol.dispose]();
    const environment = await create({
      ...world,
      initialState(task, choice) {
        const state = world.initialState(task, choice);
        state.qpos.set([0.0205, -0.0205, x!, y!, z! + 0.005], 8);
        return state;
      },
    });
    const want: Want = { ...WANT_NOTHING, privileged: true };
    await environment.reset({ task: "lift_cube", seed: 0, want });
    const close = Float32Array.of(0, 0, 0, 0, 0, 0, 1);
    const steps = await environment.step(chunkOf(close, close, close, close), want);
    const { gripper } = steps.at(-1)!.observation.privileged!;
    expect(gripper.holding).toEqual(["cube"]);
    // The cube is 40 mm wide and the gripper opens to 80.
    expect(gripper.opening).toBeGreaterThan(0.4);
    expect(gripper.opening).toBeLessThan(0.6);
  });
});

describe("compiled scenes", () => {
  it("are shared where the MJCF is equal and dropped when there are too many", async () => {
    let builds = 0;
    const world = testWorld({ variants: true });
    const counting: ManipulationWorld = {
      ...world,
      buildScene(task) {
        builds++;
        return world.buildScene(task);
      },
    };
    const environment = await create(counting, { maxCompiledScenes: 2 });
    const reset = (task: string) => environment.reset({ task, seed: 0, want: ALL });
    for (const task of ["never", "lift_cube", "never", "lift_cube", "never"]) await reset(task);
    expect(builds).toBe(2);
    await reset("open_drawer"); // drops lift_cube, used longest ago
    await reset("never");
    expect(builds).toBe(3);
    await reset("lift_cube");
    expect(builds).toBe(4);
    const shared = await create(testWorld(), { maxCompiledScenes: 1 });
    const hashes = new Set<unknown>();
    for (const task of ["never", "lift_cube"]) {
      const { first } = await shared.reset({ task, seed: 0, want: WANT_NOTHING });
      hashes.add(first.info!["scene_sha256"]);
    }
    expect(hashes.size).toBe(1);
  });

  it("2,000 resets leave the engine's memory flat", async () => {
    const environment = await create();
    const probe = await Physics.compile("<mujoco/>");
    const cycle = async (): Promise<void> => {
      await environment.reset({
        task: "lift_cube",
        seed: 0,
        want: { ...WANT_NOTHING, privileged: true },
      });
      await environment.step(idle(1), { ...WANT_NOTHING, privileged: true });
    };
    for (let i = 0; i < 10; i++) await cycle();
    const before = probe.heapBytes;
    for (let i = 0; i < 2000; i++) await cycle();
    expect(probe.heapBytes).toBe(before);
    probe[Symbol.dispose]();
  });
});
