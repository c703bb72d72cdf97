import { describe, expect, it } from "vitest";
import { createDetour } from "../../../sim-bridge/sims/detour/index.ts";
import { createPolicy } from "../../../src/cli/registry.ts";
import type { EpisodeStart, Observation, Policy } from "../../../src/core/index.ts";
import { PolicyDivergedError } from "../../../src/core/index.ts";
import { holding, overlapped, rollout } from "../../../src/rollout/index.ts";
import { FAKE_SPEC, FakeEnv, fakePolicy } from "../../support/fake-env.ts";

const START: EpisodeStart = { task: "t", instruction: "", seed: 0, spec: FAKE_SPEC };

async function observationAt(step: number): Promise<Observation> {
  const { first } = await new FakeEnv().reset({ task: "t", seed: 0 } as never);
  const count = { dtype: "float32", shape: [1], data: Float32Array.of(step) } as const;
  return { ...first.observation, proprio: { count }, step };
}

/** Row k of the chunk that was decided at step c is [c, k]: who said what to do at each step, and how far ahead. */
async function executed(
  policy: Policy,
  options: Parameters<typeof overlapped>[1],
  steps: number,
): Promise<{ readonly rows: readonly number[][]; readonly decided: readonly number[] }> {
  const controller = overlapped(policy, options);
  await controller.reset(START);
  const rows: number[][] = [];
  const decided: number[] = [];
  while (rows.length < steps) {
    const { chunk, decision } = await controller.next(await observationAt(rows.length));
    if (decision !== undefined) {
      decided.push(rows.length);
      // What is recorded as predicted begins where it is executed.
      expect([...decision.chunk.data.slice(0, 2)]).toEqual([...chunk.data.slice(0, 2)]);
    }
    for (let k = 0; k < chunk.horizon; k++) rows.push([...chunk.data.slice(2 * k, 2 * k + 2)]);
  }
  await controller.close!();
  return { rows, decided };
}

describe("overlapped()", () => {
  it("executes the former chunk while the next is decided, and that from where it is by then", async () => {
    const policy = fakePolicy({ predictHorizon: 6 });
    const { rows, decided } = await executed(policy, { ahead: 2, executeHorizon: 3 }, 9);
    expect(rows).toEqual([
      ...[
        [0, 0],
        [0, 1],
        [0, 2],
      ],
      ...[
        [1, 2],
        [1, 3],
        [1, 4],
      ],
      ...[
        [4, 2],
        [4, 3],
        [4, 4],
      ],
    ]);
    expect(decided).toEqual([0, 3, 6]);
  });

  it("asks at once for the next where the delay is as long as what is executed", async () => {
    const policy = fakePolicy({ predictHorizon: 4 });
    const { rows, decided } = await executed(policy, { ahead: 2 }, 6);
    expect(rows).toEqual([
      ...[
        [0, 0],
        [0, 1],
      ],
      ...[
        [0, 2],
        [0, 3],
      ],
      ...[
        [2, 2],
        [2, 3],
      ],
    ]);
    expect(decided).toEqual([0, 2, 4]);
  });

  it("does not depend on how long decisions take, and never asks twice at a time", async () => {
    const slow = fakePolicy({ predictHorizon: 6 });
    const decide = slow.decide.bind(slow);
    let asking = 0;
    slow.decide = async (observation) => {
      expect(++asking).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5 * (observation.step % 3)));
      asking--;
      return decide(observation);
    };
    const options = { ahead: 2, executeHorizon: 3 };
    const quick = await executed(fakePolicy({ predictHorizon: 6 }), options, 12);
    expect(await executed(slow, options, 12)).toEqual(quick);
  });

  it("throws what a decision threw where it was needed, and begins anew after a hold", async () => {
    const policy = fakePolicy({ predictHorizon: 6 });
    const decide = policy.decide.bind(policy);
    policy.decide = async (observation) => {
      if (observation.step === 1) throw new PolicyDivergedError("away");
      return decide(observation);
    };
    const controller = overlapped(policy, { ahead: 2, executeHorizon: 3 });
    await controller.reset(START);
    await controller.next(await observationAt(0));
    await controller.next(await observationAt(1));
    await expect(controller.next(await observationAt(3))).rejects.toThrow("away");
    expect([...(await controller.next(await observationAt(4))).chunk.data]).toEqual([4, 0]);
    // What is asked for when the episode ends is not taken for the next one's.
    await controller.next(await observationAt(5));
    await controller.reset(START);
    expect([...(await controller.next(await observationAt(9))).chunk.data]).toEqual([9, 0]);
    expect(holding(controller).spec).toBe(policy.spec);
  });

  it.each([
    [{ ahead: 0, executeHorizon: 2 }],
    [{ ahead: 3, executeHorizon: 2 }],
    [{ ahead: 2, executeHorizon: 5 }],
    [{ ahead: 1.5 }],
  ])("refuses %j for chunks of 6 rows", (options) => {
    const make = (): unknown => overlapped(fakePolicy({ predictHorizon: 6 }), options);
    expect(make).toThrow("together at most 6 rows of a chunk");
  });

  it("is what --ahead makes: the energy policy still goes round the disc", async () => {
    const { controller } = await createPolicy("energy", { seed: 0, ahead: 2 });
    const ends: string[] = [];
    for (let state = 0; state < 8; state++) {
      const at = { task: "detour", seed: state, initialState: state };
      ends.push((await rollout(controller, createDetour(), at)).outcome.kind);
    }
    await controller.close?.();
    expect(ends.filter((kind) => kind === "success").length).toBeGreaterThanOrEqual(6);
    const program = createPolicy("scripted-detour", { seed: 0, ahead: 2 });
    await expect(program).rejects.toThrow("Cannot decide ahead with");
  });
});
