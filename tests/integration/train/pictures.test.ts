/** Policies that imitate chunks learn from pictures of the tabletop: all objectives share one encoder. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../cli/cli.ts";

let cwd = "";
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "efference-pictures-"));
  const record = await run(
    ["record", "--sim", "tabletop", "--task", "lift_red_cube", "--episodes", "2", "--out", "demos"],
    cwd,
  );
  expect(record.code, record.stderr).toBe(0);
});
afterAll(() => rmSync(cwd, { recursive: true }));

const SEEN = {
  ...{ cameras: ["front", "wrist"], horizon: 8, width: 32, heads: 2, layers: 2 },
  image: { filters: [16, 32], keypoints: 8, features: 16 },
};

function config(policy: object): object {
  return {
    policy: { ...SEEN, ...policy },
    data: {
      folders: ["demos/episodes"],
      resize: { height: 32, width: 32 },
      augment: { shiftPx: 2, brightness: 0.1 },
    },
    ...{ batchSize: 8, steps: 80, logEvery: 10, threads: 1 },
    optimiser: { kind: "adamw", emaDecay: 0.99, emaPower: 0.75, clipNorm: 1 },
    schedule: { kind: "cosine", peak: 0.003, warmUp: 5 },
    checkpoint: { everySteps: 80, keep: 1 },
  };
}

describe("learning to lift from pictures", () => {
  it.each<[string, object]>([
    ["energy, mix", { kind: "energy", objective: "mix" }],
    ["energy, equilibrium", { kind: "energy", objective: "equilibrium" }],
    ["flow matching", { kind: "diffusion", objective: "flow" }],
    ["regression with a U-Net", { kind: "diffusion", objective: "regression", backbone: "unet" }],
  ])("%s: the loss falls", async (name, policy) => {
    const out = name.replaceAll(/\W+/g, "-");
    writeFileSync(join(cwd, `${out}.json`), JSON.stringify(config(policy)));
    const { code, stderr } = await run(["train", `${out}.json`, "--out", out, "--json"], cwd);
    expect(code, stderr).toBe(0);
    const losses = readFileSync(join(cwd, out, "metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; loss: number })
      .filter(({ kind }) => kind === "train")
      .map(({ loss }) => loss);
    expect(losses).toHaveLength(8);
    // What flow matching is asked for is noisy even at its best.
    expect(losses.at(-1)).toBeLessThan(0.85 * losses[0]!);
  });
});
