/**
 * The lanes, all on the time axis of the scrubber. They are drawn once per episode, size or theme; a moving
 * clock moves two elements and redraws only the layer of the decision in force.
 */
import type { EpisodeReader } from "../../episode/types.ts";
import type { Channel, ChannelGroup } from "./channels.ts";
import { decisionAt } from "./channels.ts";
import type { PlaybackClock } from "./clock.ts";
import type { SizedCanvas } from "./dom.ts";
import { element, setText, sizedCanvas } from "./dom.ts";
import { formatName, formatSeconds } from "./format.ts";
import { signIcon } from "./icons.ts";
import { laneFor } from "./lanes/index.ts";
import type { LaneModule, LaneWindow } from "./lanes/lane.ts";
import { xOf } from "./lanes/lane.ts";
import type { Theme } from "./theme.ts";
import type { TimeAxis } from "./time-axis.ts";
import { capturePointer } from "./transport.ts";

interface LaneRow {
  readonly channel: Channel;
  readonly module: LaneModule;
  readonly row: HTMLElement;
  readonly value: HTMLElement;
  readonly base: SizedCanvas;
  readonly moment: SizedCanvas | undefined;
  readonly heightPx: number;
}

export interface TimelineOptions {
  readonly clock: PlaybackClock;
  readonly axis: TimeAxis;
  readonly theme: Theme;
  readonly onFold: () => void;
}

/** Groups that are folded until somebody opens them. */
export const FOLDED_AT_FIRST: readonly ChannelGroup[] = ["proprio"];

export class Timeline {
  readonly #root: HTMLElement;
  readonly #options: TimelineOptions;
  readonly #list = element("div", { class: "lanes" });
  readonly #playhead = element("div", { class: "playhead" });
  readonly #hoverLine = element("div", { class: "hover-line" });
  readonly #hoverLabel = element("div", { class: "hover-label", attributes: { role: "status" } });
  readonly #folded = new Set<string>(FOLDED_AT_FIRST);
  readonly #moment = { step: 0, decision: -1 };
  #theme: Theme;
  #reader: EpisodeReader | undefined;
  #rows: LaneRow[] = [];
  #drawnDecision = -2;
  #hoverStep: number | undefined;

