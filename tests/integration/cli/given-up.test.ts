import { describe, expect, it } from "vitest";
import { SimulatorPool } from "../../../src/cli/pool.ts";
import { superviseSimulators } from "../../../src/cli/supervise.ts";

describe("simulators that die as soon as they are started", () => {
  it("are given up on at once, with their last words, and whoever waits for one is told", async () => {
    const lines: string[] = [];
    // Nobody ever dials in.
    const pool = new SimulatorPool<never>({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
    });
    const waiting = pool.first();
    const supervisor = superviseSimulators({
      simulator: "nothing",
      workers: 2,
      endpoint: "tcp://127.0.0.1:1",
      onExit: (reason) => lines.push(reason),
      onGivenUp: (error) => pool.fail(error),
    });
    const words =
      /^Cannot run nothing: its workers died at once, 6 times in a row, must live; the last: nothing worker ended with 2: .*"nothing": it is not known/;
    await expect(waiting).rejects.toThrow(words);
    await expect(pool.first()).rejects.toThrow(words);
    expect(lines.at(-1)).toBe("not started again: workers died at once, 6 times in a row");
    await supervisor.close();
  });
});
