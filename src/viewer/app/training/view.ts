/** Training on the page: the runs of the folder, which of them are shown, and how. */
import type { TrainingRun } from "../../protocol.ts";
import { element, setText } from "../dom.ts";
import type { KeyCommand } from "../keyboard.ts";
import { metricsUrl } from "../library.ts";
import type { Theme } from "../theme.ts";
import type { ShownRun } from "./chart.ts";
import { folderOf, nameOf, parentOf } from "./describe.ts";
import { drawFacts } from "./facts.ts";
import type { MetricsFollower } from "./follow.ts";
import { followMetrics, httpReadFrom } from "./follow.ts";
import type { PanelSettings } from "./panel.ts";
import {
  CurvesPanel,
  DEFAULT_SETTINGS,
  SMOOTHINGS,
  choiceButtons,
  isAvailable,
  nextOf,
} from "./panel.ts";
import type { Row, Rows } from "./rows.ts";
import { byKind } from "./rows.ts";
import type { RunList } from "./run-list.ts";
import { createRunList } from "./run-list.ts";
import type { AxisKind } from "./series.ts";
import { AXIS_KINDS } from "./series.ts";

export interface TrainingViewOptions {
  readonly list: HTMLElement;
  readonly panel: HTMLElement;
  readonly theme: Theme;
  /** What is shown has changed. */
  readonly onChange: () => void;
  /** Somebody has chosen a run. */
  readonly onChosen: () => void;
  readonly onNotice: (message: string) => void;
}

/** Standings change with time alone (running becomes stopped). */
const RECHECK_MS = 10_000;
const AXIS_WORDS: Readonly<Record<AxisKind, string>> = {
  update: "Updates",
  epoch: "Epochs",
  time: "Time",
};

interface Followed {
  readonly follower: MetricsFollower;
  /** What was read at the last change, by kind. */
  read: readonly Row[];
  rows: Rows;
  /** Keeps its colour while others come and go. */
  readonly slot: number;
}

export class TrainingView {
  readonly #options: TrainingViewOptions;
  readonly #list: RunList;
  readonly #panel: CurvesPanel;
  readonly #title = element("h1");
  readonly #facts = element("aside", { class: "facts", attributes: { "aria-label": "Runs" } });
  readonly #axis;
  readonly #log;
  readonly #smooth;
  readonly #shown = new Map<string, Followed>();
  #runs: readonly TrainingRun[] = [];
  #settings: PanelSettings = DEFAULT_SETTINGS;
  #wanted: readonly string[] = [];
  #theme: Theme;

