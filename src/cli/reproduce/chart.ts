/** Line charts as SVG text: points with intervals, one line per series. */
import { COLOURS, INK, escaped, line, number, opening, text } from "./svg.ts";

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** Of the interval around `y`. */
  readonly low: number;
  readonly high: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly ChartPoint[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale: "linear" | "log";
  readonly series: readonly Series[];
}

const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 64, right: 190, top: 44, bottom: 52 } as const;
/**
 * Rates on the y axis, from 0 to 1.
 * @throws {RangeError} without a point, or where a logarithmic axis gets a number that is not positive
 */
export function chartSvg(chart: Chart): string {
  const xs = chart.series.flatMap(({ points }) => points.map(({ x }) => x));
  assertDrawable(chart, xs);
  const x = xAxis(chart, xs);
  const parts = [
    ...opening({ width: WIDTH, height: HEIGHT, title: chart.title, left: PLOT.left }),
    ...gridLines(x),
    text((PLOT.left + WIDTH - PLOT.right) / 2, HEIGHT - 12, {
      anchor: "middle",
      content: chart.xLabel,
    }),
    `<text transform="translate(18 ${(PLOT.top + HEIGHT - PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle" fill="${INK}">${escaped(chart.yLabel)}</text>`,
    ...chart.series.flatMap((series, i) => drawn(series, { x, index: i })),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

interface XAxis {
  readonly ticks: readonly number[];
  at(value: number): number;
}

function xAxis({ xScale }: Chart, xs: readonly number[]): XAxis {
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const map = xScale === "log" ? Math.log10 : (value: number): number => value;
  const start = xScale === "log" ? low : Math.min(0, low);
  const span = map(high) - map(start) || 1;
  const inner = WIDTH - PLOT.left - PLOT.right;
  const ticks = xScale === "log" ? decades(low, high) : linearTicks(start, high);
  return {
    ticks: ticks.length > 0 ? ticks : [low],
    at: (value) => PLOT.left + ((map(value) - map(start)) / span) * inner,
  };
}

/** 1, 2 and 5 times powers of ten. */
function decades(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const factor of [1, 2, 5]) {
      const tick = factor * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

function linearTicks(low: number, high: number): number[] {
  const rough = (high - low) / 6 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  return ticks;
}

function yAt(value: number): number {
  return HEIGHT - PLOT.bottom - value * (HEIGHT - PLOT.top - PLOT.bottom);
}

function gridLines(x: XAxis): string[] {
  const right = WIDTH - PLOT.right;
  const rows = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((value) => [
    line([PLOT.left, yAt(value)], [right, yAt(value)], { stroke: INK, opacity: 0.25 }),
    text(PLOT.left - 8, yAt(value) + 4, {
      anchor: "end",
      content: `${Math.round(100 * value)} %`,
    }),
  ]);
  const columns = x.ticks.map((tick) =>
    text(x.at(tick), HEIGHT - PLOT.bottom + 18, { anchor: "middle", content: tickWords(tick) }),
  );
  return [...rows, ...columns];
}

function tickWords(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString("en", { maximumFractionDigits: 3 });
}

function drawn(
  { name, points }: Series,
  { x, index }: { readonly x: XAxis; readonly index: number },
): string[] {
  const colour = COLOURS[index % COLOURS.length] ?? INK;
  const dash = index >= COLOURS.length ? ' stroke-dasharray="5 4"' : "";
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const path = sorted.map((p) => `${number(x.at(p.x))},${number(yAt(p.y))}`).join(" ");
  const legendY = PLOT.top + 10 + 20 * index;
  const legendX = WIDTH - PLOT.right + 16;
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
    ...sorted.flatMap((p) => [
      line([x.at(p.x), yAt(p.low)], [x.at(p.x), yAt(p.high)], { stroke: colour, opacity: 0.55 }),
      `<circle cx="${number(x.at(p.x))}" cy="${number(yAt(p.y))}" r="3.5" fill="${colour}"/>`,
    ]),
    line([legendX, legendY - 4], [legendX + 18, legendY - 4], { stroke: colour, width: 3 }),
    text(legendX + 24, legendY, { content: name }),
  ];
}

function assertDrawable({ title, xScale }: Chart, xs: readonly number[]): void {
  if (xs.length === 0) {
    throw new RangeError(`Cannot draw "${title}": there is no point, must be at least one`);
  }
  const bad = xs.find((x) => !Number.isFinite(x) || (xScale === "log" && x <= 0));
  if (bad === undefined) return;
  throw new RangeError(
    `Cannot draw "${title}": a point lies at x = ${bad}, must be finite and, on a logarithmic axis, positive`,
  );
}
