/** Which task an episode has, and where it starts. */
import type { Environment, ResetRequest } from "../../core/index.ts";

/** One task, or all of a suite, which episodes take turns at; `tasks` is how many it has. */
export type TaskChoice = string | { readonly suite: string; readonly tasks: number };

export interface Starts {
  readonly task: TaskChoice;
  /** Fixed initial states from 0, of every task, or starts drawn from seeds. */
  readonly from: "fixed" | { readonly seed: number };
  readonly count: number;
}

/** @throws {RangeError} for a suite that the world does not have, or has with another number of tasks */
export function tasksOf(
  { tasks }: Pick<Environment, "tasks">,
  choice: TaskChoice,
): readonly string[] {
  if (typeof choice === "string") return [choice];
  const names = tasks.filter(({ suite }) => suite === choice.suite).map(({ name }) => name);
  if (names.length === choice.tasks) return names;
  if (names.length > 0) {
    throw new RangeError(
      `Cannot take tasks of suite "${choice.suite}": it has ${names.length}, must have ${choice.tasks}`,
    );
  }
  const suites = [...new Set(tasks.map(({ suite }) => suite))].join(", ");
  throw new RangeError(
    `Cannot take tasks of suite "${choice.suite}": it is not known, must be one of ${suites}`,
  );
}

/** The task of the n-th episode. */
export function taskOf(env: Pick<Environment, "tasks">, choice: TaskChoice, index: number): string {
  const tasks = tasksOf(env, choice);
  return tasks[index % tasks.length]!;
}

/** The start of the n-th episode: of a suite, the first fixed state of every task comes before the second of any. */
export function startOf(
  env: Pick<Environment, "tasks">,
  { task, from }: Pick<Starts, "task" | "from">,
  index: number,
): Pick<ResetRequest, "task" | "seed" | "initialState"> {
  const tasks = tasksOf(env, task);
  const name = tasks[index % tasks.length]!;
  if (from !== "fixed") return { task: name, seed: from.seed + index };
  return { task: name, seed: index, initialState: Math.floor(index / tasks.length) };
}
