import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Environment, TimeStep } from "../../../src/core/index.ts";
import type { Start } from "../../../sim-bridge/sims/pusht/index.ts";
import {
  PushTDynamics,
  SUCCESS_COVERAGE,
  coverageOf,
  createPushT,
} from "../../../sim-bridge/sims/pusht/index.ts";
import { T_PARTS } from "../../../sim-bridge/sims/pusht/dynamics.ts";
import { renderImage } from "../../../sim-bridge/sims/pusht/image.ts";
import { Body } from "../../../sim-bridge/sims/pusht/physics/body.ts";

type Five = readonly [number, number, number, number, number];

/** Made by tests/support/pusht_golden.py with the real gym-pusht. */
interface Golden {
  readonly kept: number;
  readonly trajectories: readonly {
    readonly start: Five;
    readonly first: Five;
    readonly actions: readonly (readonly [number, number])[];
    readonly states: readonly Five[];
    readonly coverage: readonly number[];
    readonly rewards: readonly number[];
    readonly keypoints: readonly number[];
  }[];
  readonly coverages: readonly (readonly [x: number, y: number, angle: number, covered: number])[];
  readonly pictures: readonly { readonly start: Five; readonly deflated: string }[];
}

const golden = JSON.parse(
  readFileSync(new URL("pusht.golden.json", import.meta.url), "utf8"),
) as Golden;

function startOf([px, py, bx, by, angle]: Five): Start {
  return { pusher: { x: px, y: py }, block: { x: bx, y: by }, angle };
}

function stateOf({ pusher, block }: PushTDynamics): Five {
  const [p, b] = [pusher.position, block.position];
  return [p.x, p.y, b.x, b.y, block.angle];
}

function bodyAt(x: number, y: number, angle: number): Body {
  const centreOfGravity = { x: 0, y: 45 };
  const body = new Body({ kind: "dynamic", mass: 1, inertia: 1, centreOfGravity });
  body.turnTo(angle);
  body.moveTo({ x, y });
  return body;
}

function keypointsOf({ block }: Pick<PushTDynamics, "block">): readonly number[] {
  return T_PARTS.flat()
    .map((corner) => block.toWorld(corner))
    .flatMap(({ x, y }) => [x, y]);
}

function distance(a: Five, b: Five): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

describe("PushT agrees with gym-pusht", () => {
  it.each(golden.trajectories.map((trajectory, i) => [i, trajectory] as const))(
    "start %i: state within 1e-6, coverage within 1e-8, over 300 control steps; keypoints in their order",
    (_, { start, first, actions, states, coverage, rewards, keypoints }) => {
      const dynamics = new PushTDynamics(startOf(start));
      expect(distance(stateOf(dynamics), first)).toBeLessThan(1e-9);
      expect(states).toHaveLength(actions.length / golden.kept);
      actions.forEach(([x, y], step) => {
        dynamics.step({ x, y });
        if (step % golden.kept !== golden.kept - 1) return;
        const at = (step + 1) / golden.kept - 1;
        expect(distance(stateOf(dynamics), states[at]!), `step ${step}`).toBeLessThan(1e-6);
        const covered = coverageOf((corner) => dynamics.block.toWorld(corner));
        expect(Math.abs(covered - coverage[at]!), `coverage at ${step}`).toBeLessThan(1e-8);
        expect(Math.min(covered / SUCCESS_COVERAGE, 1)).toBeCloseTo(rewards[at]!, 7);
      });
      const ours = keypointsOf(dynamics);
      keypoints.forEach((number, i) => expect(Math.abs(ours[i]! - number)).toBeLessThan(1e-5));
    },
  );

  it("the T is pushed in most of them, and walls are reached", () => {
    const moved = golden.trajectories.filter(
      ({ first, states }) => distance(first, states.at(-1)!) > 10,
    );
    expect(moved.length).toBeGreaterThanOrEqual(8);
    const edge = golden.trajectories.flatMap(({ states }) => states.map(([, , x, y]) => [x, y]));
    expect(edge.flat().some((value) => value < 40 || value > 472)).toBe(true);
  });

  it("coverage of given poses is shapely's within 1e-9", () => {
    for (const [x, y, angle, covered] of golden.coverages) {
      const body = bodyAt(x, y, angle);
      const ours = coverageOf((corner) => body.toWorld(corner));
      expect(Math.abs(ours - covered), `${x} ${y} ${angle}`).toBeLessThan(1e-9);
    }
    expect(golden.coverages.some(([, , , covered]) => covered > 0.95)).toBe(true);
    expect(golden.coverages.some(([, , , covered]) => covered < 0.5)).toBe(true);
  });
});

