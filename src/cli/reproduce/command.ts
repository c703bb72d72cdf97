import { join, resolve } from "node:path";
import { EXIT, UsageError } from "../exit.ts";
import { ensureEngine } from "../install-engine.ts";
import { Interrupted, interruptSignal } from "../interrupt.ts";
import type { Progress } from "../progress.ts";
import { createProgress, durationWords } from "../progress.ts";
import type { Demonstrations } from "./demonstrate.ts";
import { demonstrated, recorded } from "./demonstrate.ts";
import { claimFolder, finishedCell } from "./files.ts";
import { knownData, misfit, otherData, otherSight, takeKnown } from "./known.ts";
import { readyCells } from "./ready.ts";
import type { DataByWorld } from "./report-file.ts";
import { writeReport } from "./report.ts";
import type { CellResult } from "./results.ts";
import { runCell } from "./run-cell.ts";
import type { Budget, Cell, Other, WorldName } from "./study.ts";
import { budgetIn, budgetNamed, cellsOf, chosenCells } from "./study.ts";
import { STUDY_WORLDS } from "./worlds.ts";

export interface ReproduceOptions {
  budget: string;
  network?: string;
  updates?: number;
  batch?: number;
  idle?: number;
  out?: string;
  only?: string[];
  known?: string[];
  list?: boolean;
  json?: boolean;
}

/**
 * `efference reproduce ebt`: a grid of trainings and their evaluations; killed at any moment, the same command goes on.
 * `efference reproduce obstacle`: the shipped energy policy with another energy added.
 */
export async function reproduceCommand(study: string, options: ReproduceOptions): Promise<void> {
  if (study === "obstacle") return reproduceAdded(options);
  if (study !== "ebt") {
    throw new UsageError(`Cannot reproduce "${study}": it is not known, must be ebt or obstacle`);
  }
  const budget = budgetNamed(options.budget, options);
  const { only = [] } = options;
  const chosen = chosenCells(cellsOf(budget), only);
  if (options.list === true) {
    const ids = chosen.map(({ id }) => id);
    process.stdout.write(
      options.json === true ? `${JSON.stringify({ cells: ids })}\n` : lines(ids),
    );
    return;
  }
  const work = resolve(options.out ?? join("runs", folderOf(budget.name, options)));
  const progress = createProgress();
  const interrupt = interruptSignal();
  await ensureEngine();
  try {
    const { known = [] } = options;
    const cells = await readyCells(chosen, {
      isAskedFor: only.length > 0,
      say: (words) => progress.line(words),
    });
    const run = { budget, work, cells, known, progress, signal: interrupt.signal };
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

function folderOf(budget: string, { network, updates, batch, idle }: Other): string {
  const other = [
    network,
    updates,
    batch === undefined ? undefined : `batch-${batch}`,
    idle === undefined ? undefined : `idle-${idle}`,
  ];
  return ["reproduce-ebt", budget, ...other.flatMap((value) => value ?? [])].join("-");
}

async function reproduceAdded({ json = false, ...grid }: ReproduceOptions): Promise<void> {
  const { network, updates, batch, idle, out, only, known, list } = grid;
  const given = Object.entries({ network, updates, batch, idle, out, only, known, list }).find(
    ([, value]) => value !== undefined,
  );
  if (given !== undefined) {
    throw new UsageError(
      `Cannot reproduce "obstacle": --${given[0]} is given, must be without, for it has no cells`,
    );
  }
  await ensureEngine();
  const { reproduceObstacle } = await import("./obstacle.ts");
  await reproduceObstacle({ json });
}

export interface Run {
  readonly budget: Budget;
  readonly work: string;
  readonly cells: readonly Cell[];
  /** Reports whose cells count as finished. */
  readonly known?: readonly string[];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * Runs the cells that are not finished, in order, and after every one writes the report of all that the folder has.
 * @returns the cells and the report's folder
 * @throws {UsageError} if the folder or a report holds another study
 */
export async function reproduce(run: Run): Promise<{
  readonly results: readonly CellResult[];
  readonly report: string;
}> {
  const { work, budget, cells, known = [] } = run;
  await claimFolder(work, budget);
  await takeKnown(known, run);
  const data = await knownData(work);
  const done = await finished(run, data);
  const resultsOf = (asked: readonly Cell[]): CellResult[] =>
    asked.flatMap(({ id }) => done.get(id) ?? []);
  const reported = (): Promise<string> =>
    writeReport({ work, budget, results: resultsOf(cellsOf(budget)), data });
  const startedMs = performance.now();
  let report: string | undefined;
  for (const [i, cell] of cells.entries()) {
    if (done.has(cell.id)) continue;
    const about = await dataOf(cell.world, { run, known: data[cell.world] });
    data[cell.world] = about;
    const began = performance.now();
    const result = await runOne(cell, { run, about, number: i + 1 });
    done.set(cell.id, result);
    run.progress.line(resultWords(result, { run, number: i + 1, began, startedMs }));
    report = await reported();
  }
  return { results: resultsOf(cells), report: report ?? (await reported()) };
}

/**
 * Every cell that the folder has, and where it is not known, what they have learned from.
 * @throws {UsageError} if one is of another version of the study
 */
async function finished(
  { work, budget }: Run,
  data: DataByWorld,
): Promise<Map<string, CellResult>> {
  const done = new Map<string, CellResult>();
  for (const cell of cellsOf(budget)) {
    const result = await finishedCell(work, cell);
    if (result === undefined) continue;
    const about = data[cell.world] ?? (await recorded(dataFolder(work, cell.world)));
    const why =
      about === undefined
        ? "lacks its data"
        : (misfit(result, { cell, budget, about }) ?? (await otherSight(cell.world, about)));
    if (about === undefined || why !== undefined) {
      const what = `its cell ${cell.id} ${why}; take a new folder`;
      throw new UsageError(`Cannot reproduce in ${work}: ${what}`);
    }
    data[cell.world] = about;
    done.set(cell.id, result);
  }
  return done;
}

function resultWords(
  { id, updates, acted }: CellResult,
  at: {
    readonly run: Run;
    readonly number: number;
    readonly began: number;
    readonly startedMs: number;
  },
): string {
  const known = acted[0]!;
  const successes = known.endings.filter((ending) => ending === "success").length;
  const since = (ms: number): string => durationWords((performance.now() - ms) / 1000);
  return (
    `[${at.number}/${at.run.cells.length}] ${id}: ${updates} updates, ` +
    `${successes}/${known.endings.length} by "${known.sampler}", ` +
    `${since(at.began)} (${since(at.startedMs)} in all)`
  );
}

/** @throws {UsageError} where known cells have learned from others */
async function dataOf(
  world: WorldName,
  { run, known }: { readonly run: Run; readonly known: Demonstrations | undefined },
): Promise<Demonstrations> {
  const { work, progress, signal } = run;
  const count = budgetIn(run.budget, world).demonstrations;
  const made = await demonstrated({
    world: STUDY_WORLDS[world],
    folder: dataFolder(work, world),
    count,
    signal,
    onEpisode: (done) => progress.live(`${world}: ${done}/${count} demonstrations`),
  });
  const why = otherData(known, made) ?? (await otherSight(world, made));
  if (why === undefined) return made;
  throw new UsageError(
    `Cannot go on with the known cells of ${world}: what is recorded here ${why}`,
  );
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
