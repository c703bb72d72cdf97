/** Which episodes the list shows. Pure: entries in, entries out. */
import type { EpisodeEntry } from "../protocol.ts";

/** How an episode stands, as the list tells it: by shape, colour and word. */
export type Standing = "success" | "failure" | "crash" | "running" | "cut_off" | "unreadable";

export const STANDINGS: readonly Standing[] = [
  "success",
  "failure",
  "crash",
  "running",
  "cut_off",
  "unreadable",
];

export const STANDING_WORDS: Readonly<Record<Standing, string>> = {
  success: "success",
  failure: "failure",
  crash: "crash",
  running: "running",
  cut_off: "cut off",
  unreadable: "unreadable",
};

/** An unfinished file that has not grown for so long counts as cut off. */
export const STALE_AFTER_MS = 30_000;

export function standingOf(entry: EpisodeEntry, nowMs: number): Standing {
  const { summary } = entry;
  if (summary === undefined) return "unreadable";
  if (summary.outcome !== undefined) return summary.outcome.kind;
  return nowMs - entry.modifiedMs < STALE_AFTER_MS && !summary.complete ? "running" : "cut_off";
}

export interface EpisodeFilter {
  /** Words that must all occur, and `seed:7`, `steps>100`, `policy:name`, `task:name` terms. */
  readonly text: string;
  /** Empty = all. */
  readonly standings: ReadonlySet<Standing>;
  /** Undefined = all. */
  readonly task: string | undefined;
  readonly minSteps: number | undefined;
  readonly maxSteps: number | undefined;
}

export const NO_FILTER: EpisodeFilter = {
  text: "",
  standings: new Set(),
  task: undefined,
  minSteps: undefined,
  maxSteps: undefined,
};

/** The entries that pass, in their order. */
export function filterEpisodes(
  entries: readonly EpisodeEntry[],
  filter: EpisodeFilter,
  nowMs: number,
): EpisodeEntry[] {
  const terms = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((term) => term !== "");
  const tests = terms.map(termTest);
  return entries.filter((entry) => {
    if (filter.standings.size > 0 && !filter.standings.has(standingOf(entry, nowMs))) return false;
    if (filter.task !== undefined && entry.summary?.task !== filter.task) return false;
    const steps = entry.summary?.steps ?? 0;
    if (filter.minSteps !== undefined && steps < filter.minSteps) return false;
    if (filter.maxSteps !== undefined && steps > filter.maxSteps) return false;
    return tests.every((test) => test(entry));
  });
}

type Test = (entry: EpisodeEntry) => boolean;

function termTest(term: string): Test {
  const compare = /^(steps|seed|attempt|duration)(<=|>=|<|>|:|=)(-?\d+(?:\.\d+)?)$/.exec(term);
  if (compare !== null) {
    const [, field, operator, number] = compare as unknown as [string, string, string, string];
    return (entry) => holds(fieldOf(entry, field), operator, Number(number));
  }
  const named = /^(task|suite|policy|environment|reason):(.+)$/.exec(term);
  if (named !== null) {
    const [, field, word] = named as unknown as [string, string, string];
    return (entry) => textField(entry, field).toLowerCase().includes(word);
  }
  return (entry) => searchText(entry).includes(term);
}

function fieldOf({ summary }: EpisodeEntry, field: string): number {
  if (summary === undefined) return NaN;
  switch (field) {
    case "steps":
      return summary.steps;
    case "seed":
      return summary.seed;
    case "attempt":
      return summary.attempt;
    default:
      return summary.durationS;
  }
}

function holds(value: number, operator: string, limit: number): boolean {
  switch (operator) {
    case "<":
      return value < limit;
    case "<=":
      return value <= limit;
    case ">":
      return value > limit;
    case ">=":
      return value >= limit;
    default:
      return value === limit;
  }
}

function textField({ summary }: EpisodeEntry, field: string): string {
  switch (field) {
    case "task":
      return summary?.task ?? "";
    case "suite":
      return summary?.suite ?? "";
    case "policy":
      return summary?.policy ?? "";
    case "environment":
      return summary?.environment ?? "";
    default:
      return summary?.outcome?.kind === "failure" ? summary.outcome.reason : "";
  }
}

const searchTexts = new WeakMap<EpisodeEntry, string>();

function searchText(entry: EpisodeEntry): string {
  const known = searchTexts.get(entry);
  if (known !== undefined) return known;
  const { summary } = entry;
  const outcome = summary?.outcome;
  const text = [
    entry.path,
    summary?.task,
    summary?.task.replaceAll("_", " "),
    summary?.instruction,
    summary?.policy,
    summary?.environment,
    outcome?.kind,
    outcome?.kind === "failure" ? outcome.reason.replaceAll("_", " ") : undefined,
  ]
    .filter((part) => part !== undefined)
    .join("\n")
    .toLowerCase();
  searchTexts.set(entry, text);
  return text;
}
