import { describe, expect, it } from "vitest";
import { SpecMismatchError, manualClock } from "../../../src/core/index.ts";
import type { RolloutListener } from "../../../src/rollout/index.ts";
import { brokered, rollout } from "../../../src/rollout/index.ts";
import { FAKE_SPEC, FakeEnv, fakePolicy } from "../../support/fake-env.ts";

/** Writes down every hook, in order. */
function witness(): RolloutListener & { readonly log: string[] } {
  const log: string[] = [];
  return {
    name: "witness",
    log,
    onStart: (header) => void log.push(`start ${header.task}`),
    onDecision: (step) => void log.push(`decision ${step}`),
    onStep: (timeStep, action) =>
      void log.push(`step ${timeStep.observation.step} [${[...action].join(", ")}]`),
    onEvent: (event) => void log.push(`event ${event.kind}`),
    onEnd: (outcome) => void log.push(`end ${outcome.kind}`),
  };
}

describe("rollout()", () => {
  it("observes, decides, acts, and tells listeners everything once and in order", async () => {
    const listener = witness();
    const env = new FakeEnv({ succeedAt: 4 });
    const controller = brokered(fakePolicy({ predictHorizon: 3 }), { executeHorizon: 3 });
    const result = await rollout(controller, env, {
      listeners: [listener],
      seed: 4,
      initialState: 1,
    });
    expect(listener.log).toEqual([
      "start count_up",
      "event reset",
      "decision 0",
      "step 1 [0, 0]",
      "step 2 [0, 1]",
      "step 3 [0, 2]",
      "decision 3",
      "event success",
      "step 4 [3, 0]",
      "end success",
    ]);
    expect(result.outcome).toEqual({ kind: "success", step: 4 });
    expect(result.steps).toBe(4);
    expect(result.return).toBe(4);
    expect(env.resets[0]).toMatchObject({ task: "count_up", seed: 4, initialState: 1 });
    expect(result.header.episodeId).toBe("count_up-i001-s4-a1");
  });

  it("asks the simulator for no pixels when nobody looks, and for all when a listener does", async () => {
    const blind = new FakeEnv();
    await rollout(brokered(fakePolicy()), blind);
    expect(blind.chunks[0]?.want.images).toBe("none");
    const seen = new FakeEnv();
    const wants = { images: "all", imagesAt: "every", poses: true } as const;
    await rollout(brokered(fakePolicy()), seen, { listeners: [{ name: "recorder", wants }] });
    expect(seen.chunks[0]?.want).toMatchObject(wants);
  });

  it("ends by the time limit as a failure that says so", async () => {
    const { outcome } = await rollout(brokered(fakePolicy()), new FakeEnv(), { maxSteps: 2 });
    expect(outcome).toEqual({ kind: "failure", reason: "time_limit", step: 2 });
  });

  it("starts every step at t0 + n periods on a paced clock, one row at a time", async () => {
    const clock = manualClock();
    const env = new FakeEnv();
    const result = await rollout(brokered(fakePolicy()), env, { clock });
    expect(env.chunks.every(({ chunk }) => chunk.horizon === 1)).toBe(true);
    expect(clock.nowNs()).toBe(4n * 100_000_000n);
    expect(result.latenessMs).toEqual([0, 0, 0, 0, 0]);
  });

  it("asks on a paced clock for pictures where the policy looks again, or at every step for a listener", async () => {
    const policy = fakePolicy();
    const seeing = { ...policy, spec: { ...policy.spec, observation: FAKE_SPEC.observation } };
    const asked = async (listeners: readonly RolloutListener[]): Promise<unknown[]> => {
      const env = new FakeEnv();
      await rollout(brokered(seeing), env, { clock: manualClock(), maxSteps: 5, listeners });
      return env.chunks.map(({ want }) => want.images);
    };
    expect(await asked([])).toEqual(["none", "none", ["front"], "none", "none"]);
    const recorder = { name: "recorder", wants: { images: "all", imagesAt: "every" } } as const;
    expect(await asked([recorder])).toEqual(["all", "all", "all", "all", "all"]);
  });

  it("records lateness without shifting the steps after it", async () => {
    const clock = manualClock();
    const policy = fakePolicy({ predictHorizon: 1 });
    const decide = policy.decide.bind(policy);
    policy.decide = (observation) => {
      if (observation.step === 1) clock.advance(150_000_000n);
      return decide(observation);
    };
    const { latenessMs } = await rollout(brokered(policy), new FakeEnv(), { clock });
    expect(latenessMs).toEqual([0, 50, 0, 0, 0]);
  });

  it("starts the clock when the first action is ready, however long that takes", async () => {
    const clock = manualClock();
    const policy = fakePolicy({ predictHorizon: 1 });
    const decide = policy.decide.bind(policy);
    policy.decide = (observation) => {
      if (observation.step === 0) clock.advance(250_000_000n);
      return decide(observation);
    };
    const { latenessMs } = await rollout(brokered(policy), new FakeEnv(), { clock });
    expect(latenessMs).toEqual([0, 0, 0, 0, 0]);
    expect(clock.nowNs()).toBe(250_000_000n + 4n * 100_000_000n);
  });

  it("goes on without a listener that fails, and says so to the others", async () => {
    const broken: RolloutListener = {
      name: "broken",
      onStep: () => Promise.reject(new Error("disk full")),
    };
    const listener = witness();
    const result = await rollout(brokered(fakePolicy()), new FakeEnv(), {
      listeners: [broken, listener],
    });
    expect(result.steps).toBe(5);
    expect(result.listenerFailures).toMatchObject([{ listener: "broken" }]);
    expect(listener.log).toContain("event listener_failed");
    expect(listener.log.at(-1)).toBe("end failure");
  });

  it("marks the episode as a crash for its listeners and throws on", async () => {
    const listener = witness();
    const env = new FakeEnv({ throwAtCall: { call: 2, error: new Error("boom") } });
    const running = rollout(brokered(fakePolicy(), { executeHorizon: 1 }), env, {
      listeners: [listener],
    });
    await expect(running).rejects.toThrow("boom");
    expect(listener.log.slice(-2)).toEqual(["event crash", "end crash"]);
  });

  it("stops at the next step when it is told to", async () => {
    const controller = new AbortController();
    const env = new FakeEnv();
    const listener: RolloutListener = { name: "stopper", onStep: () => controller.abort() };
    const { outcome } = await rollout(brokered(fakePolicy(), { executeHorizon: 1 }), env, {
      listeners: [listener],
      signal: controller.signal,
    });
    expect(outcome).toMatchObject({ kind: "failure", reason: "stopped" });
  });

  it("refuses a policy that does not fit before anything moves", async () => {
    const policy = fakePolicy();
    const env = new FakeEnv();
    const misfit = { ...policy, spec: { ...policy.spec, controlFreqHz: 99 } };
    await expect(rollout(brokered(misfit), env)).rejects.toThrow(SpecMismatchError);
    expect(env.resets).toHaveLength(0);
    expect(FAKE_SPEC.controlFreqHz).toBe(10);
  });
});
