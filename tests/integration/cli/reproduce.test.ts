/** The study's grid with a budget of seconds: what is left after a kill, and after the second half. */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { reproduce } from "../../../src/cli/reproduce/grid.ts";
import type { CellResult } from "../../../src/cli/reproduce/results.ts";
import type { Budget, Cell } from "../../../src/cli/reproduce/study.ts";
import { BUDGETS, cellsOf, chosenCells, methodNamed } from "../../../src/cli/reproduce/study.ts";
import { CLI, lastLine, run } from "./cli.ts";

const cwd = mkdtempSync(join(tmpdir(), "efference-reproduce-"));
afterAll(() => rmSync(cwd, { recursive: true }));

const TINY: Budget = {
  ...BUDGETS.small,
  demonstrations: 6,
  updates: 45,
  batchSize: 8,
  states: 3,
  curve: { points: 3, episodes: 2 },
  modes: { starts: 2, samples: 2 },
};
const ALL = cellsOf(TINY);
/** The reference of equal time, and another that gets as much. */
const TIMED = chosenCells(ALL, ["detour.mix.s0", "detour.mse.time.s0"]);
const QUICK = chosenCells(ALL, ["detour.flow.s0", "detour.mse.s0"]);
const quiet = { live: () => undefined, line: () => undefined, clear: () => undefined };

function runHere(
  work: string,
  cells: readonly Cell[],
  budget = TINY,
): ReturnType<typeof reproduce> {
  const { signal } = new AbortController();
  return reproduce({ budget, work, cells, progress: quiet, signal });
}

/**
 * Starts the same as a process of its own, and kills it as soon as its live line matches; waits until those that it started have
 * ended, too. @returns what it said
 */
async function killed(work: string, when: RegExp, jobs = 1): Promise<string> {
  const module = pathToFileURL(join(CLI, "..", "reproduce", "grid.js")).href;
  const program = `
    const { reproduce } = await import(${JSON.stringify(module)});
    const say = (text) => process.stdout.write(text + "\\n");
    await reproduce({
      budget: ${JSON.stringify(TINY)}, work: ${JSON.stringify(work)}, cells: ${JSON.stringify(QUICK)}, jobs: ${jobs},
      progress: { live: say, line: say, clear() {} }, signal: new AbortController().signal,
    });`;
  const file = join(cwd, "program.mjs");
  writeFileSync(file, program);
  const child = spawn(process.execPath, [file], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (when.test(text)) child.kill("SIGKILL");
  });
  const signal = await new Promise((resolve) => child.on("close", (_, by) => resolve(by)));
  expect(signal).toBe("SIGKILL");
  await expect.poll(() => isGroupAlive(child.pid!), { timeout: 20_000 }).toBe(false);
  return text;
}

function isGroupAlive(leader: number): boolean {
  try {
    return process.kill(-leader, 0);
  } catch {
    return false;
  }
}

/** Without what depends on the clock. */
function lasting({ id, hash, weightsHash, parameters, acted, coverage }: CellResult): unknown {
  const endings = acted.map(({ sampler, endings: of, modes }) => ({ sampler, of, modes }));
  return { id, hash, weightsHash, parameters, endings, coverage };
}

