/**
 * The contract of a lane: a small module that draws one kind of channel over the steps of the window.
 * It owns no element and no time; the timeline calls it.
 */
import type { Channel } from "../channels.ts";
import type { Theme } from "../theme.ts";

/** The part of the episode that is on screen, and the pixels it is drawn to. */
export interface LaneWindow {
  readonly fromStep: number;
  readonly toStep: number;
  /** CSS pixels. */
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
}

/** The moment shown. */
export interface LaneMoment {
  readonly step: number;
  /** Index of the decision in force; -1 = none. */
  readonly decision: number;
}

export interface LaneModule<Kind extends Channel = Channel> {
  accepts(channel: Channel): channel is Kind;
  heightPx(channel: Kind): number;
  /** Draws everything that does not depend on the moment. */
  draw(context: CanvasRenderingContext2D, channel: Kind, window: LaneWindow): void;
  /** Draws, on a layer of its own, what does; called when the decision in force changes. */
  drawMoment?(
    context: CanvasRenderingContext2D,
    channel: Kind,
    at: { readonly window: LaneWindow; readonly moment: LaneMoment },
  ): void;
  /** The value at a step for the margin: a few characters. */
  valueAt(channel: Kind, step: number): string;
  /** The value at a step in full, for the hover label; `""` = nothing to say. */
  describe(channel: Kind, step: number): string;
  /** Where a click at `step` leads; by default there. */
  seekFrom?(channel: Kind, step: number): number;
}

/** Pixels from the left edge of the plot. */
export function xOf(step: number, { fromStep, toStep, width }: LaneWindow): number {
  return ((step - fromStep) / Math.max(1e-9, toStep - fromStep)) * width;
}

export const LANE_PADDING_PX = 3;

/** Pixels from the top edge, `high` at the top. */
export function yOf(value: number, range: { low: number; high: number }, height: number): number {
  const inner = height - 2 * LANE_PADDING_PX;
  return LANE_PADDING_PX + (1 - (value - range.low) / (range.high - range.low)) * inner;
}

/** A hairline at zero where zero is inside the range. */
export function drawZero(
  context: CanvasRenderingContext2D,
  range: { low: number; high: number },
  window: LaneWindow,
): void {
  if (range.low > 0 || range.high < 0) return;
  const y = Math.round(yOf(0, range, window.height)) + 0.5;
  context.strokeStyle = window.theme.faint;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, y);
  context.lineTo(window.width, y);
  context.stroke();
}

/** Index of the last entry of ascending `steps` that is `<= step`; -1 = none. */
export function lastIndexAt(steps: ArrayLike<number>, step: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (steps[middle]! <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
