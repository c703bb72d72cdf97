/** The work folder: what is finished is there whole, what is not is done again or gone on with. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { writeWhole } from "../../files/index.ts";
import { UsageError } from "../exit.ts";
import type { CellResult } from "./results.ts";
import type { Budget, Cell } from "./study.ts";

export const RESULT_FILE = "result.json";
const STUDY_FILE = "study.json";

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeWhole(path, `${JSON.stringify(value, null, 2)}\n`);
}

export async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, "utf8")) as unknown;
}

/**
 * What was made before and kept in a file, or is made now and kept there. It is made again where it was made of something else.
 *
 * @param about - JSON, which decides what is made
 */
export async function kept<T>(path: string, about: unknown, make: () => Promise<T>): Promise<T> {
  if (existsSync(path)) {
    const found = (await readJson(path)) as { readonly about?: unknown; readonly value: T };
    if (isDeepStrictEqual(found.about, about)) return found.value;
  }
  const value = await make();
  await writeJson(path, { about, value });
  return value;
}

export function cellFolder(work: string, id: string): string {
  return join(work, "cells", id);
}

/** Of a cell that was finished; undefined if it was not. */
export async function finishedCell(work: string, { id }: Cell): Promise<CellResult | undefined> {
  const path = join(cellFolder(work, id), RESULT_FILE);
  return existsSync(path) ? ((await readJson(path)) as CellResult) : undefined;
}

/**
 * Makes the folder a budget's, or sees that it is.
 * @throws {UsageError} if it holds results of another
 */
export async function claimFolder(work: string, { name }: Budget): Promise<void> {
  const path = join(work, STUDY_FILE);
  if (!existsSync(path)) return writeJson(path, { study: "ebt", budget: name });
  const found = (await readJson(path)) as { readonly budget?: unknown };
  if (found.budget === name) return;
  throw new UsageError(
    `Cannot reproduce in ${work}: it holds cells of budget ${JSON.stringify(found.budget)}, must be a new folder`,
  );
}
