/** One number of the action: executed thick, each predicted chunk as a thin worm from where it was made. */
import type { ActionChannel, Prediction } from "../channels.ts";
import { formatNumber } from "../format.ts";
import type { LaneModule, LaneWindow } from "./lane.ts";
import { drawZero, xOf, yOf } from "./lane.ts";

export const actionLane: LaneModule<ActionChannel> = {
  accepts: (channel) => channel.kind === "action",
  heightPx: () => 34,
  draw(context, channel, window) {
    drawZero(context, channel, window);
    context.lineJoin = "round";
    context.strokeStyle = window.theme.accent;
    context.lineWidth = 1;
    context.globalAlpha = 0.5;
    context.beginPath();
    for (const prediction of channel.predictions) {
      if (isOutside(prediction, window)) continue;
      trace(context, { prediction, channel, window, rows: prediction.values.length });
    }
    context.stroke();
    context.globalAlpha = 1;
    context.strokeStyle = window.theme.ink;
    context.lineWidth = 1.75;
    context.beginPath();
    traceExecuted(context, channel, window);
    context.stroke();
  },
  drawMoment(context, channel, { window, moment }) {
    const prediction = channel.predictions[moment.decision];
    if (prediction === undefined) return;
    context.lineJoin = "round";
    context.strokeStyle = window.theme.accent;
    context.lineWidth = 1.5;
    context.globalAlpha = 0.75;
    context.setLineDash([3, 2]);
    context.beginPath();
    trace(context, { prediction, channel, window, rows: prediction.values.length });
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
    context.lineWidth = 2.5;
    context.beginPath();
    trace(context, { prediction, channel, window, rows: prediction.executed });
    context.stroke();
    const x = xOf(prediction.step + 1, window);
    const y = yOf(prediction.values[0] ?? NaN, channel, window.height);
    context.fillStyle = window.theme.accent;
    context.beginPath();
    context.arc(x, y, 3, 0, 2 * Math.PI);
    context.fill();
  },
  valueAt: (channel, step) => formatNumber(channel.executed[step] ?? NaN),
  describe(channel, step) {
    const unit = channel.unit === undefined || channel.unit === "1" ? "" : ` ${channel.unit}`;
    const executed = channel.executed[step] ?? NaN;
    const done = Number.isNaN(executed) ? "none executed" : `${formatNumber(executed)}${unit}`;
    const made = channel.predictions.findLast((p) => p.step < step);
    const predicted = made?.values[step - made.step - 1];
    if (made === undefined || predicted === undefined) return done;
    return `${done}, predicted ${formatNumber(predicted)} at step ${made.step}`;
  },
};

function isOutside(prediction: Prediction, window: LaneWindow): boolean {
  return (
    prediction.step > window.toStep || prediction.step + prediction.values.length < window.fromStep
  );
}

function trace(
  context: CanvasRenderingContext2D,
  args: { prediction: Prediction; channel: ActionChannel; window: LaneWindow; rows: number },
): void {
  const { prediction, channel, window, rows } = args;
  for (let row = 0; row < rows; row++) {
    const x = xOf(prediction.step + 1 + row, window);
    const y = yOf(prediction.values[row]!, channel, window.height);
    if (row === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  }
}

function traceExecuted(
  context: CanvasRenderingContext2D,
  channel: ActionChannel,
  window: LaneWindow,
): void {
  const first = Math.max(0, Math.floor(window.fromStep) - 1);
  const last = Math.min(channel.executed.length - 1, Math.ceil(window.toStep) + 1);
  let drawing = false;
  for (let step = first; step <= last; step++) {
    const value = channel.executed[step]!;
    if (Number.isNaN(value)) {
      drawing = false;
      continue;
    }
    const x = xOf(step, window);
    const y = yOf(value, channel, window.height);
    if (drawing) context.lineTo(x, y);
    else context.moveTo(x, y);
    drawing = true;
  }
}
