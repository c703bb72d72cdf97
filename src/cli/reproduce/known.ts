/** Cells that are finished: here, or in the report of another run, which is how a grid is completed on several machines. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../core/index.ts";
import { UsageError } from "../exit.ts";
import type { Demonstrations } from "./demonstrate.ts";
import { RESULT_FILE, cellFolder, finishedCell, readJson, writeJson } from "./files.ts";
import { observedHash } from "./observed.ts";
import { missingFor } from "./ready.ts";
import type { DataByWorld, Report } from "./report-file.ts";
import { parsedReport } from "./report-file.ts";
import type { CellResult } from "./results.ts";
import type { Budget, Cell, WorldName } from "./study.ts";
import { budgetIn, cellsOf, methodNamed } from "./study.ts";
import { cellHash } from "./train-cell.ts";

const KNOWN_DATA_FILE = "known.json";

/**
 * Takes the finished cells of reports into a work folder; those that it has stay as they are.
 *
 * @param reports - paths of `results.json`
 * @throws {UsageError} where a file is no report of this budget, or a cell is of another version of the study
 */
export async function takeKnown(
  reports: readonly string[],
  { work, budget }: { readonly work: string; readonly budget: Budget },
): Promise<void> {
  const cells = new Map(cellsOf(budget).map((cell) => [cell.id, cell]));
  for (const path of reports) {
    const report = await readReport(path, budget);
    const data = await knownData(work);
    for (const result of report.cells) {
      const cell = cells.get(result.id);
      const about = cell && report.data[cell.world];
      if (cell === undefined || about === undefined) {
        throw unfit(path, `its cell ${result.id} is none of "${budget.name}", or lacks its data`);
      }
      // What zod has looked at is what is checked below; the rest is carried over as it is.
      const known = result;
      const why =
        misfit(known, { cell, budget, about }) ??
        otherData(data[cell.world], about) ??
        (await otherSight(cell.world, about));
      if (why !== undefined) throw unfit(path, `${result.id} ${why}`);
      data[cell.world] = about;
      if ((await finishedCell(work, cell)) !== undefined) continue;
      await writeJson(join(cellFolder(work, cell.id), RESULT_FILE), result);
    }
    await writeJson(join(work, KNOWN_DATA_FILE), data);
  }
}

/** @throws {UsageError} where it is no report of this budget */
async function readReport(path: string, budget: Budget): Promise<Report> {
  const report = parsedReport(
    await readJson(path).catch((error: unknown) => {
      throw unfit(path, messageOf(error));
    }),
    (why) => unfit(path, why),
  );
  if (report.budget.name !== budget.name) {
    throw unfit(path, `it is of budget "${report.budget.name}", must be of "${budget.name}"`);
  }
  return report;
}

function unfit(path: string, why: string): UsageError {
  return new UsageError(`Cannot take known cells from ${path}: ${why}`);
}

/** The demonstrations of known cells. */
export async function knownData(work: string): Promise<DataByWorld> {
  const path = join(work, KNOWN_DATA_FILE);
  return existsSync(path) ? ((await readJson(path)) as DataByWorld) : {};
}

/** Why two sets of demonstrations are not the same; undefined if they are, or if one is not there. */
export function otherData(
  first: Demonstrations | undefined,
  second: Demonstrations,
): string | undefined {
  if (first === undefined || first.hash === second.hash) return undefined;
  return `learned from other demonstrations: ${short(second.hash)}, must be ${short(first.hash)}`;
}

/** Why demonstrations are not of what the world shows now; undefined if they are, and where it cannot be opened here, which says nothing. */
export async function otherSight(
  world: WorldName,
  { observed }: Pick<Demonstrations, "observed">,
): Promise<string | undefined> {
  if ((await missingFor(world)) !== undefined) return undefined;
  const now = await observedHash(world);
  if (observed === now) return undefined;
  return `learned from another view of ${world}: what is observed has hash ${short(observed)}, must have ${short(now)}`;
}

/** Why a result is not what this version of the study would measure; undefined if it is. */
export function misfit(
  result: CellResult,
  of: { readonly cell: Cell; readonly budget: Budget; readonly about: Demonstrations },
): string | undefined {
  const { cell, about: data } = of;
  const budget = budgetIn(of.budget, cell.world);
  const method = methodNamed(cell.method);
  if (data.episodes !== budget.demonstrations) {
    return `has learned from ${data.episodes} demonstrations, must from ${budget.demonstrations}`;
  }
  const updates = cell.equal === "updates" ? budget.updates : result.updates;
  const hash = cellHash({ cell, method, budget, updates, demonstrations: data });
  if (hash !== result.hash) {
    return `is of another version of the study: its hash is ${short(result.hash)}, must be ${short(hash)}`;
  }
  const samplers = result.acted.map(({ sampler }) => sampler).join(", ");
  const wanted = method.samplers.map(({ name }) => name).join(", ");
  if (samplers !== wanted) return `acts by ${samplers}, must by ${wanted}`;
  const odd = result.acted.find(({ endings }) => endings.length !== budget.states);
  return odd && `has ${odd.endings.length} starts, must have ${budget.states}`;
}

function short(hash: string): string {
  return hash.slice(0, 12);
}
