/** Energy and diffusion policies from training to a package that acts: recorded episodes in, decisions out. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { trainableFor } from "../../../src/cli/registry.ts";
import type { Observation, Policy } from "../../../src/core/index.ts";
import { PolicyDivergedError, seeded } from "../../../src/core/index.ts";
import { createEpisodeWriter, openEpisode, fileSource } from "../../../src/episode/node.ts";
import { loadPolicy, writePolicyPackage } from "../../../src/package/index.ts";
import { parseTrainConfig, train } from "../../../src/train/index.ts";
import { writeDemonstrations } from "../../support/demonstrations.ts";
import { freshOf, worldData } from "../../support/imitation.ts";
import { synthesiseEpisode } from "../../support/synthetic-episode.ts";

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "efference-imitation-"));
  await writeDemonstrations(join(folder, "demos"), [20, 24, 18]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const TINY = {
  horizon: 8,
  width: 16,
  heads: 2,
  layers: 1,
  image: { filters: [8], groupSize: 4, keypoints: 4, features: 6 },
};

async function trained(policy: object, steps: number, out: string, maxSteps?: number) {
  const config = parseTrainConfig({
    policy: { ...TINY, ...policy },
    data: { folders: [join(folder, "demos")], validation: 0.3, threads: 0 },
    batchSize: 8,
    steps,
    optimiser: { kind: "adamw", weightDecay: 1e-6, clipNorm: 1, emaDecay: 0.9 },
    schedule: { kind: "cosine", peak: 2e-3, warmUp: 5 },
    validate: { everySteps: steps, batches: 2 },
    checkpoint: { everySteps: Math.ceil(steps / 2), keep: 2 },
    threads: 1,
  });
  const measured: number[] = [];
  const losses: number[] = [];
  const result = await train({
    config,
    folder: join(folder, out),
    makeTrainable: await trainableFor(config.policy),
    resume: true,
    ...(maxSteps === undefined ? {} : { maxSteps }),
    onEvent: (event) => {
      if (event.kind === "measured") measured.push(event.values["loss"]!);
      if (event.kind === "updated") losses.push(event.loss);
    },
  });
  return { ...result, measured, losses };
}

const EPISODE = synthesiseEpisode({ imagePx: 16, steps: 30, seed: 3 });
const observationAt = (step: number): Observation => EPISODE.timeSteps[step]!.observation;

async function decideAt(policy: Policy, steps: readonly number[]) {
  await policy.reset({ task: "", instruction: "", seed: 4, spec: EPISODE.header.spec });
  const decisions = [];
  for (const step of steps) decisions.push(await policy.decide(observationAt(step)));
  return decisions;
}

describe("trained on recorded episodes", () => {
  it.each<[string, object]>([
    ["energy-mix", { kind: "energy", objective: "mix" }],
    [
      "energy-paper",
      { kind: "energy", objective: "paper", cameras: ["wrist"], infer: { samples: 3 } },
    ],
    ["energy-equilibrium", { kind: "energy", objective: "equilibrium", observeHorizon: 2 }],
    ["ddpm", { kind: "diffusion", objective: "diffusion", diffusion: { trainTimesteps: 20 } }],
    ["flow", { kind: "diffusion", objective: "flow", backbone: "unet", unet: { widths: [8, 16] } }],
    ["regression", { kind: "diffusion", objective: "regression", observeHorizon: 2 }],
  ])("%s learns, and acts from its package the same way every time", async (name, policy) => {
    const { losses, measured, bestPackage, lastPackage } = await trained(policy, 40, name);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(losses.slice(-8))).toBeLessThan(mean(losses.slice(0, 8)));
    expect(measured.every(Number.isFinite)).toBe(true);
    expect(bestPackage).toBeDefined();
    const loaded = await loadPolicy(lastPackage);
    expect(loaded.spec).toMatchObject({ predictHorizon: 8, executeHorizon: 4, controlFreqHz: 20 });
    const [first, second] = await decideAt(loaded, [0, 4]);
    const again = await decideAt(loaded, [0, 4]);
    expect(again.map(({ chunk }) => chunk)).toEqual([first!.chunk, second!.chunk]);
    expect(first!.chunk.data.every(Number.isFinite)).toBe(true);
    expect(second!.chunk.data).not.toEqual(first!.chunk.data);
    await loaded.close?.();
  });

  it("resumes with the same bits although the number of steps is drawn", async () => {
    const policy = { kind: "energy", objective: "paper", train: { steps: 2, extraSteps: 3 } };
    const whole = await trained(policy, 20, "whole");
    await trained(policy, 20, "parts", 11);
    const parts = await trained(policy, 20, "parts");
    expect(parts.losses).toHaveLength(9);
    expect(parts.weightsHash).toBe(whole.weightsHash);
  });
});

describe("thoughts of a package", () => {
  it("are energy, steps and the chunks on the way, in physical units, and can be recorded", async () => {
    const { lastPackage } = await trained({ kind: "energy", infer: { samples: 2 } }, 8, "thoughts");
    const policy = await loadPolicy(lastPackage);
    const [decision] = await decideAt(policy, [0]);
    await policy.close?.();
    const { chunk, thoughts } = decision!;
    const scalar = (tag: string): number => {
      const found = thoughts.find((thought) => thought.tag === tag);
      return found?.kind === "scalar" ? found.value : NaN;
    };
    const path = thoughts.find((thought) => thought.kind === "refinement")!;
    if (path.kind !== "refinement") throw new Error("there is no path");
    expect(path.values["energy"]).toHaveLength(scalar("steps"));
    expect(scalar("disagreement")).toBeGreaterThan(0);
    expect(path.values["energy"]!.at(-1)).toBe(scalar("energy"));
    expect(path.steps.at(-1)).toBe(scalar("steps"));
    // The last chunk of the path is the one that is executed.
    expect(path.chunks.at(-1)).toEqual([...chunk.data]);

    const file = join(folder, "thoughts.mcap");
    const writer = await createEpisodeWriter(file, EPISODE.header);
    await writer.step({ timeStep: EPISODE.timeSteps[0]! });
    await writer.decision(0, 0n, decision!);
    await writer.end({ kind: "failure", reason: "time_limit", step: 0 });
    const source = fileSource(file);
    const { decisions } = await openEpisode(source);
    await source.close();
    expect(decisions[0]!.thoughts).toEqual(thoughts);
  });

  it("a descent that runs away is an error that says so", async () => {
    const makeTrainable = await trainableFor({
      kind: "energy",
      ...TINY,
      infer: { limit: 0.01 },
    } as never);
    const trainable = makeTrainable(worldData());
    const path = join(folder, "away");
    await writePolicyPackage(path, trainable.toPackage(freshOf(trainable), {}));
    const policy = await loadPolicy(path, { rng: seeded(1) });
    const state = { dtype: "float32", shape: [3], data: new Float32Array(3) } as const;
    const decision = policy.decide({ ...observationAt(0), proprio: { state } });
    await expect(decision).rejects.toThrow(PolicyDivergedError);
    await expect(decision).rejects.toThrow(/chunk is NaN, must be finite/);
    await policy.close?.();
  });
});
