/** Play, step and scrub: the bar above the lanes. Ticks on the scrubber show where decisions were made. */
import type { EpisodeReader } from "../../episode/types.ts";
import type { PlaybackClock } from "./clock.ts";
import type { SizedCanvas } from "./dom.ts";
import { element, setText, sizedCanvas } from "./dom.ts";
import { formatSeconds } from "./format.ts";
import { signIcon } from "./icons.ts";
import { xOf } from "./lanes/lane.ts";
import type { Theme } from "./theme.ts";
import type { TimeAxis } from "./time-axis.ts";

const SPEEDS: readonly number[] = [0.1, 0.25, 0.5, 1, 2, 4];
const SCRUB_PX = 26;
const TICK_PX = { top: 19, height: 4 } as const;

export class Transport {
  /** The element as wide as the plots. */
  readonly track: HTMLElement;
  readonly #clock: PlaybackClock;
  readonly #ticks: SizedCanvas = sizedCanvas("scrub-ticks");
  readonly #done = element("div", { class: "scrub-done" });
  readonly #knob = element("div", { class: "scrub-knob" });
  readonly #play: HTMLButtonElement;
  readonly #speed: HTMLSelectElement;
  readonly #time = element("output", { class: "time" });
  #theme: Theme;
  #reader: EpisodeReader | undefined;
  #axis: TimeAxis | undefined;
  #shownPlaying: boolean | undefined;

  constructor(
    root: HTMLElement,
    options: { readonly clock: PlaybackClock; readonly theme: Theme },
  ) {
    this.#clock = options.clock;
    this.#theme = options.theme;
    this.#play = element("button", {
      class: "play",
      attributes: { type: "button" },
      on: { click: () => this.#clock.toggle() },
    });
    this.#speed = this.#makeSpeed();
    this.track = this.#makeTrack();
    const buttons = element("div", { class: "buttons" }, [
      this.#stepButton("One step back (←)", "back", -1),
      this.#play,
      this.#stepButton("One step forward (→)", "forward", 1),
      this.#speed,
    ]);
    root.append(buttons, this.track, this.#time);
    this.#clock.onPresent(() => this.#update());
  }

  /** Connects the scrubber to the axis that is measured by its track. */
  attach(axis: TimeAxis): void {
    this.#axis = axis;
    axis.subscribe(() => this.#drawTicks());
  }

  show(reader: EpisodeReader): void {
    this.#reader = reader;
    this.#drawTicks();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#drawTicks();
  }

  #drawTicks(): void {
    if (this.#axis === undefined || this.#reader === undefined) return;
    const width = this.#axis.widthPx();
    const { context } = this.#ticks;
    this.#ticks.fit(width, SCRUB_PX);
    const window = { ...this.#axis.range(), width, height: SCRUB_PX, theme: this.#theme };
    context.fillStyle = this.#theme.accent;
    context.globalAlpha = 0.5;
    for (const { step } of this.#reader.decisions) {
      context.fillRect(xOf(step, window) - 0.5, TICK_PX.top, 1, TICK_PX.height);
    }
    this.#update();
  }

  #update(): void {
    const { state } = this.#clock;
    if (this.#shownPlaying !== state.playing) this.#showPlaying(state.playing);
    const speed = String(Math.abs(state.speed));
    if (this.#speed.value !== speed && SPEEDS.includes(Number(speed))) this.#speed.value = speed;
    const last = Math.max(0, state.steps - 1);
    setText(this.#time, `${formatSeconds(this.#clock.timeS())}  ·  step ${state.step} / ${last}`);
    this.track.setAttribute("aria-valuemax", String(last));
    this.track.setAttribute("aria-valuenow", String(state.step));
    this.track.setAttribute("aria-valuetext", this.#time.textContent);
    if (this.#axis === undefined) return;
    const width = Math.max(1, this.#axis.widthPx());
    const x = Math.max(0, Math.min(width, this.#axis.xOfTime()));
    this.#knob.style.transform = `translateX(${x.toFixed(1)}px)`;
    this.#done.style.transform = `scaleX(${(x / width).toFixed(5)})`;
  }

  #showPlaying(playing: boolean): void {
    this.#shownPlaying = playing;
    this.#play.replaceChildren(signIcon(playing ? "pause" : "play"));
    this.#play.title = playing ? "Pause (Space)" : "Play (Space)";
    this.#play.setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  #stepButton(label: string, sign: "back" | "forward", by: number): HTMLElement {
    const click = (): void => {
      this.#clock.pause();
      this.#clock.seek(this.#clock.state.step + by);
    };
    const attributes = { type: "button", "aria-label": label };
    return element("button", { title: label, attributes, on: { click } }, [signIcon(sign)]);
  }

  #makeSpeed(): HTMLSelectElement {
    const label = "Speed of play";
    const change = (): void => this.#clock.setSpeed(Number(this.#speed.value));
    const options = SPEEDS.map((value) =>
      element("option", { attributes: { value: String(value) } }, [`${value}×`]),
    );
    const attributes = { "aria-label": label };
    const select = element("select", { title: label, attributes, on: { change } }, options);
    select.value = "1";
    return select;
  }

  #makeTrack(): HTMLElement {
    const attributes = {
      role: "slider",
      tabindex: "0",
      "aria-label": "Step of the episode",
      "aria-valuemin": "0",
    };
    const seekTo = (event: PointerEvent): void => {
      if (this.#axis !== undefined)
        this.#clock.seek(this.#axis.stepOfX(this.#axis.xOfEvent(event)));
    };
    let dragging = false;
    return element(
      "div",
      {
        class: "scrub",
        attributes,
        on: {
          pointerdown: (event) => {
            if (event.button !== 0) return;
            dragging = true;
            capturePointer(this.track, event);
            seekTo(event);
          },
          pointermove: (event) => {
            if (dragging) seekTo(event);
          },
          pointerup: () => {
            dragging = false;
          },
          pointercancel: () => {
            dragging = false;
          },
        },
      },
      [this.#ticks.canvas, this.#done, this.#knob],
    );
  }
}

/** Keeps a drag when the pointer leaves the element; a pointer that is gone already cannot be kept. */
export function capturePointer(target: HTMLElement, event: PointerEvent): void {
  try {
    target.setPointerCapture(event.pointerId);
  } catch {
    // The drag ends where the pointer leaves.
  }
}
