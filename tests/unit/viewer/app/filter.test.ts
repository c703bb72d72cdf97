import { describe, expect, it } from "vitest";
import type { EpisodeOutcome } from "../../../../src/episode/types.ts";
import type { EpisodeFilter } from "../../../../src/viewer/app/filter.ts";
import { NO_FILTER, filterEpisodes, standingOf } from "../../../../src/viewer/app/filter.ts";
import { readResults, summariseEpisodes, totalOf } from "../../../../src/viewer/app/statistics.ts";
import type { EpisodeEntry, EntrySummary } from "../../../../src/viewer/protocol.ts";

const NOW_MS = 1_000_000;

function entry(
  name: string,
  outcome?: EpisodeOutcome,
  rest: Partial<EntrySummary> = {},
): EpisodeEntry {
  const summary: EntrySummary = {
    episodeId: name,
    runId: "run",
    task: "lift_cube",
    suite: "tabletop",
    instruction: "lift the cube",
    seed: 1,
    attempt: 1,
    policy: "scripted",
    environment: "tabletop",
    startedMs: 0,
    steps: 100,
    durationS: 5,
    cameras: [],
    complete: outcome !== undefined,
    ...(outcome !== undefined && { outcome }),
    ...rest,
  };
  return { path: `run/${name}.mcap`, bytes: 10, modifiedMs: NOW_MS - 1000, summary };
}

const SUCCESS: EpisodeOutcome = { kind: "success", step: 90 };
const DROPPED: EpisodeOutcome = { kind: "failure", reason: "dropped", step: 60 };
const CRASH: EpisodeOutcome = { kind: "crash", error: "worker lost", step: 3 };

const ENTRIES = [
  entry("a", SUCCESS),
  entry("b", DROPPED, { seed: 2, steps: 60 }),
  entry("c", CRASH, { task: "open_drawer", instruction: "open the drawer", steps: 3 }),
  entry("d", SUCCESS, {
    task: "open_drawer",
    instruction: "open the drawer",
    policy: "random",
    steps: 250,
  }),
  entry("e"),
  { path: "run/broken.mcap", bytes: 3, modifiedMs: 0, error: "Cannot read" },
];

function names(filter: Partial<EpisodeFilter>): string {
  const found = filterEpisodes(ENTRIES, { ...NO_FILTER, ...filter }, NOW_MS);
  return found.map(({ path }) => path.replace("run/", "").replace(".mcap", "")).join(" ");
}

describe("filterEpisodes()", () => {
  it("shows everything without a filter, also what cannot be read", () => {
    expect(names({})).toBe("a b c d e broken");
  });
  it("filters by outcome, task and length", () => {
    expect(names({ standings: new Set(["success"]) })).toBe("a d");
    expect(names({ standings: new Set(["crash", "running"]) })).toBe("c e");
    expect(names({ standings: new Set(["unreadable"]) })).toBe("broken");
    expect(names({ task: "open_drawer" })).toBe("c d");
    expect(names({ minSteps: 60, maxSteps: 100 })).toBe("a b e");
  });
  it("reads words and terms, all of which must hold", () => {
    expect(names({ text: "drawer" })).toBe("c d");
    expect(names({ text: "Open DRAWER random" })).toBe("d");
    expect(names({ text: "steps>100" })).toBe("d");
    expect(names({ text: "seed:2" })).toBe("b");
    expect(names({ text: "reason:dropped" })).toBe("b");
    expect(names({ text: "policy:rand steps>=250" })).toBe("d");
    expect(names({ text: "task:lift steps<=60" })).toBe("b");
    expect(names({ text: "nothing like that" })).toBe("");
  });
});

describe("standingOf()", () => {
  it("tells a running episode from one that was cut off by when it last grew", () => {
    expect(standingOf(entry("e"), NOW_MS)).toBe("running");
    expect(standingOf(entry("e"), NOW_MS + 60_000)).toBe("cut_off");
    expect(standingOf(entry("a", SUCCESS), NOW_MS)).toBe("success");
  });
});

describe("summariseEpisodes()", () => {
  it("counts by task, with crashes apart and unfinished episodes left out", () => {
    const rows = summariseEpisodes(ENTRIES);
    expect(rows).toMatchObject([
      { task: "lift_cube", successes: 1, scored: 2, crashes: 0 },
      { task: "open_drawer", successes: 1, scored: 1, crashes: 1 },
    ]);
    expect(totalOf(rows)).toMatchObject({ successes: 2, scored: 3, crashes: 1 });
    expect(rows[0]!.low).toBeGreaterThan(0);
    expect(rows[1]!.high).toBe(1);
  });
  it("counts the last attempt of an episode alone", () => {
    const attempts = [
      entry("lift-001-a1", CRASH, { attempt: 1 }),
      entry("lift-001-a2", SUCCESS, { attempt: 2 }),
      entry("lift-002-a1", DROPPED),
    ];
    expect(summariseEpisodes(attempts)).toMatchObject([{ successes: 1, scored: 2, crashes: 0 }]);
  });
});

describe("readResults()", () => {
  const results = {
    format: "efference_results",
    runId: "r1",
    policy: { name: "scripted" },
    tasks: [{ task: "lift_cube", successes: 8, episodes: 11, crashes: 1 }],
  };
  it("reads the rows of a results.json", () => {
    const table = readResults({ path: "r1/results.json", results });
    expect(table).toMatchObject({
      title: "scripted · r1",
      tasks: [{ task: "lift_cube", successes: 8, scored: 10, crashes: 1 }],
    });
  });
  it("leaves out foreign files and impossible rows", () => {
    expect(readResults({ path: "results.json", results: { tasks: [] } })).toBeUndefined();
    expect(readResults({ path: "results.json", results: null })).toBeUndefined();
    const wrong = [{ task: "x", successes: 9, episodes: 3, crashes: 0 }, 7, { task: "y" }];
    expect(
      readResults({ path: "results.json", results: { ...results, tasks: wrong } })?.tasks,
    ).toEqual([]);
  });
});
