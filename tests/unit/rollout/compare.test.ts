import { describe, expect, it } from "vitest";
import type { Results } from "../../../src/rollout/index.ts";
import { compareResults } from "../../../src/rollout/index.ts";

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
