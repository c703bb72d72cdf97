/** Says a task as a problem in LIBERO's BDDL dialect (Liu et al. 2023, arXiv:2306.03310). */
import type { BddlAtom, BddlProblem, BddlRegion } from "../manipulation/bddl.ts";
import type { Fixture } from "./fixtures/index.ts";
import { holeRegion, kindOf } from "./objects.ts";
import type { TaskSpec } from "./tasks.ts";

const DEFAULT_YAW: readonly [number, number] = [-0.6, 0.6];
const TABLE = "main_table";

/** Range of an object's starting turn, rad. */
export function startYaw(yaw: readonly [number, number] | undefined): readonly [number, number] {
  return yaw ?? DEFAULT_YAW;
}

/**
 * The problem. Regions of the table are named `main_table_<region>` in init and goal, those of a thing
 * `<thing>_<region>`; `<object>_region` is where an object starts.
 */
export function bddlProblem(task: TaskSpec, fixtures: ReadonlyMap<string, Fixture>): BddlProblem {
  return {
    name: "Efference_Tabletop_Manipulation",
    domain: "robosuite",
    language: task.instruction,
    regions: [...tableRegions(task), ...thingRegions(fixtures), ...holes(task)],
    fixtures: [
      { name: TABLE, type: "table" },
      ...task.fixtures.map(({ name, type }) => ({ name, type })),
    ],
    objects: task.objects.map(({ name }) => ({ name, type: kindOf(name).type })),
    objectsOfInterest: task.ofInterest,
    init: initAtoms(task, fixtures),
    goal: task.goal,
  };
}

function tableRegions(task: TaskSpec): BddlRegion[] {
  const regions: BddlRegion[] = task.fixtures.map(({ name, x, y, yaw }) => ({
    name: `${name}_region`,
    target: TABLE,
    ranges: [[x, y, x, y]],
    yawRotation: [[yaw, yaw]],
  }));
  for (const { name, at, yaw } of task.objects) {
    if (typeof at === "string") continue;
    const yawRotation = [startYaw(yaw)];
    regions.push({ name: `${name}_region`, target: TABLE, ranges: [at], yawRotation });
  }
  for (const { name, rect } of task.zones ?? []) {
    regions.push({ name, target: TABLE, ranges: [rect], yawRotation: [] });
  }
  return regions;
}

function thingRegions(fixtures: ReadonlyMap<string, Fixture>): BddlRegion[] {
  return [...fixtures].flatMap(([target, { regions }]) =>
    Object.keys(regions).map((full) => ({
      name: full.slice(target.length + 1),
      target,
      ranges: [],
      yawRotation: [],
    })),
  );
}

function holes(task: TaskSpec): BddlRegion[] {
  return task.objects
    .filter(({ name }) => kindOf(name).kind.hole !== undefined)
    .map(({ name }) => ({
      name: holeRegion(name).slice(name.length + 1),
      target: name,
      ranges: [],
      yawRotation: [],
    }));
}

function initAtoms(task: TaskSpec, fixtures: ReadonlyMap<string, Fixture>): BddlAtom[] {
  const start = (name: string): string => `${TABLE}_${name}_region`;
  const opened = Object.keys(task.joints ?? {});
  const regions = [...fixtures.values()].flatMap((fixture) => Object.entries(fixture.regions));
  return [
    ...task.fixtures.map(({ name }): BddlAtom => ["On", name, start(name)]),
    ...task.objects.map(({ name, at }): BddlAtom => {
      return ["On", name, typeof at === "string" ? at : start(name)];
    }),
    ...regions
      .filter(([, { joints }]) => joints.some((joint) => opened.includes(joint)))
      .map(([name]): BddlAtom => ["Open", name]),
  ];
}
