/** One thought as a card. Kinds that this page does not know are shown as they were recorded. */
import type { Thought } from "../../core/index.ts";
import type { EpisodeReader } from "../../episode/types.ts";
import { element } from "./dom.ts";
import { formatName, formatNumber } from "./format.ts";
import type { Theme } from "./theme.ts";
import { refinementPlots, slicePlot } from "./thought-plots.ts";

export function thoughtCard(
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
    case "refinement":
      return plotted(thought.tag, [
        ...refinementLines(thought),
        ...refinementPlots(thought, context.theme),
      ]);
    case "slice":
      return plotted(thought.tag, [slicePlot(thought, context.theme)]);
    case "point":
      return cardOf(thought.tag, [
        element("span", { class: "number" }, [thought.position.map(formatNumber).join("  ")]),
        element("span", { class: "unit", title: "world frame" }, ["m"]),
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

/** How many steps were done, and the numbers of a single one, which make no plot. */
function refinementLines({ steps, values }: Extract<Thought, { kind: "refinement" }>): Node[] {
  const count = steps.at(-1) ?? 0;
  const lone = Object.entries(values)
    .filter(([, numbers]) => numbers.length === 1)
    .map(([name, [number = NaN]]) => `${formatName(name)} ${formatNumber(number)}`);
  const words = [count === 1 ? "1 step" : `${count} steps`, ...lone];
  return [element("p", {}, [words.join(", ")])];
}

/** Words that were said at an earlier decision and still hold. */
export function earlierCard(turn: {
  readonly step: number;
  readonly tag: string;
  readonly text: string;
}): HTMLElement {
  const since = element("span", { class: "tag" }, [
    `${formatName(turn.tag)} · since step ${turn.step}`,
  ]);
  return element("section", { class: "thought" }, [since, element("p", {}, [turn.text])]);
}

/** A card whose content stands below its name. */
function plotted(tag: string, content: readonly Node[]): HTMLElement {
  const card = cardOf(tag, content);
  card.classList.remove("inline");
  return card;
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
