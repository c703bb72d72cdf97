/** The controls above the list: the filter box, task, length, and one chip per outcome. */
import type { EpisodeEntry } from "../protocol.ts";
import { element } from "./dom.ts";
import type { EpisodeFilter, Standing } from "./filter.ts";
import { NO_FILTER, STANDINGS, STANDING_WORDS, filterEpisodes, standingOf } from "./filter.ts";
import { formatName } from "./format.ts";
import { standingIcon } from "./icons.ts";

export interface EpisodeFiltersOptions {
  readonly onChange: () => void;
  /** The person has finished typing. */
  readonly onDone: () => void;
}

export class EpisodeFilters {
  readonly #options: EpisodeFiltersOptions;
  readonly #box: HTMLInputElement;
  readonly #task: HTMLSelectElement;
  readonly #chips: HTMLElement;
  #filter: EpisodeFilter = NO_FILTER;
  #taskNames: readonly string[] = [];

  constructor(root: HTMLElement, options: EpisodeFiltersOptions) {
    this.#options = options;
    this.#box = this.#makeBox();
    this.#task = element("select", {
      attributes: { "aria-label": "Task" },
      on: {
        change: () => this.set({ task: this.#task.value === "" ? undefined : this.#task.value }),
      },
    });
    const chips = { role: "group", "aria-label": "Outcome" };
    this.#chips = element("div", { class: "chips", attributes: chips });
    const hint = element("kbd", {}, ["/"]);
    root.append(
      element("label", { class: "filter-box" }, [this.#box, hint]),
      element("div", { class: "filter-line" }, [
        this.#task,
        this.#makeLimit("minSteps", "min"),
        "–",
        this.#makeLimit("maxSteps", "max"),
      ]),
      this.#chips,
    );
  }

  get(): EpisodeFilter {
    return this.#filter;
  }

  set(patch: Partial<EpisodeFilter>): void {
    this.#filter = { ...this.#filter, ...patch };
    if (this.#box.value !== this.#filter.text) this.#box.value = this.#filter.text;
    this.#options.onChange();
  }

  focus(): void {
    this.#box.focus();
    this.#box.select();
  }

  /** Offers the tasks there are, and counts outcomes among what the other filters let through. */
  draw(entries: readonly EpisodeEntry[], nowMs: number): void {
    this.#drawTasks(entries);
    const counts = new Map<Standing, number>();
    const others = { ...this.#filter, standings: new Set<Standing>() };
    for (const entry of filterEpisodes(entries, others, nowMs)) {
      const standing = standingOf(entry, nowMs);
      counts.set(standing, (counts.get(standing) ?? 0) + 1);
    }
    const chosen = this.#filter.standings;
    const shown = STANDINGS.filter((standing) => counts.has(standing) || chosen.has(standing));
    const chips = shown.map((standing) => this.#chip(standing, counts.get(standing) ?? 0));
    this.#chips.replaceChildren(...chips);
  }

  #drawTasks(entries: readonly EpisodeEntry[]): void {
    const tasks = entries.flatMap(({ summary }) => (summary === undefined ? [] : [summary.task]));
    const names = [...new Set(tasks)].sort();
    if (names.join("\n") === this.#taskNames.join("\n")) return;
    this.#taskNames = names;
    const option = (value: string, words: string): HTMLOptionElement =>
      element("option", { attributes: { value } }, [words]);
    this.#task.replaceChildren(
      option("", names.length === 1 ? "1 task" : `all ${names.length} tasks`),
      ...names.map((name) => option(name, formatName(name))),
    );
    this.#task.value = this.#filter.task ?? "";
  }

  #chip(standing: Standing, count: number): HTMLElement {
    const words = STANDING_WORDS[standing];
    const pressed = this.#filter.standings.has(standing);
    const click = (): void => {
      const standings = new Set(this.#filter.standings);
      if (!standings.delete(standing)) standings.add(standing);
      this.set({ standings });
    };
    const attributes = { type: "button", "aria-pressed": String(pressed), "aria-label": words };
    const chip = element(
      "button",
      { class: "chip", title: `Show ${words} only`, attributes, on: { click } },
      [standingIcon(standing), String(count)],
    );
    chip.dataset["standing"] = standing;
    return chip;
  }

  #makeBox(): HTMLInputElement {
    return element("input", {
      class: "filter-text",
      title: "Words, or task:lift seed:3 steps>100 reason:dropped",
      attributes: {
        type: "search",
        placeholder: "Filter",
        "aria-label": "Filter episodes",
        spellcheck: "false",
      },
      on: {
        input: () => this.set({ text: this.#box.value }),
        keydown: ({ key }) => {
          if (key !== "Escape" && key !== "Enter") return;
          if (key === "Escape") this.set({ text: "" });
          this.#box.blur();
          this.#options.onDone();
        },
      },
    });
  }

  #makeLimit(which: "minSteps" | "maxSteps", placeholder: string): HTMLInputElement {
    const input: HTMLInputElement = element("input", {
      class: "filter-steps",
      title: which === "minSteps" ? "Shortest, in steps" : "Longest, in steps",
      attributes: { type: "number", min: "0", placeholder, "aria-label": `${placeholder} steps` },
      on: {
        input: () => {
          const value = input.value === "" ? undefined : Number(input.value);
          this.set({ [which]: value });
        },
      },
    });
    return input;
  }
}
