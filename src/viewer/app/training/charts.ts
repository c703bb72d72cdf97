/** Which charts there are, and what each takes from the rows of a run. A new chart is one entry here. */
import { wilsonInterval } from "../../../math/index.ts";
import { formatMs, formatName, formatNumber, formatPercent } from "../format.ts";
import type { Row, Rows } from "./rows.ts";
import type { Series, XAxis } from "./series.ts";
import { nearestIndex, seriesOf, smooth, xOfRow } from "./series.ts";

/** One line or set of points of a chart. */
export interface Curve {
  readonly shape: "line" | "points" | "area";
  /** One row for each place. */
  readonly rows: readonly Row[];
  readonly series: Series;
  /** What a smoothed line was smoothed from; drawn faintly. */
  readonly raw?: Series;
  /** Ends of every point's 95 % interval. */
  readonly interval?: { readonly low: Float64Array; readonly high: Float64Array };
  /** A second measurement of the same quantity: told apart by colour where one run is alone. */
  readonly second?: boolean;
}

export interface CurveRequest {
  readonly rows: Rows;
  readonly axis: XAxis;
  /** Weight of the past in smoothed lines, [0, 1). */
  readonly smoothing: number;
}

export interface ChartDefinition {
  readonly id: string;
  readonly title: string;
  /** What the shapes mean, for the heading. */
  readonly legend?: readonly { readonly shape: Curve["shape"]; readonly words: string }[];
  /** The largest of the page. */
  readonly main?: boolean;
  /** May be shown on a logarithmic scale. */
  readonly logarithmic?: boolean;
  /** Ends of the vertical axis where they are not the data's. */
  readonly low?: number;
  readonly high?: number;
  readonly formatTick?: (value: number) => string;
  curves(request: CurveRequest): readonly Curve[];
  /** The values at a place in words; `short` where several runs share the line. */
  read(curves: readonly Curve[], at: { readonly x: number; readonly short: boolean }): string;
}

interface CurveOptions {
  readonly shape: Curve["shape"];
  readonly second?: boolean;
  readonly smoothing?: number;
}

/** One column of the rows that have a place on the axis. */
function curveOf(
  rows: readonly Row[],
  { axis, name }: { readonly axis: XAxis; readonly name: string },
  { smoothing = 0, ...options }: CurveOptions,
): Curve {
  const placed = rows.filter((row) => !Number.isNaN(xOfRow(row, axis)));
  const raw = seriesOf(placed, axis, ({ values }) => values[name]);
  if (smoothing === 0) return { ...options, rows: placed, series: raw };
  return { ...options, rows: placed, series: { x: raw.x, y: smooth(raw.y, smoothing) }, raw };
}

/** A curve's value at a place; undefined where it has none. */
function valueAt(curve: Curve | undefined, x: number): number | undefined {
  if (curve === undefined) return undefined;
  return curve.series.y[nearestIndex(curve.series.x, x)];
}

function words(value: number | undefined): string {
  return value === undefined ? "" : formatNumber(value);
}

/** A quantity that updates have and held-out data may have as well. */
function lossLike(name: string, title: string): ChartDefinition {
  return {
    id: name,
    title,
    legend: [
      { shape: "line", words: "training" },
      { shape: "points", words: "held out" },
    ],
    logarithmic: true,
    curves: ({ rows, axis, smoothing }) => [
      curveOf(rows.train, { axis, name }, { shape: "line", smoothing }),
      curveOf(rows.validation, { axis, name }, { shape: "points", second: true }),
    ],
    read([train, heldOut], { x, short }) {
      const held = words(valueAt(heldOut, x));
      const trained = words(valueAt(train, x));
      return short || held === "" ? trained : `${trained} · held out ${held}`;
    },
  };
}

const loss: ChartDefinition = { ...lossLike("loss", "Loss"), main: true };

