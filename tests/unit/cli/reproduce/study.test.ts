import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  BUDGETS,
  assertExecutable,
  METHODS,
  beginsWith,
  budgetIn,
  budgetNamed,
  cellsOf,
  chosenCells,
  commandOf,
  methodNamed,
  policyOf,
} from "../../../../src/cli/reproduce/study.ts";
import { PIXELS } from "../../../../src/cli/reproduce/tabletop-worlds.ts";
import { cellHash, policySection } from "../../../../src/cli/reproduce/train-cell.ts";
import { STUDY_WORLDS } from "../../../../src/cli/reproduce/worlds.ts";
import { trainableFor } from "../../../../src/cli/registry.ts";
import type { Report } from "../../../../src/cli/reproduce/report-file.ts";
import { seeded } from "../../../../src/core/index.ts";
import { pairedCounts, pairedDifference } from "../../../../src/math/index.ts";
import { parseEnergyConfig } from "../../../../policies/energy/index.ts";
import { freshParameters } from "../../../../src/onnx/layers/index.ts";
import type { TrainingData } from "../../../../src/train/index.ts";
import { TrainingStep } from "../../../../src/train/index.ts";
import { worldData } from "../../../support/imitation.ts";

const SMALL = cellsOf(BUDGETS.small);

/** An arm's 24 numbers of itself, 7 actions, and two cameras. */
function armData(): TrainingData {
  const data = worldData({ stateDim: 24, actionDim: 7, pixels: PIXELS });
  const images = STUDY_WORLDS["lift-images"].cameras.map((name) => ({
    ...data.images[0]!,
    name,
  }));
  return { ...data, images, spec: { ...data.spec, images } };
}

const AS = { network: "tiny", horizon: 16, executeHorizon: 8 } as const;

describe("the methods", () => {
  it.each([
    ["a vector", "tiny", [], worldData({ stateDim: 8, actionDim: 2 })],
    ["images", "tiny", ["front", "wrist"], armData()],
    ["a vector", "small", [], worldData({ stateDim: 19, actionDim: 7 })],
    ["a vector with a goal", "tiny", [], worldData({ stateDim: 37, actionDim: 7 })],
  ] as const)("have as many parameters within 5 %: %s, %s", async (_, network, cameras, data) => {
    const counts: number[] = [];
    for (const method of METHODS) {
      const section = policySection(method, method.samplers[0], { ...AS, network, cameras });
      const trainable = (await trainableFor(section))(data);
      const step = await TrainingStep.open(trainable, freshParameters(seeded("weights")), {
        batchSize: 2,
        optimiser: { kind: "adamw", weightDecay: 1e-6, clipNorm: 1 },
      });
      counts.push(step.parameterCount);
      await step.close();
    }
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.05);
  });

  it("differ in nothing that is shared", () => {
    for (const key of ["heads", "layers", "horizon", "executeHorizon"]) {
      const values = METHODS.map((method) => policyOf(method, { ...AS, network: "small" })[key]);
      expect(new Set(values).size).toBe(1);
    }
  });

  it("have samplers with names of their own, and sections that their policies accept", async () => {
    for (const method of METHODS) {
      const { samplers } = method;
      expect(new Set(samplers.map(({ name }) => name)).size).toBe(samplers.length);
      for (const { infer } of samplers) {
        const section = { ...policyOf(method, AS), infer };
        await trainableFor(section);
      }
    }
  });
});

