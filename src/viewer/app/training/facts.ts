/** Beside the curves: of every shown run what it is, how far it has come and how it was configured. */
import type { TrainingRun } from "../../protocol.ts";
import { element } from "../dom.ts";
import { formatNumber } from "../format.ts";
import type { Setting } from "./describe.ts";
import {
  bestWords,
  differences,
  folderOf,
  nameOf,
  progressOf,
  settingsOf,
  standingOfRun,
} from "./describe.ts";
import type { Rows } from "./rows.ts";

export interface FactsRun {
  readonly run: TrainingRun;
  readonly color: string;
  readonly rows: Rows;
}

/** What is said of a run that is alone; the rest is in the configuration below. */
const MAIN_SETTINGS: readonly string[] = [
  "policy.kind",
  "seed",
  "batchSize",
  "optimiser.kind",
  "schedule.kind",
  "schedule.peak",
  "data.folders",
  "data.labels",
  "evaluate.sim",
];

export function drawFacts(root: HTMLElement, runs: readonly FactsRun[]): void {
  // A configuration that somebody has opened stays open.
  const open = new Set(
    [...root.querySelectorAll("details[open]")].map((at) => (at as HTMLElement).dataset["path"]),
  );
  const differing = runs.length > 1 ? differences(runs.map(({ run }) => run)) : [];
  root.replaceChildren(
    ...runs.map((shown, index) => {
      const all = settingsOf(shown.run.config);
      const chosen = differing[index] ?? all.filter(([key]) => MAIN_SETTINGS.includes(key));
      return card(shown, { chosen, all, open: open.has(shown.run.path) });
    }),
  );
}

function card(
  { run, color, rows }: FactsRun,
  settings: { chosen: readonly Setting[]; all: readonly Setting[]; open: boolean },
): HTMLElement {
  const swatch = element("span", { class: "swatch" });
  swatch.style.background = color;
  const step = Math.max(run.step, rows.train.at(-1)?.step ?? 0);
  const loss = rows.train.at(-1)?.values["loss"];
  const lines = [
    `${progressOf(run, step)} updates, ${standingOfRun(run, Date.now())}`,
    loss === undefined ? "" : `loss ${formatNumber(loss)}`,
    bestWords(rows),
  ].filter((line) => line !== "");
  const details = element("details", {}, [
    element("summary", {}, ["Configuration"]),
    table(settings.all),
  ]);
  details.open = settings.open;
  details.dataset["path"] = run.path;
  const made = element("article", { class: "facts-card" }, [
    element("h2", {}, [
      swatch,
      element("span", {}, [nameOf(run)]),
      element("span", { class: "quiet" }, [folderOf(run) === nameOf(run) ? "" : folderOf(run)]),
    ]),
    ...lines.map((line) => element("p", { class: "facts-line" }, [line])),
    table(settings.chosen),
    details,
  ]);
  made.dataset["path"] = run.path;
  return made;
}

function table(settings: readonly Setting[]): HTMLElement {
  return element(
    "dl",
    { class: "settings" },
    settings.flatMap(([key, value]) => [
      element("dt", {}, [key]),
      element("dd", { title: value }, [value]),
    ]),
  );
}