  constructor(options: TrainingViewOptions) {
    this.#options = options;
    this.#theme = options.theme;
    this.#list = createRunList(options.list, {
      onSelect: (paths) => this.#choose(paths),
      onToggle: (path) => this.#choose(this.#toggled(path)),
    });
    const axes = AXIS_KINDS.map((value) => ({ value, words: AXIS_WORDS[value] }));
    this.#axis = choiceButtons("Along the bottom (X)", axes, (axis) => this.set({ axis }));
    const scales = [
      { value: "linear", words: "Linear" },
      { value: "log", words: "Log" },
    ] as const;
    this.#log = choiceButtons<"linear" | "log">("Scale of the loss (L)", scales, (scale) =>
      this.set({ logarithmic: scale === "log" }),
    );
    const weights = SMOOTHINGS.map((weight) => ({
      value: String(weight),
      words: weight === 0 ? "Raw" : String(weight),
    }));
    this.#smooth = choiceButtons("Smoothing: weight of the past (S)", weights, (weight) =>
      this.set({ smoothing: Number(weight) }),
    );
    const place = element("span", { class: "place quiet", attributes: { role: "status" } });
    const grid = element("div", { class: "charts" });
    const tools = element("div", { class: "tools" }, [
      this.#axis.root,
      this.#log.root,
      element("span", { class: "quiet tool-word" }, ["Smooth"]),
      this.#smooth.root,
    ]);
    options.panel.append(
      element("header", { class: "training-title" }, [this.#title, place, tools]),
      grid,
      this.#facts,
    );
    this.#panel = new CurvesPanel(grid, { theme: options.theme, place });
    setInterval(() => this.#drawRuns(), RECHECK_MS);
  }

  /** Takes the runs of the folder; reads on where one that is shown has grown. */
  setRuns(runs: readonly TrainingRun[]): void {
    this.#runs = runs;
    for (const path of [...this.#shown.keys()]) {
      if (!runs.some((run) => run.path === path)) this.#shown.delete(path);
    }
    if (this.#wanted.length > 0) this.show(this.#wanted);
    for (const path of this.#shown.keys()) this.#refresh(path);
    this.#draw();
  }

  /** Shows these runs and no others; before the folder is known, as soon as it is. */
  show(paths: readonly string[]): void {
    this.#wanted = this.#runs.length === 0 ? paths : [];
    if (this.#runs.length === 0) return;
    const known = paths.filter((path) => this.#runs.some((run) => run.path === path));
    const absent = paths.find((path) => !known.includes(path));
    if (absent !== undefined) {
      this.#options.onNotice(`Cannot show training run ${absent}: the folder has no such run`);
    }
    for (const path of [...this.#shown.keys()]) if (!known.includes(path)) this.#shown.delete(path);
    for (const path of known) {
      if (this.#shown.has(path)) continue;
      const follower = followMetrics(httpReadFrom(metricsUrl(path)));
      this.#shown.set(path, { follower, read: [], rows: byKind([]), slot: this.#freeSlot() });
      this.#refresh(path);
    }
    this.#draw();
    this.#options.onChange();
  }

  /** Shows the run that was written last, unless some are shown. */
  showNewest(): void {
    if (this.#shown.size > 0 || this.#wanted.length > 0) return;
    const newest = [...this.#runs].sort((a, b) => b.modifiedMs - a.modifiedMs)[0];
    if (newest !== undefined) this.show([newest.path]);
  }

  shown(): readonly string[] {
    return this.#wanted.length > 0 ? this.#wanted : [...this.#shown.keys()];
  }

  settings(): PanelSettings {
    return this.#settings;
  }

  set(patch: Partial<PanelSettings>): void {
    this.#settings = { ...this.#settings, ...patch };
    this.#draw();
    this.#options.onChange();
  }

  setTheme(theme: Theme): void {
    this.#theme = theme;
    this.#panel.setTheme(theme);
    this.#draw();
  }

  commands(): readonly KeyCommand[] {
    const step = (by: number) => (key: string) =>
      this.#panel.moveBy(key === "ArrowLeft" ? -by : by);
    return [
      { keys: ["ArrowLeft", "ArrowRight"], label: "← →", words: "one measurement", run: step(1) },
      {
        keys: ["Shift+ArrowLeft", "Shift+ArrowRight"],
        label: "Shift ← →",
        words: "ten measurements",
        run: step(10),
      },
      {
        keys: ["Home", "End"],
        label: "Home End",
        words: "first and newest measurement",
        run: (key) => this.#panel.moveBy(key === "Home" ? -Infinity : Infinity),
      },
      {
        keys: ["ArrowUp", "ArrowDown"],
        label: "↑ ↓",
        words: "previous and next run",
        run: (key) => this.#chooseNeighbour(key === "ArrowUp" ? -1 : 1),
      },
      { keys: ["a"], label: "A", words: "all runs of the sweep", run: () => this.#chooseSweep() },
      {
        keys: ["x"],
        label: "X",
        words: "updates, epochs or time along the bottom",
        run: () => this.set({ axis: nextOf(this.#axes(), this.#settings.axis) }),
      },
      {
        keys: ["l"],
        label: "L",
        words: "logarithmic scale of the loss",
        run: () => this.set({ logarithmic: !this.#settings.logarithmic }),
      },
      {
        keys: ["s"],
        label: "S",
        words: "smoother curves, then raw ones",
        run: () => this.set({ smoothing: nextOf(SMOOTHINGS, this.#settings.smoothing) }),
      },
    ];
  }

  /** Points at nothing: the newest values are read out again. */
  unpoint(): void {
    this.#panel.moveBy(undefined);
  }

  #choose(paths: readonly string[]): void {
    this.show(paths);
    this.#options.onChosen();
  }

  #toggled(path: string): readonly string[] {
    const shown = [...this.#shown.keys()];
    return shown.includes(path) ? shown.filter((other) => other !== path) : [...shown, path];
  }

  #chooseNeighbour(by: number): void {
    const [current] = this.#shown.keys();
    const index = this.#runs.findIndex(({ path }) => path === current);
    const next = this.#runs[index < 0 ? 0 : index + by];
    if (next !== undefined) this.#choose([next.path]);
  }

  #chooseSweep(): void {
    const [current] = this.#shown.keys();
    const run = this.#runs.find(({ path }) => path === current);
    if (run === undefined) return;
    const sweep = this.#runs.filter((other) => parentOf(other) === parentOf(run));
    this.#choose(sweep.map(({ path }) => path));
  }

  #axes(): readonly AxisKind[] {
    return AXIS_KINDS.filter((kind) => isAvailable(kind, this.#shownRuns()));
  }

  #freeSlot(): number {
    const taken = new Set([...this.#shown.values()].map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  #refresh(path: string): void {
    const followed = this.#shown.get(path);
    if (followed === undefined) return;
    followed.follower.refresh().then(
      (changed) => {
        if (!changed || this.#shown.get(path) !== followed) return;
        const read = followed.follower.rows();
        if (read === followed.read) return;
        followed.read = read;
        followed.rows = byKind(read);
        this.#draw();
      },
      (error: unknown) =>
        this.#options.onNotice(error instanceof Error ? error.message : String(error)),
    );
  }

  #shownRuns(): readonly ShownRun[] {
    return this.#factsRuns().map(({ run, color, rows }) => ({
      path: run.path,
      name: `${nameOf(run)} ${folderOf(run)}`.trim(),
      color,
      rows,
    }));
  }

  #factsRuns(): readonly { run: TrainingRun; color: string; rows: Rows }[] {
    return [...this.#shown].flatMap(([path, { rows, slot }]) => {
      const run = this.#runs.find((known) => known.path === path);
      return run === undefined ? [] : [{ run, color: this.#colorOf(slot), rows }];
    });
  }

  #colorOf(slot: number): string {
    return this.#theme.series[slot % this.#theme.series.length]!;
  }

  #draw(): void {
    const runs = this.#shownRuns();
    if (!isAvailable(this.#settings.axis, runs))
      this.#settings = { ...this.#settings, axis: "update" };
    const unavailable = AXIS_KINDS.filter((kind) => !isAvailable(kind, runs));
    this.#axis.set(this.#settings.axis, new Set(unavailable));
    this.#log.set(this.#settings.logarithmic ? "log" : "linear");
    this.#smooth.set(String(this.#settings.smoothing));
    setText(this.#title, titleOf(runs));
    this.#panel.show(runs, this.#settings);
    this.#drawRuns();
  }

  #drawRuns(): void {
    const colors = [...this.#shown].map(([path, { slot }]) => [path, this.#colorOf(slot)] as const);
    this.#list.draw(this.#runs, new Map(colors));
    drawFacts(this.#facts, this.#factsRuns());
  }
}

function titleOf(runs: readonly ShownRun[]): string {
  const [first] = runs;
  if (first === undefined) return "No run is shown";
  return runs.length === 1 ? first.name : `${runs.length} runs`;
}
