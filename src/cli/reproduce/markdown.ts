/** Numbers and tables of the report as Markdown. */
import type { pairedDifference } from "../../math/index.ts";
import type { Pooled, Rate } from "./pool.ts";
import { differenceOf } from "./pool.ts";

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n") + "\n";
}

function percent(value: number): string {
  return (100 * value).toFixed(0);
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${percent(Math.abs(value))}`;
}

/** The first success rate minus the second; "-" where one is missing. */
export function minusWords(first: Pooled | undefined, second: Pooled | undefined): string {
  if (first === undefined || second === undefined) return "-";
  return differenceWords(differenceOf(first, second));
}

export function differenceWords({
  difference,
  low,
  high,
}: ReturnType<typeof pairedDifference>): string {
  return `${signed(difference)} [${signed(low)}, ${signed(high)}]`;
}

export function rateWords({ successes, scored, rate, low, high, crashes }: Rate): string {
  const crashed = crashes === 0 ? "" : `, ${crashes} crashed`;
  return `${successes}/${scored}, ${percent(rate)} % [${percent(low)}, ${percent(high)}]${crashed}`;
}
