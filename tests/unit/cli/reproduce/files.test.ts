import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { kept } from "../../../../src/cli/reproduce/files.ts";

const folder = mkdtempSync(join(tmpdir(), "efference-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("kept", () => {
  const path = join(folder, "measured", "2.json");
  const about = { weightsHash: "a", infer: { steps: 2 } };
  let count = 0;
  const make = (): Promise<{ readonly made: number }> => Promise.resolve({ made: ++count });

  it("makes once what is asked for again", async () => {
    expect(await kept(path, about, make)).toEqual({ made: 1 });
    expect(await kept(path, { infer: { steps: 2 }, weightsHash: "a" }, make)).toEqual({ made: 1 });
  });

  it("makes anew what was made of something else", async () => {
    expect(await kept(path, { ...about, weightsHash: "b" }, make)).toEqual({ made: 2 });
    expect(await kept(path, { weightsHash: "b", infer: { steps: 4 } }, make)).toEqual({ made: 3 });
  });

  it("keeps nothing of what failed", async () => {
    const failed = join(folder, "failed", "1.json");
    const failing = (): Promise<never> => Promise.reject(new RangeError("it fell"));
    await expect(kept(failed, about, failing)).rejects.toThrow("it fell");
    expect(readdirSync(folder)).not.toContain("failed");
    expect(await kept(failed, about, make)).toEqual({ made: 4 });
  });
});
