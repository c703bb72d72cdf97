import { describe, expect, it } from "vitest";
import type { JobResult, Results } from "../../../src/rollout/index.ts";
import { compareResults, compareUnpaired, summarise } from "../../../src/rollout/index.ts";

type Kind = "success" | "failure" | "crash";

function results(outcomes: Readonly<Record<string, readonly Kind[]>>, version = "1"): Results {
  const episodeResults = Object.entries(outcomes).flatMap(([task, kinds]) =>
    kinds.map((kind, initialState) => ({
      job: { task, initialState, seed: 7 },
      outcome: { kind },
    })),
  );
  const environment = { name: "world", version, versions: {} };
  return { policy: { name: "p" }, environment, episodeResults } as unknown as Results;
}

describe("compareResults()", () => {
  const first = results({
    lift: ["success", "failure", "failure", "success"],
    push: ["failure", "crash", "failure"],
  });
  const second = results({
    lift: ["success", "success", "success", "failure", "success"],
    push: ["success", "success", "failure"],
  });

  it("pairs by task and state, leaves out crashes and what only one has", () => {
    const all = compareResults(first, second);
    expect(all.pairs).toEqual({ both: 1, onlyFirst: 1, onlySecond: 3, neither: 1 });
    expect(all).toMatchObject({ unpaired: 1, crashed: 1, firstRate: 2 / 6, secondRate: 4 / 6 });
    expect(all.difference.difference).toBeCloseTo(2 / 6, 12);
    // Four pairs differ, three of them one way: 2 (1 + 4) / 16.
    expect(all.pValue).toBeCloseTo(10 / 16, 12);
    expect(all.tasks.map(({ task, pairs }) => [task, pairs.onlySecond])).toEqual([
      ["lift", 2],
      ["push", 1],
    ]);
  });

  it("changes its sign with the order, and is 0 against itself", () => {
    const [there, back] = [compareResults(first, second), compareResults(second, first)];
    expect(back.difference.low).toBeCloseTo(-there.difference.high, 12);
    expect(back.pValue).toBe(there.pValue);
    const same = compareResults(first, first);
    expect(same.difference.difference).toBe(0);
    expect(same.pValue).toBe(1);
  });

  it("refuses other worlds and nothing in common", () => {
    expect(() => compareResults(first, results({ lift: ["success"] }, "2"))).toThrow(
      /on world 1, the other on world 2, must be on the same/,
    );
    expect(() => compareResults(first, results({ other: ["success"] }))).toThrow(/no task and/);
  });
});

describe("compareUnpaired()", () => {
  const told = (name: string, of: readonly (readonly [Kind, number])[]): Results => {
    const episodeResults = of.map(([kind, sum], seed) => ({
      ...{ job: { task: name, seed }, outcome: { kind }, return: sum },
      ...{ steps: 1, durationS: 1, inferenceMs: [], bridgeMs: [], successReported: true },
    }));
    const environment = { name, version: "1", versions: {} };
    const counted = summarise(episodeResults as unknown as JobResult[]);
    return { ...counted, policy: { name: "p" }, environment, episodeResults } as unknown as Results;
  };
  const here = told("here", [
    ["success", 3],
    ["failure", 1],
    ["crash", 99],
    ["failure", 2],
  ]);
  const there = told("there", [
    ["success", 5],
    ["success", 7],
  ]);

  it("counts everything that did not crash, in worlds of other names", () => {
    const { first, second, difference, returns } = compareUnpaired(here, there);
    expect(first).toMatchObject({ successes: 1, scored: 3, crashed: 1, meanReturn: 2 });
    expect(second).toMatchObject({ world: "there 1", successes: 2, scored: 2, meanReturn: 6 });
    expect(difference.difference).toBeCloseTo(2 / 3, 12);
    expect(returns.difference).toBe(4);
    expect(difference.low).toBeLessThan(2 / 3);
    expect(returns.low).toBeLessThan(4);
  });

  it("refuses what is too little", () => {
    expect(() => compareUnpaired(here, told("there", [["crash", 0]]))).toThrow(
      /on there has 0 episodes that did not crash, must have at least 2/,
    );
  });
});
