/** The loader with real threads, as it is built. */
import { mkdtemp, readdir, readlink, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type * as EpisodeModule from "../../../src/episode/node.ts";
import type { Dataset } from "../../../src/episode/node.ts";
import type * as DataModule from "../../../src/train/data/index.ts";
import type { Batch, BatchLoaderOptions } from "../../../src/train/data/index.ts";
import { writeDemonstrations } from "../../support/demonstrations.ts";

type Episodes = typeof EpisodeModule;
type Loading = typeof DataModule;

const built = (path: string): string => new URL(`../../../dist/src/${path}`, import.meta.url).href;

let episodes: Episodes;
let loading: Loading;
let folder = "";
let dataset: Dataset;

beforeAll(async () => {
  episodes = (await import(built("episode/node.js"))) as Episodes;
  loading = (await import(built("train/data/index.js"))) as Loading;
  folder = await mkdtemp(join(tmpdir(), "efference-threads-"));
  await writeDemonstrations(folder, [40, 25, 33]);
  dataset = await episodes.openMcapDataset(folder);
});
afterAll(async () => {
  await dataset.close();
  await rm(folder, { recursive: true });
});

function options(more: Partial<BatchLoaderOptions> = {}): BatchLoaderOptions {
  return {
    datasets: [{ dataset }],
    batchSize: 8,
    predictHorizon: 4,
    cameras: ["front", "wrist"],
    augment: { shiftPx: 2, brightness: 0.2, contrast: 0.2, saturation: 0.2 },
    seed: 11,
    ...more,
  };
}

async function take(count: number, threads: number): Promise<Omit<Batch, "waitMs">[]> {
  const loader = await loading.openBatchLoader(options({ threads }));
  const batches: Omit<Batch, "waitMs">[] = [];
  for (let i = 0; i < count; i++) {
    const { waitMs: _, ...batch } = await loader.next();
    batches.push(batch);
  }
  await loader.close();
  return batches;
}

/** Paths of this process's open files below the folder, where the system lists them. */
async function openFiles(): Promise<string[]> {
  const links = await readdir("/proc/self/fd").catch(() => []);
  const targets = links.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return (await Promise.all(targets)).filter((target) => target.startsWith(folder));
}

describe("a loader with threads", () => {
  it("gives the same batches with none, one and three of them", async () => {
    const plain = await take(30, 0);
    expect(await take(30, 1)).toEqual(plain);
    expect(await take(30, 3)).toEqual(plain);
  });

  it("hands its buffers over: they can be transferred on", async () => {
    const loader = await loading.openBatchLoader(options());
    const { images } = await loader.next();
    const { data } = images["front"]!;
    const moved = structuredClone(data, { transfer: [data.buffer] });
    expect(moved).toHaveLength(8 * 16 * 16 * 3);
    await loader.close();
  });

  it("closes in the middle, leaving no file open", async () => {
    for (let round = 0; round < 5; round++) {
      const loader = await loading.openBatchLoader(options({ threads: 2, prefetch: 8 }));
      if (round % 2 === 0) await loader.next();
      const waiting = loader.next().catch((error: unknown) => error);
      await loader.close();
      const result = await waiting;
      if (result instanceof Error) expect(result.message).toContain("the loader is closed");
    }
    expect(await openFiles()).toEqual([]);
  });

  it("brings an error of a thread to whoever waits, by its class and text", async () => {
    const own = await mkdtemp(join(tmpdir(), "efference-threads-own-"));
    await writeDemonstrations(own, [20]);
    const broken = await episodes.openMcapDataset(own);
    await broken.frameSource(["front"]);
    const path = join(own, "episode-000.mcap");
    await truncate(path, Math.floor((await stat(path)).size / 3));
    const loader = await loading.openBatchLoader(options({ datasets: [{ dataset: broken }] }));
    await expect(loader.next()).rejects.toThrow(RangeError);
    await expect(loader.next()).rejects.toThrow(/episode-000\.mcap": it ends at byte/);
    await loader.close();
    await broken.close();
    await rm(own, { recursive: true });
  });

  it("needs no more memory after many batches than after some", async () => {
    const loader = await loading.openBatchLoader(options({ batchSize: 64 }));
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const settle = async (batches: number): Promise<number> => {
      for (let i = 0; i < batches; i++) await loader.next();
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    await settle(20);
    const before = await settle(1);
    // 400 batches are 39 MB of images alone; four of them are made ahead.
    const after = await settle(400);
    await loader.close();
    expect(after - before).toBeLessThan(4e6);
  });
});
