/**
 * What the viewer's server and its page say to each other. Plain JSON; both sides import it.
 *
 * | request | answer |
 * | --- | --- |
 * | `GET /api/episodes` | `EpisodeIndex` |
 * | `GET /api/results` | `RunResults[]` |
 * | `GET /api/training` | `TrainingRun[]` |
 * | `GET /episodes/<path>` | the bytes of an episode file, with `Range` |
 * | `GET /training/<path>/metrics.jsonl` | the metrics of a training run, with `Range` |
 * | WebSocket `/live` | `LiveMessage`s, server to page only |
 */
import type { EpisodeOutcome, EpisodeSummary } from "../episode/types.ts";

/** One episode in the list: enough to show, sort and filter it, and no more. */
export interface EpisodeEntry {
  /** Path below the served folder, `/` between its parts; unique, and the last part of its address. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Absent where the file could not be read. */
  readonly summary?: EntrySummary;
  /** Why the file could not be read. */
  readonly error?: string;
}

export interface EntrySummary {
  readonly episodeId: string;
  readonly runId: string;
  readonly task: string;
  readonly suite: string;
  readonly instruction: string;
  readonly seed: number;
  readonly attempt: number;
  readonly policy: string;
  readonly environment: string;
  readonly startedMs: number;
  readonly outcome?: EpisodeOutcome;
  /** Control steps: one less than what was recorded, which includes the reset. */
  readonly steps: number;
  readonly durationS: number;
  readonly cameras: readonly string[];
  readonly complete: boolean;
}

export interface EpisodeIndex {
  /** Name of the served folder, for the page's title. */
  readonly folder: string;
  readonly episodes: readonly EpisodeEntry[];
}

/** A `results.json` found below the folder; its content is checked where it is shown. */
export interface RunResults {
  readonly path: string;
  readonly results: unknown;
}

/** A training run below the folder: a `config.json` with a policy and an optimiser, and its metrics. */
export interface TrainingRun {
  /** Path of its folder below the served one, `/` between its parts; `.` for the served folder itself. */
  readonly path: string;
  /** As the run keeps it; its content is checked where it is shown. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Of the metrics; 0 while there are none. */
  readonly bytes: number;
  /** When the metrics were last written, or the configuration while there are none. */
  readonly modifiedMs: number;
  /** Updates done, as the newest whole line of the metrics says; 0 while there is none. */
  readonly step: number;
}

/** Name of a run's metrics in its folder. */
export const METRICS_NAME = "metrics.jsonl";

export type LiveMessage =
  /** First after connecting. A page that sees another `serverId` than before reads everything anew. */
  | { readonly kind: "hello"; readonly serverId: string }
  | {
      readonly kind: "episodes";
      readonly changed: readonly EpisodeEntry[];
      readonly removed: readonly string[];
    }
  /** A file has grown: its new bytes can be read by range. */
  | { readonly kind: "grew"; readonly path: string; readonly bytes: number }
  | { readonly kind: "results" }
  /** Runs that are new or have grown, and those that are gone. */
  | {
      readonly kind: "training";
      readonly changed: readonly TrainingRun[];
      readonly removed: readonly string[];
    };

/** The list's view of what the head and the tail of a file say. */
export function entrySummaryOf(summary: EpisodeSummary): EntrySummary {
  const { header } = summary;
  return {
    episodeId: header.episodeId,
    runId: header.runId,
    task: header.task,
    suite: header.suite,
    instruction: header.instruction,
    seed: header.seed,
    attempt: header.attempt,
    policy: header.policy.name,
    environment: header.environment.name,
    startedMs: Number(header.startedNs / 1_000_000n),
    ...(summary.outcome !== undefined && { outcome: summary.outcome }),
    steps: Math.max(0, summary.steps - 1),
    durationS: summary.durationS,
    cameras: summary.cameras,
    complete: summary.complete,
  };
}

/** Numbers in names count as numbers: `e2` comes before `e10`. */
const collator = new Intl.Collator("en", { numeric: true });

/** The order of the list, the same on both sides. */
export function comparePaths(a: string, b: string): number {
  return collator.compare(a, b);
}
