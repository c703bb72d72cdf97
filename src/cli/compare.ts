/** `efference compare A B`: the paired difference of two evaluations, or of two reports of a study. */
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type {
  ComparedResults,
  Comparison,
  Results,
  UnpairedResults,
  Whole,
} from "../rollout/index.ts";
import { compareResults, compareUnpaired, formatTable, parseResults } from "../rollout/index.ts";
import { UsageError } from "./exit.ts";
import type { StudyCompareOptions } from "./reproduce/compare.ts";
import { comparedStudies, studyWords } from "./reproduce/compare.ts";
import type { Report } from "./reproduce/report-file.ts";
import { isReport, parsedReport } from "./reproduce/report-file.ts";

export interface CompareOptions extends StudyCompareOptions {
  json?: boolean;
  /** Evaluations of other starts, or in another world: as independent samples. */
  unpaired?: boolean;
}

export async function compareCommand(
  first: string,
  second: string,
  options: CompareOptions,
): Promise<void> {
  const { json = false, unpaired = false, ...study } = options;
  const texts = [await readResults(first), await readResults(second)] as const;
  const reports = [reportOf(first, texts[0]), reportOf(second, texts[1])] as const;
  if (reports[0] !== undefined && reports[1] !== undefined) {
    if (unpaired) {
      throw new UsageError(
        "Cannot compare reports: --unpaired is given, must be without, for their starts are the same",
      );
    }
    const rows = comparedStudies([reports[0], reports[1]], study);
    process.stdout.write(json ? `${JSON.stringify({ rows })}\n` : studyWords(rows));
    return;
  }
  if (reports.some((report) => report !== undefined)) {
    throw new UsageError(
      `Cannot compare ${first} with ${second}: one is a report of a study and one an evaluation, must be two of a kind`,
    );
  }
  const given = Object.keys(study).find(
    (key) => study[key as keyof StudyCompareOptions] !== undefined,
  );
  if (given !== undefined) {
    throw new UsageError(
      `Cannot compare evaluations: --${given} is given, must be without, for it is for reports of a study`,
    );
  }
  const [a, b] = [parseResults(texts[0]), parseResults(texts[1])];
  const policies = { first: a.policy, second: b.policy };
  if (unpaired) {
    const compared = compareUnpaired(a, b);
    const words = json ? `${JSON.stringify({ policies, ...compared })}\n` : unpairedWords(compared);
    process.stdout.write(words);
    return;
  }
  const compared = compareResults(a, b);
  const words = json
    ? `${JSON.stringify({ ...policies, ...compared })}\n`
    : wordsOf(compared, [a, b]);
  process.stdout.write(words);
}

async function readResults(path: string): Promise<string> {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  const file = isFolder ? join(path, "results.json") : path;
  if (!existsSync(file)) {
    throw new UsageError(
      `Cannot compare ${path}: ${file} is not there, must be the results.json of a run or its folder`,
    );
  }
  return readFile(file, "utf8");
}

/** Undefined where it is none: what it is then, the parser of evaluations says. */
function reportOf(path: string, text: string): Report | undefined {
  const json = jsonOf(text);
  if (!isReport(json)) return undefined;
  return parsedReport(json, (why) => new UsageError(`Cannot compare ${path}: ${why}`));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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

function unpairedWords({ first, second, difference, returns }: UnpairedResults): string {
  const row = (name: string, whole: Whole): string[] => [
    ...[name, whole.world, `${whole.successes}/${whole.scored}`],
    `${percentWords(whole.successes / whole.scored)} (${percentWords(whole.interval.low)} to ${percentWords(whole.interval.high)})`,
    ...[whole.meanReturn.toFixed(3), String(whole.crashed)],
  ];
  const [gap, low, high] = [difference.difference, difference.low, difference.high].map(pointWords);
  const sums = [returns.difference, returns.low, returns.high].map((value) => value.toFixed(3));
  return [
    formatTable([
      ["", "world", "successes", "rate, 95 % interval", "return, mean", "crashed"],
      row("first", first),
      row("second", second),
    ]),
    `second - first: success ${gap} points (${low} to ${high}), return ${sums[0]} (${sums[1]} to ${sums[2]}); independent samples\n`,
  ].join("\n");
}

function percentWords(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}

function pointWords(rate: number): string {
  return `${rate > 0 ? "+" : ""}${(100 * rate).toFixed(1)}`;
}

function rowOf(
  name: string,
  { firstRate, secondRate, difference, pValue, pairs }: Comparison,
): string[] {
  const { both, onlyFirst, onlySecond, neither } = pairs;
  const count = both + onlyFirst + onlySecond + neither;
  return [
    name,
    percentWords(firstRate),
    percentWords(secondRate),
    pointWords(difference.difference),
    `${pointWords(difference.low)} to ${pointWords(difference.high)}`,
    pValue < 0.001 ? "< 0.001" : pValue.toFixed(3),
    String(count),
  ];
}
