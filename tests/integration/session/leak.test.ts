import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import { isDeviceTensor, openLocalSession, openSession } from "../../../src/session/index.ts";

const MIB = 1024 * 1024;

/** Mean of every colour of a 256 x 256 image. */
function meanColour(): Uint8Array {
  const g = new GraphBuilder("mean_colour");
  const image = g.input("image", "uint8", ["batch", 256, 256, 3]);
  g.output("mean", g.reduceMean(g.cast(image, "float32"), [1, 2]));
  return writeModel(g.build());
}

const image: NdArray = {
  dtype: "uint8",
  shape: [1, 256, 256, 3],
  data: new Uint8Array(256 * 256 * 3).fill(7),
};

async function runMany(count: number): Promise<(times: number) => Promise<void>> {
  const session = await openSession(meanColour());
  for (let i = 0; i < count; i++) await session.run({ image });
  return async (times) => {
    for (let i = 0; i < times; i++) {
      const { outputs } = await session.run({ image });
      if (outputs["mean"]?.data[2] !== 7) throw new Error(`run ${i} is wrong`);
    }
    await session.close();
  };
}

describe("memory", () => {
  it("is flat over 10,000 runs of one session", async () => {
    const run = await runMany(2_000);
    const before = process.memoryUsage().rss;
    await run(10_000);
    const grownMib = (process.memoryUsage().rss - before) / MIB;
    // 10,000 leaked inputs would be 1,900 MiB; the allocator's own breathing is far below this bound.
    expect(grownMib).toBeLessThan(64);
  });

  it("is flat over 60 sessions opened and closed", async () => {
    const openAndClose = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        await using session = await openSession(meanColour());
        await session.run({ image });
      }
    };
    await openAndClose(20);
    const before = process.memoryUsage().rss;
    await openAndClose(60);
    // A leaked thread alone holds some 5 MiB.
    expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(100);
  });

  it("of a session in this thread is flat over 10,000 runs, buffers, kept tensors and views", async () => {
    await using session = await openLocalSession(meanColour(), { deviceOutputs: ["mean"] });
    const into = { mean: { dtype: "float32", shape: [1, 3], data: new Float32Array(3) } as const };
    const runs = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        await session.run({ image }, { into });
        if (into.mean.data[2] !== 7) throw new Error(`run ${i} is wrong`);
        const { outputs } = await session.run({ image }, { keepOnDevice: ["mean"] });
        const kept = outputs["mean"];
        // Half are freed at once, half are left to the collector.
        if (isDeviceTensor(kept) && i % 2 === 0) kept.dispose();
      }
    };
    await runs(1_000);
    const before = process.memoryUsage();
    await runs(5_000);
    const after = process.memoryUsage();
    expect((after.rss - before.rss) / MIB).toBeLessThan(64);
    expect((after.external - before.external) / MIB).toBeLessThan(16);
  });

  it("of a session that only fills is flat over 10,000 runs", async () => {
    await using session = await openLocalSession(meanColour(), { fillOnly: true });
    const into = { mean: { dtype: "float32", shape: [1, 3], data: new Float32Array(3) } as const };
    const runs = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        into.mean.data.fill(0);
        await session.run({ image }, { into });
        if (into.mean.data[2] !== 7) throw new Error(`run ${i} is wrong`);
      }
    };
    await runs(1_000);
    const before = process.memoryUsage().rss;
    await runs(10_000);
    expect((process.memoryUsage().rss - before) / MIB).toBeLessThan(64);
  });

  it("of this thread is flat over 200 sessions opened and closed, and so are its handles", async () => {
    const openAndClose = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        await using session = await openLocalSession(meanColour(), { threads: 2 });
        await session.run({ image });
      }
    };
    await openAndClose(40);
    const before = { rss: process.memoryUsage().rss, handles: nativeHandles() };
    await openAndClose(200);
    expect((process.memoryUsage().rss - before.rss) / MIB).toBeLessThan(64);
    const { threads, files } = nativeHandles();
    expect(threads).toBeLessThanOrEqual(before.handles.threads + 2);
    expect(files).toBeLessThanOrEqual(before.handles.files + 2);
  });
});

/** Threads and open files of this process; zeros where the system does not say. */
function nativeHandles(): { threads: number; files: number } {
  const count = (folder: string): number => (existsSync(folder) ? readdirSync(folder).length : 0);
  return { threads: count("/proc/self/task"), files: count("/proc/self/fd") };
}
