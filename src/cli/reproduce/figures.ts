/** The study's plots: of one world, and of all. */
import { wilsonInterval } from "../../math/index.ts";
import type { Chart, Series } from "./chart.ts";
import { chartSvg } from "./chart.ts";
import { cellsBy, pooled, pooledCounts, pooledCurve, rateOf, rateOfCounts } from "./pool.ts";
import { ratesSvg } from "./rates-chart.ts";
import type { CellResult, CurvePoint } from "./results.ts";
import type { Cell, WorldName } from "./study.ts";
import { METHODS, comparedAs } from "./study.ts";

export interface Figure {
  readonly name: string;
  readonly svg: string;
}

export function figures(world: WorldName, cells: readonly CellResult[]): readonly Figure[] {
  const y = { yLabel: "success (95 % Wilson intervals)", xScale: "log" } as const;
  const charts: readonly {
    readonly name: string;
    readonly chart: Omit<Chart, "series">;
    readonly series: readonly Series[];
  }[] = [
    {
      name: "steps",
      chart: { title: `${world}: success by steps`, xLabel: "steps of a decision", ...y },
      series: bySampler(cells, ({ meanSteps }) => meanSteps),
    },
    {
      name: "milliseconds",
      chart: { title: `${world}: success by time of a decision`, xLabel: "ms", ...y },
      series: bySampler(cells, ({ decisionMs }) => decisionMs),
    },
    {
      name: "updates",
      chart: {
        title: `${world}: success while training`,
        xLabel: "updates",
        ...y,
        xScale: "linear",
      },
      series: curves(cells, { equal: "updates", x: ({ updates }) => updates }),
    },
    {
      name: "seconds",
      chart: {
        ...{ title: `${world}: success while training, equal time`, ...y },
        ...{ xLabel: "seconds of training", xScale: "linear" },
      },
      series: curves(cells, { equal: "time", x: ({ seconds }) => seconds }),
    },
    {
      name: "used",
      chart: {
        ...{ title: `${world}: steps until still`, xLabel: "steps of a decision" },
        ...{ yLabel: "share of the decisions", xScale: "linear" },
      },
      series: stepsUsed(cells),
    },
  ];
  return charts.flatMap(({ name, chart, series }) =>
    series.length === 0
      ? []
      : [{ name: `${world}-${name}.svg`, svg: chartSvg({ ...chart, series }) }],
  );
}

/** Success at equal updates of every method in every world, with its single trainings; undefined where there is one world alone. */
export function overviewFigure(
  worlds: readonly WorldName[],
  cells: readonly CellResult[],
): Figure | undefined {
  const groups = worlds.flatMap((name) => {
    const own = cells.filter(({ world }) => world === name);
    const rates = METHODS.flatMap(({ name: method, title }) => {
      const [known] = pooled(own, { method, equal: "updates" });
      if (known === undefined) return [];
      const { rate, low, high, evaluations } = known;
      const parts = evaluations.map(({ acted }) => rateOf([acted]).rate);
      return [{ series: title, rate, low, high, parts }];
    });
    return rates.length === 0 ? [] : [{ name, rates }];
  });
  if (groups.length < 2) return undefined;
  return { name: "overview.svg", svg: ratesSvg({ title: "Success at equal updates", groups }) };
}

function bySampler(
  cells: readonly CellResult[],
  x: (of: { readonly meanSteps: number; readonly decisionMs: number }) => number,
): Series[] {
  return METHODS.flatMap(({ name, title }) => {
    const points = pooled(cells, { method: name, equal: "updates" }).map((one) => ({
      x: x(one),
      y: one.rate,
      low: one.low,
      high: one.high,
    }));
    return points.length === 0 ? [] : [{ name: title, points }];
  });
}

/** How often each number of steps was enough for the rule to stop; one rule a method, the one that it is known by. */
function stepsUsed(cells: readonly CellResult[]): Series[] {
  return METHODS.flatMap(({ name, title }) => {
    const known = pooled(cells, { method: name, equal: "updates" })[0];
    const counts = known === undefined ? [] : pooledCounts(known.evaluations);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (counts.filter((count) => count > 0).length < 2) return [];
    const points = counts.map((count, x) => ({
      ...{ x, y: count / total },
      ...wilsonInterval(count, total),
    }));
    return [{ name: title, points }];
  });
}

function curves(
  cells: readonly CellResult[],
  of: { readonly equal: Cell["equal"]; readonly x: (point: CurvePoint) => number },
): Series[] {
  return METHODS.flatMap(({ name, title }) => {
    const own = cellsBy(cells, { method: name, equal: comparedAs(name, of.equal) });
    const points = pooledCurve(own).map((point) => {
      const { rate, low, high } = rateOfCounts(point.successes, point.episodes);
      return { x: of.x(point), y: rate, low, high };
    });
    return points.length === 0 ? [] : [{ name: title, points }];
  });
}