const success: ChartDefinition = {
  id: "success",
  title: "Success rate",
  low: 0,
  high: 1,
  formatTick: formatPercent,
  curves({ rows, axis }) {
    const curve = curveOf(rows.evaluation, { axis, name: "success_rate" }, { shape: "points" });
    const intervals = curve.rows.map(intervalOf).filter((interval) => interval !== undefined);
    if (intervals.length < curve.rows.length) return [curve];
    const low = Float64Array.from(intervals, (interval) => interval.low);
    const high = Float64Array.from(intervals, (interval) => interval.high);
    return [{ ...curve, interval: { low, high } }];
  },
  read([curve], { x, short }) {
    const row = curve?.rows[nearestIndex(curve.series.x, x)];
    const rate = row?.values["success_rate"];
    if (row === undefined || rate === undefined) return "";
    const interval = intervalOf(row);
    if (short || interval === undefined) return formatPercent(rate);
    const { successes, scored } = row.values;
    const ends = `${Math.round(100 * interval.low)}–${formatPercent(interval.high)}`;
    return `${formatPercent(rate)} · ${successes}/${scored} · ${ends}`;
  },
};

/** Wilson's interval where the run wrote the counts. */
function intervalOf({ values }: Row): { low: number; high: number } | undefined {
  const { successes, scored } = values;
  const counts = Number.isInteger(successes) && Number.isInteger(scored);
  if (!counts || successes! < 0 || successes! > scored!) return undefined;
  return wilsonInterval(successes!, scored!);
}

const rate: ChartDefinition = {
  id: "rate",
  title: "Learning rate",
  low: 0,
  curves: ({ rows, axis }) => [curveOf(rows.train, { axis, name: "rate" }, { shape: "line" })],
  read: ([curve], { x }) => valueAt(curve, x)?.toExponential(2) ?? "",
};

const gradient: ChartDefinition = {
  id: "gradient",
  title: "Gradient norm",
  low: 0,
  curves: ({ rows, axis, smoothing }) => [
    curveOf(rows.train, { axis, name: "grad_norm" }, { shape: "line", smoothing }),
  ],
  read: ([curve], { x }) => words(valueAt(curve, x)),
};

const time: ChartDefinition = {
  id: "time",
  title: "Update time",
  low: 0,
  formatTick: (ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`),
  curves: ({ rows, axis, smoothing }) => [
    curveOf(rows.train, { axis, name: "wait_ms" }, { shape: "area", smoothing }),
    curveOf(rows.train, { axis, name: "step_ms" }, { shape: "line", smoothing }),
  ],
  read([waiting, whole], { x, short }) {
    const ms = valueAt(whole, x);
    if (ms === undefined) return "";
    const share = (valueAt(waiting, x) ?? 0) / ms;
    return short ? formatMs(ms) : `${formatMs(ms)} · ${formatPercent(share)} waiting`;
  },
};

const KNOWN: ReadonlySet<string> = new Set([
  "loss",
  "rate",
  "grad_norm",
  "wait_ms",
  "step_ms",
  "cpu_ms",
]);

/** The charts that some of the runs have something for; objectives and metrics of a policy come last. */
export function chartsFor(runs: readonly Rows[]): readonly ChartDefinition[] {
  const evaluated = runs.some(({ evaluation }) => evaluation.length > 0);
  const names = new Set(runs.flatMap(({ train }) => Object.keys(train.at(-1)?.values ?? {})));
  const more = [...names].filter((name) => !KNOWN.has(name) && !runs.every(isLoss(name)));
  return [
    loss,
    ...(evaluated ? [success] : []),
    rate,
    gradient,
    time,
    ...more.map((name) => lossLike(name, formatName(name))),
  ];
}

/** Whether a value says nothing that the loss does not: the only objective, with weight 1. */
function isLoss(name: string): (rows: Rows) => boolean {
  return ({ train }) => train.every(({ values }) => values[name] === values["loss"]);
}
