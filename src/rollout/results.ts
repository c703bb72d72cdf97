import { createHash } from "node:crypto";
import type { EnvironmentIdentity, EnvironmentSpec } from "../core/index.ts";
import type { FailureReason } from "../episode/types.ts";
import { writeWhole } from "../files/index.ts";
import { percentile, wilsonInterval } from "../math/index.ts";
import type { Job, JobResult } from "./journal.ts";

/** Successes among the episodes that did not crash, with its 95 % Wilson score interval. */
export interface Rate {
  /** Crashes included. */
  readonly episodes: number;
  readonly successes: number;
  readonly crashes: number;
  readonly failures: Readonly<Partial<Record<FailureReason, number>>>;
  /** `successes / (episodes - crashes)`; 0 where all crashed. */
  readonly successRate: number;
  readonly interval: readonly [number, number];
  /** False if no simulator reported success at all: the rate then says nothing. */
  readonly successReported: boolean;
  readonly meanReturn: number;
  readonly meanSteps: number;
}

export interface Timing {
  /** Control steps per wall-clock second of an episode, mean over episodes. */
  readonly controlStepsPerS: number;
  readonly inferenceMs: { readonly p50: number; readonly p99: number };
  /** Per request to the simulator, without the simulator's own time. */
  readonly bridgeMs: { readonly p50: number; readonly p99: number };
}

export interface TaskResult extends Rate, Timing {
  readonly task: string;
  readonly suite: string;
}

/** `results.json`: everything needed to repeat an evaluation and to print its table. */
export interface Results extends Rate, Timing {
  readonly format: "efference_results";
  readonly version: 1;
  readonly runId: string;
  readonly command: string;
  readonly createdAt: string;
  readonly seed: number;
  readonly policy: { readonly name: string; readonly hash?: string };
  readonly environment: EnvironmentIdentity;
  readonly controlFreqHz: number;
  /** sha256 over the spec and over the list of (task, seed) pairs. */
  readonly specHash: string;
  readonly jobsHash: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly device: string;
  readonly workers: number;
  readonly wallS: number;
  readonly tasks: readonly TaskResult[];
  readonly episodeResults: readonly Omit<JobResult, "inferenceMs" | "bridgeMs">[];
}

/** What a run knows about itself besides its episodes. */
export interface RunInfo {
  readonly runId: string;
  readonly command: string;
  readonly seed: number;
  readonly policy: { readonly name: string; readonly hash?: string };
  readonly environment: EnvironmentIdentity;
  readonly spec: EnvironmentSpec;
  readonly jobs: readonly Job[];
  readonly versions: Readonly<Record<string, string>>;
  readonly device: string;
  readonly workers: number;
  readonly wallS: number;
}

/** Counts, rate, interval and timing of any set of episodes. */
export function summarise(results: readonly JobResult[]): Rate & Timing {
  const crashes = results.filter(({ outcome }) => outcome.kind === "crash").length;
  const successes = results.filter(({ outcome }) => outcome.kind === "success").length;
  const scored = results.length - crashes;
  const failures: Partial<Record<FailureReason, number>> = {};
  for (const { outcome } of results) {
    if (outcome.kind === "failure") failures[outcome.reason] = (failures[outcome.reason] ?? 0) + 1;
  }
  const { low, high } = scored === 0 ? { low: 0, high: 1 } : wilsonInterval(successes, scored);
  const lived = results.filter(({ outcome }) => outcome.kind !== "crash");
  const inference = results.flatMap(({ inferenceMs }) => inferenceMs);
  const bridge = results.flatMap(({ bridgeMs }) => bridgeMs);
  const seconds = sum(lived.map(({ durationS }) => durationS));
  return {
    episodes: results.length,
    successes,
    crashes,
    failures,
    successRate: scored === 0 ? 0 : successes / scored,
    interval: [low, high],
    successReported: results.some(({ successReported }) => successReported),
    meanReturn: mean(lived.map((result) => result.return)),
    meanSteps: mean(lived.map(({ steps }) => steps)),
    controlStepsPerS: seconds === 0 ? 0 : sum(lived.map(({ steps }) => steps)) / seconds,
    inferenceMs: percentiles(inference),
    bridgeMs: percentiles(bridge),
  };
}

/** One row per task, in the order the tasks were planned. */
export function summariseTasks(results: readonly JobResult[]): TaskResult[] {
  return summariseBy(results, ({ job }) => job.task).map(({ name, suite, ...row }) => ({
    task: name,
    suite,
    ...row,
  }));
}

