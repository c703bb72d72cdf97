/** Success by task: from a run's `results.json`, or else counted from the episodes of the list. */
import { wilsonInterval } from "../../math/index.ts";
import type { EpisodeEntry, RunResults } from "../protocol.ts";

export interface TaskSummary {
  readonly task: string;
  readonly successes: number;
  /** Successes and failures. Crashes are never failures: they are left out and counted apart. */
  readonly scored: number;
  readonly crashes: number;
  /** 95 % Wilson interval of the rate. */
  readonly low: number;
  readonly high: number;
}

export interface RunTable {
  /** What the numbers were counted from. */
  readonly title: string;
  readonly tasks: readonly TaskSummary[];
}

type Counts = Pick<TaskSummary, "successes" | "scored" | "crashes">;

/** One row per task in order of name. Of several attempts at one episode the last that ended counts. */
export function summariseEpisodes(entries: readonly EpisodeEntry[]): TaskSummary[] {
  const last = new Map<string, EpisodeEntry>();
  for (const entry of entries) {
    const { summary } = entry;
    if (summary?.outcome === undefined) continue;
    // Attempts differ in the end of their id only.
    const key = [summary.runId, summary.task, summary.episodeId.replace(/-a\d+$/, "")].join("\n");
    const before = last.get(key)?.summary?.attempt ?? 0;
    if (summary.attempt >= before) last.set(key, entry);
  }
  const tasks = new Map<string, { successes: number; scored: number; crashes: number }>();
  for (const { summary } of last.values()) {
    const kind = summary!.outcome!.kind;
    const row = tasks.get(summary!.task) ?? { successes: 0, scored: 0, crashes: 0 };
    tasks.set(summary!.task, row);
    if (kind === "crash") row.crashes++;
    else row.scored++;
    if (kind === "success") row.successes++;
  }
  return [...tasks]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([task, counts]) => withInterval(task, counts));
}

/** The row of all tasks together. */
export function totalOf(tasks: readonly TaskSummary[]): TaskSummary {
  const sum = (key: keyof Counts): number => tasks.reduce((total, row) => total + row[key], 0);
  return withInterval("all", {
    successes: sum("successes"),
    scored: sum("scored"),
    crashes: sum("crashes"),
  });
}

function withInterval(task: string, counts: Counts): TaskSummary {
  return { task, ...counts, ...wilsonInterval(counts.successes, counts.scored) };
}

/** Reads a `results.json`; undefined where it is none of ours. */
export function readResults({ path, results }: RunResults): RunTable | undefined {
  if (!isRecord(results) || results["format"] !== "efference_results") return undefined;
  const tasks = Array.isArray(results["tasks"]) ? results["tasks"].map(readTask) : [];
  const policy = isRecord(results["policy"]) ? results["policy"]["name"] : undefined;
  const run = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : results["runId"];
  const title = [policy, run].filter((part) => typeof part === "string" && part !== "").join(" · ");
  return { title, tasks: tasks.filter((row) => row !== undefined) };
}

function readTask(row: unknown): TaskSummary | undefined {
  if (!isRecord(row)) return undefined;
  const { task, successes, episodes, crashes } = row;
  if (typeof task !== "string") return undefined;
  if (!isCount(successes) || !isCount(episodes) || !isCount(crashes)) return undefined;
  const scored = episodes - crashes;
  return successes > scored ? undefined : withInterval(task, { successes, scored, crashes });
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
