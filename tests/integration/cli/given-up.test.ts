import { describe, expect, it } from "vitest";
import type { Progress } from "../../../src/cli/progress.ts";
import { withSimulators } from "../../../src/cli/with-simulators.ts";

describe("simulators that die as soon as they are started", () => {
  it("are given up on at once, with their last words", async () => {
    const lines: string[] = [];
    const progress: Progress = {
      live: () => undefined,
      line: (text) => lines.push(text),
      clear: () => undefined,
    };
    const asked = withSimulators({ simulator: "nothing", workers: 2, progress }, (pool) =>
      pool.first(),
    );
    await expect(asked).rejects.toThrow(
      /^Cannot run nothing: its workers died at once, 6 times in a row, must live; the last: nothing worker ended with 2: .*"nothing": it is not known/,
    );
    expect(lines.at(-1)).toBe("not started again: workers died at once, 6 times in a row");
  });
});
