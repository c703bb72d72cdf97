/** Runs the cells of a grid that are not finished, one after the other or several at once. */
import { join } from "node:path";
import type { Progress } from "../progress.ts";
import { durationWords } from "../progress.ts";
import { UsageError } from "../exit.ts";
import { runCellApart } from "./cell-process.ts";
import type { Demonstrations } from "./demonstrate.ts";
import { demonstrated, recorded } from "./demonstrate.ts";
import { claimFolder, finishedCell } from "./files.ts";
import { knownData, misfit, otherData, otherSight, takeKnown } from "./known.ts";
import type { DataByWorld } from "./report-file.ts";
import { writeReport } from "./report.ts";
import type { CellResult } from "./results.ts";
import { runCell } from "./run-cell.ts";
import { inParallel } from "./parallel.ts";
import type { Budget, Cell, WorldName } from "./study.ts";
import { budgetIn, cellsOf } from "./study.ts";
import { STUDY_WORLDS } from "./worlds.ts";

export interface Run {
  readonly budget: Budget;
  readonly work: string;
  readonly cells: readonly Cell[];
  /** Reports whose cells count as finished. */
  readonly known?: readonly string[];
  /** Cells at once; more than one run in processes of their own. @default 1 */
  readonly jobs?: number;
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
  const { work, budget, known = [] } = run;
  await claimFolder(work, budget);
  await takeKnown(known, run);
  return new Grid(run, await knownData(work)).completed();
}

class Grid {
  readonly #run: Run;
  readonly #data: DataByWorld;
  readonly #startedMs = performance.now();
  /** Recordings of worlds, begun or done: cells of one world wait for the same. */
  readonly #recordings = new Map<WorldName, Promise<Demonstrations>>();
  /** What is going on, by cell or world. */
  readonly #live = new Map<string, string>();
  #done = new Map<string, CellResult>();
  #report: Promise<string> | undefined;

  constructor(run: Run, data: DataByWorld) {
    this.#run = run;
    this.#data = data;
  }

  async completed(): ReturnType<typeof reproduce> {
    const { cells, jobs = 1, signal } = this.#run;
    this.#done = await this.#finished();
    const left = [...cells.entries()].filter(([, { id }]) => !this.#done.has(id));
    await inParallel(left, { count: jobs, signal }, ([i, cell], stop) =>
      this.#complete(cell, { number: i + 1, signal: stop }),
    );
    const results = this.#resultsOf(cells);
    return { results, report: await (this.#report ?? this.#write()) };
  }

  /**
   * Every cell that the folder has, and where it is not known, what they have learned from.
   * @throws {UsageError} if one is of another version of the study
   */
  async #finished(): Promise<Map<string, CellResult>> {
    const { work, budget } = this.#run;
    const done = new Map<string, CellResult>();
    for (const cell of cellsOf(budget)) {
      const result = await finishedCell(work, cell);
      if (result === undefined) continue;
      const about = this.#data[cell.world] ?? (await recorded(dataFolder(work, cell.world)));
      const why =
        about === undefined
          ? "lacks its data"
          : (misfit(result, { cell, budget, about }) ?? (await otherSight(cell.world, about)));
      if (about === undefined || why !== undefined) {
        const what = `its cell ${cell.id} ${why}; take a new folder`;
        throw new UsageError(`Cannot reproduce in ${work}: ${what}`);
      }
      this.#data[cell.world] = about;
      done.set(cell.id, result);
    }
    return done;
  }

  async #complete(
    cell: Cell,
    at: { readonly number: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const { work, cells, jobs = 1, progress } = this.#run;
    const place = `[${at.number}/${cells.length}] ${cell.id}`;
    const about = await this.#dataOf(cell.world, at.signal);
    const began = performance.now();
    const result = await (jobs === 1 ? runCell : runCellApart)({
      ...{ cell, budget: budgetIn(this.#run.budget, cell.world), work, signal: at.signal },
      data: { folder: dataFolder(work, cell.world), about },
      say: (what) => this.#show(cell.id, `${place}  ${what}`),
    });
    this.#live.delete(cell.id);
    this.#done.set(cell.id, result);
    progress.line(
      `${place}: ${resultWords(result)}, ${since(began)} (${since(this.#startedMs)} in all)`,
    );
    // One at a time: an older report must not take the place of a newer one.
    this.#report = (this.#report ?? Promise.resolve()).then(() => this.#write());
    await this.#report;
  }

  #dataOf(world: WorldName, signal: AbortSignal): Promise<Demonstrations> {
    let recording = this.#recordings.get(world);
    if (recording === undefined) {
      recording = this.#recorded(world, signal);
      this.#recordings.set(world, recording);
    }
    return recording;
  }

  /** @throws {UsageError} where known cells have learned from others */
  async #recorded(world: WorldName, signal: AbortSignal): Promise<Demonstrations> {
    const known = this.#data[world];
    const count = budgetIn(this.#run.budget, world).demonstrations;
    const made = await demonstrated({
      world: STUDY_WORLDS[world],
      folder: dataFolder(this.#run.work, world),
      count,
      signal,
      onEpisode: (done) => this.#show(world, `${world}: ${done}/${count} demonstrations`),
    });
    this.#live.delete(world);
    const why = otherData(known, made) ?? (await otherSight(world, made));
    if (why !== undefined) {
      throw new UsageError(
        `Cannot go on with the known cells of ${world}: what is recorded here ${why}`,
      );
    }
    this.#data[world] = made;
    return made;
  }

  #show(who: string, words: string): void {
    this.#live.set(who, words);
    this.#run.progress.live([...this.#live.values()].join(" | "));
  }

  #resultsOf(cells: readonly Cell[]): CellResult[] {
    return cells.flatMap(({ id }) => this.#done.get(id) ?? []);
  }

  #write(): Promise<string> {
    const { work, budget } = this.#run;
    const results = this.#resultsOf(cellsOf(budget));
    return writeReport({ work, budget, results, data: this.#data });
  }
}

function resultWords({ updates, acted }: CellResult): string {
  const known = acted[0]!;
  const successes = known.endings.filter((ending) => ending === "success").length;
  return `${updates} updates, ${successes}/${known.endings.length} by "${known.sampler}"`;
}

function since(ms: number): string {
  return durationWords((performance.now() - ms) / 1000);
}

function dataFolder(work: string, world: WorldName): string {
  return join(work, "data", world);
}