/** One row per group (suite, kind of work, ...), in the order in which groups first appear. */
export function summariseBy(
  results: readonly JobResult[],
  groupOf: (result: JobResult) => string,
): (Rate & Timing & { readonly name: string; readonly suite: string })[] {
  const groups = new Map<string, JobResult[]>();
  for (const result of results) {
    const group = groupOf(result);
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [result]);
    else list.push(result);
  }
  return [...groups].map(([name, list]) => ({
    name,
    suite: list[0]?.job.suite ?? "",
    ...summarise(list),
  }));
}

export function makeResults(results: readonly JobResult[], run: RunInfo): Results {
  const { spec, jobs, ...info } = run;
  return {
    format: "efference_results",
    version: 1,
    ...info,
    createdAt: new Date().toISOString(),
    controlFreqHz: spec.controlFreqHz,
    specHash: hashOf(spec),
    jobsHash: hashOf(jobs),
    ...summarise(results),
    tasks: summariseTasks(results),
    episodeResults: results.map(({ inferenceMs: _i, bridgeMs: _b, ...rest }) => rest),
  };
}

/** @throws {SyntaxError} if the text is not the JSON of a `results.json` */
export function parseResults(text: string): Results {
  const value = parsedJson(text);
  const format =
    typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  if (format !== "efference_results") {
    throw new SyntaxError(
      `Cannot read results: format is ${JSON.stringify(format)}, must be "efference_results"`,
    );
  }
  return value as Results;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError("Cannot read results: the text is not JSON, must be a results.json", {
      cause,
    });
  }
}

/** Success and its interval by group; the table of a README. */
export function rateTable(
  rows: readonly (Rate & { readonly name: string })[],
  total: Rate,
): string {
  const row = (name: string, rate: Rate): string[] => [
    name,
    `${rate.successes}/${rate.episodes - rate.crashes}`,
    `${(100 * rate.successRate).toFixed(1)} %`,
    `${(100 * rate.interval[0]).toFixed(1)} - ${(100 * rate.interval[1]).toFixed(1)} %`,
    String(rate.crashes),
    rate.meanSteps.toFixed(0),
  ];
  return formatTable([
    ["", "success", "rate", "95 % interval", "crashes", "steps"],
    ...rows.map((rate) => row(rate.name, rate)),
    row("all", total),
  ]);
}

export async function writeResults(path: string, results: Results): Promise<void> {
  await writeWhole(path, `${JSON.stringify(results, null, 2)}\n`);
}

/** The table people read: one row per task, the total last. */
export function resultsTable(results: Pick<Results, "tasks"> & Rate & Timing): string {
  const header = [
    "task",
    "success",
    "rate",
    "95 % interval",
    "crashes",
    "steps",
    "steps/s",
    "inference ms",
    "bridge ms",
  ];
  const body = results.tasks.map((task) => tableRow(task.task, task));
  const total = results.tasks.length > 1 ? [tableRow("all", results)] : [];
  const notes = results.successReported
    ? ""
    : "\nno simulator reported success; see the mean return\n";
  return formatTable([header, ...body, ...total]) + notes;
}

function tableRow(name: string, row: Rate & Timing): string[] {
  const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;
  const pair = (p: { p50: number; p99: number }): string =>
    `${p.p50.toFixed(2)} / ${p.p99.toFixed(2)}`;
  return [
    name,
    `${row.successes}/${row.episodes - row.crashes}`,
    percent(row.successRate),
    `${percent(row.interval[0])} - ${percent(row.interval[1])}`,
    String(row.crashes),
    row.meanSteps.toFixed(0),
    row.controlStepsPerS.toFixed(0),
    pair(row.inferenceMs),
    pair(row.bridgeMs),
  ];
}

/** Columns padded to their widest cell; the first left-aligned, the rest right-aligned. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, c) =>
    Math.max(...rows.map((row) => (row[c] ?? "").length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const [head, ...rest] = rows.map(line);
  return [head, rule, ...rest].join("\n") + "\n";
}

/** sha256 of a JSON-compatible value, in hex. */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, nonFinite)).digest("hex");
}

/** JSON has no infinities; a spec's bounds have. */
function nonFinite(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function percentiles(values: readonly number[]): { p50: number; p99: number } {
  if (values.length === 0) return { p50: 0, p99: 0 };
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}
