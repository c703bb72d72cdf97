/** Two evaluations of the same things, pair by pair. */
import type { Interval, PairedCounts } from "../math/index.ts";
import {
  mcnemarExact,
  meanDifference,
  pairedCounts,
  pairedDifference,
  proportionDifference,
} from "../math/index.ts";
import type { Results } from "./results.ts";

/** What became of the pairs that both evaluations have. */
export interface Comparison {
  readonly pairs: PairedCounts;
  /** Success rates over the pairs. */
  readonly firstRate: number;
  readonly secondRate: number;
  /** The second rate minus the first, with its 95 % interval (Newcombe 1998, method 10). */
  readonly difference: Interval & { readonly difference: number };
  /** That the rates do not differ: exact McNemar test, two-sided. */
  readonly pValue: number;
}

export interface ComparedResults extends Comparison {
  readonly tasks: readonly (Comparison & { readonly task: string })[];
  /** Episodes that only one evaluation has, and pairs in which one crashed: neither counts. */
  readonly unpaired: number;
  readonly crashed: number;
}

/**
 * Pairs the episodes of two evaluations by task and initial state (or seed).
 * @throws {RangeError} if they have no pair in common, or the worlds are of different names or versions
 */
export function compareResults(first: Results, second: Results): ComparedResults {
  assertSameWorld(first, second);
  const others = new Map(second.episodeResults.map((result) => [keyOf(result), result]));
  const byTask = new Map<string, Pair[]>();
  const all: Pair[] = [];
  let paired = 0;
  let crashed = 0;
  for (const result of first.episodeResults) {
    const other = others.get(keyOf(result));
    if (other === undefined) continue;
    paired++;
    const [a, b] = [result.outcome.kind, other.outcome.kind];
    if (a === "crash" || b === "crash") {
      crashed++;
      continue;
    }
    const { task } = result.job;
    const ofTask = byTask.get(task) ?? [];
    byTask.set(task, ofTask);
    for (const each of [ofTask, all]) each.push([a === "success", b === "success"]);
  }
  if (paired === 0) {
    throw new RangeError(
      "Cannot compare: no task and initial state is in both evaluations, must be at least one",
    );
  }
  const lengths = first.episodeResults.length + second.episodeResults.length;
  return {
    ...compared(all),
    tasks: [...byTask].map(([task, pairs]) => ({ task, ...compared(pairs) })),
    unpaired: lengths - 2 * paired,
    crashed,
  };
}

/** What became of all episodes of an evaluation, wherever they began. */
export interface Whole {
  readonly world: string;
  readonly successes: number;
  /** Episodes that did not crash. */
  readonly scored: number;
  readonly crashed: number;
  /** Wilson's, 95 %. */
  readonly interval: Interval;
  /** Sum of an episode's rewards, mean over those that did not crash. */
  readonly meanReturn: number;
}

export interface UnpairedResults {
  readonly first: Whole;
  readonly second: Whole;
  /** The second success rate minus the first, with its 95 % interval (Newcombe 1998, independent samples). */
  readonly difference: Interval & { readonly difference: number };
  /** The second mean return minus the first, with its 95 % interval (Welch); rewards are to be of one kind. */
  readonly returns: Interval & { readonly difference: number };
}

/**
 * Two evaluations as independent samples: of other starts, or in another world, as of one policy in two simulators of the same thing.
 * @throws {RangeError} if one has fewer than two episodes that did not crash
 */
export function compareUnpaired(first: Results, second: Results): UnpairedResults {
  const [one, other] = [wholeOf(first), wholeOf(second)];
  return {
    first: one,
    second: other,
    difference: proportionDifference(
      { successes: one.successes, n: one.scored },
      { successes: other.successes, n: other.scored },
    ),
    returns: meanDifference(returnsOf(first), returnsOf(second)),
  };
}

/** @throws {RangeError} unless two episodes did not crash */
function wholeOf(results: Results): Whole {
  const { environment, episodes, successes, crashes, interval, meanReturn } = results;
  const scored = episodes - crashes;
  if (scored < 2) {
    throw new RangeError(
      `Cannot compare: the evaluation on ${environment.name} has ${scored} episodes that did not crash, must have at least 2`,
    );
  }
  const [low, high] = interval;
  const world = `${environment.name} ${environment.version}`;
  return { world, successes, scored, crashed: crashes, interval: { low, high }, meanReturn };
}

function returnsOf({ episodeResults }: Results): number[] {
  return episodeResults.flatMap((result) =>
    result.outcome.kind === "crash" ? [] : [result.return],
  );
}

/** Whether the first and the second succeeded. */
type Pair = readonly [first: boolean, second: boolean];

function compared(of: readonly Pair[]): Comparison {
  const pairs = pairedCounts(of);
  const { both, onlyFirst, onlySecond, neither } = pairs;
  const n = both + onlyFirst + onlySecond + neither;
  const rate = (successes: number): number => (n === 0 ? 0 : successes / n);
  return {
    pairs,
    firstRate: rate(both + onlyFirst),
    secondRate: rate(both + onlySecond),
    difference: pairedDifference(pairs),
    pValue: mcnemarExact(pairs),
  };
}

function keyOf({ job }: Results["episodeResults"][number]): string {
  const start = job.initialState === undefined ? `seed ${job.seed}` : `state ${job.initialState}`;
  return `${job.task}\n${start}`;
}

function assertSameWorld({ environment: a }: Results, { environment: b }: Results): void {
  if (a.name === b.name && a.version === b.version) return;
  throw new RangeError(
    `Cannot compare: one evaluation is on ${a.name} ${a.version}, the other on ${b.name} ${b.version}, must be on the same`,
  );
}
