/** Numbers over time: proprioception, reward, scalar thoughts. Several series share one lane and scale. */
import type { SeriesChannel } from "../channels.ts";
import { formatNumber } from "../format.ts";
import type { LaneModule } from "./lane.ts";
import { drawZero, lastIndexAt, xOf, yOf } from "./lane.ts";

/** Series beyond this many are drawn, but not read out one by one. */
const NAMED_SERIES = 8;

export const seriesLane: LaneModule<SeriesChannel> = {
  accepts: (channel) => channel.kind === "series",
  heightPx: (channel) => (channel.series.length > 3 ? 56 : 34),
  draw(context, channel, window) {
    drawZero(context, channel, window);
    context.lineJoin = "round";
    context.lineWidth = 1.5;
    const { theme } = window;
    for (const [index, { steps, values }] of channel.series.entries()) {
      context.strokeStyle = theme.series[index % theme.series.length]!;
      context.beginPath();
      const first = Math.max(0, lastIndexAt(steps, window.fromStep));
      for (let i = first; i < steps.length; i++) {
        const y = yOf(values[i]!, channel, window.height);
        if (i === first) context.moveTo(xOf(steps[i]!, window), y);
        else context.lineTo(xOf(steps[i]!, window), y);
        // One point past the edge, so that the line reaches it.
        if (steps[i]! > window.toStep) break;
      }
      context.stroke();
    }
  },
  valueAt(channel, step) {
    if (channel.series.length > 1) return "";
    return formatNumber(valueOf(channel.series[0], step));
  },
  describe(channel, step) {
    const unit = channel.unit === undefined || channel.unit === "1" ? "" : ` ${channel.unit}`;
    const named = channel.series.slice(0, NAMED_SERIES);
    const values = named.map((series) => {
      const value = formatNumber(valueOf(series, step));
      return channel.series.length === 1 ? value : `${series.label} ${value}`;
    });
    const more = channel.series.length > NAMED_SERIES ? " …" : "";
    return `${values.join("  ")}${unit}${more}`;
  },
};

function valueOf(series: SeriesChannel["series"][number] | undefined, step: number): number {
  if (series === undefined) return NaN;
  return series.values[lastIndexAt(series.steps, step)] ?? NaN;
}
