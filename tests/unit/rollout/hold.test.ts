import { describe, expect, it } from "vitest";
import type { ComponentSpec, EpisodeStart, Observation } from "../../../src/core/index.ts";
import { PolicyDivergedError } from "../../../src/core/index.ts";
import { brokered } from "../../../src/rollout/controller.ts";
import { holding } from "../../../src/rollout/hold.ts";
import { FAKE_SPEC, FakeEnv, fakePolicy } from "../../support/fake-env.ts";

const start = (components: readonly ComponentSpec[]): EpisodeStart => ({
  task: "t",
  instruction: "",
  seed: 0,
  spec: { ...FAKE_SPEC, action: { components } },
});
const part = (format: ComponentSpec["format"]): ComponentSpec => ({
  name: format,
  format,
  dtype: "float32",
  shape: [1],
});

async function observationAt(step: number): Promise<Observation> {
  const { first } = await new FakeEnv().reset({ task: "t", seed: 0 } as never);
  const count = { dtype: "float32", shape: [1], data: Float32Array.of(step) } as const;
  return { ...first.observation, proprio: { count }, step };
}

/** A policy of two numbers, whose decisions fail at the given steps. */
function failingAt(steps: readonly number[], error: () => Error) {
  const policy = fakePolicy({ predictHorizon: 2 });
  const decide = policy.decide.bind(policy);
  policy.decide = (observation) =>
    steps.includes(observation.step) ? Promise.reject(error()) : decide(observation);
  return brokered({ ...policy, spec: { ...policy.spec, action: "any" } });
}
const diverged = (): Error => new PolicyDivergedError("Cannot decide: it ran away");

describe("holding()", () => {
  it("stands still where a decision ran away: differences are 0, the rest stays, and it is told", async () => {
    const controller = holding(failingAt([2], diverged));
    await controller.reset(start([part("delta_position"), part("gripper_close_positive")]));
    const first = await controller.next(await observationAt(7));
    // Row k of the chunk predicted at count c is [c, k].
    expect([...first.chunk.data]).toEqual([7, 0, 7, 1]);
    const { chunk, decision } = await controller.next(await observationAt(2));
    expect([...chunk.data]).toEqual([0, 1]);
    expect(chunk.horizon).toBe(1);
    expect(decision!.thoughts).toEqual([
      { kind: "text", tag: "hold", text: "Cannot decide: it ran away" },
    ]);
    const next = await controller.next(await observationAt(3));
    expect(next.chunk.data[0]).toBe(3);
  });

  it("gives up after so many in a row, and counts anew after one that went well", async () => {
    const controller = holding(failingAt([1, 2, 3, 5, 6], diverged), { most: 2 });
    await controller.reset(start([part("delta_position"), part("joint_velocity")]));
    const ask = async (step: number) => controller.next(await observationAt(step));
    await ask(0);
    await ask(1);
    await ask(2);
    await expect(ask(3)).rejects.toThrow("ran away");
    await ask(4);
    await ask(5);
    expect([...(await ask(6)).chunk.data]).toEqual([0, 0]);
  });

  it("does not hold what was never commanded, nor any other error", async () => {
    const absolute = holding(failingAt([0], diverged));
    await absolute.reset(start([part("joint_position"), part("delta_position")]));
    await expect(absolute.next(await observationAt(0))).rejects.toThrow("ran away");
    const broken = holding(failingAt([0], () => new TypeError("Cannot decide: no image")));
    await broken.reset(start([part("delta_position"), part("delta_position")]));
    await expect(broken.next(await observationAt(0))).rejects.toThrow("no image");
    expect(() => holding(broken, { most: 0 })).toThrow("must be a whole number from 1");
  });
});
