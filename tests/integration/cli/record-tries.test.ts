/** `efference record --tries`: states whose expert failed are tried again, failures are counted and told. */
import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { start } from "./cli.ts";

interface Tries {
  readonly episodes: number;
  readonly successes: number;
  readonly kept: number;
  readonly tries: readonly { readonly episodes: number; readonly successes: number }[];
}

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), "efference-tries-"));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const record = ["record", "--sim", "tabletop", "--task", "lift_red_cube", "--workers", "1"];

describe("efference record --tries", () => {
  it("tries again what failed, from the same state, and keeps what succeeded", async () => {
    // So much noise that one of the two fails at first; which one, the seed decides.
    const args = ["--episodes", "2", "--noise", "0.8", "--tries", "2", "--seed", "2"];
    const running = start([...record, ...args, "--out", "demos", "--json"], { cwd });
    expect(await running.ended).toBe(0);
    const said = JSON.parse(running.stdout()) as Tries;
    const [first, second] = said.tries;
    expect(first).toEqual({ episodes: 2, successes: 1 });
    expect(second!.episodes).toBe(1);
    expect(said.successes).toBe(said.tries.reduce((sum, round) => sum + round.successes, 0));
    expect(said.kept).toBe(said.successes);
    expect(readdirSync(join(cwd, "demos", "episodes"))).toHaveLength(said.kept);
    const stored = JSON.parse(readFileSync(join(cwd, "demos", "tries.json"), "utf8")) as Tries;
    expect(stored.tries).toEqual(said.tries);
    const seedsOf = (file: string): number[] =>
      (
        JSON.parse(readFileSync(join(cwd, "demos", file), "utf8")) as {
          episodeResults: { job: { seed: number }; outcome: { kind: string } }[];
        }
      ).episodeResults.flatMap(({ job, outcome }) =>
        file === "results.json" && outcome.kind === "success" ? [] : [job.seed],
      );
    expect(seedsOf("tries/2/results.json")).toEqual(seedsOf("results.json"));
  });

  it("refuses tries that would all be the same", async () => {
    const running = start([...record, "--episodes", "1", "--tries", "2", "--out", "same"], { cwd });
    expect(await running.ended).toBe(2);
    expect(running.stderr()).toContain(
      "Cannot record with 2 tries: noise and pushes are 0, one must be above 0",
    );
  });

  it("refuses a share of noise and pushes where there are none", async () => {
    const running = start([...record, "--episodes", "1", "--held", "0.5", "--out", "held"], {
      cwd,
    });
    expect(await running.ended).toBe(2);
    expect(running.stderr()).toContain(
      "Cannot record with --held 0.5: noise and pushes are 0, one must be above 0",
    );
  });

  it("refuses noise on actions that have no translation before any episode begins", async () => {
    const args = ["record", "--sim", "pusht", "--policy", "scripted-pusht", "--noise", "0.1"];
    const running = start([...args, "--episodes", "3", "--out", "raw"], { cwd });
    expect(await running.ended).not.toBe(0);
    expect(running.stderr()).toContain(
      "Cannot perturb actions: they are raw, must have a delta_position",
    );
    expect(running.stdout() + running.stderr()).not.toContain("crash");
  });
});
