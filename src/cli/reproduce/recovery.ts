/** Claim (e): success after something happened in the middle of the episode, beside what it is when nothing does. */
import { differenceWords, rateWords, table } from "./markdown.ts";
import type { Pooled } from "./pool.ts";
import { differenceOf, pooledOf } from "./pool.ts";
import type { CellResult } from "./results.ts";
import type { Cell } from "./study.ts";
import { METHODS, comparedAs } from "./study.ts";
import { STUDY_WORLDS } from "./worlds.ts";

/** @returns "" where nothing disturbs the world */
export function recovery(cells: readonly CellResult[]): string {
  const world = cells[0]?.world;
  const words = world === undefined ? undefined : STUDY_WORLDS[world].disturbance?.words;
  if (words === undefined) return "";
  const rows = METHODS.flatMap(({ name, title }) =>
    (["updates", "time"] as const).flatMap((equal) => {
      const chosen = comparedAs(name, equal);
      const own = cells.filter((cell) => cell.method === name && cell.equal === chosen);
      const after = disturbed(own);
      if (after === undefined) return [];
      const calm = pooledOf(own.map(({ acted }) => acted[0]!));
      const ddpm = name === "ddpm" ? undefined : disturbed(ddpmCells(cells, equal));
      const change = [title, equal, rateWords(calm), rateWords(after), difference(after, calm)];
      return [[...change, difference(after, ddpm)]];
    }),
  );
  const head = ["method", "equal", "success", "disturbed", "change", "disturbed, minus DDPM-100"];
  return `Recovery: ${words}. Points, paired by start; 95 % intervals after Newcombe:\n\n${table(head, rows)}`;
}

function ddpmCells(cells: readonly CellResult[], equal: Cell["equal"]): readonly CellResult[] {
  return cells.filter((cell) => cell.method === "ddpm" && cell.equal === equal);
}

function disturbed(cells: readonly CellResult[]): Pooled | undefined {
  const acted = cells.flatMap((cell) => cell.disturbed ?? []);
  return acted.length === 0 ? undefined : pooledOf(acted);
}

function difference(first: Pooled, second: Pooled | undefined): string {
  if (second === undefined) return "-";
  return differenceWords(differenceOf(first, second));
}
