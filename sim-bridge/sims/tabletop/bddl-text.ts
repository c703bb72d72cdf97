/** Writes a task as problem text in the BDDL dialect of LIBERO (Liu et al. 2023, arXiv:2306.03310). */
import type { Fixture } from "./fixtures.ts";
import { kindOf } from "./objects.ts";
import type { Rect, TaskSpec } from "./tasks.ts";

const DEFAULT_YAW: readonly [number, number] = [-0.6, 0.6];

/** Range of an object's starting turn, rad. */
export function startYaw(yaw: readonly [number, number] | undefined): readonly [number, number] {
  return yaw ?? DEFAULT_YAW;
}

/** The problem text; regions of the table are named `main_table_<region>` in init and goal. */
export function bddlText(task: TaskSpec, fixtures: ReadonlyMap<string, Fixture>): string {
  const section = (name: string, lines: readonly string[]): string =>
    `  (:${name}\n${lines.map((line) => `    ${line}\n`).join("")}  )\n`;
  const goal = task.goal.map((atom) => `(${atom.join(" ")})`).join(" ");
  return [
    "(define (problem Efference_Tabletop_Manipulation)\n",
    "  (:domain robosuite)\n",
    `  (:language ${task.instruction})\n`,
    section("regions", regionLines(task, fixtures)),
    section("fixtures", [
      "main_table - table",
      ...task.fixtures.map(({ name, type }) => `${name} - ${type}`),
    ]),
    section("objects", objectLines(task)),
    section("obj_of_interest", task.ofInterest),
    section("init", initLines(task, fixtures)),
    section("goal", [`(And ${goal})`]),
    ")\n",
  ].join("");
}

function regionLines(task: TaskSpec, fixtures: ReadonlyMap<string, Fixture>): string[] {
  const onTable = (name: string, rect: Rect, yaw?: readonly [number, number]): string => {
    const turn = yaw === undefined ? "" : ` (:yaw_rotation ((${yaw.join(" ")})))`;
    return `(${name} (:target main_table) (:ranges ((${rect.join(" ")})))${turn})`;
  };
  const lines = task.fixtures.map(({ name, x, y, yaw }) =>
    onTable(`${name}_region`, [x, y, x, y], [yaw, yaw]),
  );
  for (const { name, at, yaw } of task.objects) {
    if (typeof at !== "string") lines.push(onTable(`${name}_region`, at, startYaw(yaw)));
    if (kindOf(name).kind.contains !== undefined) {
      lines.push(`(contain_region (:target ${name}))`);
    }
  }
  for (const { name, rect } of task.zones ?? []) lines.push(onTable(name, rect));
  for (const [fixture, { regions }] of fixtures) {
    for (const region of Object.keys(regions)) {
      lines.push(`(${region.slice(fixture.length + 1)} (:target ${fixture}))`);
    }
  }
  return lines;
}

function objectLines(task: TaskSpec): string[] {
  const byType = new Map<string, string[]>();
  for (const { name } of task.objects) {
    const { type } = kindOf(name);
    byType.set(type, [...(byType.get(type) ?? []), name]);
  }
  return [...byType].map(([type, names]) => `${names.join(" ")} - ${type}`);
}

function initLines(task: TaskSpec, fixtures: ReadonlyMap<string, Fixture>): string[] {
  const lines = task.fixtures.map(({ name }) => `(On ${name} main_table_${name}_region)`);
  for (const { name, at } of task.objects) {
    lines.push(`(On ${name} ${typeof at === "string" ? at : `main_table_${name}_region`})`);
  }
  for (const joint of Object.keys(task.joints ?? {})) {
    for (const { regions } of fixtures.values()) {
      for (const [region, { joints }] of Object.entries(regions)) {
        if (joints.includes(joint)) lines.push(`(Open ${region})`);
      }
    }
  }
  return lines;
}
