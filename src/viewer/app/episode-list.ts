/** The episodes of the folder: filters on top, below a list that only makes the rows on screen. */
import type { EpisodeEntry } from "../protocol.ts";
import { element, setText } from "./dom.ts";
import type { EpisodeFilter, Standing } from "./filter.ts";
import { NO_FILTER, STANDINGS, STANDING_WORDS, filterEpisodes, standingOf } from "./filter.ts";
import { formatBytes, formatName, formatSeconds } from "./format.ts";
import { standingIcon } from "./icons.ts";

export interface EpisodeList {
  setEntries(entries: readonly EpisodeEntry[]): void;
  /** Marks the open episode and brings it into view. */
  setOpen(path: string | undefined): void;
  /** Opens the episode `by` rows further in the list as filtered. */
  openNeighbour(by: number): void;
  focusFilter(): void;
  filterText(): string;
  setFilter(patch: Partial<EpisodeFilter>): void;
}

export interface EpisodeListOptions {
  readonly onOpen: (path: string) => void;
  readonly onFilter: () => void;
  readonly onDone: () => void;
}

const ROW_PX = 46;
const SPARE_ROWS = 4;
/** Standings change with time alone (running becomes cut off). */
const RECHECK_MS = 5000;

export function createEpisodeList(root: HTMLElement, options: EpisodeListOptions): EpisodeList {
  let entries: readonly EpisodeEntry[] = [];
  let shown: EpisodeEntry[] = [];
  let filter: EpisodeFilter = NO_FILTER;
  let openPath: string | undefined;

  const box = element("input", {
    class: "filter-text",
    title: "Words, or task:lift seed:3 steps>100 reason:dropped",
    attributes: {
      type: "search",
      placeholder: "Filter",
      "aria-label": "Filter episodes",
      spellcheck: "false",
    },
    on: {
      input: () => setFilter({ text: box.value }),
      keydown: (event) => {
        if (event.key !== "Escape" && event.key !== "Enter") return;
        if (event.key === "Escape") setFilter({ text: "" });
        box.blur();
        options.onDone();
      },
    },
  });
  const task = element("select", {
    attributes: { "aria-label": "Task" },
    on: { change: () => setFilter({ task: task.value === "" ? undefined : task.value }) },
  });
  const steps = (which: "minSteps" | "maxSteps", placeholder: string): HTMLInputElement => {
    const input: HTMLInputElement = element("input", {
      class: "filter-steps",
      title: which === "minSteps" ? "Shortest, in steps" : "Longest, in steps",
      attributes: { type: "number", min: "0", placeholder, "aria-label": `${placeholder} steps` },
      on: {
        input: () => setFilter({ [which]: input.value === "" ? undefined : Number(input.value) }),
      },
    });
    return input;
  };
  const chips = element("div", {
    class: "chips",
    attributes: { role: "group", "aria-label": "Outcome" },
  });
  const count = element("div", { class: "list-count", attributes: { role: "status" } });
  const spacer = element("div", { class: "list-spacer" });
  const list = element(
    "div",
    {
      class: "list-rows",
      attributes: { role: "listbox", tabindex: "0", "aria-label": "Episodes" },
    },
    [spacer],
  );
  root.append(
    element("div", { class: "filters" }, [
      element("label", { class: "filter-box" }, [box, element("kbd", {}, ["/"])]),
      element("div", { class: "filter-line" }, [
        task,
        steps("minSteps", "min"),
        "–",
        steps("maxSteps", "max"),
      ]),
      chips,
    ]),
    count,
    list,
  );

  const setFilter = (patch: Partial<EpisodeFilter>): void => {
    filter = { ...filter, ...patch };
    if (box.value !== filter.text) box.value = filter.text;
    list.scrollTop = 0;
    refresh();
    options.onFilter();
  };
  const refresh = (): void => {
    shown = filterEpisodes(entries, filter, Date.now());
    spacer.style.height = `${shown.length * ROW_PX}px`;
    const all = entries.length;
    const words = shown.length === all ? `${all} episodes` : `${shown.length} of ${all} episodes`;
    setText(count, all === 1 && shown.length === 1 ? "1 episode" : words);
    count.classList.toggle("none", all > 0 && shown.length === 0);
    drawChips();
    drawRows();
  };
  const drawChips = (): void => {
    const counts = new Map<Standing, number>();
    const others = { ...filter, standings: new Set<Standing>() };
    const nowMs = Date.now();
    for (const entry of filterEpisodes(entries, others, nowMs)) {
      const standing = standingOf(entry, nowMs);
      counts.set(standing, (counts.get(standing) ?? 0) + 1);
    }
    const made = STANDINGS.filter((s) => counts.has(s) || filter.standings.has(s)).map((standing) =>
      chip(standing, {
        count: counts.get(standing) ?? 0,
        on: filter.standings.has(standing),
        toggle,
      }),
    );
    chips.replaceChildren(...made);
  };
  const toggle = (standing: Standing): void => {
    const standings = new Set(filter.standings);
    if (!standings.delete(standing)) standings.add(standing);
    setFilter({ standings });
  };
  const drawRows = (): void => {
    const first = Math.max(0, Math.floor(list.scrollTop / ROW_PX) - SPARE_ROWS);
    const rows = Math.ceil(list.clientHeight / ROW_PX) + 2 * SPARE_ROWS;
    const nowMs = Date.now();
    const made = shown.slice(first, first + rows).map((entry, index) => {
      const row = episodeRow(entry, {
        standing: standingOf(entry, nowMs),
        open: entry.path === openPath,
      });
      row.style.transform = `translateY(${(first + index) * ROW_PX}px)`;
      return row;
    });
    spacer.replaceChildren(...made);
  };
  const scrollTo = (index: number): void => {
    const top = index * ROW_PX;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW_PX > list.scrollTop + list.clientHeight) {
      list.scrollTop = top + ROW_PX - list.clientHeight;
    }
  };

  list.addEventListener("scroll", drawRows, { passive: true });
  list.addEventListener("click", (event) => {
    const row =
      event.target instanceof Element ? event.target.closest<HTMLElement>(".episode") : null;
    const path = row?.dataset["path"];
    if (path !== undefined) options.onOpen(path);
  });
  new ResizeObserver(drawRows).observe(list);
  setInterval(refresh, RECHECK_MS);

  return {
    setEntries(next) {
      entries = next;
      drawTasks(task, entries, filter.task);
      refresh();
    },
    setOpen(path) {
      openPath = path;
      const index = shown.findIndex((entry) => entry.path === path);
      if (index >= 0) scrollTo(index);
      drawRows();
    },
    openNeighbour(by) {
      const index = shown.findIndex((entry) => entry.path === openPath);
      const next = shown[index < 0 ? 0 : index + by];
      if (next !== undefined) options.onOpen(next.path);
    },
    focusFilter() {
      box.focus();
      box.select();
    },
    filterText: () => filter.text,
    setFilter,
  };
}

