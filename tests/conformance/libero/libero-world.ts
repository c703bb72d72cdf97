/**
 * LIBERO's official tasks as a manipulation world, from a folder of exported scenes:
 * `SUITE/TASK/{phys.xml, init.f64, meta.json}` and `assets/`. Test support.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  ManipulationScene,
  ManipulationTask,
  ManipulationWorld,
  ThingMeta,
} from "../../../sim-bridge/sims/manipulation/world.ts";

const dataRoot = fileURLToPath(new URL("../../../../shared/libero", import.meta.url));
export const LIBERO_SCENES = join(dataRoot, "phys");
export const LIBERO_DEMOS = join(dataRoot, "demos");
export const LIBERO_ABSENT = existsSync(LIBERO_SCENES)
  ? undefined
  : `LIBERO's exported scenes are not at ${LIBERO_SCENES}`;

interface LiberoThing {
  readonly cls: string;
  readonly root: string;
  readonly joints: readonly string[];
  readonly contact_geoms: readonly string[];
  readonly art?: Readonly<Record<string, readonly number[] | undefined>> | null;
}

interface LiberoMeta {
  readonly language: string;
  readonly nq: number;
  readonly nv: number;
  readonly goal: readonly (readonly string[])[];
  readonly sites: Readonly<
    Record<
      string,
      {
        readonly parent: string | null;
        readonly size: readonly [number, number, number];
        readonly joints: readonly string[];
      }
    >
  >;
  readonly fixtures: Readonly<Record<string, LiberoThing>>;
  readonly objects: Readonly<Record<string, LiberoThing>>;
  readonly arm: { readonly site: string; readonly initial_joint: readonly number[] };
}

/** Task names are `SUITE/TASK`. */
export function liberoTaskNames(): readonly string[] {
  return readdirSync(LIBERO_SCENES)
    .filter((suite) => suite !== "assets")
    .flatMap((suite) => readdirSync(join(LIBERO_SCENES, suite)).map((task) => `${suite}/${task}`));
}

export function readFloat64(path: string): Float64Array {
  const bytes = readFileSync(path);
  return new Float64Array(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
  );
}

function readMeta(task: string): LiberoMeta {
  return JSON.parse(readFileSync(join(LIBERO_SCENES, task, "meta.json"), "utf8")) as LiberoMeta;
}

export function liberoWorld(tasks: readonly string[] = liberoTaskNames()): ManipulationWorld {
  return {
    name: "libero",
    version: "1",
    versions: {},
    tasks: tasks.map(taskInfo),
    images: [],
    maxSteps: 600,
    tableHeightM: 0.9,
    buildScene,
    initialState(task, choice) {
      const { nq, nv } = readMeta(task);
      const rows = readFloat64(join(LIBERO_SCENES, task, "init.f64"));
      const index = "index" in choice ? choice.index : choice.seed % 50;
      // Each row is [time, qpos, qvel].
      const row = rows.subarray(index * (1 + nq + nv), (index + 1) * (1 + nq + nv));
      return { qpos: row.slice(1, 1 + nq), qvel: row.slice(1 + nq) };
    },
  };
}

function taskInfo(task: string): ManipulationTask {
  const meta = readMeta(task);
  return {
    name: task,
    suite: task.split("/")[0]!,
    instruction: meta.language,
    initialStates: 50,
    family: "libero",
    bddl: problemText(meta),
  };
}

function problemText(meta: LiberoMeta): string {
  const typed = (things: LiberoMeta["objects"]): string =>
    Object.entries(things)
      .map(([name, { cls }]) => `${name} - ${cls}`)
      .join(" ");
  const goal = meta.goal.map((atom) => `(${atom.join(" ")})`).join(" ");
  return `(define (problem LIBERO) (:domain robosuite) (:language ${meta.language})
    (:fixtures ${typed(meta.fixtures)}) (:objects ${typed(meta.objects)}) (:goal (And ${goal})))`;
}

function buildScene(task: string): ManipulationScene {
  const meta = readMeta(task);
  const xml = readFileSync(join(LIBERO_SCENES, task, "phys.xml"), "utf8");
  const names = new Set([...xml.matchAll(/file="([^"]+)"/g)].map((match) => match[1]!));
  const numbered = (prefix: string): readonly string[] =>
    [1, 2, 3, 4, 5, 6, 7].map((i) => `${prefix}${i}`);
  const things = (kind: "object" | "fixture", from: LiberoMeta["objects"]) =>
    Object.entries(from).map(([name, thing]): [string, ThingMeta] => [
      name,
      thingMeta(kind, thing),
    ]);
  return {
    xml,
    files: Object.fromEntries(
      [...names].map((name) => [name, new Uint8Array(readFileSync(join(LIBERO_SCENES, name)))]),
    ),
    arm: {
      site: meta.arm.site,
      handBody: "robot0_right_hand",
      baseBody: "robot0_base",
      joints: numbered("robot0_joint"),
      actuators: numbered("robot0_torq_j"),
      initialQpos: meta.arm.initial_joint,
      fingerJoints: ["gripper0_finger_joint1", "gripper0_finger_joint2"],
      fingerActuators: ["gripper0_gripper_finger_joint1", "gripper0_gripper_finger_joint2"],
      fingerGeoms: [
        ["gripper0_finger1_collision", "gripper0_finger1_pad_collision"],
        ["gripper0_finger2_collision", "gripper0_finger2_pad_collision"],
      ],
    },
    things: Object.fromEntries([
      ...things("object", meta.objects),
      ...things("fixture", meta.fixtures),
    ]),
    parts: [],
    regions: meta.sites,
  };
}

function thingMeta(kind: "object" | "fixture", thing: LiberoThing): ThingMeta {
  const range = (name: string): readonly [number, number] | undefined => {
    const [low, high] = thing.art?.[`default_${name}_ranges`] ?? [];
    return low === undefined || high === undefined ? undefined : [low, high];
  };
  const named = {
    open: range("open"),
    close: range("close"),
    turnOn: range("turnon"),
    turnOff: range("turnoff"),
  };
  return {
    kind,
    category: thing.cls,
    rootBody: thing.root,
    joints: thing.joints,
    contactGeoms: thing.contact_geoms,
    // The export has no bounding boxes; nothing that is tested here reads them.
    halfExtents: [0.05, 0.05, 0.05],
    ranges: Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
  };
}
