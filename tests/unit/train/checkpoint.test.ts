import { mkdtempSync, readFileSync, writeFileSync, mkdirSync, existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import {
  listCheckpoints,
  pruneCheckpoints,
  readCheckpoint,
  writeCheckpoint,
} from "../../../src/train/checkpoint.ts";
import type { Checkpoint } from "../../../src/train/checkpoint.ts";

const f32 = (values: number[]): NdArray => ({
  dtype: "float32",
  shape: [values.length],
  data: Float32Array.from(values),
});

function checkpoint(step: number): Checkpoint {
  return {
    state: {
      step,
      position: { epoch: 1, index: 64 },
      seed: 3,
      configHash: "abc",
      dataHashes: ["d"],
      best: { step: 1, value: -0.25 },
      sinceBest: 2,
      provenance: { command: "efference train x" },
    },
    weights: { w: f32([1, 2.5, -3]), "layer/b": f32([0]) },
    optimiser: { "m/w": f32([4, 5, 6]), "v/w": f32([7, 8, 9]) },
  };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "efference-checkpoint-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a checkpoint", () => {
  it("comes back as it was written", async () => {
    const path = await writeCheckpoint(folder, checkpoint(12));
    expect(path).toBe(join(folder, "step-00000012"));
    expect(await readCheckpoint(path)).toEqual(checkpoint(12));
  });

  it("is the same bytes each time, and is not written twice", async () => {
    const path = await writeCheckpoint(folder, checkpoint(12));
    const bytes = readFileSync(join(path, "weights.safetensors"));
    await writeCheckpoint(folder, { ...checkpoint(12), weights: {} });
    expect(readFileSync(join(path, "weights.safetensors")).equals(bytes)).toBe(true);
  });

  it.each([
    ["weights.safetensors", "weights.safetensors is damaged"],
    ["optimiser.safetensors", "optimiser.safetensors is damaged"],
  ])("shows a flipped bit in %s", async (file, words) => {
    const path = await writeCheckpoint(folder, checkpoint(12));
    const bytes = readFileSync(join(path, file));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(join(path, file), bytes);
    await expect(readCheckpoint(path)).rejects.toThrow(words);
  });

  it("names what is absent or no checkpoint", async () => {
    const path = await writeCheckpoint(folder, checkpoint(12));
    rmSync(join(path, "optimiser.safetensors"));
    await expect(readCheckpoint(path)).rejects.toThrow(/optimiser.safetensors cannot be read/);
    writeFileSync(join(path, "state.json"), "{}");
    await expect(readCheckpoint(path)).rejects.toThrow(/state.json is wrong at format/);
    writeFileSync(join(path, "state.json"), "{");
    await expect(readCheckpoint(path)).rejects.toThrow(/state.json is no JSON/);
  });
});

describe("the folder of checkpoints", () => {
  it("lists complete ones by step and clears away halves", async () => {
    for (const step of [200, 20, 1000]) await writeCheckpoint(folder, checkpoint(step));
    const half = join(folder, ".step-00003000.x.new");
    mkdirSync(half);
    writeFileSync(join(half, "weights.safetensors"), "half");
    const names = (await listCheckpoints(folder)).map((path) => path.slice(folder.length + 1));
    expect(names).toEqual(["step-00000020", "step-00000200", "step-00001000"]);
    expect(existsSync(half)).toBe(false);
  });

  it("keeps the newest and the best", async () => {
    for (const step of [1, 2, 3, 4]) await writeCheckpoint(folder, checkpoint(step));
    await pruneCheckpoints(folder, { keep: 2, spare: [join(folder, "step-00000001")] });
    const names = (await listCheckpoints(folder)).map((path) => path.slice(-1));
    expect(names).toEqual(["1", "3", "4"]);
  });

  it("is empty where there is none", async () => {
    expect(await listCheckpoints(join(folder, "absent"))).toEqual([]);
  });
});