  constructor(root: HTMLElement, options: TimelineOptions) {
    this.#root = root;
    this.#options = options;
    this.#theme = options.theme;
    const overlay = element("div", { class: "lane-overlay" }, [this.#hoverLine, this.#playhead]);
    root.append(this.#list, overlay, this.#hoverLabel);
    this.#listenToPointer();
    options.clock.onPresent(() => this.#update());
    options.axis.subscribe(() => this.#drawBase());
  }

  /** Shows the channels of an episode; called again when it has grown. */
  show(reader: EpisodeReader, channels: readonly Channel[]): void {
    this.#reader = reader;
    const drawable = channels.filter((channel) => laneFor(channel) !== undefined);
    if (isSameSet(this.#rows, drawable)) {
      this.#rows = this.#rows.map((row, index) => ({ ...row, channel: drawable[index]! }));
      this.#drawBase();
    } else {
      this.#rebuild(drawable);
    }
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#drawBase();
  }

  /** Names of the folded groups. */
  folded(): readonly string[] {
    return [...this.#folded];
  }

  setFolded(names: readonly string[]): void {
    this.#folded.clear();
    for (const name of names) this.#folded.add(name);
    this.#applyFolds();
  }

  #rebuild(channels: readonly Channel[]): void {
    this.#list.replaceChildren();
    this.#rows = [];
    let group: ChannelGroup | undefined;
    for (const channel of channels) {
      if (channel.group !== group) {
        group = channel.group;
        const members = channels.filter((other) => other.group === group);
        // A lone lane of the group's own name says as much as a heading would.
        if (members.length > 1 || members[0]?.name !== group) {
          this.#list.append(groupHeading(group, members.length, (which) => this.#toggle(which)));
        }
      }
      const row = laneRow(channel);
      if (row === undefined) continue;
      this.#rows.push(row);
      this.#list.append(row.row);
    }
    this.#applyFolds();
  }

  #toggle(group: ChannelGroup): void {
    if (!this.#folded.delete(group)) this.#folded.add(group);
    this.#applyFolds();
    this.#options.onFold();
  }

  #applyFolds(): void {
    for (const row of this.#rows) row.row.hidden = this.#isHidden(row);
    for (const heading of this.#list.querySelectorAll<HTMLElement>(".group")) {
      const open = !this.#folded.has(heading.dataset["group"] ?? "");
      heading.setAttribute("aria-expanded", String(open));
    }
    this.#drawBase();
  }

  #isHidden(row: LaneRow): boolean {
    return this.#folded.has(row.channel.group);
  }

  #windowOf(row: LaneRow): LaneWindow {
    const { axis } = this.#options;
    return { ...axis.range(), width: axis.widthPx(), height: row.heightPx, theme: this.#theme };
  }

  #drawBase(): void {
    for (const row of this.#rows) {
      if (this.#isHidden(row)) continue;
      row.base.fit(this.#options.axis.widthPx(), row.heightPx);
      row.module.draw(row.base.context, row.channel, this.#windowOf(row));
    }
    this.#drawnDecision = -2;
    this.#update();
  }

  #drawMoment(): void {
    for (const row of this.#rows) {
      if (row.moment === undefined || this.#isHidden(row)) continue;
      row.moment.fit(this.#options.axis.widthPx(), row.heightPx);
      const at = { window: this.#windowOf(row), moment: this.#moment };
      row.module.drawMoment?.(row.moment.context, row.channel, at);
    }
  }

  #update(): void {
    if (this.#reader === undefined) return;
    const { clock, axis } = this.#options;
    this.#moment.step = clock.state.step;
    this.#moment.decision = decisionAt(this.#reader.decisions, clock.state.step);
    this.#playhead.style.transform = `translateX(${axis.xOfTime().toFixed(1)}px)`;
    if (this.#moment.decision !== this.#drawnDecision) {
      this.#drawnDecision = this.#moment.decision;
      this.#drawMoment();
    }
    this.#updateValues();
  }

  #updateValues(): void {
    const step = this.#hoverStep ?? this.#options.clock.state.step;
    for (const row of this.#rows) {
      if (!this.#isHidden(row)) setText(row.value, row.module.valueAt(row.channel, step));
    }
  }

  #listenToPointer(): void {
    const { clock, axis } = this.#options;
    let pressedAt: number | undefined;
    this.#list.addEventListener("pointerdown", (event) => {
      const lane = this.#laneAt(event);
      const x = axis.xOfEvent(event);
      if (event.button !== 0 || lane === undefined || x < 0) return;
      pressedAt = event.clientX;
      capturePointer(this.#list, event);
      const step = axis.stepOfX(x);
      clock.seek(lane.module.seekFrom?.(lane.channel, step) ?? step);
      event.preventDefault();
    });
    this.#list.addEventListener("pointermove", (event) => {
      if (pressedAt !== undefined && Math.abs(event.clientX - pressedAt) > 2) {
        pressedAt = -Infinity;
        clock.seek(axis.stepOfX(axis.xOfEvent(event)));
      }
      this.#showHover(event);
    });
    const release = (): void => {
      pressedAt = undefined;
    };
    this.#list.addEventListener("pointerup", release);
    this.#list.addEventListener("pointercancel", release);
    this.#list.addEventListener("pointerleave", () => {
      this.#hoverStep = undefined;
      this.#root.classList.remove("hovering");
      this.#updateValues();
    });
  }

  #laneAt(event: PointerEvent): LaneRow | undefined {
    const target = event.target instanceof Element ? event.target.closest(".lane") : null;
    return this.#rows.find(({ row }) => row === target);
  }

  #showHover(event: PointerEvent): void {
    const { clock, axis } = this.#options;
    const lane = this.#laneAt(event);
    const x = axis.xOfEvent(event);
    const inside = lane !== undefined && x >= 0 && x <= axis.widthPx();
    this.#hoverStep = inside ? axis.stepOfX(x) : undefined;
    this.#root.classList.toggle("hovering", inside);
    if (inside && this.#hoverStep !== undefined) {
      const step = this.#hoverStep;
      const at = xOf(step, this.#windowOf(lane));
      this.#hoverLine.style.transform = `translateX(${at.toFixed(1)}px)`;
      const words = lane.module.describe(lane.channel, step);
      const time = `step ${step} · ${formatSeconds(clock.timeOf(step))}`;
      setText(this.#hoverLabel, words === "" ? time : `${words}  ·  ${time}`);
      placeLabel(this.#hoverLabel, this.#root, event);
    }
    this.#updateValues();
  }
}

/** Whether rows fit channels of another look at the same episode. */
function isSameSet(rows: readonly LaneRow[], channels: readonly Channel[]): boolean {
  const key = ({ kind, group, name }: Channel): string => `${kind}/${group}/${name}`;
  return (
    rows.length > 0 &&
    rows.length === channels.length &&
    rows.every((row, index) => key(row.channel) === key(channels[index]!))
  );
}

function groupHeading(
  group: ChannelGroup,
  size: number,
  toggle: (group: ChannelGroup) => void,
): HTMLElement {
  const words = size > 1 ? `${group} (${size})` : group;
  const heading = element(
    "button",
    { class: "group", attributes: { type: "button" }, on: { click: () => toggle(group) } },
    [signIcon("fold"), words],
  );
  heading.dataset["group"] = group;
  return heading;
}

function laneRow(channel: Channel): LaneRow | undefined {
  const module = laneFor(channel);
  if (module === undefined) return undefined;
  const heightPx = module.heightPx(channel);
  const value = element("span", { class: "lane-value" });
  const base = sizedCanvas("lane-base");
  const moment =
    module.drawMoment === undefined ? undefined : sizedCanvas("lane-moment", { redrawn: true });
  const plot = element("div", { class: "lane-plot" }, [base.canvas, moment?.canvas]);
  const words = formatName(channel.name);
  const name = element("span", { class: "lane-name", title: channel.name }, [words]);
  const label = element("div", { class: "lane-label" }, [name, value]);
  const row = element("div", { class: `lane ${channel.kind}` }, [label, plot]);
  row.style.height = `${heightPx}px`;
  row.dataset["lane"] = channel.name;
  return { channel, module, row, value, base, moment, heightPx };
}

function placeLabel(label: HTMLElement, root: HTMLElement, event: PointerEvent): void {
  const box = root.getBoundingClientRect();
  const x = event.clientX - box.left;
  const left = x > box.width * 0.6 ? x - label.offsetWidth - 14 : x + 14;
  const top = Math.min(event.clientY - box.top + 14, box.height - label.offsetHeight - 4);
  label.style.transform = `translate(${Math.max(4, left).toFixed(0)}px, ${top.toFixed(0)}px)`;
}
