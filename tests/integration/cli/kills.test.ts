import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JobResult } from "../../../src/rollout/index.ts";
import { fileSource, openEpisode } from "../../../src/episode/node.ts";
import { childrenOf, essence, isAlive, journalOf, resultsIn, run, start } from "./cli.ts";

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "efference-kills-"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

const EPISODES = 5;
const EVAL = ["eval", "--sim", "tabletop", "--task", "press_button", "--policy", "scripted"].concat(
  ["--episodes", `${EPISODES}`],
);
const INDICES = Array.from({ length: EPISODES }, (_, index) => index);

/** The results of a run that nobody disturbed. */
let undisturbed: unknown;
beforeAll(async () => {
  const folder = join(cwd, "undisturbed");
  expect((await run([...EVAL, "--workers", "1", "--out", folder], cwd)).code).toBe(0);
  undisturbed = essence(resultsIn(folder));
});

/** One result for each pair, and the same as without the disturbance: in the journal and in the end. */
function expectWhole(folder: string): void {
  const results = resultsIn(folder);
  expect(results.map(({ job }) => job.index).sort((a, b) => a - b)).toEqual(INDICES);
  expect(essence(results)).toEqual(undisturbed);
  const text = readFileSync(join(folder, "results.json"), "utf8");
  const { episodeResults } = JSON.parse(text) as { episodeResults: JobResult[] };
  expect(essence(episodeResults)).toEqual(undisturbed);
}

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
    // Long episodes: both workers are in the middle of one when both files have just appeared.
    const long = ["--task", "stack_three_cubes", "--policy", "scripted", "--episodes", "2"];
    const args = [
      "eval",
      "--sim",
      "tabletop",
      ...long,
      "--workers",
      "2",
      "--record",
      "--out",
      folder,
    ];
    const running = start(args, { cwd });
    const files = (): string[] =>
      existsSync(join(folder, "episodes")) ? readdirSync(join(folder, "episodes")) : [];
    await expect.poll(() => files().length, { timeout: 60_000, interval: 20 }).toBe(2);
    const [victim] = childrenOf(running.pid);
    process.kill(victim!, "SIGKILL");
    expect(await running.ended).toBe(0);
    const results = resultsIn(folder);
    expect(results.map(({ job }) => job.index).sort()).toEqual([0, 1]);
    expect(results.map(({ outcome }) => outcome.kind)).toEqual(["success", "success"]);
    const lost = journalOf(folder).filter(({ type }) => type === "lost");
    expect(lost).toHaveLength(1);
    expect(results.find(({ job }) => job.index === lost[0]!.index)!.attempt).toBe(2);
    const dead = readdirSync(join(folder, "episodes")).filter((file) => file.endsWith("-a1.mcap"));
    const kinds = await Promise.all(dead.map((file) => outcomeOf(join(folder, "episodes", file))));
    expect(kinds.filter(({ kind }) => kind === "crash")).toHaveLength(1);
  });

  it("SIGKILL of the runtime: nothing finished is lost, no orphan stays, --resume goes on", async () => {
    const folder = join(cwd, "runtime");
    const running = start([...EVAL, "--workers", "1", "--record", "--out", folder], { cwd });
    await running.says(/\[2\/5\]/);
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
    expectWhole(folder);
  });

  it("a worker that stands still is replaced after its deadline", async () => {
    const folder = join(cwd, "stopped");
    const deadline = ["--workers", "1", "--step-timeout", "2"];
    const running = start([...EVAL, ...deadline, "--out", folder], { cwd });
    await running.says(/\[1\/5\]/);
    const [frozen] = childrenOf(running.pid);
    process.kill(frozen!, "SIGSTOP");
    await running.says(/worker lost, its episode is dealt again/);
    expect(await running.ended).toBe(0);
    expectWhole(folder);
    expect(running.stderr()).toContain("tabletop worker stood still for 2 s and is replaced");
    // Nobody has to wake or end it.
    await expectGone([frozen!]);
  });

  it("a worker that cannot be started again and again ends the run in words, without a wait", async () => {
    const folder = join(cwd, "hopeless");
    const patience = ["--workers", "1", "--worker-timeout", "600"];
    const running = start([...EVAL, ...patience, "--out", folder], { cwd });
    const killed = new Set<number>();
    const newborn = (): number | undefined =>
      childrenOf(running.pid).find((pid) => !killed.has(pid));
    while (killed.size < 5) {
      await expect.poll(newborn, { timeout: 20_000, interval: 5 }).toBeDefined();
      const pid = newborn()!;
      process.kill(pid, "SIGKILL");
      killed.add(pid);
    }
    expect(await running.ended).toBe(1);
    expect(running.stderr()).toContain(
      "Cannot run tabletop: its workers died at once, 5 times in a row, must live; the last: " +
        "tabletop worker ended with SIGKILL",
    );
    expect(existsSync(folder)).toBe(false);
  });

  it.each([
    ["SIGTERM", "the process"],
    // What a terminal does at Ctrl-C.
    ["SIGINT", "its whole group"],
  ] as const)("%s to %s: ends with 130, leaves nothing running, can be resumed", async (...at) => {
    const [signal, whom] = at;
    const folder = join(cwd, at.join(" "));
    const args = [...EVAL, "--workers", "1", "--record", "--out", folder];
    const running = start(args, { cwd, detached: true });
    await running.says(/\[1\/5\]/);
    const workers = childrenOf(running.pid);
    process.kill(whom === "the process" ? running.pid : -running.pid, signal);
    expect(await running.ended).toBe(130);
    expect(running.stderr()).toContain(`efference eval --resume ${folder}`);
    expect(running.stderr()).not.toMatch(/worker (lost|ended)/);
    await expectGone(workers);
    const before = resultsIn(folder);
    expect(before.length).toBeLessThan(EPISODES);
    // The episode that was running is closed, and says how it ended.
    for (const file of readdirSync(join(folder, "episodes"))) {
      expect(await outcomeOf(join(folder, "episodes", file))).toMatchObject({ complete: true });
    }
    expect((await run(["eval", "--resume", folder], cwd)).code).toBe(0);
    expect(resultsIn(folder).slice(0, before.length)).toEqual(before);
    expectWhole(folder);
  });
});
