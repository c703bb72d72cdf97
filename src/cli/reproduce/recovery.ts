/** Claim (e): success after something happened in the middle of the episode, beside what it is when nothing does. */
import { minusWords, rateWords, table } from "./markdown.ts";
import { pooled, pooledDisturbed } from "./pool.ts";
import type { CellResult } from "./results.ts";
import { EQUALS, METHODS, comparedAs } from "./study.ts";
import { STUDY_WORLDS } from "./worlds.ts";

/** @returns "" where nothing disturbs the world */
export function recovery(cells: readonly CellResult[]): string {
  const world = cells[0]?.world;
  const words = world === undefined ? undefined : STUDY_WORLDS[world].disturbance?.words;
  if (words === undefined) return "";
  const rows = METHODS.flatMap(({ name, title }) =>
    EQUALS.flatMap((equal) => {
      const by = { method: name, equal: comparedAs(name, equal) };
      const [calm] = pooled(cells, by);
      const after = pooledDisturbed(cells, by);
      if (calm === undefined || after === undefined) return [];
      const ddpm = name === "ddpm" ? undefined : pooledDisturbed(cells, { method: "ddpm", equal });
      const change = [title, equal, rateWords(calm), rateWords(after), minusWords(after, calm)];
      return [[...change, minusWords(after, ddpm)]];
    }),
  );
  const head = ["method", "equal", "success", "disturbed", "change", "disturbed, minus DDPM-100"];
  return `Recovery: ${words}. Points, paired by start; 95 % intervals after Newcombe:\n\n${table(head, rows)}`;
}