function drawTasks(
  select: HTMLSelectElement,
  entries: readonly EpisodeEntry[],
  chosen: string | undefined,
): void {
  const names = [
    ...new Set(entries.flatMap(({ summary }) => (summary === undefined ? [] : [summary.task]))),
  ];
  const key = names.sort().join("\n");
  if (select.dataset["tasks"] === key) return;
  select.dataset["tasks"] = key;
  const option = (value: string, words: string): HTMLOptionElement =>
    element("option", { attributes: { value } }, [words]);
  select.replaceChildren(
    option("", names.length === 1 ? "1 task" : `all ${names.length} tasks`),
    ...names.map((name) => option(name, formatName(name))),
  );
  select.value = chosen ?? "";
}

function chip(
  standing: Standing,
  { count, on, toggle }: { count: number; on: boolean; toggle: (standing: Standing) => void },
): HTMLElement {
  const attributes = {
    type: "button",
    "aria-pressed": String(on),
    "aria-label": STANDING_WORDS[standing],
  };
  const made = element(
    "button",
    {
      class: "chip",
      title: `Show ${STANDING_WORDS[standing]} only`,
      attributes,
      on: { click: () => toggle(standing) },
    },
    [standingIcon(standing), String(count)],
  );
  made.dataset["standing"] = standing;
  return made;
}

function episodeRow(
  entry: EpisodeEntry,
  { standing, open }: { standing: Standing; open: boolean },
): HTMLElement {
  const { summary } = entry;
  const title = summary === undefined ? entry.path : formatName(summary.task);
  const row = element(
    "div",
    {
      class: "episode",
      title: tooltip(entry, standing),
      attributes: {
        role: "option",
        "aria-selected": String(open),
        "aria-label": `${title}, ${STANDING_WORDS[standing]}`,
      },
    },
    [
      standingIcon(standing),
      element("span", { class: "episode-title" }, [title]),
      element("span", { class: "episode-detail" }, [detail(entry, standing)]),
    ],
  );
  row.dataset["path"] = entry.path;
  row.dataset["standing"] = standing;
  return row;
}

function detail({ summary, bytes, error }: EpisodeEntry, standing: Standing): string {
  if (summary === undefined) return error ?? `${formatBytes(bytes)}, not an episode`;
  const again = summary.attempt > 1 ? ` · attempt ${summary.attempt}` : "";
  const length =
    standing === "running"
      ? formatBytes(bytes)
      : `${summary.steps} steps · ${formatSeconds(summary.durationS)}`;
  const reason =
    summary.outcome?.kind === "failure" ? ` · ${formatName(summary.outcome.reason)}` : "";
  return `seed ${summary.seed}${again} · ${length}${reason}`;
}

function tooltip(entry: EpisodeEntry, standing: Standing): string {
  const { summary } = entry;
  if (summary === undefined) return `${entry.path}\n${entry.error ?? ""}`;
  return [
    entry.path,
    summary.instruction,
    `${summary.policy} on ${summary.environment}`,
    STANDING_WORDS[standing],
    summary.outcome?.kind === "crash" ? summary.outcome.error : "",
  ]
    .filter((line) => line !== "")
    .join("\n");
}