describe("the grid", () => {
  it("has what the budgets promise", () => {
    const { methods } = BUDGETS.small;
    expect(SMALL).toHaveLength(methods.length * 2 - 1);
    expect(METHODS.map(({ name }) => name).filter((name) => !methods.includes(name))).toEqual([
      ...["once", "near"],
    ]);
    expect(SMALL[0]!.id).toBe("detour.paper.s0");
    const full = cellsOf(BUDGETS.full);
    expect(new Set(full.map(({ id }) => id)).size).toBe(full.length);
    for (const world of BUDGETS.full.worlds) {
      expect(budgetIn(BUDGETS.full, world).states).toBeGreaterThanOrEqual(100);
      const cells = full.filter((cell) => cell.world === world);
      const seeds = new Set(cells.map(({ seed }) => seed)).size;
      // A suite of LIBERO is ten tasks; what a world was is kept as it is.
      const isOnce = world.startsWith("libero-") || world === "pusht-absolute";
      expect([world, seeds]).toEqual([world, isOnce ? 1 : 3]);
    }
  });

  it("trains what stands beside the comparison once, from the first seed, where updates are equal", () => {
    const ids = cellsOf(BUDGETS.full).map(({ id }) => id);
    const of = (text: string): string[] => ids.filter((id) => beginsWith(id, text));
    expect([...of("lift.paper"), ...of("lift.equilibrium")]).toEqual([
      ...["lift.paper.s0", "lift.equilibrium.s0"],
    ]);
    expect(of("detour.paper")).toHaveLength(6);
    expect(of("pusht.equilibrium")).toHaveLength(6);
    expect(of("place-images.paper")).toEqual([]);
    expect(of("pusht-absolute")).toEqual(
      ["mix", "flow", "mse"].map((m) => `pusht-absolute.${m}.s0`),
    );
    // The reference takes the time that it takes.
    expect(of("hang").filter((id) => id.includes(".mix."))).toEqual(
      [0, 1, 2].map((seed) => `hang.mix.s${seed}`),
    );
    expect(of("hang")).toHaveLength(6 * 3 + 5 * 3 + 2);
    expect(of("lift.near")).toEqual(["lift.near.s0"]);
  });

  it("looks through cameras in its worlds of images alone, and trains those as the others", () => {
    const full = BUDGETS.full.worlds;
    const looking = full.filter((world) => STUDY_WORLDS[world].cameras.length > 0);
    expect(looking).toEqual(["lift-images", "place-images"]);
    const ids = cellsOf(BUDGETS.full).map(({ id }) => id);
    expect(ids).toContain("lift-images.mix.s0");
    expect(ids).toContain("place-images.flow.time.s2");
    const [known] = METHODS[0]!.samplers;
    expect(policySection(METHODS[0]!, known, { ...AS, cameras: [] })).toEqual({
      ...policyOf(METHODS[0]!, AS),
      infer: known.infer,
    });
  });

  it("is narrowed by the first parts of names", () => {
    const only = (...texts: string[]): string[] => chosenCells(SMALL, texts).map(({ id }) => id);
    expect(only()).toHaveLength(SMALL.length);
    expect(only("detour.mse.s0")).toEqual(["detour.mse.s0"]);
    expect(only("detour.flow.time")).toEqual(["detour.flow.time.s0"]);
    expect(only("detour.flow")).toEqual(["detour.flow.s0", "detour.flow.time.s0"]);
    expect(() => only("detour.nothing")).toThrow("no cell begins so");
    const worldsOf = (text: string) => {
      return new Set(chosenCells(cellsOf(BUDGETS.full), [text]).map(({ world }) => world));
    };
    // A world whose name goes on is another world.
    expect([...worldsOf("lift")]).toEqual(["lift"]);
    expect([...worldsOf("lift.")]).toEqual(["lift"]);
  });

  it("has another network where one is asked for, in every world, and says so", () => {
    const [cell] = cellsOf(BUDGETS.full);
    const larger = budgetNamed("full", { network: "small" });
    for (const world of larger.worlds) expect(budgetIn(larger, world).network).toBe("small");
    expect(commandOf(budgetIn(larger, "hang"), cell!)).toContain("--budget full --network small");
    expect(commandOf(BUDGETS.full, cell!)).toBe(
      "efference reproduce ebt --budget full --only detour.paper.s0",
    );
  });

  it("trains longer where that is asked for, in every world, and says so", () => {
    const [cell] = cellsOf(BUDGETS.full);
    const longer = budgetNamed("full", { updates: 14_000 });
    for (const world of longer.worlds) expect(budgetIn(longer, world).updates).toBe(14_000);
    expect(budgetIn(longer, "hang").executeHorizon).toBe(2);
    expect(commandOf(budgetIn(longer, "detour"), cell!)).toBe(
      "efference reproduce ebt --budget full --updates 14000 --only detour.paper.s0",
    );
  });

  it("has other batches where they are asked for, in every world, and says so", () => {
    const [cell] = cellsOf(BUDGETS.full);
    const smaller = budgetNamed("full", { batch: 8, updates: 40_000 });
    for (const world of smaller.worlds) expect(budgetIn(smaller, world).batchSize).toBe(8);
    expect(commandOf(budgetIn(smaller, "detour"), cell!)).toBe(
      "efference reproduce ebt --budget full --updates 40000 --batch 8 --only detour.paper.s0",
    );
  });

  it("leaves idle steps out where it is asked to, in every world, and says so", () => {
    const cell = cellsOf(BUDGETS.full).find(({ world }) => world === "hang")!;
    expect(budgetIn(BUDGETS.full, "hang").idle).toBe(0.1);
    expect(budgetIn(BUDGETS.full, "insert").idle).toBe(0);
    const whole = budgetNamed("full", { idle: 0 });
    for (const world of whole.worlds) expect(budgetIn(whole, world).idle).toBe(0);
    expect(commandOf(whole, cell)).toBe(
      "efference reproduce ebt --budget full --idle 0 --only hang.paper.s0",
    );
    const about = { cell, method: methodNamed(cell.method), updates: 100 };
    const demonstrations = { hash: "of the demonstrations" };
    const hashes = [BUDGETS.full, whole, budgetNamed("full", { idle: 0.2 })].map((budget) =>
      cellHash({ ...about, budget: budgetIn(budget, "hang"), demonstrations }),
    );
    expect(new Set(hashes).size).toBe(3);
  });

  it("has longer or shorter chunks where they are asked for, and says so", () => {
    const cell = cellsOf(BUDGETS.full).find(({ world }) => world === "insert")!;
    const ours = BUDGETS.full.worlds.filter(
      (world) => budgetIn(BUDGETS.full, world).horizon !== 16,
    );
    expect(ours).toEqual(["insert"]);
    expect(budgetIn(BUDGETS.full, "insert").horizon).toBe(4);
    const longer = budgetNamed("full", { horizon: 16 });
    expect(policyOf(methodNamed("mix"), budgetIn(longer, "insert"))).toMatchObject({ horizon: 16 });
    expect(commandOf(longer, cell)).toBe(
      "efference reproduce ebt --budget full --horizon 16 --only insert.paper.s0",
    );
    const about = { cell, method: methodNamed(cell.method), updates: 100 };
    const hashes = [BUDGETS.full, longer].map((budget) =>
      cellHash({ ...about, budget: budgetIn(budget, "insert"), demonstrations: { hash: "a" } }),
    );
    expect(new Set(hashes).size).toBe(2);
    const short = budgetNamed("full", { horizon: 4 });
    assertExecutable(short, chosenCells(cellsOf(short), ["insert", "hang", "pusht"]));
    expect(() => assertExecutable(short, cellsOf(short))).toThrow(
      "Cannot reproduce detour.paper.s0 with chunks of 4 rows: 8 of them are executed there, must have as many at least",
    );
  });

  it("names what is no budget", () => {
    expect(() => budgetNamed("huge")).toThrow("must be small or full");
    expect(() => budgetNamed("full", { network: "huge" })).toThrow("must be tiny or small");
    expect(methodNamed("mix").isEnergy).toBe(true);
  });
});

