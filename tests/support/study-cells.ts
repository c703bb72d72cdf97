/** Finished cells of the study, made up. */
import type { Acted, CellResult, Ending } from "../../src/cli/reproduce/results.ts";
import { BUDGETS, cellsOf } from "../../src/cli/reproduce/study.ts";

/** @param pattern one letter per episode: `s`uccess, `f`ailure, `c`rash */
export function actedBy(sampler: string, pattern: string, decisionMs = 1): Acted {
  const endings = [...pattern].map((letter): Ending =>
    letter === "s" ? "success" : letter === "f" ? "failure" : "crash",
  );
  return { sampler, endings, modes: endings.map(() => null), decisionMs, meanSteps: 2 };
}

/** A cell of the full budget that acted so; decisions of the first sampler take 1 ms, of the second 2, and so on. */
export function studyCell(
  id: string,
  patterns: readonly (readonly [sampler: string, endings: string])[],
): CellResult {
  const cell = cellsOf(BUDGETS.full).find((one) => one.id === id)!;
  return {
    ...cell,
    command: `efference reproduce ebt --budget full --only ${id}`,
    hash: "h".repeat(64),
    weightsHash: "w".repeat(64),
    parameters: 1234,
    updates: 10,
    secondsPerUpdate: 0.5,
    trainingS: 5,
    curve: [{ updates: 10, seconds: 5, successes: 1, episodes: 2 }],
    acted: patterns.map(([name, pattern], i) => actedBy(name, pattern, 1 + i)),
    disturbed: null,
    coverage: { starts: 2, samples: 4, minority: 0.25, both: 0.5 },
    uncertainty: [{ signal: "energy", step: 8, auroc: 0.75, failures: 3, episodes: 4 }],
    versions: {},
  };
}
