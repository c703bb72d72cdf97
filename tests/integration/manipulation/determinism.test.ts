import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const BUILT = fileURLToPath(
  new URL("../../../dist/sim-bridge/sims/tabletop/index.js", import.meta.url),
);
const EPISODE = fileURLToPath(new URL("./_episode.mjs", import.meta.url));
const run = promisify(execFile);

async function play(...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, [EPISODE, ...args])).stdout;
}

beforeAll(() => {
  if (!existsSync(BUILT))
    throw new Error(`Cannot start processes: ${BUILT} is absent, must be built (npm run build)`);
});

describe("the tabletop in processes of their own", () => {
  it("shows the same bits for the same seed, and others for another", async () => {
    const [first, again, other] = await Promise.all([
      play("lift_red_cube", "5"),
      play("lift_red_cube", "5", "stack_three_cubes"),
      play("lift_red_cube", "6"),
    ]);
    expect(first).toMatch(/^21 [0-9a-f]{64}$/);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });
});
