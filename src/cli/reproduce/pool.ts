/** Cells of several seeds together. */
import type { Interval } from "../../math/index.ts";
import {
  mean,
  pairedCounts,
  pairedDifference,
  percentile,
  wilsonInterval,
} from "../../math/index.ts";
import type { Acted, CellResult, CurvePoint } from "./results.ts";
import type { Cell, MethodName } from "./study.ts";

export interface Rate extends Interval {
  readonly successes: number;
  /** Without crashes. */
  readonly scored: number;
  readonly crashes: number;
  readonly rate: number;
}

/** Success of any number of evaluations, with Wilson's interval; episodes of one start and several seeds count each. */
export function rateOf(acted: readonly Acted[]): Rate {
  const endings = acted.flatMap((one) => one.endings);
  const crashes = endings.filter((ending) => ending === "crash").length;
  const successes = endings.filter((ending) => ending === "success").length;
  return { ...rateOfCounts(successes, endings.length - crashes), crashes };
}

export function rateOfCounts(successes: number, scored: number): Rate {
  const rate = scored === 0 ? 0 : successes / scored;
  return { successes, scored, crashes: 0, rate, ...wilsonInterval(successes, scored) };
}

/** Curves of several seeds together, point by point, as far as all have one; updates and seconds are means. */
export function pooledCurve(cells: readonly Pick<CellResult, "curve">[]): readonly CurvePoint[] {
  const count = cells.length === 0 ? 0 : Math.min(...cells.map(({ curve }) => curve.length));
  return Array.from({ length: count }, (_, i) => {
    const points = cells.map(({ curve }) => curve[i]!);
    const sum = (key: "successes" | "episodes"): number =>
      points.reduce((total, point) => total + point[key], 0);
    return {
      updates: mean(points.map(({ updates }) => updates)),
      seconds: mean(points.map(({ seconds }) => seconds)),
      successes: sum("successes"),
      episodes: sum("episodes"),
    };
  });
}

export interface Made {
  readonly method: MethodName;
  readonly equal: Cell["equal"];
}

/** The cells of a method, of every seed. */
export function cellsBy(cells: readonly CellResult[], by: Made): readonly CellResult[] {
  return cells.filter(({ method, equal }) => method === by.method && equal === by.equal);
}

/** What a cell of one training seed did. */
export interface Evaluation {
  readonly seed: number;
  readonly acted: Acted;
}

export interface Pooled extends Rate {
  readonly sampler: string;
  /** One of each training seed. */
  readonly evaluations: readonly Evaluation[];
  /** Medians over seeds of the median; means over seeds. */
  readonly decisionMs: number;
  readonly meanSteps: number;
  /** Mean over seeds, where it was measured. */
  readonly score?: number;
}

/** One method's results by sampler, seeds together; in the order of the samplers. */
export function pooled(results: readonly CellResult[], by: Made): readonly Pooled[] {
  const cells = cellsBy(results, by);
  const names = cells[0]?.acted.map(({ sampler }) => sampler) ?? [];
  return names.map((sampler) =>
    pooledOf(
      cells.flatMap(({ seed, acted }) => {
        const own = acted.find((one) => one.sampler === sampler);
        return own === undefined ? [] : [{ seed, acted: own }];
      }),
    ),
  );
}

/** The evaluations of one sampler in several seeds; at least one. */
export function pooledOf(evaluations: readonly Evaluation[]): Pooled {
  const acted = evaluations.map((one) => one.acted);
  const scores = acted.flatMap(({ score }) => score ?? []);
  return {
    sampler: acted[0]?.sampler ?? "",
    evaluations,
    ...rateOf(acted),
    decisionMs: percentile(
      acted.map(({ decisionMs }) => decisionMs),
      0.5,
    ),
    meanSteps: mean(acted.map(({ meanSteps }) => meanSteps)),
    ...(scores.length === 0 ? {} : { score: mean(scores) }),
  };
}

/** The same of what was done under a disturbance; undefined where there is none. */
export function pooledDisturbed(results: readonly CellResult[], by: Made): Pooled | undefined {
  const evaluations = cellsBy(results, by).flatMap(({ seed, disturbed }) =>
    disturbed === null ? [] : [{ seed, acted: disturbed }],
  );
  return evaluations.length === 0 ? undefined : pooledOf(evaluations);
}

/** How many decisions of all evaluations took 0, 1, 2 ... steps; empty where nothing says. */
export function pooledCounts(evaluations: readonly Evaluation[]): readonly number[] {
  const all = evaluations.map(({ acted }) => acted.stepCounts ?? []);
  const most = Math.max(0, ...all.map(({ length }) => length));
  return Array.from({ length: most }, (_, i) => all.reduce((sum, one) => sum + (one[i] ?? 0), 0));
}

/** The first success rate minus the second, paired by seed and start, of the seeds that both have; pairs with a crash are left out. */
export function differenceOf(
  first: Pooled,
  second: Pooled,
): Interval & { readonly difference: number } {
  const pairs: [boolean, boolean][] = [];
  for (const { seed, acted } of first.evaluations) {
    const opposite = second.evaluations.find((one) => one.seed === seed)?.acted;
    for (const [state, ending] of acted.endings.entries()) {
      const other = opposite?.endings[state];
      if (other === undefined || other === "crash" || ending === "crash") continue;
      // `pairedDifference` is the second minus the first.
      pairs.push([other === "success", ending === "success"]);
    }
  }
  return pairedDifference(pairedCounts(pairs));
}

/** The sampler with the most successes; of equals, the quickest. */
export function bestOf(all: readonly Pooled[]): Pooled | undefined {
  return [...all].sort((a, b) => b.rate - a.rate || a.decisionMs - b.decisionMs)[0];
}
