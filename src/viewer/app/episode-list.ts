/** The episodes of the folder, filtered; only the rows on screen are made. */
import type { EpisodeEntry } from "../protocol.ts";
import { element, setText } from "./dom.ts";
import { EpisodeFilters } from "./episode-filters.ts";
import type { EpisodeFilter, Standing } from "./filter.ts";
import { STANDING_WORDS, filterEpisodes, standingOf } from "./filter.ts";
import { formatBytes, formatName, formatSeconds } from "./format.ts";
import { standingIcon } from "./icons.ts";

export interface EpisodeListOptions {
  readonly onOpen: (path: string) => void;
  readonly onFilter: () => void;
  readonly onDone: () => void;
}

const ROW_PX = 46;
const SPARE_ROWS = 4;
/** Standings change with time alone (running becomes cut off). */
const RECHECK_MS = 5000;

export class EpisodeList {
  readonly #options: EpisodeListOptions;
  readonly #filters: EpisodeFilters;
  readonly #count = element("div", { class: "list-count", attributes: { role: "status" } });
  readonly #spacer = element("div", { class: "list-spacer" });
  readonly #rows: HTMLElement;
  #entries: readonly EpisodeEntry[] = [];
  #shown: readonly EpisodeEntry[] = [];
  #openPath: string | undefined;

  constructor(root: HTMLElement, options: EpisodeListOptions) {
    this.#options = options;
    const filters = element("div", { class: "filters" });
    this.#filters = new EpisodeFilters(filters, {
      onChange: () => {
        this.#rows.scrollTop = 0;
        this.#refresh();
        options.onFilter();
      },
      onDone: options.onDone,
    });
    const attributes = { role: "listbox", tabindex: "0", "aria-label": "Episodes" };
    this.#rows = element("div", { class: "list-rows", attributes }, [this.#spacer]);
    root.append(filters, this.#count, this.#rows);
    this.#rows.addEventListener("scroll", () => this.#drawRows(), { passive: true });
    this.#rows.addEventListener("click", (event) => {
      const row = event.target instanceof Element ? event.target.closest(".episode") : null;
      const path = row instanceof HTMLElement ? row.dataset["path"] : undefined;
      if (path !== undefined) options.onOpen(path);
    });
    new ResizeObserver(() => this.#drawRows()).observe(this.#rows);
    setInterval(() => this.#refresh(), RECHECK_MS);
  }

  setEntries(entries: readonly EpisodeEntry[]): void {
    this.#entries = entries;
    this.#refresh();
  }

  /** Marks the open episode and brings it into view. */
  setOpen(path: string | undefined): void {
    this.#openPath = path;
    const index = this.#shown.findIndex((entry) => entry.path === path);
    if (index >= 0) this.#scrollTo(index);
    this.#drawRows();
  }

  /** Opens the episode `by` rows further in the list as filtered. */
  openNeighbour(by: number): void {
    const index = this.#shown.findIndex((entry) => entry.path === this.#openPath);
    const next = this.#shown[index < 0 ? 0 : index + by];
    if (next !== undefined) this.#options.onOpen(next.path);
  }

  focusFilter(): void {
    this.#filters.focus();
  }

  filterText(): string {
    return this.#filters.get().text;
  }

  setFilter(patch: Partial<EpisodeFilter>): void {
    this.#filters.set(patch);
  }

  #refresh(): void {
    const nowMs = Date.now();
    this.#shown = filterEpisodes(this.#entries, this.#filters.get(), nowMs);
    this.#spacer.style.height = `${this.#shown.length * ROW_PX}px`;
    setText(this.#count, countWords(this.#shown.length, this.#entries.length));
    this.#count.classList.toggle("none", this.#entries.length > 0 && this.#shown.length === 0);
    this.#filters.draw(this.#entries, nowMs);
    this.#drawRows();
  }

  #drawRows(): void {
    const { scrollTop, clientHeight } = this.#rows;
    const first = Math.max(0, Math.floor(scrollTop / ROW_PX) - SPARE_ROWS);
    const count = Math.ceil(clientHeight / ROW_PX) + 2 * SPARE_ROWS;
    const nowMs = Date.now();
    const rows = this.#shown.slice(first, first + count).map((entry, index) => {
      const open = entry.path === this.#openPath;
      const row = episodeRow(entry, { standing: standingOf(entry, nowMs), open });
      row.style.transform = `translateY(${(first + index) * ROW_PX}px)`;
      return row;
    });
    this.#spacer.replaceChildren(...rows);
  }

  #scrollTo(index: number): void {
    const top = index * ROW_PX;
    const { scrollTop, clientHeight } = this.#rows;
    const visible = top >= scrollTop && top + ROW_PX <= scrollTop + clientHeight;
    if (!visible) this.#rows.scrollTop = top - clientHeight / 2;
  }
}

function countWords(shown: number, all: number): string {
  if (shown < all) return `${shown} of ${all} episodes`;
  return all === 1 ? "1 episode" : `${all} episodes`;
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
  const time = `${summary.steps} steps · ${formatSeconds(summary.durationS)}`;
  const length = standing === "running" ? `${summary.steps} steps so far` : time;
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
