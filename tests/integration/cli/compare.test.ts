import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastLine, resultsIn, run } from "./cli.ts";

let cwd = "";
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), "efference-compare-"));
  const EVAL = ["eval", "--sim", "detour", "--task", "detour", "--workers", "1", "--episodes", "3"];
  for (const [out, policy] of [
    ["expert", "scripted-detour"],
    ["again", "scripted-detour"],
    ["random", "random"],
  ] as const) {
    const { code } = await run([...EVAL, "--policy", policy, "--out", out], cwd);
    expect(code).toBe(0);
  }
});
afterAll(() => rmSync(cwd, { recursive: true }));

describe("efference compare", () => {
  it("pairs evaluations of the same starts", async () => {
    const same = await run(["compare", "expert", "again", "--json"], cwd);
    expect(lastLine(same.stdout)).toMatchObject({
      pairs: { both: 3, onlyFirst: 0, onlySecond: 0, neither: 0 },
      difference: { difference: 0 },
    });
    const { stdout } = await run(["compare", "random", "expert"], cwd);
    expect(stdout).toContain("first: random, second: scripted-detour");
    expect(stdout).toMatch(/all +0\.0 % +100\.0 % +\+100\.0/);
  });

  it("takes two as independent samples where it is asked to", async () => {
    const { code, stdout } = await run(["compare", "random", "expert", "--unpaired"], cwd);
    expect(code).toBe(0);
    expect(stdout).toMatch(/first +detour \S+ +0\/3 +0\.0 % \(0\.0 % to 56\.2 %\)/);
    expect(stdout).toMatch(
      /success \+100\.0 points \(\+\d+\.\d to \+100\.0\), return .*independent/,
    );
    const json = await run(["compare", "random", "expert", "--unpaired", "--json"], cwd);
    expect(lastLine(json.stdout)).toMatchObject({
      first: { successes: 0, scored: 3 },
      second: { successes: 3, scored: 3, crashed: 0 },
      difference: { difference: 1, high: 1 },
    });
  });

  it("has nothing to pair where starts were drawn and fixed", async () => {
    const EVAL = ["eval", "--sim", "detour", "--task", "detour", "--workers", "1"];
    const args = [...EVAL, "--policy", "scripted-detour", "--episodes", "2", "--drawn"];
    const drawn = await run([...args, "--out", "drawn"], cwd);
    expect(drawn.code).toBe(0);
    const jobs = resultsIn(join(cwd, "drawn")).map(({ job }) => job);
    expect(new Set(jobs.map(({ seed }) => seed)).size).toBe(2);
    for (const job of jobs) expect(job.initialState).toBeUndefined();
    const paired = await run(["compare", "expert", "drawn"], cwd);
    expect(paired.code).not.toBe(0);
    expect(paired.stderr).toContain("no task and initial state is in both");
    expect((await run(["compare", "expert", "drawn", "--unpaired"], cwd)).code).toBe(0);
    const both = await run([...args, "--first-state", "3", "--out", "both"], cwd);
    expect(both.stderr).toContain("--first-state is given, must be without");
  });

  it("says what is wrong with what it is given", async () => {
    const nothing = await run(["compare", "expert", "nowhere"], cwd);
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("must be the results.json of a run or its folder");
    const only = await run(["compare", "expert", "again", "--only", "hang"], cwd);
    expect(only.code).toBe(2);
    expect(only.stderr).toContain("--only is given, must be without");
  });
});
