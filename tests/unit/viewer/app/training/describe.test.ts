import { describe, expect, it } from "vitest";
import type { TrainingRun } from "../../../../../src/viewer/protocol.ts";
import {
  QUIET_AFTER_MS,
  differences,
  folderOf,
  nameOf,
  parentOf,
  progressOf,
  settingsOf,
  standingOfRun,
} from "../../../../../src/viewer/app/training/describe.ts";

const run = (path: string, config: object = {}, step = 0): TrainingRun => ({
  path,
  config: { ...config },
  bytes: 1,
  modifiedMs: 1000,
  step,
});

describe("a run in words", () => {
  it("has the configured name, or its folder's", () => {
    expect(nameOf(run("a/b/seed-1", { name: "lift" }))).toBe("lift");
    expect(nameOf(run("a/b/seed-1"))).toBe("seed-1");
    expect([folderOf(run("a/b/c")), parentOf(run("a/b/c"))]).toEqual(["c", "a/b"]);
    expect([folderOf(run(".")), parentOf(run("."))]).toEqual(["", ""]);
  });

  it("is done at its last update, else running as long as it writes", () => {
    const half = run("a", { steps: 10 }, 5);
    expect(standingOfRun(run("a", { steps: 10 }, 10), 1e12)).toBe("done");
    expect(standingOfRun(half, 1000 + QUIET_AFTER_MS - 1)).toBe("running");
    expect(standingOfRun(half, 1000 + QUIET_AFTER_MS)).toBe("stopped");
    expect(progressOf(run("a", { steps: 8000 }, 1240))).toBe("1,240 / 8,000");
    expect(progressOf(run("a", {}, 1240))).toBe("1,240 updates");
  });
});

describe("settingsOf()", () => {
  it("has one line for every value, lists of values together", () => {
    const config = { a: { b: 1, c: ["x", "y"], d: [{ e: null }], f: {} }, g: "text" };
    expect(settingsOf(config)).toEqual([
      ["a.b", "1"],
      ["a.c", "x, y"],
      ["a.d.0.e", "null"],
      ["a.f", "{}"],
      ["g", "text"],
    ]);
  });

  it("tells runs apart by what differs alone", () => {
    const [a, b] = differences([
      run("a", { seed: 0, steps: 5, data: { x: 1 } }),
      run("b", { seed: 1, steps: 5, data: { x: 1, y: 2 } }),
    ]);
    expect(a).toEqual([["seed", "0"]]);
    expect(b).toEqual([
      ["seed", "1"],
      ["data.y", "2"],
    ]);
  });
});
