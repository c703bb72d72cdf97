/** Which tasks of a suite a success rate is made of. */
import { table } from "./markdown.ts";
import { pooled, rateOf } from "./pool.ts";
import type { CellResult } from "./results.ts";
import { EQUALS, METHODS } from "./study.ts";
import type { StudyWorld } from "./worlds.ts";

/** @returns "" where there is one task */
export function byTask(
  cells: readonly CellResult[],
  { task: choice, simulator }: Pick<StudyWorld, "task" | "simulator">,
): string {
  if (typeof choice === "string") return "";
  const { suite, tasks } = choice;
  const numbers = Array.from({ length: tasks }, (_, i) => i);
  const rows = METHODS.flatMap(({ name, title }) =>
    EQUALS.flatMap((equal) => {
      const [known] = pooled(cells, { method: name, equal });
      if (known === undefined) return [];
      const of = (task: number): string => {
        const own = known.evaluations.map(({ acted }) => ({
          ...acted,
          endings: acted.endings.filter((_, i) => i % tasks === task),
        }));
        const { successes, scored } = rateOf(own);
        return `${successes}/${scored}`;
      };
      return [[title, equal, ...numbers.map(of)]];
    }),
  );
  const head = ["method", "equal", ...numbers.map((task) => `task ${task + 1}`)];
  return (
    `By task, in the order of \`efference sim list ${simulator}\` (suite ${suite}), by the sampler that was chosen beforehand:\n\n` +
    table(head, rows)
  );
}
