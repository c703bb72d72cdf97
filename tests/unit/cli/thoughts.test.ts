import { describe, expect, it } from "vitest";
import { createDetour } from "../../../sim-bridge/sims/detour/index.ts";
import type { Decision } from "../../../src/core/index.ts";
import { createPolicy } from "../../../src/cli/registry.ts";
import { shippedActPackage } from "../../../policies/act/index.ts";
import { rollout } from "../../../src/rollout/index.ts";

async function decisions(thoughts?: "landscape"): Promise<readonly Decision[]> {
  const options = { seed: 0, ...(thoughts === undefined ? {} : { thoughts }) };
  const { controller, hash } = await createPolicy("energy", options);
  expect(hash).toMatch(/^[0-9a-f]+$/);
  const made: Decision[] = [];
  await rollout(controller, createDetour(), {
    ...{ task: "detour", seed: 3, initialState: 3, maxSteps: 20 },
    listeners: [{ name: "all", onDecision: (_, __, decision) => void made.push(decision) }],
  });
  await controller.close?.();
  return made;
}

describe("--thoughts landscape", () => {
  it("tells of a line and a plane at every decision, and changes none", async () => {
    const plain = await decisions();
    const looked = await decisions("landscape");
    expect(looked.length).toBeGreaterThan(1);
    expect(looked.map(({ chunk }) => chunk)).toEqual(plain.map(({ chunk }) => chunk));
    for (const { thoughts } of looked) {
      const slices = thoughts.filter((thought) => thought.kind === "slice");
      expect(slices.map(({ values }) => values.length)).toEqual([33, 17 * 17]);
      // The chosen chunk is a low place of the line that leads to it.
      const { axes, values } = slices[0]!;
      const chosen = axes[0]!.at.findIndex((t) => t >= 1);
      expect(values[chosen]).toBeLessThan(values[axes[0]!.at.findIndex((t) => t >= 0)]!);
    }
    expect(plain.flatMap(({ thoughts }) => thoughts).some(({ kind }) => kind === "slice")).toBe(
      false,
    );
  });

  it("is refused by policies without an energy", async () => {
    const ask = (name: string) => createPolicy(name, { seed: 0, thoughts: "landscape" });
    await expect(ask("scripted-detour")).rejects.toThrow(/it is a program, must be an energy/);
    await expect(ask(shippedActPackage())).rejects.toThrow(/must be one of "energy"/);
  });
});
