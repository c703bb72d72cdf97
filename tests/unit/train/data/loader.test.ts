import { mkdtemp, rm, truncate, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../../../../src/episode/node.ts";
import { openMcapDataset } from "../../../../src/episode/node.ts";
import type { Batch, BatchLoaderOptions } from "../../../../src/train/data/index.ts";
import { openBatchLoader } from "../../../../src/train/data/index.ts";
import { writeDemonstrations } from "../../../support/demonstrations.ts";
import type { SyntheticEpisode } from "../../../support/synthetic-episode.ts";

const LENGTHS = [12, 30, 7];
const HORIZON = 8;
let folder = "";
let written: SyntheticEpisode[] = [];
let dataset: Dataset;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "efference-loader-"));
  written = await writeDemonstrations(folder, LENGTHS);
  dataset = await openMcapDataset(folder);
});
afterAll(async () => {
  await dataset.close();
  await rm(folder, { recursive: true });
});

function options(more: Partial<BatchLoaderOptions> = {}): BatchLoaderOptions {
  return {
    datasets: [{ dataset }],
    batchSize: 5,
    predictHorizon: HORIZON,
    cameras: ["front", "wrist"],
    seed: 7,
    threads: 0,
    ...more,
  };
}

async function take(count: number, more: Partial<BatchLoaderOptions> = {}): Promise<Batch[]> {
  const loader = await openBatchLoader(options(more));
  const batches: Batch[] = [];
  for (let i = 0; i < count; i++) batches.push(await loader.next());
  await loader.close();
  return batches;
}

/** Everything of a batch but the time it took. */
const contents = ({ waitMs: _, ...batch }: Batch): Omit<Batch, "waitMs"> => batch;

describe("batches", () => {
  it("hold what was recorded at the step of each window", async () => {
    for (const batch of await take(10)) {
      expect(batch.images["front"]!.shape).toEqual([5, 16, 16, 3]);
      expect(batch.actions.shape).toEqual([5, HORIZON, 4]);
      for (const [i, { episode, step }] of batch.windows.entries()) {
        const { actions, timeSteps, header } = written[episode]!;
        for (const camera of ["front", "wrist"]) {
          const size = 16 * 16 * 3;
          const image = batch.images[camera]!.data.subarray(i * size, (i + 1) * size);
          expect(image).toEqual(timeSteps[step]!.observation.images[camera]!.data);
        }
        const { proprio } = timeSteps[step]!.observation;
        const row = Object.values(proprio).flatMap(({ data }) => Array.from(data, Number));
        expect(batch.proprio.data.subarray(i * 8, (i + 1) * 8)).toEqual(Float32Array.from(row));
        for (let k = 0; k < HORIZON; k++) {
          const at = (i * HORIZON + k) * 4;
          const expected = actions[Math.min(actions.length - 1, step + k)];
          expect(batch.actions.data.subarray(at, at + 4)).toEqual(expected);
          expect(batch.actionMask.data[i * HORIZON + k]).toBe(step + k < actions.length ? 1 : 0);
        }
        expect(batch.instructions[i]).toBe(header.instruction);
        expect(batch.tasks[i]).toBe(header.task);
      }
    }
  });

  it("show every window once per epoch", async () => {
    const total = LENGTHS.reduce((a, b) => a + b);
    const seen = (await take(total, { batchSize: 5 })).flatMap(({ windows }) => windows);
    for (let epoch = 0; epoch < 5; epoch++) {
      const part = seen.slice(epoch * total, (epoch + 1) * total);
      expect(new Set(part.map(({ episode, step }) => `${episode}/${step}`)).size).toBe(total);
    }
  });

  it("go on after an interruption as if there had been none, augmentation included", async () => {
    const augment = { shiftPx: 3, brightness: 0.3, contrast: 0.3, saturation: 0.3 };
    const all = await take(25, { augment });
    const again = await take(13, { augment, start: all[11]!.next });
    expect(again.map(contents)).toEqual(all.slice(12).map(contents));
  });

  it("are the same whatever is kept in memory and made ahead", async () => {
    const augment = { shiftPx: 2, brightness: 0.2 };
    const plain = (await take(20, { augment })).map(contents);
    expect((await take(20, { augment, cacheBytes: 0 })).map(contents)).toEqual(plain);
    expect((await take(20, { augment, cacheBytes: 20_000, prefetch: 1 })).map(contents)).toEqual(
      plain,
    );
  });

  it("are made of the chosen parts alone", async () => {
    const [batch] = await take(1, {
      datasets: [{ dataset, episodes: [2] }],
      cameras: ["wrist"],
      proprio: ["joint_position", "gripper_opening"],
      resize: { height: 8, width: 4 },
      shuffle: false,
      observeHorizon: 3,
    });
    expect(Object.keys(batch!.images)).toEqual(["wrist"]);
    expect(batch!.images["wrist"]!.shape).toEqual([5, 3, 8, 4, 3]);
    expect(batch!.proprio.shape).toEqual([5, 3, 5]);
    expect(batch!.windows).toEqual(
      [0, 1, 2, 3, 4].map((step) => ({ dataset: 0, episode: 2, step })),
    );
    const joints = (step: number): number[] => {
      const { proprio } = written[2]!.timeSteps[step]!.observation;
      return [...proprio["joint_position"]!.data, ...proprio["gripper_opening"]!.data].map(Number);
    };
    // The first window's history lies before the beginning; the fourth's does not.
    expect(batch!.proprio.data.subarray(0, 15)).toEqual(
      Float32Array.from([...joints(0), ...joints(0), ...joints(0)]),
    );
    expect(batch!.proprio.data.subarray(45, 60)).toEqual(
      Float32Array.from([...joints(1), ...joints(2), ...joints(3)]),
    );
  });

  it("hold a part of the image: anywhere in training, else the centre", async () => {
    const part = { height: 10, width: 12 };
    const inside = (batch: Batch, row: number, [dx, dy]: readonly [number, number]): boolean => {
      const { episode, step } = batch.windows[row]!;
      const whole = written[episode]!.timeSteps[step]!.observation.images["front"]!.data;
      const found = batch.images["front"]!.data.subarray(row * 360, (row + 1) * 360);
      return found.every((value, i) => {
        const [y, x] = [Math.floor(i / 36) + dy, Math.floor((i % 36) / 3) + dx];
        return value === whole[(y * 16 + x) * 3 + (i % 3)];
      });
    };
    const [centred] = await take(1, { crop: { ...part, random: false } });
    expect(centred!.images["front"]!.shape).toEqual([5, 10, 12, 3]);
    for (let row = 0; row < 5; row++) expect(inside(centred!, row, [2, 3])).toBe(true);
    const drawn = await take(8, { crop: { ...part, random: true } });
    const places = [0, 1, 2, 3, 4].flatMap((dx) =>
      [0, 1, 2, 3, 4, 5, 6].map((dy) => [dx, dy] as const),
    );
    const found = drawn.flatMap((batch) =>
      [0, 1, 2, 3, 4].map((row) => places.find((place) => inside(batch, row, place))),
    );
    expect(found).not.toContain(undefined);
    expect(new Set(found).size).toBeGreaterThan(15);
    const again = await take(3, { crop: { ...part, random: true }, start: drawn[4]!.next });
    expect(again.map(contents)).toEqual(drawn.slice(5).map(contents));
  });

  it("look back by strides", async () => {
    const [batch] = await take(1, {
      datasets: [{ dataset, episodes: [2] }],
      cameras: [],
      proprio: ["gripper_opening"],
      shuffle: false,
      observeHorizon: 3,
      observeStride: 2,
    });
    const opening = (step: number): number =>
      Number(written[2]!.timeSteps[step]!.observation.proprio["gripper_opening"]!.data[0]);
    const expected = [0, 1, 2, 3, 4].flatMap((step) =>
      [step - 4, step - 2, step].map((seen) => opening(Math.max(0, seen))),
    );
    expect(batch!.proprio.data).toEqual(Float32Array.from(expected));
  });

  it("decode every image once where there is room", async () => {
    const loader = await openBatchLoader(options({ prefetch: 1 }));
    for (let i = 0; i < 20; i++) await loader.next();
    const { usage } = loader;
    expect(usage.cacheableImages).toBe(98);
    expect(usage.cachedImages).toBe(98);
    expect(usage.decodedImages).toBe(98);
    expect(usage.batches).toBe(20);
    await loader.close();
  });
});

