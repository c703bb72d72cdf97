import { describe, expect, it } from "vitest";
import { startOf, taskOf, tasksOf } from "../../../../src/cli/reproduce/tasks.ts";

const env = {
  tasks: ["a/one", "b/one", "a/two", "b/two", "b/three"].map((name) => {
    return { name, suite: name.slice(0, 1), instruction: name, initialStates: 50 };
  }),
};
const B = { suite: "b", tasks: 3 };

describe("tasks of a study's world", () => {
  it("are one, or those of a suite in the world's order", () => {
    expect(tasksOf(env, "a/two")).toEqual(["a/two"]);
    expect(tasksOf(env, B)).toEqual(["b/one", "b/two", "b/three"]);
    expect(() => tasksOf(env, { suite: "c", tasks: 1 })).toThrow(
      'suite "c": it is not known, must be one of a, b',
    );
    expect(() => tasksOf(env, { suite: "b", tasks: 2 })).toThrow(
      'suite "b": it has 3, must have 2',
    );
  });

  it("take turns, and every task has as many starts", () => {
    const starts = Array.from({ length: 9 }, (_, i) => startOf(env, { task: B, from: "fixed" }, i));
    expect(starts.map(({ task }) => task)).toEqual(
      [0, 1, 2].flatMap(() => ["b/one", "b/two", "b/three"]),
    );
    expect(starts.map(({ initialState }) => initialState)).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect(new Set(starts.map(({ seed }) => seed)).size).toBe(9);
    expect(taskOf(env, B, 4)).toBe("b/two");
  });

  it("start from the fixed states by number, or from seeds", () => {
    const one = { task: "a/one" };
    expect(startOf(env, { ...one, from: "fixed" }, 7)).toEqual({
      ...one,
      seed: 7,
      initialState: 7,
    });
    expect(startOf(env, { ...one, from: { seed: 100 } }, 7)).toEqual({ ...one, seed: 107 });
  });
});
