import { describe, expect, it } from "vitest";
import {
  BUDGETS,
  METHODS,
  TIME_REFERENCE,
  budgetIn,
  budgetNamed,
  cellsOf,
  chosenCells,
  dependencies,
  methodNamed,
  studyHash,
} from "../../../../src/cli/reproduce/study.ts";
import { trainableFor } from "../../../../src/cli/registry.ts";
import { seeded } from "../../../../src/core/index.ts";
import { freshParameters } from "../../../../src/onnx/layers/index.ts";
import { TrainingStep } from "../../../../src/train/index.ts";
import { worldData } from "../../../support/imitation.ts";

const SMALL = cellsOf(BUDGETS.small);

describe("the methods", () => {
  it("have numbers of parameters within 5 % of each other", async () => {
    const counts: number[] = [];
    for (const { policy } of METHODS) {
      const trainable = (await trainableFor(policy))(worldData({ stateDim: 8, actionDim: 2 }));
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
      expect(new Set(METHODS.map(({ policy }) => policy[key])).size).toBe(1);
    }
  });

  it("have samplers with names of their own, and sections that their policies accept", async () => {
    for (const { policy, samplers } of METHODS) {
      expect(new Set(samplers.map(({ name }) => name)).size).toBe(samplers.length);
      for (const { infer } of samplers) {
        const section = { ...policy, infer };
        await trainableFor(section);
      }
    }
  });
});

describe("the grid", () => {
  it("has what the budgets promise", () => {
    expect(SMALL).toHaveLength(METHODS.length * 2 - 1);
    expect(SMALL[0]!.id).toBe("detour.paper.s0");
    const full = cellsOf(BUDGETS.full);
    expect(new Set(full.map(({ id }) => id)).size).toBe(full.length);
    for (const world of BUDGETS.full.worlds) {
      expect(budgetIn(BUDGETS.full, world).states).toBeGreaterThanOrEqual(50);
      const cells = full.filter((cell) => cell.world === world);
      expect(new Set(cells.map(({ seed }) => seed)).size).toBeGreaterThanOrEqual(3);
    }
  });

  it("runs what a cell depends on before it", () => {
    const ids = SMALL.map(({ id }) => id);
    for (const cell of SMALL) {
      for (const id of dependencies(cell)) {
        expect(ids.indexOf(id)).toBeGreaterThanOrEqual(0);
        expect(ids.indexOf(id)).toBeLessThan(ids.indexOf(cell.id));
      }
    }
  });

  it("is narrowed by the beginnings of names, with what those need", () => {
    const only = (...texts: string[]): string[] => chosenCells(SMALL, texts).map(({ id }) => id);
    expect(only()).toHaveLength(SMALL.length);
    expect(only("detour.mse.s0")).toEqual(["detour.mse.s0"]);
    const reference = `detour.${TIME_REFERENCE}.s0`;
    expect(only("detour.flow.time")).toEqual([reference, "detour.flow.s0", "detour.flow.time.s0"]);
    expect(() => only("detour.nothing")).toThrow("no cell begins so");
  });

  it("names what is no budget, and tells studies apart", () => {
    expect(() => budgetNamed("huge")).toThrow("must be small or full");
    expect(methodNamed("mix").isEnergy).toBe(true);
    expect(studyHash(BUDGETS.small)).not.toBe(studyHash(BUDGETS.full));
    expect(studyHash({ ...BUDGETS.small, updates: 1 })).not.toBe(studyHash(BUDGETS.small));
  });
});
