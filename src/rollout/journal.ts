import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { EpisodeOutcome } from "../episode/types.ts";

/** One (task, seed) pair of an evaluation, fixed before it starts. */
export interface Job {
  /** 0-based position in the list; results are reported in this order. */
  readonly index: number;
  readonly task: string;
  readonly suite: string;
  readonly seed: number;
  readonly initialState?: number;
}

/** A finished job: what the tables are made of. */
export interface JobResult {
  readonly job: Job;
  readonly attempt: number;
  readonly outcome: EpisodeOutcome;
  readonly steps: number;
  readonly return: number;
  readonly successReported: boolean;
  readonly durationS: number;
  readonly simulatorS: number;
  readonly inferenceMs: readonly number[];
  readonly bridgeMs: readonly number[];
  /** Recording, relative to the run's folder; absent when not recorded. */
  readonly episodeFile?: string;
  /** Errors of listeners (a recording that failed, for instance); absent = none. */
  readonly listenerErrors?: readonly string[];
}

type JournalLine =
  | { readonly type: "run"; readonly config: unknown; readonly jobs: readonly Job[] }
  | { readonly type: "start"; readonly index: number; readonly attempt: number }
  | {
      readonly type: "lost";
      readonly index: number;
      readonly attempt: number;
      readonly reason: string;
    }
  | { readonly type: "result"; readonly result: JobResult };

/** What a journal says about a run that began earlier. */
export interface JournalState {
  readonly config: unknown;
  readonly jobs: readonly Job[];
  readonly results: readonly JobResult[];
  /** Attempts begun, by job index: a resumed job counts on from here. */
  readonly attempts: ReadonlyMap<number, number>;
  /** Bytes of whole lines; anything beyond was cut off by a kill. */
  readonly wholeBytes: number;
}

/**
 * The append-only memory of an evaluation: one JSON line per event, each forced to the disk before
 * the next job is dealt, so that a kill at any moment loses no finished episode.
 */
export class Journal {
  readonly #fd: number;
  #open = true;

  /** Use `create` or `resume`. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Starts a new journal. @throws {RangeError} if there is one already */
  static async create(
    path: string,
    run: { config: unknown; jobs: readonly Job[] },
  ): Promise<Journal> {
    await mkdir(dirname(path), { recursive: true });
    if (existsSync(path)) {
      throw new RangeError(
        `Cannot start an evaluation in ${dirname(path)}: it holds one already, ` +
          "must be a new folder (or pass --resume)",
      );
    }
    const journal = new Journal(openSync(path, "ax"));
    journal.#append({ type: "run", ...run });
    return journal;
  }

  /** Continues a journal after a kill: cuts a torn last line off and appends from there. */
  static resume(path: string): { journal: Journal; state: JournalState } {
    const state = readJournal(path);
    const fd = openSync(path, "r+");
    ftruncateSync(fd, state.wholeBytes);
    closeSync(fd);
    return { journal: new Journal(openSync(path, "a")), state };
  }

  started(index: number, attempt: number): void {
    this.#append({ type: "start", index, attempt });
  }

  lost(index: number, attempt: number, reason: string): void {
    this.#append({ type: "lost", index, attempt, reason });
  }

  finished(result: JobResult): void {
    this.#append({ type: "result", result });
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  #append(line: JournalLine): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#fd);
  }
}

/** @throws {SyntaxError} if a whole line is not a journal line; {RangeError} if there is no journal */
export function readJournal(path: string): JournalState {
  if (!existsSync(path)) {
    throw new RangeError(
      `Cannot resume: ${path} is not there, must be the journal of an earlier run`,
    );
  }
  const bytes = readFileSync(path);
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, wholeBytes).toString("utf8").split("\n").slice(0, -1);
  let config: unknown;
  let jobs: readonly Job[] | undefined;
  const results = new Map<number, JobResult>();
  const attempts = new Map<number, number>();
  lines.forEach((text, number) => {
    const line = parseLine(text, `${path}:${number + 1}`);
    switch (line.type) {
      case "run":
        ({ config, jobs } = line);
        break;
      case "start":
        attempts.set(line.index, Math.max(line.attempt, attempts.get(line.index) ?? 0));
        break;
      case "result":
        results.set(line.result.job.index, line.result);
        break;
      case "lost":
        break;
    }
  });
  if (jobs === undefined) {
    throw new SyntaxError(`Cannot resume: ${path} has no first line, must say what the run was`);
  }
  return { config, jobs, results: [...results.values()], attempts, wholeBytes };
}

const LINE_TYPES = new Set(["run", "start", "lost", "result"]);

function parseLine(text: string, where: string): JournalLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${where}: it is not JSON, must be a journal line`, {
      cause,
    });
  }
  const type =
    typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  if (typeof type !== "string" || !LINE_TYPES.has(type)) {
    throw new SyntaxError(
      `Cannot read ${where}: its type is ${String(type)}, must be a journal line's`,
    );
  }
  return value as JournalLine;
}
