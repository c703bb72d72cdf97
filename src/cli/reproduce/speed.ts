/** Claim (c): how soon a training is about as good as diffusion is at its end. */
import { rateWords, table } from "./markdown.ts";
import type { Made } from "./pool.ts";
import { cellsBy, pooledCurve, rateOfCounts } from "./pool.ts";
import type { CellResult, CurvePoint } from "./results.ts";
import { EQUALS, METHODS, comparedAs } from "./study.ts";

/** Of diffusion's final success. */
const SHARE = 0.9;

/** The first measurement of every method that reaches nine tenths of DDPM-100's last one; empty without the latter. */
export function trainingSpeed(cells: readonly CellResult[]): string {
  const rows = EQUALS.flatMap((equal) => {
    const last = curveOf(cells, { method: "ddpm", equal }).at(-1);
    if (last === undefined) return [];
    const target = (SHARE * last.successes) / last.episodes;
    return METHODS.flatMap(({ name, title }) => {
      const curve = curveOf(cells, { method: name, equal: comparedAs(name, equal) });
      const end = curve.at(-1);
      if (end === undefined) return [];
      const there = curve.find(({ successes, episodes }) => successes / episodes >= target);
      const of = `${equal}, ${(100 * target).toFixed(0)} %`;
      if (there === undefined) return [[title, of, "never", "-", words(end)]];
      const { updates, seconds } = there;
      return [[title, of, updates.toFixed(0), seconds.toFixed(0), words(there)]];
    });
  });
  if (rows.length === 0) return "";
  const head = ["method", "equal, goal", "updates", "s", "success there"];
  return (
    "The first measurement of a training (its own starts, drawn) that reaches 90 % of DDPM-100's last one; mean over seeds of the processor's " +
    `seconds:\n\n${table(head, rows)}`
  );
}

function words({ successes, episodes }: CurvePoint): string {
  return rateWords(rateOfCounts(successes, episodes));
}

function curveOf(cells: readonly CellResult[], by: Made): readonly CurvePoint[] {
  return pooledCurve(cellsBy(cells, by));
}
