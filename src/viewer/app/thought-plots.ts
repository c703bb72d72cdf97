/** Small plots of thoughts: numbers over the steps of a refinement, and slices through a landscape. */
import type { Thought } from "../../core/index.ts";
import { element } from "./dom.ts";
import { formatName, formatNumber } from "./format.ts";
import { cssColor, rampColor, sharesOf } from "./ramp.ts";
import type { Theme } from "./theme.ts";

type Refinement = Extract<Thought, { kind: "refinement" }>;
type Slice = Extract<Thought, { kind: "slice" }>;

/** The drawing's own units; the page scales it to the panel. */
const PLOT = { width: 260, height: 64, margin: 5 } as const;
const SIDE = 200;
const SVG = "http://www.w3.org/2000/svg";

interface Range {
  readonly low: number;
  readonly high: number;
}

type Point = readonly [x: number, y: number];

/** One plot for each number of the steps: a dot for every step, in the colours of the fan where it is the energy. */
export function refinementPlots({ values }: Refinement, theme: Theme): HTMLElement[] {
  return Object.entries(values)
    .filter(([, numbers]) => numbers.length > 1)
    .map(([name, numbers]) => {
      const shares = name === "energy" ? sharesOf(numbers) : numbers.map(() => 0);
      const at = numbers.map((_, i) => i + 1);
      const points = scaled(at, numbers);
      const dots = points.map((point, i) => dot(point, cssColor(rampColor(theme, shares[i] ?? 1))));
      const [first, last] = [numbers[0] ?? NaN, numbers.at(-1) ?? NaN];
      return figure({
        kind: "steps",
        name,
        caption: `${formatName(name)} by step: ${formatNumber(first)} → ${formatNumber(last)}`,
        drawing: svg([polyline(points, theme.quiet), ...dots]),
      });
    });
}

/** A curve over one direction, or a map over two, with the chunks on the way to the chosen one. */
export function slicePlot(slice: Slice, theme: Theme): HTMLElement {
  return slice.axes.length === 2 ? mapPlot(slice, theme) : curvePlot(slice, theme);
}

function curvePlot({ tag, axes, values, path }: Slice, theme: Theme): HTMLElement {
  const at = axes[0]?.at ?? [];
  const [across, up] = [rangeOf(at), rangeOf(values)];
  const curve = scaled(at, values);
  const marks = path.map(([x = NaN], i) => {
    const height = interpolated(at, values, x);
    return dot(
      placed([x, height], { across, up }),
      i === path.length - 1 ? theme.accent : theme.quiet,
    );
  });
  const caption = `${axes[0]?.name ?? ""}; ${rangeWords(up)}`;
  const drawing = svg([polyline(curve, theme.series[1]!), ...marks]);
  return figure({ kind: "curve", name: tag, caption, drawing });
}

function mapPlot({ tag, axes, values, path }: Slice, theme: Theme): HTMLElement {
  const [first, second] = axes as [Slice["axes"][number], Slice["axes"][number]];
  const picture = heatMap(first.at.length, values, theme);
  const [across, up] = [rangeOf(first.at), rangeOf(second.at)];
  const square = { width: SIDE, height: SIDE, margin: 0 };
  const way = path.map(([x = NaN, y = NaN]) => placed([x, y], { across, up }, square));
  const dots = way.map((point, i) => dot(point, i === way.length - 1 ? theme.ink : theme.quiet));
  const drawing = element("div", { class: "heat" }, [picture]);
  drawing.append(svg([polyline(way, theme.ink), ...dots], square));
  const caption = `across: ${first.name}, up: ${second.name}; ${rangeWords(rangeOf(values))}`;
  return figure({ kind: "map", name: tag, caption, drawing });
}

/** One pixel for each value, the first row at the bottom; the page enlarges it. */
function heatMap(columns: number, values: readonly number[], theme: Theme): HTMLCanvasElement {
  const rows = Math.max(1, Math.floor(values.length / Math.max(1, columns)));
  const canvas = element("canvas", {
    attributes: { width: String(columns), height: String(rows) },
  });
  const context = canvas.getContext("2d");
  // A map is small: without a picture its numbers are still told.
  if (context === null) return canvas;
  const image = context.createImageData(Math.max(1, columns), rows);
  for (const [i, share] of sharesOf(values).entries()) {
    const row = rows - 1 - Math.floor(i / columns);
    // Equal shares of the numbers get equal shares of the colours, low ones the more: valleys are what counts.
    const rgb = rampColor(theme, Math.sqrt(share)).map((x) => Math.round(x * 255));
    image.data.set([...rgb, 255], (row * columns + (i % columns)) * 4);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function figure(parts: {
  readonly kind: string;
  readonly name: string;
  readonly caption: string;
  readonly drawing: Element;
}): HTMLElement {
  const { kind, name, caption, drawing } = parts;
  const made = element("figure", { class: "thought-plot" }, [element("figcaption", {}, [caption])]);
  made.dataset["plot"] = kind;
  made.dataset["name"] = name;
  made.prepend(drawing);
  return made;
}

function svg(
  children: readonly Element[],
  { width, height }: { readonly width: number; readonly height: number } = PLOT,
): SVGElement {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("viewBox", `0 0 ${width} ${height}`);
  made.append(...children);
  return made;
}

function polyline(points: readonly Point[], stroke: string): SVGElement {
  const line = document.createElementNS(SVG, "polyline");
  const drawn = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  line.setAttribute("points", drawn.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "));
  line.setAttribute("stroke", stroke);
  return line;
}

function dot([x, y]: Point, fill: string): SVGElement {
  const circle = document.createElementNS(SVG, "circle");
  const at = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : "-99");
  circle.setAttribute("cx", at(x));
  circle.setAttribute("cy", at(y));
  circle.setAttribute("r", "3");
  circle.setAttribute("fill", fill);
  return circle;
}

function scaled(at: readonly number[], values: readonly number[]): Point[] {
  const [across, up] = [rangeOf(at), rangeOf(values)];
  return values.map((value, i) => placed([at[i] ?? NaN, value], { across, up }));
}

/** From numbers to the drawing's units; larger values are higher. */
function placed(
  [x, y]: Point,
  { across, up }: { readonly across: Range; readonly up: Range },
  { width, height, margin }: { width: number; height: number; margin: number } = PLOT,
): Point {
  const share = (value: number, { low, high }: Range): number =>
    high > low ? (value - low) / (high - low) : 0.5;
  return [
    margin + share(x, across) * (width - 2 * margin),
    height - margin - share(y, up) * (height - 2 * margin),
  ];
}

export function rangeOf(values: readonly number[]): Range {
  const finite = values.filter(Number.isFinite);
  return {
    low: finite.reduce((a, b) => Math.min(a, b), Infinity),
    high: finite.reduce((a, b) => Math.max(a, b), -Infinity),
  };
}

/** Linear between the coordinates, which ascend; NaN beyond them. */
export function interpolated(at: readonly number[], values: readonly number[], x: number): number {
  const after = at.findIndex((coordinate) => coordinate >= x);
  if (after < 0 || (after === 0 && at[0] !== x)) return NaN;
  if (after === 0) return values[0] ?? NaN;
  const [left, right] = [at[after - 1]!, at[after]!];
  const share = (x - left) / (right - left);
  return values[after - 1]! * (1 - share) + values[after]! * share;
}

function rangeWords({ low, high }: Range): string {
  return `${formatNumber(low)} to ${formatNumber(high)}`;
}
