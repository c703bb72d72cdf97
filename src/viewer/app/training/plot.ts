/** Draws one chart: a grid with round numbers, curves in the colours of their runs, and the place pointed at. */
import { LANE_PADDING_PX } from "../lanes/lane.ts";
import type { Theme } from "../theme.ts";
import type { ChartDefinition, Curve } from "./charts.ts";
import type { Scale } from "./scale.ts";
import { linearScale, logScale } from "./scale.ts";
import type { Range, Series } from "./series.ts";
import { nearestIndex, rangeOf, thin } from "./series.ts";

/** A run's curves in its colours. */
export interface ColouredCurves {
  readonly color: string;
  /** Of what was measured a second time. */
  readonly secondColor: string;
  readonly curves: readonly Curve[];
}

/** Pixels around the curves, for the numbers. */
export const MARGIN = { left: 46, right: 16, top: 6, bottom: 20 } as const;

export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  readonly x: Scale;
  readonly y: Scale;
  readonly runs: readonly ColouredCurves[];
  readonly formatTick: ((value: number) => string) | undefined;
}

export interface PlotRequest {
  readonly definition: ChartDefinition;
  readonly runs: readonly ColouredCurves[];
  readonly xRange: Range;
  /** Where the curves allow it. */
  readonly logarithmic: boolean;
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
}

export function layOut(request: PlotRequest): Plot {
  const { definition, runs, xRange, width, height, theme } = request;
  const inner = { width: width - MARGIN.left - MARGIN.right, height: plotHeight(height) };
  return {
    width,
    height,
    theme,
    x: linearScale(xRange, Math.max(2, inner.width / 70)),
    y: verticalScale(request, Math.max(2, inner.height / 50)),
    runs,
    formatTick: definition.formatTick,
  };
}

function plotHeight(height: number): number {
  return height - MARGIN.top - MARGIN.bottom;
}

function verticalScale({ definition, runs, logarithmic }: PlotRequest, count: number): Scale {
  const curves = runs.flatMap((run) => run.curves);
  const found = rangeOf(curves.flatMap(extentsOf)) ?? { low: 0, high: 1 };
  if (logarithmic && definition.logarithmic === true && found.low > 0) {
    return logScale({ low: found.low / 1.05, high: found.high * 1.05 }, count);
  }
  const room = 0.05 * (found.high - found.low || Math.abs(found.high) || 1);
  const low = definition.low ?? found.low - room;
  const high = definition.high ?? found.high + room;
  return linearScale({ low, high: high > low ? high : low + 1 }, count);
}

/** Lone spikes of what is smoothed are cut off rather than flattening everything else. */
function extentsOf({ series, raw, interval }: Curve): ArrayLike<number>[] {
  const drawn: ArrayLike<number>[] = [series.y];
  if (interval !== undefined) drawn.push(interval.low, interval.high);
  if (raw !== undefined) {
    const finite = raw.y.filter((value) => Number.isFinite(value)).sort();
    drawn.push(finite.slice(0, Math.ceil(0.98 * finite.length)));
  }
  return drawn;
}

/** Pixels from the canvas's left edge. */
export function pixelX({ x, width }: Plot, value: number): number {
  return MARGIN.left + x.at(value) * (width - MARGIN.left - MARGIN.right);
}

export function pixelY({ y, height }: Plot, value: number): number {
  return MARGIN.top + (1 - y.at(value)) * plotHeight(height);
}

/** The value along the bottom under a pixel. */
export function valueOfPixel({ x, width }: Plot, pixel: number): number {
  return x.valueAt((pixel - MARGIN.left) / (width - MARGIN.left - MARGIN.right));
}

export function drawPlot(context: CanvasRenderingContext2D, plot: Plot): void {
  drawGrid(context, plot);
  context.save();
  context.beginPath();
  context.rect(
    MARGIN.left,
    MARGIN.top - LANE_PADDING_PX,
    plot.width - MARGIN.left,
    plotHeight(plot.height) + 2 * LANE_PADDING_PX,
  );
  context.clip();
  context.lineJoin = "round";
  for (const { curves, color } of plot.runs) {
    for (const { raw, shape } of curves) {
      if (raw === undefined || shape === "area") continue;
      stroke(context, plot, { series: raw, color, width: 1, alpha: plot.theme.dark ? 0.3 : 0.24 });
    }
  }
  for (const run of plot.runs)
    for (const curve of run.curves) drawCurve(context, plot, { run, curve });
  context.restore();
}

function drawGrid(context: CanvasRenderingContext2D, plot: Plot): void {
  const { theme, width, height, x, y } = plot;
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = theme.quiet;
  context.strokeStyle = theme.faint;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const { value, label } of y.ticks) {
    const at = Math.round(pixelY(plot, value)) + 0.5;
    context.beginPath();
    context.moveTo(MARGIN.left, at);
    context.lineTo(width - MARGIN.right, at);
    context.stroke();
    context.fillText(plot.formatTick?.(value) ?? label, MARGIN.left - 6, at);
  }
  context.textBaseline = "alphabetic";
  for (const { value, label } of x.ticks) {
    const at = pixelX(plot, value);
    const half = context.measureText(label).width / 2;
    // The last number ends where the plot does.
    context.textAlign = at + half > width - 2 ? "right" : "center";
    context.fillText(label, Math.min(at, width - 2), height - 5);
  }
  context.textAlign = "left";
}

