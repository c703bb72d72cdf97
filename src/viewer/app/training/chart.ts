/** One chart as an element: a heading with what is read out, the plot, and a layer for the place pointed at. */
import { element, sizedCanvas } from "../dom.ts";
import type { Theme } from "../theme.ts";
import type { ChartDefinition, CurveRequest } from "./charts.ts";
import type { Plot } from "./plot.ts";
import { drawCursor, drawPlot, layOut, valueOfPixel } from "./plot.ts";
import type { Rows } from "./rows.ts";
import type { Range, XAxis } from "./series.ts";

/** A run that is shown, with its colour. */
export interface ShownRun {
  readonly path: string;
  readonly name: string;
  readonly color: string;
  readonly rows: Rows;
}

export interface ChartState {
  readonly runs: readonly ShownRun[];
  readonly axis: XAxis;
  readonly xRange: Range;
  readonly smoothing: number;
  readonly logarithmic: boolean;
  readonly theme: Theme;
}

export interface Chart {
  readonly definition: ChartDefinition;
  readonly root: HTMLElement;
  draw(state: ChartState): void;
  /** Shows the values at a place, or the newest ones. */
  point(x: number | undefined): void;
}

export function createChart(
  definition: ChartDefinition,
  onPoint: (x: number | undefined) => void,
): Chart {
  const base = sizedCanvas("chart-base");
  const cursor = sizedCanvas("chart-cursor");
  const reading = element("span", { class: "chart-reading" });
  const plotElement = element("div", { class: "chart-plot" }, [base.canvas, cursor.canvas]);
  const root = element("section", {
    class: definition.main === true ? "chart main" : "chart",
    attributes: { "aria-label": definition.title },
  });
  root.dataset["chart"] = definition.id;
  const title = element("h2", {}, [definition.title]);
  const legend = element("span", { class: "chart-legend quiet" }, legendOf(definition));
  root.append(element("header", {}, [title, legend, reading]), plotElement);

  let state: ChartState | undefined;
  let plot: Plot | undefined;
  let pointed: number | undefined;

  const point = (x: number | undefined): void => {
    pointed = x;
    if (plot === undefined || state === undefined) return;
    cursor.fit(plot.width, plot.height);
    if (x !== undefined) drawCursor(cursor.context, plot, x);
    reading.classList.toggle("short", state.runs.length > 1);
    reading.replaceChildren(...readingsOf(plot, { state, definition, x: x ?? Infinity }));
  };
  const draw = (next: ChartState): void => {
    state = next;
    const { clientWidth: width, clientHeight: height } = plotElement;
    if (width === 0 || height === 0) return;
    const { theme, xRange, logarithmic } = next;
    const runs = next.runs.map((run) => colouredCurves(run, { definition, state: next }));
    plot = layOut({ definition, runs, xRange, logarithmic, width, height, theme });
    base.fit(width, height);
    drawPlot(base.context, plot);
    point(pointed);
  };
  plotElement.addEventListener("pointermove", (event) => {
    if (plot === undefined || state === undefined) return;
    const x = valueOfPixel(plot, event.clientX - plotElement.getBoundingClientRect().left);
    onPoint(Math.max(state.xRange.low, Math.min(state.xRange.high, x)));
  });
  plotElement.addEventListener("pointerleave", () => onPoint(undefined));
  new ResizeObserver(() => {
    if (state !== undefined) draw(state);
  }).observe(plotElement);
  return { definition, root, draw, point };
}

function legendOf({ legend = [] }: ChartDefinition): HTMLElement[] {
  return legend.map(({ shape, words }) => element("span", { class: `key ${shape}` }, [words]));
}

function colouredCurves(
  { rows, color }: ShownRun,
  { definition, state }: { readonly definition: ChartDefinition; readonly state: ChartState },
): Plot["runs"][number] {
  const { axis, smoothing, theme, runs } = state;
  const request: CurveRequest = { rows, axis, smoothing };
  const secondColor = runs.length === 1 ? theme.series[1]! : color;
  return { color, secondColor, curves: definition.curves(request) };
}

function readingsOf(
  plot: Plot,
  { state, definition, x }: { state: ChartState; definition: ChartDefinition; x: number },
): HTMLElement[] {
  const short = state.runs.length > 1;
  return plot.runs.flatMap(({ curves, color }, index) => {
    const words = definition.read(curves, { x, short });
    if (words === "") return [];
    const made = element("span", { title: state.runs[index]!.name }, [words]);
    if (short) made.style.color = color;
    return [made];
  });
}
