/** The training runs of the folder. A click shows one alone; the mark beside it lays it over the others. */
import type { TrainingRun } from "../../protocol.ts";
import { element } from "../dom.ts";
import { standingIcon } from "../icons.ts";
import type { RunStanding } from "./describe.ts";
import {
  folderOf,
  nameOf,
  parentOf,
  policyKindOf,
  progressOf,
  standingOfRun,
  stepsOf,
} from "./describe.ts";

export interface RunListOptions {
  readonly onSelect: (paths: readonly string[]) => void;
  readonly onToggle: (path: string) => void;
}

export interface RunList {
  /** @param colors of the runs that are shown, by path */
  draw(runs: readonly TrainingRun[], colors: ReadonlyMap<string, string>): void;
}

const STANDING_SIGNS = { running: "running", done: "success", stopped: "cut_off" } as const;

/** Runs in the order of the list, together where they lie in one folder. */
export function groupRuns(
  runs: readonly TrainingRun[],
): readonly { readonly parent: string; readonly runs: readonly TrainingRun[] }[] {
  const groups = new Map<string, TrainingRun[]>();
  for (const run of runs) {
    const parent = parentOf(run);
    groups.set(parent, [...(groups.get(parent) ?? []), run]);
  }
  return [...groups].map(([parent, members]) => ({ parent, runs: members }));
}

export function createRunList(root: HTMLElement, options: RunListOptions): RunList {
  let key = "";
  return {
    draw(runs, colors) {
      const nowMs = Date.now();
      const standings = runs.map((run) => standingOfRun(run, nowMs));
      const nextKey = JSON.stringify([
        runs.map((run) => [run.path, run.step]),
        standings,
        [...colors],
      ]);
      // Focus stays where nothing has changed.
      if (nextKey === key) return;
      key = nextKey;
      const focused = focusOf(root);
      root.replaceChildren(
        ...groupRuns(runs).flatMap(({ parent, runs: members }) => [
          ...(members.length > 1 && parent !== "" ? [heading(parent, members, options)] : []),
          ...members.map((run) =>
            runRow(run, {
              standing: standings[runs.indexOf(run)]!,
              color: colors.get(run.path),
              options,
            }),
          ),
        ]),
      );
      if (focused !== undefined) root.querySelector<HTMLElement>(focused)?.focus();
    },
  };
}

/** How the focused button of the list is found again after it was made anew. */
function focusOf(root: HTMLElement): string | undefined {
  const { activeElement } = document;
  if (!(activeElement instanceof HTMLElement) || !root.contains(activeElement)) return undefined;
  const path = activeElement.closest<HTMLElement>("[data-path]")?.dataset["path"];
  if (path === undefined) return undefined;
  return `[data-path="${CSS.escape(path)}"] .${activeElement.classList.item(0) ?? ""}`;
}

function heading(
  parent: string,
  members: readonly TrainingRun[],
  { onSelect }: RunListOptions,
): HTMLElement {
  return element(
    "button",
    {
      class: "run-group",
      title: `Lay all ${members.length} over each other (A)`,
      attributes: { type: "button" },
      on: { click: () => onSelect(members.map(({ path }) => path)) },
    },
    [element("span", {}, [parent]), element("span", { class: "quiet" }, [`all ${members.length}`])],
  );
}

function runRow(
  run: TrainingRun,
  at: { standing: RunStanding; color: string | undefined; options: RunListOptions },
): HTMLElement {
  const { standing, color, options } = at;
  const shown = color !== undefined;
  const mark = element("button", {
    class: "run-mark",
    title: shown ? "Hide" : "Lay over what is shown",
    attributes: {
      type: "button",
      "aria-pressed": String(shown),
      "aria-label": `${shown ? "Hide" : "Add"} ${nameOf(run)} ${folderOf(run)}`,
    },
    on: { click: () => options.onToggle(run.path) },
  });
  if (color !== undefined) mark.style.setProperty("--run", color);
  const folder = folderOf(run);
  const words = element("button", {
    class: "run-words",
    title: `${run.path}\n${standing}`,
    attributes: { type: "button" },
    on: {
      click(event) {
        if (event.ctrlKey || event.metaKey) options.onToggle(run.path);
        else options.onSelect([run.path]);
      },
    },
  });
  words.append(
    element("span", { class: "run-title" }, [
      nameOf(run),
      folder === nameOf(run) ? undefined : element("span", { class: "quiet" }, [` ${folder}`]),
    ]),
    element("span", { class: "run-detail" }, [detailOf(run)]),
    progressBar(run),
  );
  const icon = standingIcon(STANDING_SIGNS[standing]);
  const row = element("div", { class: shown ? "run shown" : "run" }, [mark, words]);
  row.append(icon);
  row.dataset["path"] = run.path;
  row.dataset["standing"] = standing;
  return row;
}

function detailOf(run: TrainingRun): string {
  const seed = run.config["seed"];
  const parts = [
    policyKindOf(run),
    typeof seed === "number" ? `seed ${seed}` : "",
    progressOf(run),
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

function progressBar(run: TrainingRun): HTMLElement {
  const bar = element("span", { class: "run-progress" });
  const share = run.step / Math.max(1, stepsOf(run) ?? run.step);
  bar.style.setProperty("--done", String(Math.min(1, share)));
  return bar;
}