async function committed(name: string): Promise<Report> {
  const results = new URL("../../../../policies/energy/results/", import.meta.url);
  return JSON.parse(await readFile(new URL(`${name}/results.json`, results), "utf8"));
}

describe("a cell's hash", () => {
  // It is of what the study says. A default that changes means other weights by the same hash: say it in the study then, and make the cells again.
  it.each(METHODS.filter(({ isEnergy }) => isEnergy).map(({ name }) => name))(
    "stands for these defaults, too: %s",
    (name) => {
      const { step, train, dropout, observeHorizon } = parseEnergyConfig(
        policyOf(methodNamed(name), AS),
      );
      expect({ dropout, observeHorizon, ...step }).toEqual({
        dropout: 0,
        observeHorizon: 1,
        rate: 1,
        temperature: 1,
        gradient: "sum",
        energyScaled: false,
        energyCap: 0,
        momentum: 0,
        normalise: "none",
        clampGradient: 0,
      });
      const common = { steps: 2, noise: [0.05, 0.002], shareExponent: 1, knee: 0.8, slope: 1 };
      const own = {
        paper: { extraSteps: 1, loss: "last", start: "noise", randomiseRate: 1.5 },
        mix: { extraSteps: 0, loss: "every", start: "mix", randomiseRate: 1 },
        once: { extraSteps: 0, loss: "one", start: "mix", randomiseRate: 1 },
        // A slope is matched at one point: there are no steps.
        equilibrium: { extraSteps: 0, loss: "last", start: "noise", randomiseRate: 1.5 },
        near: {
          ...{ extraSteps: 0, loss: "last", start: "noise", randomiseRate: 1.5 },
          ...{ knee: 0.5, shareExponent: 2 },
        },
      }[name as "paper" | "mix" | "once" | "equilibrium" | "near"];
      expect(train).toEqual({ ...common, ...own });
    },
  );

  it.each([
    { name: "detour-small", says: "--budget small --only" },
    { name: "full", says: "--budget full" },
    { name: "hang-idle", says: "--budget full --idle 0 --only hang.", idle: 0 },
  ])(
    "is that of the committed results, whose cells so count as finished: $name",
    async ({ name, says, ...other }) => {
      const { budget, data, cells } = await committed(name);
      for (const cell of cells) {
        const about = { cell, method: methodNamed(cell.method), updates: cell.updates };
        const at = budgetIn(budgetNamed(budget.name, other), cell.world);
        expect(cell.command).toContain(says);
        const hash = cellHash({ ...about, budget: at, demonstrations: data[cell.world]! });
        expect(hash).toBe(cell.hash);
      }
    },
  );
});

describe("the committed tables", () => {
  it("agree: what small has measured is a part of what full has", async () => {
    const small = await committed("detour-small");
    const full = new Map((await committed("full")).cells.map((cell) => [cell.id, cell]));
    expect(small.cells.map(({ id }) => id)).toEqual(SMALL.map(({ id }) => id));
    for (const cell of small.cells) {
      const same = full.get(cell.id)!;
      if (cell.equal === "updates") expect(same.weightsHash).toBe(cell.weightsHash);
      for (const [i, { sampler, endings }] of cell.acted.entries()) {
        const larger = same.acted[i]!;
        expect(larger.sampler).toBe(sampler);
        const first = larger.endings.slice(0, endings.length);
        if (cell.equal === "updates") expect(first).toEqual(endings);
        // How many updates fit into a time differs from run to run.
        const pairs = pairedCounts(first.map((ending, k) => [won(ending), won(endings[k]!)]));
        const { low, high } = pairedDifference(pairs);
        expect(low).toBeLessThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

function won(ending: string): boolean {
  return ending === "success";
}
