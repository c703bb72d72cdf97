import { join, resolve } from "node:path";
import { EXIT, UsageError } from "../exit.ts";
import { ensureEngine } from "../install-engine.ts";
import { Interrupted, interruptSignal } from "../interrupt.ts";
import { createProgress } from "../progress.ts";
import { reproduce } from "./grid.ts";
import { readyCells } from "./ready.ts";
import type { Other } from "./study.ts";
import { assertExecutable, budgetNamed, cellsOf, chosenCells } from "./study.ts";

export interface ReproduceOptions {
  budget: string;
  network?: string;
  updates?: number;
  batch?: number;
  idle?: number;
  horizon?: number;
  out?: string;
  only?: string[];
  known?: string[];
  jobs?: number;
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
  assertExecutable(budget, chosen);
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
    const { known = [], jobs = 1 } = options;
    const cells = await readyCells(chosen, {
      isAskedFor: only.length > 0,
      say: (words) => progress.line(words),
    });
    const run = { budget, work, cells, known, jobs, progress, signal: interrupt.signal };
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

function folderOf(budget: string, { network, updates, batch, idle, horizon }: Other): string {
  const other = [
    network,
    updates,
    batch === undefined ? undefined : `batch-${batch}`,
    idle === undefined ? undefined : `idle-${idle}`,
    horizon === undefined ? undefined : `horizon-${horizon}`,
  ];
  return ["reproduce-ebt", budget, ...other.flatMap((value) => value ?? [])].join("-");
}

async function reproduceAdded({ json = false, ...grid }: ReproduceOptions): Promise<void> {
  const given = Object.entries(grid).find(
    ([name, value]) => name !== "budget" && value !== undefined,
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

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