describe("efference reproduce ebt", () => {
  it("leaves every cell and a report", async () => {
    const { results, report } = await runHere(join(cwd, "whole"), TIMED);
    expect(results.map(({ id }) => id)).toEqual(["detour.mix.s0", "detour.mse.time.s0"]);
    const [mix, timed] = results as [CellResult, CellResult];
    const plan = JSON.parse(
      readFileSync(join(cwd, "whole", "cells", timed.id, "plan.json"), "utf8"),
    );
    const { reference, own } = plan.secondsPerUpdate;
    // Timed in turns, whatever the cells themselves took.
    expect(reference).toBeGreaterThan(own);
    expect(timed.updates).toBe(Math.round((mix.updates * reference) / own));
    expect(plan.updates).toBe(timed.updates);
    expect(mix.acted.map(({ sampler }) => sampler)).toEqual(
      methodNamed("mix").samplers.map(({ name }) => name),
    );
    expect(mix.acted.every(({ endings }) => endings.length === 3)).toBe(true);
    expect(mix.disturbed!.endings).toHaveLength(3);
    expect(mix.curve.map(({ updates }) => updates)).toEqual([15, 30, 45]);
    expect(mix.coverage).toMatchObject({ starts: 2, samples: 2 });
    const detected = mix.corruption!.map(({ signal, step, episodes }) => [signal, step, episodes]);
    expect(detected).toContainEqual(["moved", 0, 3]);
    expect(timed.corruption!.map(({ signal }) => signal)).not.toContain("energy");
    expect(mix.acted[0]!.stepCounts!.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    expect(timed.acted[0]!.stepCounts).toBeUndefined();
    expect(readdirSync(report)).toEqual(
      expect.arrayContaining(["detour-steps.svg", "results.json", "table.md"]),
    );
    const written = JSON.parse(readFileSync(join(report, "results.json"), "utf8"));
    expect(written.cells).toEqual(results);
  });

  it("goes on after kills, and ends with the same as without", async () => {
    const work = join(cwd, "killed");
    await killed(work, /[1-5]\/6 demonstrations/);
    expect(existsSync(join(work, "data", "detour"))).toBe(false);
    await killed(work, /flow\.s0 {2}update [234]\d\/45/);
    expect(existsSync(join(work, "cells", "detour.flow.s0", "result.json"))).toBe(false);
    expect(await killed(work, /flow\.s0 {2}acting, 4/)).toContain("acting, 2");
    // Its first two samplers are not asked again, nor is anything learned.
    const resumed = await killed(work, /mse\.s0 {2}acting/);
    expect(resumed).not.toMatch(/flow\.s0 {2}(update|acting, [12]\b)/);
    expect(resumed).toContain("acting, 4");
    // What was finished before is in a report already.
    const sofar = JSON.parse(readFileSync(join(work, "report", "results.json"), "utf8"));
    expect(sofar.cells.map(({ id }: Cell) => id)).toEqual(["detour.flow.s0"]);
    const { results } = await runHere(work, QUICK);
    const alone = await runHere(join(cwd, "alone"), QUICK);
    expect(results.map(lasting)).toEqual(alone.results.map(lasting));
    // A finished folder is only read, and is not taken for another study.
    expect((await runHere(work, QUICK)).results).toEqual(results);
    await expect(runHere(work, QUICK, { ...TINY, updates: 46 })).rejects.toThrow(
      "its cell detour.flow.s0 is of another version of the study: its hash is",
    );
    await expect(runHere(work, QUICK, { ...TINY, demonstrations: 7 })).rejects.toThrow(
      "detour.flow.s0 has learned from 6 demonstrations, must from 7",
    );
    await expect(runHere(work, QUICK, { ...TINY, name: "full" })).rejects.toThrow(
      'it holds cells of budget "small"',
    );
  });

  it("counts cells as finished that another run's report has, and no others", async () => {
    const path = join(cwd, "alone", "report", "results.json");
    const work = join(cwd, "known");
    const known = { budget: TINY, work, progress: quiet, signal: new AbortController().signal };
    const done = await reproduce({ ...known, cells: QUICK, known: [path] });
    // Nothing was recorded, trained or measured again, and the report is the same to the byte.
    expect(readdirSync(work).sort()).toEqual(["cells", "known.json", "report", "study.json"]);
    const same = join(done.report, "results.json");
    expect(readFileSync(same, "utf8")).toBe(readFileSync(path, "utf8"));
    // What is not known is trained, on demonstrations that are recorded again and must be the same.
    const cells = chosenCells(ALL, ["detour.mse.s0", "detour.equilibrium.s0"]);
    const more = await reproduce({ ...known, cells, known: [same] });
    expect(more.results.map(({ id }) => id)).toEqual(["detour.equilibrium.s0", "detour.mse.s0"]);
    expect(JSON.parse(readFileSync(same, "utf8")).cells).toHaveLength(QUICK.length + 1);

    const text = readFileSync(path, "utf8");
    for (const [what, changed, message] of [
      ["text", text.slice(0, 100), "Cannot take known cells from"],
      ["study", text.replace('"study":"ebt"', '"study":"x"'), "study: "],
      ["budget", text.replace('"name":"small"', '"name":"full"'), 'must be of "small"'],
      ["hash", text.replaceAll(/"hash":"./g, '"hash":"x'), "is of another version of the study"],
      [
        "starts",
        text.replace('"endings":["', '"endings":["success","'),
        "has 4 starts, must have 3",
      ],
      ["sampler", text.replace('"sampler":"2"', '"sampler":"3"'), "acts by 3, 1, 4, 10, must by 2"],
      [
        "sight",
        text.replaceAll(/"observed":"./g, '"observed":"x'),
        "learned from another view of detour: what is observed has hash x",
      ],
      ["cell", text.replace('"id":"detour.mse.s0"', '"id":"x"'), 'its cell x is none of "small"'],
    ] as const) {
      const file = join(cwd, `${what}.json`);
      writeFileSync(file, changed);
      const folder = join(cwd, `known-${what}`);
      const refused = reproduce({ ...known, work: folder, cells: QUICK, known: [file] });
      await expect(refused, what).rejects.toThrow(message);
    }
  });

  it("runs several at once in processes of their own, with the same end", async () => {
    const work = join(cwd, "several");
    const both = await killed(work, /(flow\.s0 .*\| .*mse\.s0 )|(mse\.s0 .*\| .*flow\.s0 )/, 2);
    // Recorded once, for both.
    expect(both.match(/ 3\/6 demonstrations/g)).toHaveLength(1);
    const kept = statSync(join(work, "data", "detour", "demonstrations.json")).mtimeMs;
    const said: string[] = [];
    const { results, report } = await reproduce({
      ...{ budget: TINY, work, cells: QUICK, jobs: 2, signal: new AbortController().signal },
      progress: { ...quiet, line: (text) => void said.push(text) },
    });
    const alone = await runHere(join(cwd, "alone"), QUICK);
    expect(results.map(lasting)).toEqual(alone.results.map(lasting));
    expect(statSync(join(work, "data", "detour", "demonstrations.json")).mtimeMs).toBe(kept);
    const written = JSON.parse(readFileSync(join(report, "results.json"), "utf8"));
    expect(written.cells).toEqual(results);
    expect(said.sort()).toEqual([
      expect.stringMatching(/^\[1\/2\] detour\.flow\.s0: 45 updates, \d\/3 by "2", /),
      expect.stringMatching(/^\[2\/2\] detour\.mse\.s0: 45 updates, \d\/3 by "1", /),
    ]);
  });

  it("names the cell that failed of several at once, and stops the others", async () => {
    const work = join(cwd, "failing");
    const cells = chosenCells(ALL, ["detour.mse.time.s0", "detour.flow.s0"]);
    const folder = join(work, "cells", "detour.mse.time.s0");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "plan.json"), "{");
    await expect(
      reproduce({
        ...{ budget: { ...TINY, updates: 100_000 }, work, cells, jobs: 2, progress: quiet },
        signal: new AbortController().signal,
      }),
    ).rejects.toThrow(/^Cannot finish detour\.mse\.time\.s0: .*JSON/);
    expect(existsSync(join(work, "cells", "detour.flow.s0", "result.json"))).toBe(false);
  });

  it.each([1, 2])("stops where it is told to, with a checkpoint, %i at once", async (jobs) => {
    const stop = new AbortController();
    const work = join(cwd, `stopped-${jobs}`);
    const stopped = reproduce({
      // No machine is so quick that it is done before it hears of it.
      ...{ budget: { ...TINY, updates: 100_000 }, work, cells: QUICK, jobs, signal: stop.signal },
      progress: {
        ...quiet,
        live: (text) => void (/flow\.s0 {2}update 20\//.test(text) && stop.abort()),
      },
    });
    await expect(stopped).rejects.toThrow("aborted");
    const checkpoints = join(work, "cells", "detour.flow.s0", "run", "checkpoints");
    const [kept, ...others] = readdirSync(checkpoints);
    expect(others).toEqual([]);
    // A process of its own has done some more by then.
    if (jobs === 1) expect(kept).toBe("step-00000020");
    else expect(kept! >= "step-00000020" && kept! < "step-00100000").toBe(true);
  });

  it("lists its cells, and names what is wrong with the command line", async () => {
    const list = await run(["reproduce", "ebt", "--list", "--only", "detour.flow", "--json"], cwd);
    expect(list.code).toBe(0);
    expect(lastLine(list.stdout)).toEqual({
      cells: ["detour.flow.s0", "detour.flow.time.s0"],
    });
    for (const [args, message] of [
      [["x"], "must be ebt or obstacle"],
      [["obstacle", "--only", "a"], "--only is given, must be without"],
      [["obstacle", "--updates", "9"], "--updates is given, must be without"],
      [["ebt", "--updates", "0"], "It must be an integer of 1 or more"],
      [["ebt", "--budget", "huge"], "must be small or full"],
      [["ebt", "--only", "nowhere"], "no cell begins so"],
    ] as const) {
      const { code, stderr } = await run(["reproduce", ...args], cwd);
      expect(code).toBe(2);
      expect(stderr).toContain(message);
    }
  });
});
