import type { TaskInfo } from "../core/index.ts";
import { UsageError } from "./exit.ts";

/** Tasks of the named suites and names (or `SUITE/INDEX`); all where nothing is named. */
export function selectTasks(
  tasks: readonly TaskInfo[],
  wanted: { suite?: string; task?: string },
): TaskInfo[] {
  const suites = splitNames(wanted.suite);
  const names = splitNames(wanted.task).map((name) => taskByPlace(tasks, name)?.name ?? name);
  const known = [...new Set(tasks.map(({ suite }) => suite))];
  for (const suite of suites) {
    if (suite !== "all" && !known.includes(suite)) {
      throw new UsageError(
        `Cannot select suite "${suite}": it is not known, must be one of ${known.join(", ")}`,
      );
    }
  }
  for (const name of names) {
    if (!tasks.some((task) => task.name === name)) {
      throw new UsageError(
        `Cannot select task "${name}": it is not known, must be one of ${tasks.map((t) => t.name).join(", ")}`,
      );
    }
  }
  const inSuites = (task: TaskInfo): boolean =>
    suites.length === 0 || suites.includes("all") || suites.includes(task.suite);
  const selected = tasks.filter(
    (task) => inSuites(task) && (names.length === 0 || names.includes(task.name)),
  );
  if (selected.length === 0) {
    throw new UsageError("Cannot select tasks: none of the named tasks is in the named suites");
  }
  return selected;
}

/** `SUITE/INDEX`: a task by its place in its suite, from 0. */
export function taskByPlace(tasks: readonly TaskInfo[], name: string): TaskInfo | undefined {
  const [, suite, index] = /^(.+)\/(\d+)$/.exec(name) ?? [];
  return tasks.filter((task) => task.suite === suite)[Number(index)];
}

export function splitNames(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
