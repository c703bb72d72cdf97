/**
 * The mapping between steps and pixels that the scrubber and all lanes share, with its zoom.
 * Ctrl or Cmd with the wheel zooms about the pointer, Shift with the wheel moves, a double click shows all.
 */
import type { PlaybackClock } from "./clock.ts";

export interface TimeAxis {
  range(): { readonly fromStep: number; readonly toStep: number };
  widthPx(): number;
  /** Pixels of the clock's moment, between steps too. */
  xOfTime(): number;
  /** Pixels of a pointer event from the left edge of the plots. */
  xOfEvent(event: { readonly clientX: number }): number;
  /** The nearest step that exists. */
  stepOfX(x: number): number;
  /** Shows all steps again; called with every new episode. */
  reset(): void;
  subscribe(listener: () => void): void;
}

const MIN_SPAN_STEPS = 8;

/** @param ruler the element that is exactly as wide as the plots */
export function createTimeAxis(ruler: HTMLElement, clock: PlaybackClock): TimeAxis {
  const listeners = new Set<() => void>();
  let zoom: { fromStep: number; toStep: number } | undefined;
  let box = ruler.getBoundingClientRect();

  const lastStep = (): number => Math.max(1, clock.state.steps - 1);
  const range = (): { fromStep: number; toStep: number } =>
    zoom ?? { fromStep: 0, toStep: lastStep() };
  const emit = (): void => {
    for (const listener of listeners) listener();
  };
  const setRange = (fromStep: number, toStep: number): void => {
    const span = Math.min(lastStep(), Math.max(MIN_SPAN_STEPS, toStep - fromStep));
    const from = Math.max(0, Math.min(fromStep, lastStep() - span));
    zoom = span >= lastStep() ? undefined : { fromStep: from, toStep: from + span };
    emit();
  };
  const onWheel = (event: WheelEvent): void => {
    const { fromStep, toStep } = range();
    const span = toStep - fromStep;
    if (event.ctrlKey || event.metaKey) {
      const at = fromStep + ((event.clientX - box.left) / Math.max(1, box.width)) * span;
      const factor = Math.exp(event.deltaY * 0.004);
      setRange(at - (at - fromStep) * factor, at + (toStep - at) * factor);
    } else if (event.shiftKey && zoom !== undefined) {
      const shift = ((event.deltaX || event.deltaY) / Math.max(1, box.width)) * span;
      setRange(fromStep + shift, toStep + shift);
    } else {
      return;
    }
    event.preventDefault();
  };
  const area = ruler.closest<HTMLElement>("[data-time-area]") ?? ruler;
  area.addEventListener("wheel", onWheel, { passive: false });
  area.addEventListener("dblclick", () => {
    zoom = undefined;
    emit();
  });
  new ResizeObserver(() => {
    box = ruler.getBoundingClientRect();
    emit();
  }).observe(ruler);
  addEventListener("resize", () => {
    box = ruler.getBoundingClientRect();
  });

  return {
    range,
    widthPx: () => box.width,
    xOfTime() {
      const { fromStep, toStep } = range();
      const { step, fraction } = clock.state;
      return ((step + fraction - fromStep) / Math.max(1e-9, toStep - fromStep)) * box.width;
    },
    xOfEvent(event) {
      return event.clientX - box.left;
    },
    stepOfX(x) {
      const { fromStep, toStep } = range();
      const step = Math.round(fromStep + (x / Math.max(1, box.width)) * (toStep - fromStep));
      return Math.max(0, Math.min(clock.state.steps - 1, step));
    },
    reset() {
      zoom = undefined;
      emit();
    },
    subscribe(listener) {
      listeners.add(listener);
    },
  };
}
