import { describe, expect, it } from "vitest";
import type { NdArray } from "../../../src/core/index.ts";
import { GraphBuilder, writeModel } from "../../../src/onnx/index.ts";
import { openSession } from "../../../src/session/index.ts";

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
});
