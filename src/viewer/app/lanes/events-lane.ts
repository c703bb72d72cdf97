/** Moments worth a mark: reset, grasp, success, a lost worker. Shape and colour tell good from bad. */
import type { EpisodeEvent } from "../../../episode/types.ts";
import type { EventsChannel } from "../channels.ts";
import { formatName } from "../format.ts";
import type { Theme } from "../theme.ts";
import type { LaneModule } from "./lane.ts";
import { xOf } from "./lane.ts";

const REACH_PX = 7;

export const eventsLane: LaneModule<EventsChannel> = {
  accepts: (channel) => channel.kind === "events",
  heightPx: () => 22,
  draw(context, channel, window) {
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const y = window.height / 2;
    let labelEnd = -Infinity;
    for (const event of channel.events) {
      const x = Math.min(window.width - 5, Math.max(5, xOf(event.step, window)));
      context.fillStyle = colorOf(event.kind, window.theme);
      drawMark(context, event.kind, { x, y });
      const label = formatName(event.kind);
      const width = context.measureText(label).width;
      // Labels stand right of their mark, or left of it at the right edge; never on one another.
      const left = x + 9 + width > window.width ? x - 9 - width : x + 9;
      if (left < labelEnd + 6) continue;
      context.fillStyle = window.theme.quiet;
      context.fillText(label, left, y + 0.5);
      labelEnd = Math.max(x + REACH_PX, left + width);
    }
  },
  valueAt: () => "",
  describe: (channel, step) =>
    eventsNear(channel.events, step)
      .map(({ kind, text, step: at }) => {
        const words = text === "" || text === kind ? "" : `: ${text}`;
        return `${formatName(kind)}${words} (step ${at})`;
      })
      .join(", "),
  seekFrom: (channel, step) => eventsNear(channel.events, step)[0]?.step ?? step,
};

/** The events at the step, or else the nearest ones at most 3 steps away. */
function eventsNear(events: readonly EpisodeEvent[], step: number): EpisodeEvent[] {
  let nearest = 4;
  for (const event of events) nearest = Math.min(nearest, Math.abs(event.step - step));
  return nearest === 4 ? [] : events.filter((event) => Math.abs(event.step - step) === nearest);
}

const BAD = /fail|lost|crash|error|unsafe|drop|time_limit|truncat/;
const GOOD = /success|done/;

function colorOf(kind: string, theme: Theme): string {
  if (GOOD.test(kind)) return theme.success;
  return BAD.test(kind) ? theme.failure : theme.quiet;
}

function drawMark(
  context: CanvasRenderingContext2D,
  kind: string,
  { x, y }: { x: number; y: number },
): void {
  context.beginPath();
  if (GOOD.test(kind)) context.arc(x, y, 5, 0, 2 * Math.PI);
  else if (BAD.test(kind)) context.rect(x - 4.5, y - 4.5, 9, 9);
  else {
    context.moveTo(x, y - 5);
    context.lineTo(x + 5, y + 4);
    context.lineTo(x - 5, y + 4);
    context.closePath();
  }
  context.fill();
}
