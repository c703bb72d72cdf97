/** `efference compare A B`: the paired difference of two evaluations. */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ComparedResults, Comparison, Results } from "../rollout/index.ts";
import { compareResults, formatTable, parseResults } from "../rollout/index.ts";
import { UsageError } from "./exit.ts";

export interface CompareOptions {
  json?: boolean;
}

export async function compareCommand(
  first: string,
  second: string,
  options: CompareOptions,
): Promise<void> {
  const [a, b] = [await readResults(first), await readResults(second)];
  const compared = compareResults(a, b);
  if (options.json === true) {
    const policies = { first: a.policy, second: b.policy };
    process.stdout.write(`${JSON.stringify({ ...policies, ...compared })}\n`);
  } else process.stdout.write(wordsOf(compared, [a, b]));
}

async function readResults(path: string): Promise<Results> {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  const file = isFolder ? join(path, "results.json") : path;
  if (!existsSync(file)) {
    throw new UsageError(
      `Cannot compare ${path}: ${file} is not there, must be the results.json of a run or its folder`,
    );
  }
  return parseResults(await readFile(file, "utf8"));
}

function wordsOf(compared: ComparedResults, [a, b]: readonly [Results, Results]): string {
  const header = ["task", "first", "second", "second - first", "95 % interval", "p", "pairs"];
  const rows = compared.tasks.map((row) => rowOf(row.task, row));
  const table = formatTable([header, ...rows, rowOf("all", compared)]);
  const notes = [
    ...(compared.unpaired > 0 ? [`${compared.unpaired} episodes are in one of them only`] : []),
    ...(compared.crashed > 0 ? [`${compared.crashed} pairs crashed in one and do not count`] : []),
  ];
  return [`first: ${a.policy.name}, second: ${b.policy.name}`, table, ...notes].join("\n") + "\n";
}

function rowOf(
  name: string,
  { firstRate, secondRate, difference, pValue, pairs }: Comparison,
): string[] {
  const percent = (rate: number): string => `${(100 * rate).toFixed(1)} %`;
  const points = (rate: number): string => `${rate > 0 ? "+" : ""}${(100 * rate).toFixed(1)}`;
  const { both, onlyFirst, onlySecond, neither } = pairs;
  const count = both + onlyFirst + onlySecond + neither;
  return [
    name,
    percent(firstRate),
    percent(secondRate),
    points(difference.difference),
    `${points(difference.low)} to ${points(difference.high)}`,
    pValue < 0.001 ? "< 0.001" : pValue.toFixed(3),
    String(count),
  ];
}
