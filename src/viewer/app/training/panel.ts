/** The curves of the runs that are shown: one place pointed at, one axis and one set of switches for all. */
import { element, setText } from "../dom.ts";
import { formatNumber } from "../format.ts";
import type { Theme } from "../theme.ts";
import type { Chart, ShownRun } from "./chart.ts";
import { createChart } from "./chart.ts";
import { chartsFor } from "./charts.ts";
import type { AxisKind, Range, XAxis } from "./series.ts";
import { axisOf, nearestIndex, xOfRow } from "./series.ts";

/** How the curves are shown; what a link keeps. */
export interface PanelSettings {
  readonly axis: AxisKind;
  readonly logarithmic: boolean;
  /** Weight of the past in smoothed lines. */
  readonly smoothing: number;
}

export const SMOOTHINGS: readonly number[] = [0, 0.6, 0.9, 0.97];

export const DEFAULT_SETTINGS: PanelSettings = {
  axis: "update",
  logarithmic: false,
  smoothing: 0.9,
};

export class CurvesPanel {
  readonly #grid: HTMLElement;
  readonly #place: HTMLElement;
  #charts: readonly Chart[] = [];
  #runs: readonly ShownRun[] = [];
  #settings = DEFAULT_SETTINGS;
  #theme: Theme;
  #x: number | undefined;

  /** @param place says which place is pointed at */
  constructor(root: HTMLElement, options: { readonly theme: Theme; readonly place: HTMLElement }) {
    this.#theme = options.theme;
    this.#place = options.place;
    this.#grid = root;
  }

  show(runs: readonly ShownRun[], settings: PanelSettings): void {
    if (settings.axis !== this.#settings.axis) this.#x = undefined;
    this.#runs = runs;
    this.#settings = settings;
    this.#prepare();
    this.#draw();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
  }

  /** Moves the place pointed at by so many rows of the first run; `undefined` shows the newest again. */
  moveBy(rows: number | undefined): void {
    const places = this.#places();
    if (rows === undefined || places.length === 0) {
      this.#point(undefined);
      return;
    }
    const from = this.#x === undefined ? places.length - 1 : nearestIndex(places, this.#x);
    this.#point(places[Math.max(0, Math.min(places.length - 1, from + rows))]);
  }

  /** Ascending places of the first run's rows. */
  #places(): readonly number[] {
    const [first] = this.#runs;
    if (first === undefined) return [];
    const axis = this.#axis();
    const { train, validation, evaluation } = first.rows;
    const all = [...train, ...validation, ...evaluation].map((row) => xOfRow(row, axis));
    return [...new Set(all.filter((x) => !Number.isNaN(x)))].sort((a, b) => a - b);
  }

  #axis(): XAxis {
    const longestS = this.#runs.map(({ rows }) => rows.train.at(-1)?.elapsedS ?? 0);
    return axisOf(this.#settings.axis, Math.max(0, ...longestS.filter((s) => !Number.isNaN(s))));
  }

  #range(axis: XAxis): Range {
    const rows = this.#runs.flatMap(({ rows: { train, validation, evaluation } }) => [
      ...train.slice(-1),
      ...validation.slice(-1),
      ...evaluation.slice(-1),
    ]);
    const ends = rows.map((row) => xOfRow(row, axis)).filter((x) => !Number.isNaN(x));
    return { low: 0, high: Math.max(1e-9, ...ends) };
  }

  /** Makes charts for what there is; those that stay keep their elements. */
  #prepare(): void {
    const wanted = chartsFor(this.#runs.map(({ rows }) => rows));
    const ids = wanted.map(({ id }) => id).join();
    if (ids === this.#charts.map(({ definition }) => definition.id).join()) return;
    const kept = new Map(this.#charts.map((chart) => [chart.definition.id, chart]));
    this.#charts = wanted.map(
      (definition) => kept.get(definition.id) ?? createChart(definition, (x) => this.#point(x)),
    );
    this.#grid.classList.toggle(
      "evaluated",
      wanted.some(({ id }) => id === "success"),
    );
    this.#grid.replaceChildren(...this.#charts.map(({ root }) => root));
  }

  #draw(): void {
    const axis = this.#axis();
    const { smoothing, logarithmic } = this.#settings;
    const state = {
      runs: this.#runs,
      axis,
      xRange: this.#range(axis),
      smoothing,
      logarithmic,
      theme: this.#theme,
    };
    for (const chart of this.#charts) chart.draw(state);
    this.#point(this.#x);
  }

  #point(x: number | undefined): void {
    this.#x = x;
    const axis = this.#axis();
    const at = x ?? this.#range(axis).high;
    const number = axis.kind === "update" ? Math.round(at).toLocaleString("en") : formatNumber(at);
    const words = axis.kind === "time" ? `${number} ${axis.unit}` : `${axis.unit} ${number}`;
    setText(
      this.#place,
      this.#runs.length === 0 ? "" : x === undefined ? `newest: ${words}` : words,
    );
    for (const chart of this.#charts) chart.point(x);
  }
}

/** Whether every run has written what the axis needs. */
export function isAvailable(kind: AxisKind, runs: readonly ShownRun[]): boolean {
  if (kind !== "time") return true;
  return runs.every(({ rows }) => rows.train.every(({ elapsedS }) => !Number.isNaN(elapsedS)));
}

/** The next of a list, from the start again after its end. */
export function nextOf<T>(list: readonly T[], current: T): T {
  return list[(list.indexOf(current) + 1) % list.length] ?? current;
}

/** A row of buttons of which one is pressed. */
export function choiceButtons<T extends string>(
  label: string,
  choices: readonly { readonly value: T; readonly words: string }[],
  onChoose: (value: T) => void,
): { readonly root: HTMLElement; set(value: T, disabled?: ReadonlySet<T>): void } {
  const buttons = choices.map(({ value, words }) => {
    const attributes = { type: "button" };
    const made = element("button", { attributes, on: { click: () => onChoose(value) } }, [words]);
    made.dataset["value"] = value;
    return made;
  });
  const root = element(
    "div",
    { class: "choice", attributes: { role: "group", "aria-label": label } },
    buttons,
  );
  return {
    root,
    set(value, disabled) {
      for (const [index, button] of buttons.entries()) {
        const own = choices[index]!.value;
        button.setAttribute("aria-pressed", String(own === value));
        button.disabled = disabled?.has(own) === true;
      }
    },
  };
}