describe("a loader", () => {
  it("refuses what makes no sense", async () => {
    await expect(openBatchLoader(options({ batchSize: 0 }))).rejects.toThrow("batchSize is 0");
    await expect(openBatchLoader(options({ cameras: ["top"] }))).rejects.toThrow('camera "top"');
    await expect(openBatchLoader(options({ proprio: ["mood"] }))).rejects.toThrow('proprio "mood"');
    const crop = { height: 17, width: 4, random: true };
    await expect(openBatchLoader(options({ crop }))).rejects.toThrow(
      'Cannot crop "front": the part is 17 x 4, must fit into 16 x 16',
    );
    await expect(openBatchLoader(options({ datasets: [] }))).rejects.toThrow("no datasets");
    await expect(openBatchLoader(options({ start: { epoch: 0, index: 50 } }))).rejects.toThrow(
      "Cannot plan a batch at epoch 0, index 50",
    );
    await expect(openBatchLoader(options({ resize: { height: 32, width: 32 } }))).rejects.toThrow(
      "Cannot resize 16 x 16 to 32 x 32",
    );
    await expect(openBatchLoader(options({ augment: { contrast: 2 } }))).rejects.toThrow(
      "contrast is 2",
    );
  });

  it("rejects with the real reason, then and ever after", async () => {
    const own = await mkdtemp(join(tmpdir(), "efference-loader-own-"));
    await writeDemonstrations(own, [20]);
    const broken = await openMcapDataset(own);
    await broken.frameSource(["front"]);
    const path = join(own, "episode-000.mcap");
    await truncate(path, Math.floor((await stat(path)).size / 3));
    const loader = await openBatchLoader(options({ datasets: [{ dataset: broken }] }));
    const reason = /Cannot read ".*episode-000\.mcap": it ends at byte/;
    await expect(loader.next()).rejects.toThrow(reason);
    await expect(loader.next()).rejects.toThrow(reason);
    await loader.close();
    await broken.close();
    await rm(own, { recursive: true });
  });

  it("closes in the middle, and rejects what is waited for", async () => {
    const loader = await openBatchLoader(options());
    await loader.next();
    const waiting = [loader.next(), loader.next(), loader.next()];
    const settled = Promise.allSettled(waiting);
    await loader.close();
    for (const result of await settled) {
      if (result.status === "rejected") {
        expect(String(result.reason)).toContain("the loader is closed");
      }
    }
    await expect(loader.next()).rejects.toThrow("Cannot load a batch: the loader is closed");
  });
});
