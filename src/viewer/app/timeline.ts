/**
 * The lower half of the page: the transport with its scrubber, and below it the lanes, all on one time
 * axis. Lanes are drawn once per episode, size or theme; a moving clock moves two elements and redraws
 * only the layer of the decision in force.
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
import type { LaneMoment, LaneModule, LaneWindow } from "./lanes/lane.ts";
import { xOf } from "./lanes/lane.ts";
import type { Theme } from "./theme.ts";
import type { TimeAxis } from "./time-axis.ts";

interface LaneRow {
  readonly channel: Channel;
  readonly module: LaneModule;
  readonly row: HTMLElement;
  readonly value: HTMLElement;
  readonly base: SizedCanvas;
  readonly moment: SizedCanvas | undefined;
  readonly heightPx: number;
}

export interface Timeline {
  /** Shows the channels of an episode; called again when it has grown. */
  show(reader: EpisodeReader, channels: readonly Channel[]): void;
  setTheme(theme: Theme): void;
  /** Names of the folded groups. */
  folded(): readonly string[];
  setFolded(names: readonly string[]): void;
}

export interface TimelineOptions {
  readonly clock: PlaybackClock;
  readonly axis: TimeAxis;
  readonly theme: Theme;
  readonly onFold: () => void;
}

export function createTimeline(root: HTMLElement, options: TimelineOptions): Timeline {
  const { clock, axis } = options;
  const list = element("div", { class: "lanes" });
  const playhead = element("div", { class: "playhead" });
  const hoverLine = element("div", { class: "hover-line" });
  const hoverLabel = element("div", { class: "hover-label", attributes: { role: "status" } });
  const overlay = element("div", { class: "lane-overlay" }, [hoverLine, playhead]);
  root.append(list, overlay, hoverLabel);

  const folded = new Set<string>(["proprio"]);
  const moment: { step: number; decision: number } = { step: 0, decision: -1 };
  let theme = options.theme;
  let reader: EpisodeReader | undefined;
  let rows: LaneRow[] = [];
  let drawnDecision = -2;
  let hoverStep: number | undefined;

  const plotWidth = (): number => axis.widthPx();
  const windowOf = (row: LaneRow): LaneWindow => ({
    ...axis.range(),
    width: plotWidth(),
    height: row.heightPx,
    theme,
  });
  const isHidden = (row: LaneRow): boolean => folded.has(row.channel.group);

  const drawBase = (): void => {
    for (const row of rows) {
      if (isHidden(row)) continue;
      row.base.fit(plotWidth(), row.heightPx);
      row.module.draw(row.base.context, row.channel, windowOf(row));
    }
    drawnDecision = -2;
    update();
  };
  const drawMoment = (at: LaneMoment): void => {
    for (const row of rows) {
      if (row.moment === undefined || isHidden(row)) continue;
      row.moment.fit(plotWidth(), row.heightPx);
      row.module.drawMoment?.(row.moment.context, row.channel, {
        window: windowOf(row),
        moment: at,
      });
    }
  };
  const updateValues = (): void => {
    const step = hoverStep ?? clock.state.step;
    for (const row of rows) {
      if (!isHidden(row)) setText(row.value, row.module.valueAt(row.channel, step));
    }
  };
  const update = (): void => {
    if (reader === undefined) return;
    moment.step = clock.state.step;
    moment.decision = decisionAt(reader.decisions, clock.state.step);
    playhead.style.transform = `translateX(${axis.xOfTime().toFixed(1)}px)`;
    if (moment.decision !== drawnDecision) {
      drawnDecision = moment.decision;
      drawMoment(moment);
    }
    updateValues();
  };

  const rebuild = (channels: readonly Channel[]): void => {
    list.replaceChildren();
    rows = [];
    let group: ChannelGroup | undefined;
    for (const channel of channels) {
      const module = laneFor(channel);
      if (module === undefined) continue;
      if (channel.group !== group) {
        group = channel.group;
        const members = channels.filter((other) => other.group === group);
        // A lone lane of the group's own name says as much as a heading would.
        if (members.length > 1 || members[0]?.name !== group) {
          list.append(groupHeading(group, members.length, toggleGroup));
        }
      }
      const row = laneRow(channel, module);
      rows.push(row);
      list.append(row.row);
    }
    applyFolds();
  };
  const applyFolds = (): void => {
    for (const row of rows) row.row.hidden = isHidden(row);
    for (const heading of list.querySelectorAll<HTMLElement>(".group")) {
      heading.setAttribute("aria-expanded", String(!folded.has(heading.dataset["group"] ?? "")));
    }
    drawBase();
  };
  const toggleGroup = (group: ChannelGroup): void => {
    if (!folded.delete(group)) folded.add(group);
    applyFolds();
    options.onFold();
  };

  const laneAt = (event: PointerEvent): LaneRow | undefined => {
    const target = event.target instanceof Element ? event.target.closest(".lane") : null;
    return rows.find(({ row }) => row === target);
  };
  const showHover = (event: PointerEvent, lane: LaneRow | undefined): void => {
    const x = axis.xOfEvent(event);
    const inside = lane !== undefined && x >= 0 && x <= plotWidth();
    hoverStep = inside ? axis.stepOfX(x) : undefined;
    root.classList.toggle("hovering", inside);
    if (inside && hoverStep !== undefined) {
      const at = xOf(hoverStep, windowOf(lane));
      hoverLine.style.transform = `translateX(${at.toFixed(1)}px)`;
      const words = lane.module.describe(lane.channel, hoverStep);
      const time = `step ${hoverStep} · ${formatSeconds(clock.timeOf(hoverStep))}`;
      setText(hoverLabel, words === "" ? time : `${words}  ·  ${time}`);
      placeLabel(hoverLabel, root, event);
    }
    updateValues();
  };

  let pressedAt: number | undefined;
  list.addEventListener("pointerdown", (event) => {
    const lane = laneAt(event);
    const x = axis.xOfEvent(event);
    if (event.button !== 0 || lane === undefined || x < 0) return;
    pressedAt = event.clientX;
    list.setPointerCapture(event.pointerId);
    const step = axis.stepOfX(x);
    clock.seek(lane.module.seekFrom?.(lane.channel, step) ?? step);
    event.preventDefault();
  });
  list.addEventListener("pointermove", (event) => {
    if (pressedAt !== undefined && Math.abs(event.clientX - pressedAt) > 2) {
      pressedAt = -Infinity;
      clock.seek(axis.stepOfX(axis.xOfEvent(event)));
    }
    showHover(event, laneAt(event));
  });
  const release = (): void => {
    pressedAt = undefined;
  };
  list.addEventListener("pointerup", release);
  list.addEventListener("pointercancel", release);
  list.addEventListener("pointerleave", () => {
    hoverStep = undefined;
    root.classList.remove("hovering");
    updateValues();
  });

  clock.subscribe(update);
  axis.subscribe(drawBase);

  return {
    show(next, channels) {
      reader = next;
      if (sameChannels(rows, channels)) {
        rows = rows.map((row, index) => ({ ...row, channel: channels[index]! }));
        drawBase();
      } else {
        rebuild(channels);
      }
    },
    setTheme(next) {
      theme = next;
      drawBase();
    },
    folded: () => [...folded],
    setFolded(names) {
      folded.clear();
      for (const name of names) folded.add(name);
      applyFolds();
    },
  };
}

function sameChannels(rows: readonly LaneRow[], channels: readonly Channel[]): boolean {
  const drawable = channels.filter((channel) => laneFor(channel) !== undefined);
  const key = ({ kind, group, name }: Channel): string => `${kind}/${group}/${name}`;
  return (
    rows.length > 0 &&
    rows.length === drawable.length &&
    rows.every((row, index) => key(row.channel) === key(drawable[index]!))
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

function laneRow(channel: Channel, module: LaneModule): LaneRow {
  const heightPx = module.heightPx(channel);
  const value = element("span", { class: "lane-value" });
  const base = sizedCanvas("lane-base");
  const moment = module.drawMoment === undefined ? undefined : sizedCanvas("lane-moment");
  const plot = element("div", { class: "lane-plot" }, [base.canvas, moment?.canvas]);
  const name = element("span", { class: "lane-name", title: channel.name }, [
    formatName(channel.name),
  ]);
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
