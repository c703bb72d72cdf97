import { join, resolve } from "node:path";
import { EXIT, UsageError } from "../exit.ts";
import { ensureEngine } from "../install-engine.ts";
import { Interrupted, interruptSignal } from "../interrupt.ts";
import type { Progress } from "../progress.ts";
import { createProgress, durationWords } from "../progress.ts";
import type { Demonstrations } from "./demonstrate.ts";
import { demonstrated } from "./demonstrate.ts";
import { claimFolder, finishedCell } from "./files.ts";
import { writeReport } from "./report.ts";
import type { CellResult } from "./results.ts";
import { runCell } from "./run-cell.ts";
import type { Budget, Cell, WorldName } from "./study.ts";
import { budgetIn, budgetNamed, cellsOf, chosenCells } from "./study.ts";
import { STUDY_WORLDS } from "./worlds.ts";

export interface ReproduceOptions {
  budget: string;
  out?: string;
  only?: string[];
  list?: boolean;
  json?: boolean;
}

/** `efference reproduce ebt`: a grid of trainings and their evaluations; killed at any moment, the same command goes on. */
export async function reproduceCommand(study: string, options: ReproduceOptions): Promise<void> {
  if (study !== "ebt") {
    throw new UsageError(`Cannot reproduce "${study}": it is not known, must be ebt`);
  }
  const budget = budgetNamed(options.budget);
  const cells = chosenCells(cellsOf(budget), options.only ?? []);
  if (options.list === true) {
    const ids = cells.map(({ id }) => id);
    process.stdout.write(
      options.json === true ? `${JSON.stringify({ cells: ids })}\n` : lines(ids),
    );
    return;
  }
  const work = resolve(options.out ?? join("runs", `reproduce-ebt-${budget.name}`));
  const progress = createProgress();
  const interrupt = interruptSignal();
  await ensureEngine();
  try {
    const run = { budget, work, cells, progress, signal: interrupt.signal };
    const { results, report } = await reproduce(run);
    const summary = { folder: work, budget: budget.name, cells: results.length, report };
    process.stdout.write(
      options.json === true
        ? `${JSON.stringify(summary)}\n`
        : `${results.length} cells; table and plots: ${report}\n`,
    );
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    progress.line(`stopped; the same command goes on in ${work}`);
    process.exitCode = EXIT.interrupted;
  } finally {
    progress.clear();
    interrupt.dispose();
  }
}

export interface Run {
  readonly budget: Budget;
  readonly work: string;
  readonly cells: readonly Cell[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Runs the cells that are not finished, in order, and writes the report of all.
 * @returns the cells and the report's folder
 * @throws {UsageError} if the folder holds another study
 */
export async function reproduce(run: Run): Promise<{
  readonly results: readonly CellResult[];
  readonly report: string;
}> {
  const { work, budget } = run;
  await claimFolder(work, budget);
  const { results, data } = await runAll(run);
  return { results, report: await writeReport({ work, budget, results, data }) };
}

type DataByWorld = Partial<Record<WorldName, Demonstrations>>;

async function runAll(run: Run): Promise<{
  readonly results: readonly CellResult[];
  readonly data: DataByWorld;
}> {
  const { work, cells, progress } = run;
  const data: DataByWorld = {};
  const results: CellResult[] = [];
  const startedMs = performance.now();
  for (const [i, cell] of cells.entries()) {
    const known = await finishedCell(work, cell);
    data[cell.world] ??= await dataOf(cell.world, run);
    const began = performance.now();
    const result = known ?? (await runOne(cell, { run, about: data[cell.world]!, number: i + 1 }));
    results.push(result);
    if (known !== undefined) continue;
    const best = result.acted[0]!;
    const successes = best.endings.filter((ending) => ending === "success").length;
    progress.line(
      `[${i + 1}/${cells.length}] ${cell.id}: ${result.updates} updates, ` +
        `${successes}/${best.endings.length} by "${best.sampler}", ` +
        `${durationWords((performance.now() - began) / 1000)} ` +
        `(${durationWords((performance.now() - startedMs) / 1000)} in all)`,
    );
  }
  return { results, data };
}

async function dataOf(world: WorldName, run: Run): Promise<Demonstrations> {
  const { work, progress, signal } = run;
  const count = budgetIn(run.budget, world).demonstrations;
  return demonstrated({
    world: STUDY_WORLDS[world],
    folder: dataFolder(work, world),
    count,
    signal,
    onEpisode: (done) => progress.live(`${world}: ${done}/${count} demonstrations`),
  });
}

function runOne(
  cell: Cell,
  at: { readonly run: Run; readonly about: Demonstrations; readonly number: number },
): Promise<CellResult> {
  const { work, cells, progress, signal } = at.run;
  return runCell({
    ...{ cell, budget: budgetIn(at.run.budget, cell.world), work, signal },
    data: { folder: dataFolder(work, cell.world), about: at.about },
    say: (what) => progress.live(`[${at.number}/${cells.length}] ${cell.id}  ${what}`),
  });
}

function dataFolder(work: string, world: WorldName): string {
  return join(work, "data", world);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
