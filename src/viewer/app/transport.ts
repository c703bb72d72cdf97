/** Play, step and scrub: the bar above the lanes. The scrubber shows decisions as ticks and the outcome's end. */
import type { EpisodeReader } from "../../episode/types.ts";
import type { PlaybackClock } from "./clock.ts";
import { element, setText, sizedCanvas } from "./dom.ts";
import { formatSeconds } from "./format.ts";
import { signIcon } from "./icons.ts";
import { xOf } from "./lanes/lane.ts";
import type { Theme } from "./theme.ts";
import type { TimeAxis } from "./time-axis.ts";

const SPEEDS: readonly number[] = [0.1, 0.25, 0.5, 1, 2, 4];

export interface Transport {
  show(reader: EpisodeReader): void;
  setTheme(theme: Theme): void;
  /** Connects the scrubber to the axis that is measured by its track. */
  attach(axis: TimeAxis): void;
  /** The element as wide as the plots. */
  readonly track: HTMLElement;
}

export function createTransport(
  root: HTMLElement,
  options: { readonly clock: PlaybackClock; readonly theme: Theme },
): Transport {
  const { clock } = options;
  let { theme } = options;
  const ticks = sizedCanvas("scrub-ticks");
  const done = element("div", { class: "scrub-done" });
  const knob = element("div", { class: "scrub-knob" });
  const track = element(
    "div",
    {
      class: "scrub",
      attributes: {
        role: "slider",
        tabindex: "0",
        "aria-label": "Step of the episode",
        "aria-valuemin": "0",
      },
    },
    [ticks.canvas, done, knob],
  );
  const button = (label: string, sign: "back" | "forward", by: number): HTMLElement =>
    element(
      "button",
      {
        title: label,
        attributes: { type: "button", "aria-label": label },
        on: {
          click: () => {
            clock.pause();
            clock.seek(clock.state.step + by);
          },
        },
      },
      [signIcon(sign)],
    );
  const play = element("button", {
    class: "play",
    attributes: { type: "button" },
    on: { click: () => clock.toggle() },
  });
  const speed = element(
    "select",
    {
      title: "Speed of play",
      attributes: { "aria-label": "Speed of play" },
      on: { change: () => clock.setSpeed(Number(speed.value)) },
    },
    SPEEDS.map((value) =>
      element("option", { attributes: { value: String(value) } }, [`${value}×`]),
    ),
  );
  speed.value = "1";
  const time = element("output", { class: "time" });
  root.append(
    element("div", { class: "buttons" }, [
      button("One step back (←)", "back", -1),
      play,
      button("One step forward (→)", "forward", 1),
      speed,
    ]),
    track,
    time,
  );

  let reader: EpisodeReader | undefined;
  let axis: TimeAxis | undefined;
  let shownPlaying: boolean | undefined;

  const drawTicks = (): void => {
    if (axis === undefined || reader === undefined) return;
    const width = axis.widthPx();
    ticks.fit(width, 26);
    const window = { ...axis.range(), width, height: 26, theme };
    ticks.context.fillStyle = theme.accent;
    ticks.context.globalAlpha = 0.5;
    for (const { step } of reader.decisions)
      ticks.context.fillRect(xOf(step, window) - 0.5, 19, 1, 4);
    update();
  };
  const update = (): void => {
    const { state } = clock;
    if (shownPlaying !== state.playing) {
      shownPlaying = state.playing;
      play.replaceChildren(signIcon(state.playing ? "pause" : "play"));
      play.title = state.playing ? "Pause (Space)" : "Play (Space)";
      play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
    }
    const value = String(Math.abs(state.speed));
    if (speed.value !== value && SPEEDS.includes(Number(value))) speed.value = value;
    const last = Math.max(0, state.steps - 1);
    setText(time, `${formatSeconds(clock.timeS())}  ·  step ${state.step} / ${last}`);
    track.setAttribute("aria-valuemax", String(last));
    track.setAttribute("aria-valuenow", String(state.step));
    track.setAttribute("aria-valuetext", time.textContent ?? "");
    if (axis === undefined) return;
    const x = Math.max(0, Math.min(axis.widthPx(), axis.xOfTime()));
    knob.style.transform = `translateX(${x.toFixed(1)}px)`;
    done.style.transform = `scaleX(${(x / Math.max(1, axis.widthPx())).toFixed(5)})`;
  };

  const seekTo = (event: PointerEvent): void => {
    if (axis !== undefined) clock.seek(axis.stepOfX(axis.xOfEvent(event)));
  };
  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    track.setPointerCapture(event.pointerId);
    seekTo(event);
  });
  track.addEventListener("pointermove", (event) => {
    if (track.hasPointerCapture(event.pointerId)) seekTo(event);
  });
  clock.subscribe(update);

  return {
    track,
    attach(next) {
      axis = next;
      axis.subscribe(drawTicks);
    },
    show(next) {
      reader = next;
      drawTicks();
    },
    setTheme(next) {
      theme = next;
      drawTicks();
    },
  };
}
