/** One cell of a world of images, end to end, with a budget of seconds. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { actedEpisodes } from "../../../src/cli/reproduce/act.ts";
import { reproduce } from "../../../src/cli/reproduce/grid.ts";
import { demonstrated } from "../../../src/cli/reproduce/demonstrate.ts";
import type { Budget } from "../../../src/cli/reproduce/study.ts";
import { BUDGETS, cellsOf, chosenCells } from "../../../src/cli/reproduce/study.ts";
import { STUDY_WORLDS } from "../../../src/cli/reproduce/worlds.ts";
import type { Environment, Want } from "../../../src/core/index.ts";
import { loadPolicy } from "../../../src/package/index.ts";

const folder = mkdtempSync(join(tmpdir(), "efference-reproduce-images-"));
afterAll(() => rmSync(folder, { recursive: true }));

const WORLD = STUDY_WORLDS["lift-images"];
const TINY: Budget = {
  ...BUDGETS.full,
  worlds: ["lift-images"],
  seeds: [0],
  demonstrations: 2,
  // Times of updates are told every 20.
  updates: 20,
  batchSize: 4,
  states: 2,
  curve: { points: 1, episodes: 1 },
  modes: { starts: 1, samples: 2 },
  perWorld: {},
};
const quiet = { live: () => undefined, line: () => undefined, clear: () => undefined };
const { signal } = new AbortController();

/** The same world, with every `want` of a step kept. */
function watched(env: Environment, wants: Want[]): Environment {
  return {
    ...{ spec: env.spec, tasks: env.tasks, identity: env.identity },
    reset: (request) => env.reset(request),
    step(chunk, want) {
      wants.push(want);
      return env.step(chunk, want);
    },
    close: () => env.close(),
  };
}

describe("a cell of a world of images", () => {
  it("is trained on pictures, measured, and reported", async () => {
    const work = join(folder, "work");
    const cells = chosenCells(cellsOf(TINY), ["lift-images.mse.s0"]);
    const { results, report } = await reproduce({
      ...{ budget: TINY, work, cells, progress: quiet, signal },
    });
    const [cell] = results;
    expect(cell!.acted.map(({ endings }) => endings.length)).toEqual([2]);
    // An untrained policy fails; that it crashed would mean that it does not fit its world.
    expect(cell!.acted[0]!.endings).not.toContain("crash");
    expect(cell!.disturbed!.endings).toHaveLength(2);
    expect(cell!.coverage).toMatchObject({ starts: 1, samples: 2 });
    expect(readFileSync(join(report, "table.md"), "utf8")).toContain("lift-images.mse.s0");
    expect(readdirSync(report)).toContain("lift-images-steps.svg");

    const policy = await loadPolicy(join(work, "cells", cell!.id, "packages", "1"));
    const { observation } = policy.spec;
    if (observation === "any") throw new TypeError("must say what it sees");
    expect(observation.images.map(({ name }) => name)).toEqual(["front", "wrist"]);
    const about = observation.proprio.map(({ name }) => name);
    expect(about).toContain("eef_position");
    expect(about.filter((name) => /cube|state/.test(name))).toEqual([]);
    expect(policy.spec.privileged).not.toBe(true);

    // Pictures are asked for at decisions alone.
    const wants: Want[] = [];
    const env = watched(await WORLD.open(), wants);
    const starts = { task: WORLD.task, from: { seed: 1 }, count: 1 };
    await actedEpisodes(policy, { world: WORLD, env, starts, signal });
    expect(wants.length).toBeGreaterThan(0);
    expect(new Set(wants.map(({ imagesAt }) => imagesAt))).toEqual(new Set(["last"]));
    expect(wants.some(({ privileged, poses }) => privileged || poses)).toBe(false);
    await policy.close?.();
    await env.close();
  });

  it("has the demonstrations of the world of state, by their actions, seen otherwise", async () => {
    const request = { count: 2, signal, onEpisode: () => undefined };
    const state = await demonstrated({
      ...request,
      world: STUDY_WORLDS.lift,
      folder: join(folder, "state"),
    });
    const images = JSON.parse(
      readFileSync(join(folder, "work", "data", "lift-images", "demonstrations.json"), "utf8"),
    );
    const { observed, ...rest } = state;
    expect(images).toMatchObject(rest);
    expect(images.observed).toMatch(/^[0-9a-f]{64}$/);
    expect(images.observed).not.toBe(observed);
  });
});