interface Stroke {
  readonly series: Series;
  readonly color: string;
  readonly width: number;
  readonly alpha?: number;
  readonly dash?: readonly number[];
}

function stroke(context: CanvasRenderingContext2D, plot: Plot, line: Stroke): void {
  const { x, y } = thin(line.series, Math.max(1, plot.width));
  context.strokeStyle = line.color;
  context.lineWidth = line.width;
  context.globalAlpha = line.alpha ?? 1;
  context.setLineDash([...(line.dash ?? [])]);
  context.beginPath();
  let drawing = false;
  for (let i = 0; i < x.length; i++) {
    const value = y[i]!;
    if (!Number.isFinite(value)) {
      drawing = false;
      continue;
    }
    const [px, py] = [pixelX(plot, x[i]!), pixelY(plot, value)];
    if (drawing) context.lineTo(px, py);
    else context.moveTo(px, py);
    drawing = true;
  }
  context.stroke();
  context.globalAlpha = 1;
  context.setLineDash([]);
}

function drawCurve(
  context: CanvasRenderingContext2D,
  plot: Plot,
  { run, curve }: { readonly run: ColouredCurves; readonly curve: Curve },
): void {
  const color = curve.second === true ? run.secondColor : run.color;
  const { series } = curve;
  switch (curve.shape) {
    case "line":
      stroke(context, plot, { series, color, width: 1.75 });
      return;
    case "area":
      fillBelow(context, plot, { series, color });
      return;
    case "points":
      drawIntervals(context, plot, { curve, color });
      stroke(context, plot, { series, color, width: 1.25, dash: [2, 3] });
      for (let i = 0; i < series.x.length; i++) {
        drawPoint(context, plot, { x: series.x[i]!, y: series.y[i]!, color });
      }
  }
}

function fillBelow(
  context: CanvasRenderingContext2D,
  plot: Plot,
  { series, color }: { readonly series: Series; readonly color: string },
): void {
  const { x, y } = thin(series, Math.max(1, plot.width));
  if (x.length === 0) return;
  const bottom = MARGIN.top + plotHeight(plot.height);
  context.fillStyle = color;
  context.globalAlpha = 0.28;
  context.beginPath();
  context.moveTo(pixelX(plot, x[0]!), bottom);
  for (let i = 0; i < x.length; i++) {
    context.lineTo(pixelX(plot, x[i]!), Number.isFinite(y[i]) ? pixelY(plot, y[i]!) : bottom);
  }
  context.lineTo(pixelX(plot, x.at(-1)!), bottom);
  context.fill();
  context.globalAlpha = 1;
}

function drawIntervals(
  context: CanvasRenderingContext2D,
  plot: Plot,
  { curve, color }: { readonly curve: Curve; readonly color: string },
): void {
  const { interval, series } = curve;
  if (interval === undefined) return;
  context.strokeStyle = color;
  context.lineWidth = plot.runs.length > 1 ? 2 : 4;
  context.globalAlpha = 0.28;
  context.beginPath();
  for (let i = 0; i < series.x.length; i++) {
    const at = pixelX(plot, series.x[i]!);
    context.moveTo(at, pixelY(plot, interval.low[i]!));
    context.lineTo(at, pixelY(plot, interval.high[i]!));
  }
  context.stroke();
  context.globalAlpha = 1;
}

function drawPoint(
  context: CanvasRenderingContext2D,
  plot: Plot,
  { x, y, color }: { readonly x: number; readonly y: number; readonly color: string },
): void {
  if (!Number.isFinite(y)) return;
  context.beginPath();
  context.arc(pixelX(plot, x), pixelY(plot, y), 3, 0, 2 * Math.PI);
  context.fillStyle = plot.theme.surface;
  context.fill();
  context.strokeStyle = color;
  context.lineWidth = 1.75;
  context.stroke();
}

/** The place that is pointed at, with the nearest point of every curve. */
export function drawCursor(context: CanvasRenderingContext2D, plot: Plot, x: number): void {
  const at = Math.round(pixelX(plot, x)) + 0.5;
  context.strokeStyle = plot.theme.quiet;
  context.lineWidth = 1;
  context.globalAlpha = 0.7;
  context.beginPath();
  context.moveTo(at, MARGIN.top);
  context.lineTo(at, MARGIN.top + plotHeight(plot.height));
  context.stroke();
  context.globalAlpha = 1;
  for (const { curves, color, secondColor } of plot.runs) {
    for (const { series, second, shape } of curves) {
      const index = nearestIndex(series.x, x);
      const value = series.y[index] ?? NaN;
      const share = plot.y.at(value);
      if (shape === "area" || !(share >= 0 && share <= 1)) continue;
      context.fillStyle = second === true ? secondColor : color;
      context.beginPath();
      context.arc(pixelX(plot, series.x[index]!), pixelY(plot, value), 4, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
