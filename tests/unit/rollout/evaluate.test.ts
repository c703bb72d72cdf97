import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Environment } from "../../../src/core/index.ts";
import type { JobResult } from "../../../src/rollout/index.ts";
import {
  Journal,
  brokered,
  evaluate,
  makeResults,
  planJobs,
  readJournal,
  resultsTable,
  runtimeVersions,
} from "../../../src/rollout/index.ts";
import { FAKE_SPEC, FakeEnv, fakePolicy } from "../../support/fake-env.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "efference-evaluate-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function* arriving(...envs: Environment[]): AsyncGenerator<Environment> {
  for (const env of envs) yield env;
  await new Promise(() => undefined);
}

const seat = async (): Promise<{
  controller: ReturnType<typeof brokered>;
  listeners: () => { listeners: [] };
}> => ({ controller: brokered(fakePolicy()), listeners: () => ({ listeners: [] }) });

const jobsOf = (episodes: number): ReturnType<typeof planJobs> =>
  planJobs(new FakeEnv().tasks, { episodes, seed: 0 });

describe("planJobs()", () => {
  it("fixes the pairs: the same for a task whichever others are run", () => {
    const tasks = new FakeEnv().tasks;
    const both = planJobs(tasks, { episodes: 4, seed: 1 });
    const one = planJobs(tasks.slice(1), { episodes: 4, seed: 1 });
    expect(both.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(both.slice(4).map(({ seed }) => seed)).toEqual(one.map(({ seed }) => seed));
    expect(both.slice(0, 4).map(({ initialState }) => initialState)).toEqual([0, 1, 2, 0]);
    expect(both[4]).not.toHaveProperty("initialState");
    expect(planJobs(tasks, { episodes: 4, seed: 2 })).not.toEqual(both);
  });

  it("refuses no episodes", () => {
    expect(() => planJobs([], { episodes: 0, seed: 0 })).toThrow("must be an integer of 1 or more");
  });
});

describe("evaluate()", () => {
  it("gives the same results in the same order for one worker and for three", async () => {
    const jobs = jobsOf(5);
    const run = (n: number): Promise<JobResult[]> =>
      evaluate({
        jobs,
        arrivals: arriving(...Array.from({ length: n }, () => new FakeEnv({ succeedAt: 3 }))),
        seat,
        runId: "r",
      });
    const essence = (results: JobResult[]): unknown =>
      results.map(({ job, outcome, steps }) => ({ job, outcome, steps }));
    expect(essence(await run(3))).toEqual(essence(await run(1)));
  });

  it("deals the episode of a dead worker again, with the attempt counted", async () => {
    const dying = new FakeEnv({ dieAtCall: 3 });
    const healthy = new FakeEnv();
    const results = await evaluate({
      jobs: jobsOf(4),
      arrivals: arriving(dying, healthy),
      seat,
      runId: "r",
    });
    expect(results).toHaveLength(8);
    expect(results.filter(({ attempt }) => attempt === 2)).toHaveLength(1);
    expect(results.every(({ outcome }) => outcome.kind === "failure")).toBe(true);
    expect(dying.closed).toBe(true);
  });

  it("counts a crash apart once a pair has lost its worker three times", async () => {
    const envs = [1, 1, 1].map((dieAtCall) => new FakeEnv({ dieAtCall }));
    const jobs = jobsOf(1).slice(0, 1);
    const results = await evaluate({ jobs, arrivals: arriving(...envs), seat, runId: "r" });
    expect(results).toMatchObject([{ attempt: 3, outcome: { kind: "crash" } }]);
  });

  it("does not count interruptions of earlier runs as lost workers", async () => {
    const envs = [new FakeEnv({ dieAtCall: 1 }), new FakeEnv({ dieAtCall: 1 }), new FakeEnv()];
    const jobs = jobsOf(1).slice(0, 1);
    const attempts = new Map([[0, 4]]);
    const arrivals = arriving(...envs);
    const results = await evaluate({ jobs, attempts, arrivals, seat, runId: "r" });
    expect(results).toMatchObject([{ attempt: 7, outcome: { kind: "failure" } }]);
  });

  it("does not begin what was stopped before it began", async () => {
    const signal = AbortSignal.abort(new Error("too late"));
    const env = new FakeEnv();
    const running = evaluate({
      jobs: jobsOf(1),
      arrivals: arriving(env),
      seat,
      runId: "r",
      signal,
    });
    await expect(running).rejects.toThrow("too late");
  });

  it("counts an error of a living simulator as a crash of that episode and goes on", async () => {
    const env = new FakeEnv({ throwAtCall: { call: 1, error: new Error("physics exploded") } });
    const results = await evaluate({ jobs: jobsOf(2), arrivals: arriving(env), seat, runId: "r" });
    const kinds = results.map(({ outcome }) => outcome.kind);
    expect(kinds).toEqual(["crash", "failure", "failure", "failure"]);
  });

  it("gives up with a clear error when no worker ever comes", async () => {
    const running = evaluate({
      jobs: jobsOf(1),
      arrivals: arriving(),
      seat,
      runId: "r",
      workerTimeoutMs: 5,
    });
    await expect(running).rejects.toThrow("any simulator did not answer within 5 ms");
  });

  it("journals every finished episode and resumes without repeating or losing one", async () => {
    const path = join(folder, "journal.jsonl");
    const jobs = jobsOf(3);
    const journal = await Journal.create(path, { config: { a: 1 }, jobs });
    const stop = new AbortController();
    let finished = 0;
    const first = evaluate({
      jobs,
      journal,
      arrivals: arriving(new FakeEnv()),
      seat,
      runId: "r",
      signal: stop.signal,
      onProgress: (event) => {
        if (event.kind === "episode_finished" && ++finished === 2) stop.abort(new Error("killed"));
      },
    });
    await expect(first).rejects.toThrow("killed");
    journal.close();
    // A kill in the middle of a write leaves a torn line.
    appendFileSync(path, '{"type":"result","res');
    const { journal: again, state } = Journal.resume(path);
    expect(state.config).toEqual({ a: 1 });
    expect(state.results).toHaveLength(2);
    const results = await evaluate({
      jobs: state.jobs,
      done: state.results,
      attempts: state.attempts,
      journal: again,
      arrivals: arriving(new FakeEnv()),
      seat,
      runId: "r",
    });
    again.close();
    expect(results.map(({ job }) => job.index)).toEqual([0, 1, 2, 3, 4, 5]);
    const lines = readFileSync(path, "utf8").trim().split("\n");
    const recorded = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === "result");
    expect(recorded).toHaveLength(6);
    expect(readJournal(path).results).toHaveLength(6);
  });

  it("refuses a folder that holds a run, and a journal that is none", async () => {
    const path = join(folder, "journal.jsonl");
    const journal = await Journal.create(path, { config: {}, jobs: [] });
    journal.close();
    await expect(Journal.create(path, { config: {}, jobs: [] })).rejects.toThrow(
      "must be a new folder",
    );
    appendFileSync(path, "not json\n");
    expect(() => readJournal(path)).toThrow(SyntaxError);
    expect(() => readJournal(join(folder, "absent"))).toThrow("is not there");
  });
});

describe("makeResults()", () => {
  it("keeps crashes out of the rate and states its interval", async () => {
    const env = new FakeEnv({ succeedAt: 2, throwAtCall: { call: 1, error: new Error("x") } });
    const jobs = jobsOf(5);
    const results = await evaluate({ jobs, arrivals: arriving(env), seat, runId: "r" });
    const made = makeResults(results, {
      runId: "r",
      command: "c",
      seed: 0,
      policy: { name: "p" },
      environment: env.identity,
      spec: FAKE_SPEC,
      jobs,
      versions: runtimeVersions(),
      device: "cpu",
      workers: 1,
      wallS: 1,
    });
    expect(made).toMatchObject({ episodes: 10, crashes: 1, successes: 9, successRate: 1 });
    // Wilson 95 % for 9 of 9: [1 / (1 + z^2/9), 1].
    expect(made.interval[0]).toBeCloseTo(1 / (1 + 1.96 ** 2 / 9), 10);
    expect(made.interval[1]).toBe(1);
    expect(made.tasks.map(({ task, episodes }) => [task, episodes])).toEqual([
      ["count_up", 5],
      ["count_more", 5],
    ]);
    expect(resultsTable(made)).toContain("count_up");
  });
});
