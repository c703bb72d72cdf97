/** How long each decision took, by stage, as stacked bars where the decisions were made. */
import type { RecordedDecision } from "../../../episode/types.ts";
import type { LatencyChannel } from "../channels.ts";
import { decisionAt, totalMs } from "../channels.ts";
import { formatMs, formatName } from "../format.ts";
import type { LaneModule } from "./lane.ts";
import { LANE_PADDING_PX, xOf } from "./lane.ts";

export const latencyLane: LaneModule<LatencyChannel> = {
  accepts: (channel) => channel.kind === "latency",
  heightPx: () => 34,
  draw(context, channel, window) {
    const { theme, height } = window;
    const perMs = (height - 2 * LANE_PADDING_PX) / channel.high;
    const width = Math.min(6, Math.max(1.5, 0.6 * xOf(window.fromStep + 1, window)));
    for (const { step, timingMs } of channel.decisions) {
      if (step < window.fromStep - 1 || step > window.toStep + 1) continue;
      const x = xOf(step, window) - width / 2;
      let bottom = height - LANE_PADDING_PX;
      const bar = (ms: number, color: string): void => {
        context.fillStyle = color;
        context.fillRect(x, bottom - ms * perMs, width, ms * perMs);
        bottom -= ms * perMs;
      };
      let staged = 0;
      for (const [index, stage] of channel.stages.entries()) {
        const ms = timingMs[stage] ?? 0;
        bar(ms, theme.series[index % theme.series.length]!);
        staged += ms;
      }
      bar(Math.max(0, totalMs(timingMs) - staged), theme.quiet);
    }
  },
  valueAt(channel, step) {
    const decision = decisionOf(channel, step);
    return decision === undefined ? "" : formatMs(totalMs(decision.timingMs));
  },
  describe(channel, step) {
    const decision = decisionOf(channel, step);
    if (decision === undefined) return "";
    const stages = channel.stages.map(
      (stage) =>
        `${formatName(stage.replace(/Ms$/, ""))} ${formatMs(decision.timingMs[stage] ?? 0)}`,
    );
    const parts = stages.length === 0 ? "" : ` = ${stages.join(" + ")}`;
    return `${formatMs(totalMs(decision.timingMs))}${parts} at step ${decision.step}`;
  },
  seekFrom: (channel, step) => decisionOf(channel, step)?.step ?? step,
};

function decisionOf(channel: LatencyChannel, step: number): RecordedDecision | undefined {
  return channel.decisions[decisionAt(channel.decisions, step)];
}