describe("the camera", () => {
  it.each(golden.pictures.map((picture, i) => [i, picture] as const))(
    "picture %i: 0.25 of 255 off on average, at most 0.6 % of the numbers by more than 8",
    (_, { start, deflated }) => {
      const theirs = inflateSync(Buffer.from(deflated, "base64"));
      const ours = renderImage(new PushTDynamics(startOf(start)));
      expect(ours).toHaveLength(theirs.length);
      const off = Array.from(ours, (value, at) => Math.abs(value - theirs[at]!));
      expect(off.reduce((sum, value) => sum + value, 0) / off.length).toBeLessThan(0.25);
      expect(off.filter((value) => value > 8).length / off.length).toBeLessThan(0.006);
    },
  );
});

const WANT = {
  images: "none",
  imagesAt: "last",
  privileged: true,
  poses: true,
  depth: false,
  segmentation: false,
} as const;

function reset(env: Environment, initialState?: number): Promise<TimeStep> {
  return env
    .reset({
      task: "push_t",
      seed: 7,
      want: WANT,
      ...(initialState !== undefined && { initialState }),
    })
    .then(({ first }) => first);
}

function chunkOf(...actions: readonly (readonly [number, number])[]) {
  return { data: Float32Array.from(actions.flat()), horizon: actions.length, actionDim: 2 };
}

describe("the environment", () => {
  it("tells all that gym-pusht tells", async () => {
    const { proprio } = (await reset(createPushT(), 4)).observation;
    const state = [...(proprio["observation"]!.data as Float64Array)] as unknown as Five;
    expect([...proprio["agent_pos"]!.data]).toEqual(state.slice(0, 2));
    const [, , x, y, angle] = state;
    const corners = keypointsOf({ block: bodyAt(x, y, angle) });
    const told = [...(proprio["environment_state"]!.data as Float64Array)];
    expect(told).toHaveLength(16);
    told.forEach((number, i) => expect(number).toBeCloseTo(corners[i]!, 9));
  });

  it("continues after restore exactly as it did", async () => {
    const env = createPushT();
    const first = await reset(env, 4);
    const [, , x, y] = first.observation.proprio["observation"]!.data as Float64Array;
    await env.step(chunkOf([x!, y!], [x! + 30, y!], [x! + 60, y! + 20]), WANT);
    const kept = await env.snapshot!();
    const further = chunkOf([x! + 90, y!], [x! + 10, y! - 40], [100, 100]);
    const once = await env.step(further, WANT);
    const other = createPushT();
    const restored = await other.restore!(kept, WANT);
    expect(restored.kind).toBe("mid");
    expect(restored.observation.step).toBe(3);
    const again = await other.step(further, WANT);
    const plain = (steps: readonly TimeStep[]) => steps.map((step) => ({ ...step, busyNs: 0n }));
    expect(plain(again)).toEqual(plain(once));
  });

  it("is truncated after its steps, and says so once", async () => {
    const env = createPushT();
    const { first } = await env.reset({ task: "push_t", seed: 1, maxSteps: 3, want: WANT });
    expect(first.reward).toBe(0);
    const steps = await env.step(chunkOf([1, 1], [1, 1], [1, 1], [1, 1]), WANT);
    expect(steps.map(({ kind }) => kind)).toEqual(["mid", "mid", "last"]);
    expect(steps.at(-1)).toMatchObject({ truncated: true, terminated: false, success: false });
    await expect(env.step(chunkOf([1, 1]), WANT)).rejects.toThrow("no episode is running");
  });

  it("shows images only where they are asked for", async () => {
    const env = createPushT();
    const want = { ...WANT, images: "all" } as const;
    const { first } = await env.reset({ task: "push_t", seed: 1, want });
    expect(first.observation.images["pixels"]).toMatchObject({ shape: [96, 96, 3] });
    const steps = await env.step(chunkOf([1, 1], [1, 1]), want);
    expect(steps.map(({ observation }) => Object.keys(observation.images))).toEqual([
      [],
      ["pixels"],
    ]);
    const none = await env.step(chunkOf([1, 1]), WANT);
    expect(none[0]!.observation.images).toEqual({});
  });

  it("initial states differ from each other and repeat", async () => {
    const env = createPushT();
    const states = new Set<string>();
    for (let i = 0; i < env.tasks[0]!.initialStates; i++) {
      const { observation } = await reset(env, i);
      states.add(String(observation.proprio["observation"]!.data));
    }
    expect(states.size).toBe(50);
    const again = await reset(createPushT(), 3);
    expect(states).toContain(String(again.observation.proprio["observation"]!.data));
  });

  it("refuses what it cannot do, by name", async () => {
    const env = createPushT();
    await expect(env.snapshot!()).rejects.toThrow("must be reset first");
    await expect(env.reset({ task: "fly", seed: 0, want: WANT })).rejects.toThrow("must be push_t");
    await expect(reset(env, 50)).rejects.toThrow("must be below 50");
    await reset(env);
    await expect(env.step(chunkOf([NaN, 1]), WANT)).rejects.toThrow("must be finite");
    await expect(env.restore!(new Uint8Array(50), WANT)).rejects.toThrow(SyntaxError);
    const cut = (await env.snapshot!()).slice(0, 40);
    await expect(env.restore!(cut, WANT)).rejects.toThrow("40 bytes");
  });
});
