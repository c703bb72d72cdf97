/** How far trainings of one method differ, which intervals over episodes do not know. */
import { table } from "./markdown.ts";
import { pooled, rateOf } from "./pool.ts";
import type { CellResult } from "./results.ts";
import { EQUALS, METHODS } from "./study.ts";

/** @returns "" where nothing was trained twice */
export function bySeed(cells: readonly CellResult[]): string {
  const seeds = [...new Set(cells.map(({ seed }) => seed))].sort((a, b) => a - b);
  if (seeds.length < 2) return "";
  const rows = METHODS.flatMap(({ name, title }) =>
    EQUALS.flatMap((equal) => {
      const [known] = pooled(cells, { method: name, equal });
      if (known === undefined) return [];
      const rates = known.evaluations.map(({ seed, acted }) => ({ seed, ...rateOf([acted]) }));
      const of = (seed: number): string => {
        const one = rates.find((other) => other.seed === seed);
        return one === undefined ? "-" : `${one.successes}/${one.scored}`;
      };
      const all = rates.map(({ rate }) => rate);
      const spread =
        all.length < 2 ? "-" : (100 * (Math.max(...all) - Math.min(...all))).toFixed(0);
      return [[title, equal, ...seeds.map(of), spread]];
    }),
  );
  const head = ["method", "equal", ...seeds.map((seed) => `seed ${seed}`), "best minus worst"];
  return (
    "By training seed, with points between the best and the worst: intervals are of episodes and know nothing of it:\n\n" +
    table(head, rows)
  );
}
