/** From demonstrations that tell where things are to a policy of state in the world, by the command alone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastLine, run } from "../cli/cli.ts";

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "efference-state-"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const TASK = ["--sim", "tabletop", "--task", "press_button", "--workers", "1"];
const BODIES = ["--bodies", "button_1"];
const CONFIG = {
  policy: { kind: "energy", horizon: 4, width: 16, heads: 2, layers: 1 },
  data: { folders: ["demos/episodes"] },
  batchSize: 4,
  steps: 6,
  schedule: { kind: "constant", rate: 1e-3 },
  threads: 1,
};

describe("a policy of state", () => {
  it("is recorded, trained and evaluated with the same bodies", async () => {
    const record = ["record", ...TASK, ...BODIES, "--episodes", "2", "--out", "demos"];
    const recorded = await run(record, cwd);
    expect(recorded.code, recorded.stderr).toBe(0);
    writeFileSync(join(cwd, "config.json"), JSON.stringify(CONFIG));
    const trained = await run(["train", "config.json", "--out", "run", "--json"], cwd);
    expect(trained.code, trained.stderr).toBe(0);
    const policy = [
      "--policy",
      "run/packages/last",
      "--episodes",
      "1",
      "--max-steps",
      "8",
      "--json",
    ];
    const seen = await run(["eval", ...TASK, ...BODIES, ...policy, "--out", "seen"], cwd);
    expect(seen.code, seen.stderr).toBe(0);
    expect(lastLine(seen.stdout)).toMatchObject({ episodes: 1, crashes: 0 });
    const blind = await run(["eval", ...TASK, ...policy, "--out", "blind"], cwd);
    expect(blind.code).not.toBe(0);
    expect(blind.stderr).toMatch(/"button_1\/position" is absent, must be position float32\[3\]/);
  });
});
