/**
 * What the policy thought at the decision in force, and before. Kinds of thought that this page does not
 * know are shown as they were recorded.
 */
import type { Thought } from "../../core/index.ts";
import type { EpisodeReader, RecordedDecision } from "../../episode/types.ts";
import { decisionAt, executedRows, totalMs } from "./channels.ts";
import type { PlaybackClock } from "./clock.ts";
import { element, setText } from "./dom.ts";
import { formatMs, formatName, formatNumber, formatSeconds } from "./format.ts";
import type { Theme } from "./theme.ts";

export interface ThoughtsPanel {
  show(reader: EpisodeReader | undefined): void;
  setTheme(theme: Theme): void;
}

/** A text that differs from the one of its tag before it. */
interface Turn {
  readonly step: number;
  readonly tag: string;
  readonly text: string;
}

export function createThoughts(
  root: HTMLElement,
  options: { readonly clock: PlaybackClock; readonly theme: Theme },
): ThoughtsPanel {
  const { clock } = options;
  const heading = element("div", { class: "thoughts-heading" });
  const now = element("div", { class: "thoughts-now" });
  const earlier = element("ol", { class: "thoughts-earlier" });
  const earlierTitle = element("h3", {}, ["All thoughts"]);
  root.append(heading, now, earlierTitle, earlier);
  let { theme } = options;
  let reader: EpisodeReader | undefined;
  let shown = -2;
  let turns: Turn[] = [];
  let rows: HTMLElement[] = [];
  let current = -2;

  const showDecision = (index: number): void => {
    if (reader === undefined) return;
    const decision = reader.decisions[index];
    if (decision === undefined) {
      const none = reader.decisions.length === 0;
      const words = none ? "This policy recorded no decisions." : "No decision yet at this step.";
      now.replaceChildren(element("p", { class: "empty" }, [words]));
      return;
    }
    const cards = decision.thoughts.map((thought) =>
      card(thought, { reader: reader!, index, theme }),
    );
    const nothing = element("p", { class: "empty" }, ["A chunk without words."]);
    now.replaceChildren(...(cards.length === 0 ? [nothing] : cards));
  };
  const markTurn = (step: number): void => {
    const index = turns.findLastIndex((turn) => turn.step <= step);
    if (index === current) return;
    rows[current]?.removeAttribute("aria-current");
    current = index;
    rows[index]?.setAttribute("aria-current", "true");
    rows[index]?.scrollIntoView({ block: "nearest" });
  };
  const update = (): void => {
    if (reader === undefined) return;
    const { step } = clock.state;
    const index = decisionAt(reader.decisions, step);
    if (index !== shown) {
      shown = index;
      showDecision(index);
    }
    setText(heading, headingOf(reader, { index, step, timeOf: clock.timeOf }));
    markTurn(step);
  };
  const listTurns = (): void => {
    turns = turnsOf(reader?.decisions ?? []);
    rows = turns.map((turn) => turnRow(turn, clock));
    earlier.replaceChildren(...rows);
    earlierTitle.hidden = turns.length === 0;
    current = -2;
  };
  clock.subscribe(update);

  return {
    show(next) {
      const grown = next !== undefined && next === reader;
      reader = next;
      shown = -2;
      root.hidden = next === undefined;
      if (!grown || turnsOf(next.decisions).length !== turns.length) listTurns();
      update();
    },
    setTheme(next) {
      theme = next;
      shown = -2;
      update();
    },
  };
}

function headingOf(
  reader: EpisodeReader,
  at: { index: number; step: number; timeOf: (step: number) => number },
): string {
  const decision = reader.decisions[at.index];
  if (decision === undefined) return "";
  const { horizon } = decision.chunk;
  const rows = executedRows(reader, at.index);
  const took = formatMs(totalMs(decision.timingMs));
  const made = formatSeconds(at.timeOf(decision.step));
  return `Decision ${at.index + 1} of ${reader.decisions.length}, made at step ${decision.step} (${made}) in ${took}: ${horizon} actions, ${rows} executed`;
}

function turnsOf(decisions: readonly RecordedDecision[]): Turn[] {
  const last = new Map<string, string>();
  const turns: Turn[] = [];
  for (const { step, thoughts } of decisions) {
    for (const thought of thoughts) {
      if (thought.kind !== "text" || last.get(thought.tag) === thought.text) continue;
      last.set(thought.tag, thought.text);
      turns.push({ step, tag: thought.tag, text: thought.text });
    }
  }
  return turns;
}

function turnRow(turn: Turn, clock: PlaybackClock): HTMLElement {
  const go = (): void => {
    clock.pause();
    clock.seek(turn.step);
  };
  const button = element("button", { attributes: { type: "button" }, on: { click: go } }, [
    element("span", { class: "turn-step" }, [String(turn.step)]),
    element("span", { class: "turn-text" }, [
      element("span", { class: "tag" }, [formatName(turn.tag)]),
      ` ${turn.text}`,
    ]),
  ]);
  return element("li", {}, [button]);
}

function card(
  thought: Thought,
  context: { reader: EpisodeReader; index: number; theme: Theme },
): HTMLElement {
  switch (thought.kind) {
    case "text":
      return cardOf(thought.tag, [element("p", {}, [thought.text])]);
    case "scalar":
      return cardOf(thought.tag, [
        element("span", { class: "number" }, [formatNumber(thought.value)]),
        sparkline(thought.tag, context),
      ]);
    case "point":
      return cardOf(thought.tag, [
        element("span", { class: "number" }, [thought.position.map(formatNumber).join("  ")]),
        element("span", { class: "unit" }, ["m, world"]),
      ]);
    default: {
      // A file may hold kinds that are newer than this page.
      const unknown: { readonly kind: string; readonly tag?: string } = thought;
      return cardOf(unknown.tag ?? unknown.kind, [
        element("pre", {}, [JSON.stringify(unknown, null, 1)]),
      ]);
    }
  }
}

function cardOf(tag: string, content: readonly Node[]): HTMLElement {
  const inline = content.length > 1;
  return element("section", { class: inline ? "thought inline" : "thought" }, [
    element("span", { class: "tag" }, [formatName(tag)]),
    ...content,
  ]);
}

const SPARK = { width: 84, height: 18, decisions: 40 } as const;

/** The last values of a scalar up to this decision. */
function sparkline(
  tag: string,
  { reader, index, theme }: { reader: EpisodeReader; index: number; theme: Theme },
): Node {
  const values: number[] = [];
  for (let at = Math.max(0, index - SPARK.decisions); at <= index; at++) {
    const found = reader.decisions[at]?.thoughts.find((t) => t.kind === "scalar" && t.tag === tag);
    if (found?.kind === "scalar") values.push(found.value);
  }
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const points = values.map((value, at) => {
    const x = (at / Math.max(1, values.length - 1)) * (SPARK.width - 4) + 2;
    const y = SPARK.height - 2 - ((value - low) / span) * (SPARK.height - 4);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", `0 0 ${SPARK.width} ${SPARK.height}`);
  const line = document.createElementNS(namespace, "polyline");
  line.setAttribute("points", points.join(" "));
  line.setAttribute("stroke", theme.series[0]!);
  svg.append(line);
  return svg;
}
