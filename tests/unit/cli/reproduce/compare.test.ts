import { describe, expect, it } from "vitest";
import { comparedStudies, studyWords } from "../../../../src/cli/reproduce/compare.ts";
import type { Report } from "../../../../src/cli/reproduce/report-file.ts";
import { isReport, parsedReport } from "../../../../src/cli/reproduce/report-file.ts";
import type { CellResult } from "../../../../src/cli/reproduce/results.ts";
import { actedBy, studyCell } from "../../../support/study-cells.ts";

function cell(id: string, patterns: Readonly<Record<string, string>>): CellResult {
  const { disturbed, ...calm } = patterns;
  return {
    ...studyCell(id, Object.entries(calm)),
    disturbed: disturbed === undefined ? null : actedBy("until still", disturbed),
  };
}

function report(cells: readonly CellResult[], observed = "o"): Report {
  const demonstrations = { hash: "d", observed, episodes: 1, failed: 0, modes: {} };
  return {
    budget: { name: "full" },
    data: Object.fromEntries(cells.map(({ world }) => [world, demonstrations])),
    cells,
  };
}

const BEFORE = report([
  cell("hang.mix.s0", { "until still": "ffff", "2": "sfff", disturbed: "ffff" }),
  cell("hang.mix.s1", { "until still": "ssss", "2": "ssss", disturbed: "ffff" }),
  cell("hang.flow.s1", { "2": "sssf", "4": "ffff" }),
  cell("hang.flow.time.s1", { "2": "ssss", "4": "ssss" }),
]);
const AFTER = report([
  cell("hang.mix.s0", { "until still": "ssff", "2": "ssff", disturbed: "ssss" }),
  cell("detour.mix.s0", { "until still": "ssff", "2": "ssff" }),
]);

describe("reports side by side", () => {
  it("are compared way by way, of the seeds that both have", () => {
    const rows = comparedStudies([BEFORE, AFTER]);
    expect(rows.map(({ world, second }) => [world, second.sampler])).toEqual([
      ["hang", "until still"],
      ["hang", "2"],
      ["hang", "disturbed"],
    ]);
    // Seed 1, which succeeds everywhere, is in one of them only.
    expect(rows.map(({ seeds, rates }) => [seeds, ...rates.map((rate) => rate.successes)])).toEqual(
      [
        [[0], 0, 2],
        [[0], 1, 2],
        [[0], 0, 4],
      ],
    );
    expect(rows.map(({ difference }) => difference.difference)).toEqual([0.5, 0.25, 1]);
  });

  it("counts only the starts that both have", () => {
    const fewer = report([cell("hang.mix.s0", { "until still": "ss" })]);
    const [row] = comparedStudies([AFTER, fewer], { second: "mix" });
    expect(row?.rates.map(({ successes, scored }) => [successes, scored])).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  it("sets one way to act against another, also where times are equal", () => {
    const rows = comparedStudies([BEFORE, BEFORE], { first: "flow:2", second: "mix" });
    expect(
      rows.map(({ equal, seeds, difference }) => [equal, seeds, difference.difference]),
    ).toEqual([
      ["updates", [1], 0.25],
      ["time", [1], 0],
    ]);
    expect(studyWords(rows)).toContain("3/4, 75 % [30, 95]");
  });

  it("does not take the measure of equal time twice", () => {
    const rows = comparedStudies([BEFORE, BEFORE], { first: "mix:2", second: "mix" });
    expect(rows.map(({ equal }) => equal)).toEqual(["updates"]);
  });

  it("looks at what is asked for only", () => {
    const all = { first: "mix", second: "mix" };
    const both = report([...AFTER.cells]);
    const worlds = (only?: string[]): string[] =>
      comparedStudies([both, both], { ...all, ...(only === undefined ? {} : { only }) }).map(
        ({ world }) => world,
      );
    expect(worlds()).toEqual(["detour", "hang"]);
    expect(worlds(["hang"])).toEqual(["hang"]);
    expect(worlds(["hang.mix"])).toEqual(["hang"]);
    expect(() => worlds(["han"])).toThrow("no world of both reports has mix and mix");
  });

  it("names what is no way to act, and what cannot be compared", () => {
    const way = (second: string) => () => comparedStudies([BEFORE, BEFORE], { second });
    expect(way("magic")).toThrow('there is no method "magic", must be paper, mix');
    expect(way("flow:3")).toThrow('flow does not act by "3", must by 2, 1, 4, 10, disturbed');
    expect(() => comparedStudies([BEFORE, BEFORE], { second: "ddpm" })).toThrow("must have one");
    const other = report([...AFTER.cells], "another");
    expect(() => comparedStudies([BEFORE, other])).toThrow("what is observed there has hash o ");
  });

  it("are told from evaluations, and said what is wrong with", () => {
    expect(isReport({ study: "ebt" })).toBe(true);
    expect(isReport({ format: 1, episodes: [] })).toBe(false);
    expect(isReport(null)).toBe(false);
    expect(() => parsedReport({ study: "ebt" }, (why) => new Error(why))).toThrow("budget: ");
  });
});
