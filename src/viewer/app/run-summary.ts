/** The table above the list: success by task with its interval. A click on a row filters by the task. */
import type { EpisodeEntry, RunResults } from "../protocol.ts";
import { element } from "./dom.ts";
import { formatName, formatPercent } from "./format.ts";
import type { RunTable, TaskSummary } from "./statistics.ts";
import { readResults, summariseEpisodes, totalOf } from "./statistics.ts";

export interface RunSummary {
  setEntries(entries: readonly EpisodeEntry[]): void;
  setResults(results: readonly RunResults[]): void;
}

export function createRunSummary(
  root: HTMLElement,
  options: { readonly onTask: (task: string) => void },
): RunSummary {
  let entries: readonly EpisodeEntry[] = [];
  let results: readonly RunTable[] = [];
  let key = "";
  const draw = (): void => {
    const counted = { title: "of the episodes below", tasks: summariseEpisodes(entries) };
    const tables = (results.length > 0 ? results : [counted]).filter(
      ({ tasks }) => tasks.length > 0,
    );
    const nextKey = JSON.stringify(tables);
    if (nextKey === key) return;
    key = nextKey;
    root.hidden = tables.length === 0;
    root.replaceChildren(...tables.flatMap((table) => tableOf(table, options.onTask)));
  };
  return {
    setEntries(next) {
      entries = next;
      draw();
    },
    setResults(next) {
      results = next.map(readResults).filter((table) => table !== undefined);
      draw();
    },
  };
}

const EXPLANATION =
  "Successes among the episodes that did not crash, with the 95 % Wilson interval";

function tableOf({ title, tasks }: RunTable, onTask: (task: string) => void): HTMLElement[] {
  const heading = element("h2", { title: EXPLANATION }, [
    "Success",
    element("span", { class: "quiet" }, [` ${title}`]),
  ]);
  const body = element(
    "tbody",
    {},
    tasks.map((row) => taskRow(row, onTask)),
  );
  const foot = tasks.length > 1 ? element("tfoot", {}, [cells("all", totalOf(tasks))]) : undefined;
  return [heading, element("table", {}, [body, foot])];
}

function taskRow(row: TaskSummary, onTask: (task: string) => void): HTMLElement {
  const made = cells(formatName(row.task), row);
  made.tabIndex = 0;
  made.dataset["task"] = row.task;
  made.addEventListener("click", () => onTask(row.task));
  made.addEventListener("keydown", (event) => {
    if (event.key === "Enter") onTask(row.task);
  });
  return made;
}

function cells(name: string, row: TaskSummary): HTMLTableRowElement {
  const { successes, scored, low, high, crashes } = row;
  const rate = scored === 0 ? 0 : successes / scored;
  const interval = `${formatPercent(rate)}, 95 % interval ${formatPercent(low)} to ${formatPercent(high)}`;
  const bar = element("span", { class: "rate", title: interval }, [
    element("i", { class: "rate-interval" }),
    element("i", { class: "rate-mark" }),
  ]);
  bar.style.setProperty("--low", String(low));
  bar.style.setProperty("--high", String(high));
  bar.style.setProperty("--rate", String(rate));
  const crashed =
    crashes === 0
      ? undefined
      : element("span", { class: "crashes", title: `${crashes} crashed` }, [` +${crashes}!`]);
  return element("tr", {}, [
    element("td", { class: "task", title: name }, [name]),
    element("td", { class: "bar" }, scored === 0 ? [] : [bar]),
    element("td", { class: "of" }, [`${successes}/${scored}`, crashed]),
  ]);
}
