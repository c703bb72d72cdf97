import { describe, expect, it } from "vitest";
import { parseBddl, regionFullName } from "../../../../../sim-bridge/sims/manipulation/bddl.ts";
import {
  FAMILIES,
  INITIAL_STATES,
  SUITES,
  suites,
  tabletopWorld,
  tasks,
  tasksOf,
} from "../../../../../sim-bridge/sims/tabletop/index.ts";
import { OBJECT_KINDS, kindOf } from "../../../../../sim-bridge/sims/tabletop/objects.ts";

describe("tasks()", () => {
  it("has at least ten tasks in each of LIBERO's four suites, and precise ones, of every family", () => {
    expect(suites()).toEqual(["spatial", "object", "goal", "long", "precise"]);
    for (const suite of SUITES.slice(0, 4)) {
      expect(tasksOf(suite).length).toBeGreaterThanOrEqual(10);
    }
    expect(SUITES.flatMap((suite) => [...tasksOf(suite)])).toEqual(tasks());
    expect(new Set(tasks().map(({ family }) => family))).toEqual(new Set(FAMILIES));
  });

  it("names every task uniquely in snake_case and tells each apart by its words", () => {
    const names = tasks().map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
    const words = tasks().map(({ suite, instruction }) => `${suite}: ${instruction}`);
    expect(new Set(words).size).toBe(words.length);
  });

  it("gives every task 50 fixed initial states and a limit within the world's", () => {
    const world = tabletopWorld();
    for (const task of tasks()) {
      expect(task.initialStates).toBe(INITIAL_STATES);
      expect(task.maxSteps).toBeGreaterThan(0);
      expect(task.maxSteps).toBeLessThanOrEqual(world.maxSteps);
    }
  });

  it("refuses unknown suites, tasks and initial states", () => {
    const world = tabletopWorld();
    expect(() => tasksOf("libero_10")).toThrow(/there is no suite "libero_10"/);
    expect(() => world.buildScene("fly")).toThrow(/there is no tabletop task named "fly"/);
    expect(() => world.initialState("lift_red_cube", { index: 50 })).toThrow(/\[0, 50\)/);
    expect(() => world.initialState("lift_red_cube", { index: 0.5 })).toThrow(RangeError);
  });
});

describe("a task's problem text", () => {
  it.each(tasks().map((task) => [task.name, task] as const))(
    "%s says in BDDL what the scene has",
    (name, task) => {
      const problem = parseBddl(task.bddl);
      const { things, regions } = tabletopWorld().buildScene(name);
      expect(problem.language).toBe(task.instruction);
      expect(problem.goal.length).toBeGreaterThan(0);
      const declared = [...problem.fixtures, ...problem.objects].map((typed) => typed.name);
      expect(new Set(declared)).toEqual(new Set(["main_table", ...Object.keys(things)]));
      for (const object of problem.objects) expect(kindOf(object.name).type).toBe(object.type);
      const regionNames = new Set(problem.regions.map(regionFullName));
      for (const region of Object.keys(regions)) expect(regionNames).toContain(region);
      for (const [, ...names] of [...problem.init, ...problem.goal]) {
        for (const used of names) expect(used in things || regionNames.has(used)).toBe(true);
      }
      for (const used of problem.objectsOfInterest) expect(things).toHaveProperty(used);
      // Everything starts somewhere.
      const placed = problem.init.filter(([predicate]) => predicate === "on").map(([, a]) => a);
      expect(new Set(placed)).toEqual(new Set(Object.keys(things)));
    },
  );
});

describe("OBJECT_KINDS", () => {
  it("has only things that fit the gripper's 80 mm, or say that they do not", () => {
    for (const [type, kind] of Object.entries(OBJECT_KINDS)) {
      const narrow = 2 * Math.min(kind.halfExtents[0], kind.halfExtents[1]);
      const isPinchedAtCentre = kind.graspable && kind.grasp === undefined;
      if (isPinchedAtCentre) expect(narrow, type).toBeLessThanOrEqual(0.065);
    }
  });

  it("refuses what it does not know", () => {
    expect(() => kindOf("teapot_1")).toThrow(/there is no object type "teapot"/);
  });
});
