import { describe, expect, it } from "vitest";
import { byTask } from "../../../../src/cli/reproduce/by-task.ts";
import { bestOf, differenceOf, pooled, rateOf } from "../../../../src/cli/reproduce/pool.ts";
import { reportMarkdown } from "../../../../src/cli/reproduce/report.ts";
import { bySeed } from "../../../../src/cli/reproduce/seeds.ts";
import { trainingSpeed } from "../../../../src/cli/reproduce/speed.ts";
import { overview } from "../../../../src/cli/reproduce/overview.ts";
import { recovery } from "../../../../src/cli/reproduce/recovery.ts";
import { figures, overviewFigure } from "../../../../src/cli/reproduce/figures.ts";
import type { CellResult } from "../../../../src/cli/reproduce/results.ts";
import { BUDGETS, methodNamed } from "../../../../src/cli/reproduce/study.ts";
import { pairedDifference } from "../../../../src/math/index.ts";
import { actedBy, studyCell } from "../../../support/study-cells.ts";

describe("cells of several seeds", () => {
  const cells = [
    studyCell("detour.mix.s0", [
      ["until still", "ssfc"],
      ["1", "ffff"],
    ]),
    studyCell("detour.mix.s1", [
      ["until still", "sfff"],
      ["1", "ssss"],
    ]),
    studyCell("detour.mix.s2", [
      ["until still", "ssss"],
      ["1", "sfff"],
    ]),
    studyCell("detour.flow.s0", [
      ["2", "sfff"],
      ["1", "sfff"],
    ]),
    studyCell("detour.flow.s1", [
      ["2", "ffcs"],
      ["1", "ssff"],
    ]),
    studyCell("detour.flow.s2", [
      ["2", "ffff"],
      ["1", "ffff"],
    ]),
  ];
  const mix = pooled(cells, { method: "mix", equal: "updates" });
  const flow = pooled(cells, { method: "flow", equal: "updates" });

  it("are counted together, crashes apart", () => {
    expect(mix.map(({ sampler }) => sampler)).toEqual(["until still", "1"]);
    expect(mix[0]).toMatchObject({ successes: 7, scored: 11, crashes: 1 });
    expect(rateOf([])).toMatchObject({ successes: 0, scored: 0, low: 0, high: 1 });
    expect(pooled(cells, { method: "mix", equal: "time" })).toEqual([]);
  });

  it("are told by the tasks of a suite, which take turns", () => {
    const lines = byTask(cells, { task: { suite: "s", tasks: 2 }, simulator: "w" }).split("\n");
    expect(lines).toContain("| energy, mix | updates | 4/6 | 3/5 |");
    expect(lines).toContain("| flow matching | updates | 1/5 | 1/6 |");
    expect(byTask(cells, { task: "one", simulator: "w" })).toBe("");
  });

  it("are compared start by start, the first minus the second", () => {
    // Seed 0: both, mix alone, neither; seed 1: mix alone, neither, flow alone; seed 2: mix alone four times.
    const counts = { both: 1, onlyFirst: 1, onlySecond: 6, neither: 2 };
    expect(differenceOf(mix[0]!, flow[0]!)).toEqual(pairedDifference(counts));
    const back = differenceOf(flow[0]!, mix[0]!);
    expect(back.difference).toBeCloseTo(-differenceOf(mix[0]!, flow[0]!).difference, 12);
  });

  it("are compared seed by seed, of the seeds that both have", () => {
    const alone = pooled(cells.slice(4), { method: "flow", equal: "updates" });
    expect(alone[0]!.evaluations.map(({ seed }) => seed)).toEqual([1, 2]);
    // Seed 1: mix alone, neither, flow alone; seed 2: mix alone four times. Seed 0 has nobody to be compared with.
    const counts = { both: 0, onlyFirst: 1, onlySecond: 5, neither: 1 };
    expect(differenceOf(mix[0]!, alone[0]!)).toEqual(pairedDifference(counts));
  });

  it("are told apart by seed, where something was trained twice", () => {
    const lines = bySeed(cells.slice(0, 5)).split("\n");
    expect(lines).toContain("| energy, mix | updates | 2/3 | 1/4 | 4/4 | 75 |");
    expect(lines).toContain("| flow matching | updates | 1/4 | 1/3 | - | 8 |");
    expect(lines.filter((line) => line.includes("regression"))).toEqual([]);
    expect(bySeed(cells.slice(0, 1))).toBe("");
  });

  it("give the best sampler, the quickest among equals", () => {
    expect(bestOf(flow)!.sampler).toBe("1");
    expect(bestOf([])).toBeUndefined();
    const [a] = flow;
    expect(bestOf([{ ...a!, decisionMs: 9 }, a!])!.decisionMs).toBe(a!.decisionMs);
  });

  it("make a report that says every cell with interval, seed, command and hash", () => {
    const text = reportMarkdown({
      work: "",
      budget: BUDGETS.full,
      results: cells,
      data: {
        detour: {
          hash: "d".repeat(64),
          observed: "o".repeat(64),
          episodes: 4,
          failed: 0,
          modes: { left: 1, right: 3 },
        },
      },
    });
    for (const { id, seed } of cells) {
      expect(text).toMatch(
        new RegExp(`\\| \`${id.replaceAll(".", "\\.")}\` \\| ${seed} \\|.*h{12}`),
      );
    }
    expect(text).toContain("7/11, 64 % [35, 85], 1 crashed");
    expect(text).toContain("efference reproduce ebt --budget full --only CELL");
    expect(text).toContain("1 left, 3 right");
    expect(text).toContain("0.75 (9)");
    expect(text).not.toMatch(/NaN|undefined/);
    expect(methodNamed("mix").samplers[0].name).toBe("until still");
  });

  it("say on one screen what came out where there are several worlds", () => {
    const of = (id: string, calm: string, two: string): CellResult =>
      studyCell(id, [
        [id.includes("flow") ? "1" : "until still", calm],
        ["2", two],
      ]);
    const all = [
      of("detour.mix.s0", "ssssssssss", "ssssssssff"),
      of("detour.equilibrium.s0", "sfffffffff", "ssssssssss"),
      studyCell("detour.ddpm.s0", [["ddpm 100", "sssssfffff"]]),
      studyCell("detour.ddpm.time.s0", [["ddpm 100", "ssssssssss"]]),
      of("lift.mix.s0", "sf", "sf"),
      of("lift.flow.s0", "ff", "ss"),
      studyCell("hang.mse.s0", [["1", "sc"]]),
    ];
    const lines = overview(BUDGETS.full.worlds, all).split("\n");
    const starting = (text: string): string[] => lines.filter((line) => line.startsWith(text));
    expect(starting("| detour | updates | -")[0]).toContain(
      "| 10/10, 100 % [72, 100] | - | 1/10, 10 %",
    );
    expect(starting("| hang")).toHaveLength(1);
    expect(starting("| hang")[0]).toContain("| 1/1, 100 % [21, 100], 1 crashed |");
    // By its rule, and in two steps.
    expect(starting("| detour | updates | energy, mix")[0]).toMatch(
      /\+50 \[.*\] \| - \| - \| \+30 \[.*\] \| - \|$/,
    );
    // 1 of 10 by its rule, 10 in two steps.
    expect(starting("| detour | updates | energy, equilibrium")[0]).toMatch(
      /\| -40 \[.*\] \| - \| - \| \+50 \[.*\] \| - \|$/,
    );
    expect(starting("| detour | time | energy, mix")[0]).toMatch(/\+0 \[.*\| -20 \[/);
    // Flow matching by its best sampler.
    expect(starting("| lift | updates | energy, mix")[0]).toMatch(/\| - \| -50 \[/);
    expect(overview(BUDGETS.full.worlds, all.slice(0, 4))).toBe("");
    expect(overview(BUDGETS.full.worlds, [])).toBe("");
  });

  it("say how soon a training is nearly as good as diffusion is at its end", () => {
    const curved = (id: string, counts: readonly number[]): CellResult => ({
      ...studyCell(id, []),
      curve: counts.map((successes, i) => {
        return { updates: 100 * (i + 1), seconds: 5 * (i + 1), successes, episodes: 20 };
      }),
    });
    const text = trainingSpeed([
      curved("detour.mix.s0", [3, 10, 20]),
      curved("detour.mix.s1", [4, 14, 20]),
      curved("detour.ddpm.s0", [0, 8, 12]),
      curved("detour.ddpm.s1", [0, 4, 12]),
      curved("detour.mse.s0", [1, 2, 3]),
    ]);
    // Diffusion ends at 24 of 40; nine tenths of that are 21.6 of 40: 24 of 40 at the second measurement of mix.
    expect(text).toContain("| energy, mix | updates, 54 % | 200 | 10 | 24/40, 60 %");
    expect(text).toContain("| diffusion | updates, 54 % | 300 | 15 | 24/40, 60 %");
    expect(text).toContain("| regression | updates, 54 % | never | - | 3/20, 15 %");
    expect(text).not.toContain("flow matching");
    expect(trainingSpeed([curved("detour.mix.s0", [1])])).toBe("");
  });

  it("say what a disturbance costs, and what is left beside diffusion", () => {
    const disturbedBy = (id: string, calm: string, after: string): CellResult => ({
      ...studyCell(id, [["x", calm]]),
      disturbed: actedBy("x", after),
    });
    const text = recovery([
      disturbedBy("detour.mix.s0", "ssssssssss", "ssssssssff"),
      disturbedBy("detour.ddpm.s0", "ssssssssss", "sfffffffff"),
      disturbedBy("detour.ddpm.time.s0", "ssssssssss", "ssssssssss"),
    ]);
    const rows = text.split("\n").filter((line) => line.startsWith("| energy, mix"));
    expect(rows).toHaveLength(2);
    // 8 of 10 after, 10 of 10 before: -20; 1 of 10 for diffusion: +70, none lost: -20 at equal time.
    expect(rows[0]).toMatch(/\| updates \| 10\/10.*\| 8\/10.*\| -20 \[.*\] \| \+70 \[/);
    expect(rows[1]).toMatch(/\| time \|.*\| -20 \[.*\] \| -20 \[/);
    expect(text).toContain("0.3 m after step 24");
    const points = pairedDifference({ both: 1, onlyFirst: 0, onlySecond: 7, neither: 2 });
    expect(rows[0]).toContain(`[${(100 * points.low).toFixed(0).replace(/^(\d)/, "+$1")}, `);
    expect(recovery([studyCell("pusht.mix.s0", [["until still", "s"]])])).toBe("");
    expect(recovery([])).toBe("");
  });

  it("say how many steps were enough, where a rule says when to stop", () => {
    const counted = (id: string, sampler: string, stepCounts: readonly number[]): CellResult => {
      const made = studyCell(id, []);
      return { ...made, acted: [{ ...actedBy(sampler, "sf"), stepCounts }] };
    };
    const all = [
      counted("detour.mix.s0", "until still", [0, 0, 6, 2]),
      counted("detour.mix.s1", "until still", [0, 0, 0, 1, 1]),
      counted("detour.flow.s0", "2", [0, 0, 9]),
    ];
    const results = { work: "", budget: BUDGETS.full, results: all, data: {} };
    // Two, six times; three, three times; four, once. Flow matching has no rule.
    const lines = reportMarkdown(results).split("\n");
    const used = lines.slice(lines.findIndex((line) => line.startsWith("Steps that decisions")));
    expect(used[4]).toBe("| energy, mix | until still | 2.5 | 2 | 2 | 4 | 4: 10.0 % |");
    expect(used[5]).toBe("");
    const drawn = figures("detour", all).find(({ name }) => name === "detour-used.svg")!;
    expect(drawn.svg.match(/<circle/g)).toHaveLength(5);
    expect(figures("detour", [all[2]!]).map(({ name }) => name)).not.toContain("detour-used.svg");
  });

  it("say what tells a corrupted observation, and nothing of cells that are older", () => {
    const judged = (id: string, auroc: number): CellResult => ({
      ...studyCell(id, [["x", "s"]]),
      corruption: [{ signal: "moved", step: 8, auroc, episodes: 50 }],
    });
    const all = [judged("detour.mix.s0", 0.9), judged("detour.mix.s1", 0.7)];
    const of = (results: readonly CellResult[]): string =>
      reportMarkdown({ work: "", budget: BUDGETS.full, results, data: {} });
    expect(of(all)).toContain("| energy, mix | moved | 0.80 (100) |");
    expect(of(all)).not.toContain("pixel");
    expect(of([judged("lift-images.mix.s0", 0.9)])).toContain("every pixel by one of a quarter");
    expect(of([studyCell("detour.mix.s2", [["x", "s"]])])).not.toContain("corrupted");
  });

  it("make plots, but none of what was not measured", () => {
    const names = figures("detour", cells).map(({ name }) => name);
    expect(names).toContain("detour-steps.svg");
    expect(figures("detour", [])).toEqual([]);
    for (const { svg } of figures("detour", cells)) expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it("are drawn in all worlds together, with single trainings beside", () => {
    const cells = [
      studyCell("detour.mix.s0", [["until still", "ssff"]]),
      studyCell("detour.mix.s1", [["until still", "ssss"]]),
      studyCell("hang.flow.s0", [["2", "sfff"]]),
    ];
    expect(overviewFigure(["detour", "hang"], cells.slice(0, 2))).toBeUndefined();
    const { name, svg } = overviewFigure(["detour", "hang"], cells)!;
    expect(name).toBe("overview.svg");
    // x of 75 %, 25 %: a mark a method and world.
    const at = (rate: number): string => (110 + 500 * rate).toFixed(0);
    const marks = [...svg.matchAll(/<circle cx="([\d.]+)"[^>]* r="4"/g)].map(([, x]) => x);
    expect(marks.slice(0, 2)).toEqual([at(0.75), at(0.25)]);
    // Its two trainings, 50 % and 100 %; one training alone is the mark.
    const single = [...svg.matchAll(/<line x1="([\d.]+)"[^>]*stroke-opacity="0.8"/g)];
    expect(single.map(([, x]) => x)).toEqual([at(0.5), at(1)]);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });
});
