/** The policy's words of one tag as bars from where they were thought to where others replaced them. */
import type { TextChannel, TextSpan } from "../channels.ts";
import type { LaneModule } from "./lane.ts";
import { xOf } from "./lane.ts";

const GAP_PX = 1;
const TEXT_INSET_PX = 5;

export const textLane: LaneModule<TextChannel> = {
  accepts: (channel) => channel.kind === "text",
  heightPx: () => 22,
  draw(context, channel, window) {
    const { theme, height } = window;
    const colors = new Map<string, string>();
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    for (const span of channel.spans) {
      if (span.toStep < window.fromStep || span.fromStep > window.toStep) continue;
      const left = xOf(span.fromStep, window);
      const width = Math.max(2, xOf(span.toStep, window) - left - GAP_PX);
      // The same words get the same colour, so that a policy that changes its mind back shows it.
      const color = colors.get(span.text) ?? theme.series[colors.size % theme.series.length]!;
      colors.set(span.text, color);
      context.globalAlpha = theme.dark ? 0.38 : 0.28;
      context.fillStyle = color;
      context.beginPath();
      context.roundRect(left, 2, width, height - 4, 3);
      context.fill();
      context.globalAlpha = 1;
      context.fillRect(left, 2, 2, height - 4);
      drawWords(context, span.text, { left, width, height, color: theme.ink });
    }
  },
  valueAt: () => "",
  describe(channel, step) {
    const span = spanAt(channel, step);
    return span === undefined ? "" : `${span.text} (since step ${span.fromStep})`;
  },
  seekFrom: (channel, step) => spanAt(channel, step)?.fromStep ?? step,
};

function spanAt(channel: TextChannel, step: number): TextSpan | undefined {
  return channel.spans.find(({ fromStep, toStep }) => step >= fromStep && step < toStep);
}

function drawWords(
  context: CanvasRenderingContext2D,
  text: string,
  box: { left: number; width: number; height: number; color: string },
): void {
  const left = Math.max(0, box.left) + TEXT_INSET_PX;
  const room = box.left + box.width - left - 2;
  if (room < 24) return;
  context.save();
  context.beginPath();
  context.rect(left, 0, room, box.height);
  context.clip();
  context.fillStyle = box.color;
  context.fillText(text.replaceAll("\n", " "), left, box.height / 2 + 0.5);
  context.restore();
}
