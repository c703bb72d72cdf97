import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileSource, openEpisode } from "../../../src/episode/node.ts";
import { childrenOf, essence, isAlive, journalOf, resultsIn, run, start } from "./cli.ts";

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "efference-kills-"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const TASKS = "lift_red_cube,press_button";
const EVAL = [
  "eval",
  "--sim",
  "tabletop",
  "--task",
  TASKS,
  "--policy",
  "scripted",
  "--episodes",
  "3",
];

async function outcomeOf(
  path: string,
): Promise<{ complete: boolean; kind?: string; steps: number }> {
  const source = fileSource(path);
  const { complete, outcome, steps } = await openEpisode(source);
  await source.close();
  return {
    complete,
    steps: steps.length,
    ...(outcome === undefined ? {} : { kind: outcome.kind }),
  };
}

const expectGone = (pids: readonly number[]): Promise<void> =>
  expect.poll(() => pids.filter(isAlive), { timeout: 20_000, interval: 100 }).toEqual([]);

describe("kills", () => {
  it("SIGKILL of a worker: its episode is dealt again, the dead one stays and is marked", async () => {
    const folder = join(cwd, "worker");
    const running = start([...EVAL, "--workers", "2", "--record", "--out", folder], { cwd });
    await running.says(/\[1\/6\]/);
    // Both workers in the middle of an episode: two files more than results.
    const growing = (): number =>
      readdirSync(join(folder, "episodes")).length - resultsIn(folder).length;
    await expect.poll(growing, { timeout: 20_000, interval: 20 }).toBe(2);
    const [victim] = childrenOf(running.pid);
    process.kill(victim!, "SIGKILL");
    expect(await running.ended).toBe(0);
    const results = resultsIn(folder);
    expect(results.map(({ job }) => job.index).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    const lost = journalOf(folder).filter(({ type }) => type === "lost");
    expect(lost).toHaveLength(1);
    expect(results.find(({ job }) => job.index === lost[0]!.index)!.attempt).toBe(2);
    const dead = readdirSync(join(folder, "episodes")).filter((file) => file.endsWith("-a1.mcap"));
    const kinds = await Promise.all(dead.map((file) => outcomeOf(join(folder, "episodes", file))));
    expect(kinds.filter(({ kind }) => kind === "crash")).toHaveLength(1);
  });

  it("SIGKILL of the runtime: nothing finished is lost, no orphan stays, --resume goes on", async () => {
    const whole = join(cwd, "whole");
    expect((await run([...EVAL, "--workers", "1", "--out", whole], cwd)).code).toBe(0);
    const folder = join(cwd, "runtime");
    const running = start([...EVAL, "--workers", "1", "--record", "--out", folder], { cwd });
    await running.says(/\[2\/6\]/);
    const workers = childrenOf(running.pid);
    running.child.kill("SIGKILL");
    expect(await running.ended).toBe("SIGKILL");
    const before = resultsIn(folder);
    expect(before.length).toBeGreaterThanOrEqual(2);
    for (const { episodeFile } of before) {
      expect(await outcomeOf(join(folder, episodeFile!))).toMatchObject({ complete: true });
    }
    const finished = new Set(before.map(({ episodeFile }) => episodeFile));
    for (const file of readdirSync(join(folder, "episodes"))) {
      if (finished.has(join("episodes", file))) continue;
      // Cut off: readable up to its last chunk, and it says so.
      expect(await outcomeOf(join(folder, "episodes", file))).toMatchObject({ complete: false });
    }
    await expectGone(workers);
    const resumed = await run(["eval", "--resume", folder], cwd);
    expect(resumed.code).toBe(0);
    const after = resultsIn(folder);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after).toHaveLength(6);
    expect(essence(after)).toEqual(essence(resultsIn(whole)));
  });

  it("a worker that stops answering is replaced after its deadline", async () => {
    const folder = join(cwd, "stopped");
    const running = start([...EVAL, "--workers", "1", "--step-timeout", "2", "--out", folder], {
      cwd,
    });
    await running.says(/\[1\/6\]/);
    const [frozen] = childrenOf(running.pid);
    process.kill(frozen!, "SIGSTOP");
    const second = start(["sim", "run", "tabletop", "--connect", endpointOf(frozen!)], { cwd });
    expect(await running.ended).toBe(0);
    expect(resultsIn(folder)).toHaveLength(6);
    expect(running.stderr()).toContain("worker lost");
    if (isAlive(frozen!)) process.kill(frozen!, "SIGKILL");
    second.child.kill("SIGKILL");
    await second.ended;
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s: ends with 130, leaves nothing running, can be resumed",
    async (signal) => {
      const folder = join(cwd, signal);
      const running = start([...EVAL, "--workers", "1", "--out", folder], { cwd });
      await running.says(/\[1\/6\]/);
      const workers = childrenOf(running.pid);
      running.child.kill(signal);
      expect(await running.ended).toBe(130);
      expect(running.stderr()).toContain(`efference eval --resume ${folder}`);
      await expectGone(workers);
      expect((await run(["eval", "--resume", folder], cwd)).code).toBe(0);
      expect(
        resultsIn(folder)
          .map(({ job }) => job.index)
          .sort(),
      ).toEqual([0, 1, 2, 3, 4, 5]);
    },
  );
});

/** The address a worker was told to dial. */
function endpointOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  return words[words.indexOf("--connect") + 1]!;
}
