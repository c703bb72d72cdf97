/** `efference compare` of two reports of the study, or of one with itself: one way to act against another, world by world. */
import type { pairedDifference } from "../../math/index.ts";
import { formatTable } from "../../rollout/index.ts";
import { UsageError } from "../exit.ts";
import { differenceWords, rateWords } from "./markdown.ts";
import type { Evaluation, Pooled, Rate } from "./pool.ts";
import { differenceOf, pooled, pooledDisturbed, pooledOf } from "./pool.ts";
import type { Report } from "./report-file.ts";
import type { CellResult } from "./results.ts";
import type { Cell, MethodName, WorldName } from "./study.ts";
import { EQUALS, METHODS, WORLD_NAMES, beginsWith, comparedAs, methodNamed } from "./study.ts";

/** How a report names what was done while the world was disturbed. */
const DISTURBED = "disturbed";

export interface StudyCompareOptions {
  /** Of each side, as `mix`, `mix:2` or `mix:disturbed`; where neither is given, everything that both have against itself. */
  readonly first?: string;
  readonly second?: string;
  /** First parts of names of cells, as `hang` or `hang.mix`, of the second. */
  readonly only?: readonly string[];
}

/** One way to act with what a method learned. */
interface Way {
  readonly method: MethodName;
  readonly sampler: string;
}

export interface ComparedWay {
  readonly world: WorldName;
  readonly equal: Cell["equal"];
  readonly first: Way;
  readonly second: Way;
  /** Training seeds that both have: of these alone are the rates and the difference. */
  readonly seeds: readonly number[];
  readonly rates: readonly [Rate, Rate];
  /** The second minus the first, paired by seed and start. */
  readonly difference: ReturnType<typeof pairedDifference>;
}

/**
 * @param reports - two reports; the same twice compares ways to act within it
 * @throws {UsageError} for a way that no method has, where the reports have nothing in common that is asked for, or where one
 *   has seen another world
 */
export function comparedStudies(
  reports: readonly [Pick<Report, "cells" | "data">, Pick<Report, "cells" | "data">],
  { first, second, only = [] }: StudyCompareOptions = {},
): readonly ComparedWay[] {
  const pairs = pairsOf(first, second);
  const rows = WORLD_NAMES.flatMap((world) =>
    EQUALS.flatMap((equal) =>
      pairs.flatMap(([a, b]): ComparedWay[] => {
        const id = [world, b.method, ...(equal === "time" ? [equal] : [])].join(".");
        if (only.length > 0 && !only.some((text) => beginsWith(id, text))) return [];
        const cells = [reports[0].cells, reports[1].cells] as const;
        const row = compared({ world, equal, first: a, second: b }, cells);
        if (row === undefined) return [];
        assertSameWorld(world, reports);
        return [row];
      }),
    ),
  );
  if (rows.length > 0) return rows;
  throw new UsageError(
    `Cannot compare: no world of both reports has ${first ?? "a method"} and ${second ?? first ?? "the same"} with a training seed in common, must have one`,
  );
}

/** Starts of a world that shows other things are not the same starts. */
function assertSameWorld(world: WorldName, reports: readonly Pick<Report, "data">[]): void {
  const [first, second] = reports.map(({ data }) => data[world]?.observed.slice(0, 12) ?? "none");
  if (first === second) return;
  throw new UsageError(
    `Cannot compare in ${world}: what is observed there has hash ${first} in the first and ${second} in the second, must be the same; leave it out by --only`,
  );
}

/** Both sides of every comparison; one that is given alone is both. */
function pairsOf(
  first: string | undefined,
  second: string | undefined,
): readonly (readonly [Way, Way])[] {
  const [a = second, b = first] = [first, second];
  if (a !== undefined && b !== undefined) return [[wayOf(a), wayOf(b)]];
  return METHODS.flatMap(({ name, samplers }) =>
    [...samplers.map((sampler) => sampler.name), DISTURBED].map((sampler) => {
      const way = { method: name, sampler };
      return [way, way] as const;
    }),
  );
}

function wayOf(text: string): Way {
  const [name = "", sampler] = text.split(":", 2);
  const known = METHODS.map((method) => method.name);
  if (!known.some((one) => one === name)) {
    throw new UsageError(
      `Cannot compare "${text}": there is no method "${name}", must be ${known.join(", ")}`,
    );
  }
  const { name: method, samplers } = methodNamed(name as MethodName);
  const ways = [...samplers.map((one) => one.name), DISTURBED];
  if (sampler !== undefined && !ways.includes(sampler)) {
    throw new UsageError(
      `Cannot compare "${text}": ${method} does not act by "${sampler}", must by ${ways.join(", ")}`,
    );
  }
  return { method, sampler: sampler ?? samplers[0].name };
}

type About = Pick<ComparedWay, "world" | "equal" | "first" | "second">;

function compared(
  about: About,
  [before, after]: readonly [readonly CellResult[], readonly CellResult[]],
): ComparedWay | undefined {
  const { world, equal } = about;
  // Whose time is the others' measure has no cells of equal time: what it did stands among those of equal updates.
  const sides = [about.first, about.second];
  if (sides.every(({ method }) => comparedAs(method, equal) !== equal)) return undefined;
  const first = evaluated(before, about.first, { world, equal });
  const second = evaluated(after, about.second, { world, equal });
  if (first === undefined || second === undefined) return undefined;
  const both = shared(first, second);
  const seeds = both.map(({ seed }) => seed);
  if (seeds.length === 0) return undefined;
  const pools = [pooledOf(both), pooledOf(shared(second, first))] as const;
  const difference = differenceOf(pools[1], pools[0]);
  return { ...about, seeds, rates: [plain(pools[0]), plain(pools[1])], difference };
}

/** Without the episodes, which the reports have. */
function plain({ successes, scored, crashes, rate, low, high }: Rate): Rate {
  return { successes, scored, crashes, rate, low, high };
}

/** What one did of the training seeds and starts that the other has, too. */
function shared(one: Pooled, other: Pooled): readonly Evaluation[] {
  return one.evaluations.flatMap(({ seed, acted }) => {
    const opposite = other.evaluations.find((evaluation) => evaluation.seed === seed);
    if (opposite === undefined) return [];
    const endings = acted.endings.slice(0, opposite.acted.endings.length);
    return [{ seed, acted: { ...acted, endings } }];
  });
}

function evaluated(
  cells: readonly CellResult[],
  { method, sampler }: Way,
  { world, equal }: Pick<ComparedWay, "world" | "equal">,
): Pooled | undefined {
  const own = cells.filter((cell) => cell.world === world);
  const made = { method, equal: comparedAs(method, equal) };
  if (sampler === DISTURBED) return pooledDisturbed(own, made);
  return pooled(own, made).find((one) => one.sampler === sampler);
}

export function studyWords(rows: readonly ComparedWay[]): string {
  const words = ({ method, sampler }: Way): string => `${method}:${sampler}`;
  const head = ["world", "equal", "first", "", "second", "", "second - first, points", "seeds"];
  const lines = rows.map(({ world, equal, first, second, rates, difference, seeds }) => [
    ...[world, equal, words(first), rateWords(rates[0]), words(second), rateWords(rates[1])],
    ...[differenceWords(difference), seeds.join(" ")],
  ]);
  return [
    formatTable([head, ...lines]),
    "95 % intervals, paired by seed and start; of training seeds that both have; they know nothing of how trainings differ\n",
  ].join("\n");
}
