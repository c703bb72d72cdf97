/** The tabletop world: its tasks, and for each its scene and initial states. */
import type { TaskInfo } from "../../../src/core/index.ts";
import { seeded } from "../../../src/core/index.ts";
import { PANDA_NAMES } from "../../../robots/panda/spec.ts";
import { printBddl } from "../manipulation/bddl.ts";
import type {
  InitialState,
  InitialStateChoice,
  ManipulationScene,
  ManipulationTask,
  ManipulationWorld,
} from "../manipulation/world.ts";
import { drawInitialState } from "./placement.ts";
import { bddlProblem } from "./problem.ts";
import { FRONT_CAMERA } from "./room.ts";
import type { ComposedScene } from "./scene.ts";
import { composeScene } from "./scene.ts";
import { GOAL_TASKS } from "./suites/goal.ts";
import { LONG_TASKS } from "./suites/long.ts";
import { OBJECT_TASKS } from "./suites/object.ts";
import { PRECISE_TASKS } from "./suites/precise.ts";
import { SPATIAL_TASKS } from "./suites/spatial.ts";
import type { Family, Suite, TaskSpec } from "./tasks.ts";
import { SUITES } from "./tasks.ts";

/**
 * The first number changes whenever a scene, a task or an initial state does, and results of two do not compare; the second
 * where tasks are added and those that were there stay as they are.
 */
export const TABLETOP_VERSION = "1.1.0";
/** Fixed initial states per task, as in LIBERO. */
export const INITIAL_STATES = 50;

/** A goal counts when it has held for a quarter of a second: flukes on the way do not. */
const SUCCESS_HOLD_STEPS = 5;

const SPECS: readonly TaskSpec[] = [
  ...SPATIAL_TASKS,
  ...OBJECT_TASKS,
  ...GOAL_TASKS,
  ...LONG_TASKS,
  ...PRECISE_TASKS,
];
const SPEC_OF = new Map(SPECS.map((spec) => [spec.name, spec]));
const composedCache = new Map<string, ComposedScene>();

/** A task of the tabletop: suite and family are from closed lists. */
export interface TabletopTask extends ManipulationTask {
  readonly suite: Suite;
  readonly family: Family;
  /** Its problem in LIBERO's BDDL dialect. */
  readonly bddl: string;
}

/** Names of the suites: LIBERO's four, and `precise`. */
export function suites(): readonly Suite[] {
  return SUITES;
}

/** The tasks of a suite, in order. @throws {RangeError} for an unknown suite */
export function tasksOf(suite: string): readonly TabletopTask[] {
  if (!(SUITES as readonly string[]).includes(suite)) {
    throw new RangeError(
      `Cannot list tasks: there is no suite "${suite}", must be one of ${SUITES.join(", ")}`,
    );
  }
  return tasks().filter((task) => task.suite === suite);
}

let taskList: readonly TabletopTask[] | undefined;

/** Every task of every suite. */
export function tasks(): readonly TabletopTask[] {
  taskList ??= SPECS.map((spec) => ({ ...taskInfo(spec), bddl: textOf(spec) }));
  return taskList;
}

function taskInfo(spec: TaskSpec): TaskInfo & { suite: Suite; family: Family } {
  const { name, suite, family, instruction, maxSteps } = spec;
  return { name, suite, family, instruction, maxSteps, initialStates: INITIAL_STATES };
}

function textOf(spec: TaskSpec): string {
  return printBddl(bddlProblem(spec, composed(spec).fixtures));
}

function specOf(task: string): TaskSpec {
  const spec = SPEC_OF.get(task);
  if (spec === undefined) {
    throw new RangeError(`Cannot build a scene: there is no tabletop task named "${task}"`);
  }
  return spec;
}

function composed(spec: TaskSpec): ComposedScene {
  const known = composedCache.get(spec.name);
  if (known !== undefined) return known;
  const made = composeScene(spec);
  composedCache.set(spec.name, made);
  return made;
}

function buildScene(task: string): ManipulationScene {
  const spec = specOf(task);
  return { ...composed(spec).scene, bddl: textOf(spec) };
}

function initialState(task: string, choice: InitialStateChoice): InitialState {
  const spec = specOf(task);
  const label = "index" in choice ? stateLabel(task, choice.index) : `seed/${choice.seed}`;
  const rng = seeded(`tabletop/${task}/${label}`);
  return drawInitialState(spec, composed(spec), rng);
}

function stateLabel(task: string, index: number): string {
  if (!Number.isInteger(index) || index < 0 || index >= INITIAL_STATES) {
    throw new RangeError(
      `Cannot start "${task}": initial state is ${index}, must be an integer in [0, ${INITIAL_STATES})`,
    );
  }
  return `fixed/${index}`;
}

/** The world to hand to `createManipulationEnvironment`. */
export function tabletopWorld(): ManipulationWorld {
  return {
    name: "tabletop",
    version: TABLETOP_VERSION,
    versions: { "tabletop-scenes": TABLETOP_VERSION },
    tasks: tasks(),
    images: [FRONT_CAMERA, PANDA_NAMES.wristCamera].map((name) => ({
      name,
      width: 128,
      height: 128,
      channels: 3,
    })),
    maxSteps: Math.max(...SPECS.map(({ maxSteps }) => maxSteps)),
    successHoldSteps: SUCCESS_HOLD_STEPS,
    tableHeightM: 0,
    buildScene,
    initialState,
  };
}
