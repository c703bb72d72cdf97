/** LIBERO's tasks as a manipulation world, from their exported data. */
import type {
  ArticulationRanges,
  InitialState,
  InitialStateChoice,
  ManipulationScene,
  ManipulationTask,
  ManipulationWorld,
  SceneVisuals,
  ThingMeta,
} from "../manipulation/world.ts";
import { messageOf, sha256Hex } from "../../../src/core/index.ts";
import type { LiberoFiles, LiberoIndex, LiberoMeta, LiberoTask, LiberoThing } from "./data.ts";
import { PREPARE, fileListing, readMeta, remembered } from "./data.ts";
import type { StateDraw } from "./drawn-states.ts";
import { drawnStates } from "./drawn-states.ts";
import type { InitStates } from "./init-states.ts";
import { readInitStates } from "./init-states.ts";
import { openPictures } from "./visual/pictures.ts";
import type { PicturesOptions } from "./visual/pictures.ts";
import type { LiberoVisuals, VisualReader } from "./visual/read.ts";
import { MAX_STEPS, SETTLE_ACTION, SETTLE_STEPS } from "./suites.ts";

/** Official initial states of every task. */
export const INITIAL_STATES = 50;
/** Changes whenever a scene, a limit or an observation would: results of two versions do not compare. */
export const LIBERO_VERSION = "2";
const TABLE_HEIGHT_M = 0.9;
/** Tasks kept in memory (0.2 MB each); the one asked for longest ago goes first. */
const TASKS_IN_MEMORY = 8;

/** A task's files, in memory. */
interface LoadedTask {
  readonly scene: ManipulationScene;
  readonly states: InitStates;
  /** States that are none of `states`, but like them. */
  readonly draw: StateDraw;
  readonly meta: LiberoMeta;
}

export interface LiberoWorldOptions extends PicturesOptions {
  /** @default 10, as published evaluations do */
  readonly settleSteps?: number;
}

/** `SUITE/NAME`. */
export function taskName({ suite, name }: LiberoTask): string {
  return `${suite}/${name}`;
}

/**
 * The world to hand to `createManipulationEnvironment`. Files of a task are read when it is asked for.
 */
export async function liberoWorld(
  files: LiberoFiles,
  index: LiberoIndex,
  options: LiberoWorldOptions = {},
): Promise<ManipulationWorld> {
  const { settleSteps = SETTLE_STEPS } = options;
  const pictures = await openPictures(files, index, options);
  const known = new Map(index.tasks.map((task) => [taskName(task), task]));
  const reads: Reads = { files, assets: new Map(), visuals: pictures.reader };
  const loaded = new Map<string, LoadedTask>();
  const get = (name: string): LoadedTask => {
    const task = loaded.get(name);
    if (task !== undefined) return task;
    throw new RangeError(`Cannot use task "${name}": it is not loaded, prepare must come first`);
  };
  return {
    name: "libero",
    version: LIBERO_VERSION,
    versions: {
      [index.source.package]: index.source.version,
      "libero-data": await hashOf(index),
      ...pictures.versions,
    },
    tasks: index.tasks.map(taskInfo),
    images: pictures.images,
    maxSteps: Math.max(...Object.values(MAX_STEPS)),
    tableHeightM: TABLE_HEIGHT_M,
    ...(settleSteps === 0
      ? {}
      : { settle: { steps: settleSteps, action: Float32Array.from(SETTLE_ACTION) } }),
    async prepare(name) {
      const task = known.get(name);
      if (task === undefined) return;
      const found = loaded.get(name) ?? (await load(reads, task));
      loaded.delete(name);
      loaded.set(name, found);
      const [oldest] = loaded.keys();
      if (loaded.size > TASKS_IN_MEMORY && oldest !== undefined) loaded.delete(oldest);
    },
    buildScene: (name) => get(name).scene,
    initialState: (name, choice) => stateOf(name, get(name), choice),
  };
}

function taskInfo(task: LiberoTask): ManipulationTask {
  return {
    name: taskName(task),
    suite: task.suite,
    instruction: task.language,
    initialStates: INITIAL_STATES,
    maxSteps: MAX_STEPS[task.suite],
    family: task.suite,
  };
}

/** What tasks are read with. */
interface Reads {
  readonly files: LiberoFiles;
  /** Collision meshes, which the scenes share. */
  readonly assets: Map<string, Promise<Uint8Array>>;
  readonly visuals: VisualReader | undefined;
}

async function load(
  { files, assets, visuals: reader }: Reads,
  task: LiberoTask,
): Promise<LoadedTask> {
  const { folder } = task;
  const visuals = reader?.read({ name: taskName(task), folder });
  visuals?.catch(() => undefined); // waited for below, after what else may be missing

  const [xml, bddl, metaBytes, stateBytes] = await Promise.all([
    textOf(files, `${folder}/scene.xml`),
    textOf(files, `${folder}/task.bddl`),
    bytesOf(files, `${folder}/meta.json`),
    bytesOf(files, `${folder}/init.pruned_init`),
  ]);
  const meta = readMeta(metaBytes, `${files.place}/${folder}/meta.json`);
  const names = new Set([...xml.matchAll(/ file="([^"]+)"/g)].map((match) => match[1] ?? ""));
  const read = (name: string): Promise<Uint8Array> =>
    remembered(assets, name, () => bytesOf(files, name));
  const shapes = [...names].map(async (name) => [name, await read(name)] as const);
  const states = await statesOf(stateBytes, `${files.place}/${folder}/init.pruned_init`);
  let draw: StateDraw | undefined;
  return {
    meta,
    states,
    draw(seed) {
      draw ??= drawnStates({ task: taskName(task), xml, bddl, meta, states });
      return draw(seed);
    },
    scene: {
      ...sceneOf({ xml, bddl, files: Object.fromEntries(await Promise.all(shapes)) }, meta),
      ...(visuals === undefined ? {} : { visuals: withBurners(await visuals, meta) }),
    },
  };
}

async function statesOf(bytes: Uint8Array, name: string): Promise<InitStates> {
  try {
    return await readInitStates(bytes);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot open LIBERO: ${name} is no file of initial states: ${messageOf(cause)} ("${PREPARE}" brings it again)`,
      { cause },
    );
  }
}

/** A stove's burner glows while its knob is turned on. The original shows it one control step later. */
function withBurners(visuals: LiberoVisuals, { fixtures }: LiberoMeta): SceneVisuals {
  const lit = visuals.shapes.flatMap(({ kind, name, rgba }, shape) => {
    const fixture = fixtures[name?.replace(/_burner$/, "") ?? ""];
    const { turnOn } = rangesOf(fixture?.art);
    if (kind !== "site" || fixture === undefined || turnOn === undefined) return [];
    const [r, g, b, a] = rgba;
    const from = Math.min(...turnOn);
    return [
      { shape, rgba: [r!, g!, b!, Math.min(1, 1 - a!)] as const, joints: fixture.joints, from },
    ];
  });
  return { ...visuals, lit };
}

function sceneOf(
  texts: Pick<ManipulationScene, "xml" | "bddl" | "files">,
  meta: LiberoMeta,
): ManipulationScene {
  const numbered = (prefix: string): readonly string[] =>
    [1, 2, 3, 4, 5, 6, 7].map((i) => `${prefix}${i}`);
  const things = (kind: ThingMeta["kind"], from: LiberoMeta["objects"]) =>
    Object.entries(from).map(([name, thing]) => [name, thingMeta(kind, thing)] as const);
  return {
    ...texts,
    // robosuite's names for its Panda and that one's gripper.
    arm: {
      site: meta.arm.site,
      // Its fingers slide along the site's x.
      siteFromGripper: [Math.SQRT1_2, 0, 0, -Math.SQRT1_2],
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

function thingMeta(
  kind: ThingMeta["kind"],
  { cls, root, joints, contact_geoms, art }: LiberoThing,
): ThingMeta {
  return {
    kind,
    category: categoryWords(cls),
    rootBody: root,
    joints,
    contactGeoms: contact_geoms,
    ranges: rangesOf(art),
  };
}

/** `AkitaBlackBowl` is an `akita black bowl`. */
function categoryWords(cls: string): string {
  return cls.replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}

function rangesOf(art: LiberoThing["art"]): ArticulationRanges {
  const named = {
    open: art?.default_open_ranges,
    close: art?.default_close_ranges,
    turnOn: art?.default_turnon_ranges,
    turnOff: art?.default_turnoff_ranges,
  };
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, range]) => {
      const [low, high] = range ?? [];
      return low === undefined || high === undefined ? [] : [[name, [low, high] as const]];
    }),
  );
}

function stateOf(
  name: string,
  { states, draw, meta }: LoadedTask,
  choice: InitialStateChoice,
): InitialState {
  if (!("index" in choice)) return draw(choice.seed);
  const { index } = choice;
  if (!Number.isInteger(index) || index < 0 || index >= states.count) {
    throw new RangeError(
      `Cannot start "${name}": initial state is ${index}, must be an integer in [0, ${states.count})`,
    );
  }
  const row = states.row(index);
  if (row.length !== 1 + meta.nq + meta.nv) {
    throw new RangeError(
      `Cannot start "${name}": its initial states have ${row.length} numbers, must have ${1 + meta.nq + meta.nv} ` +
        `(half an export: "${PREPARE}" makes it anew)`,
    );
  }
  return { qpos: row.slice(1, 1 + meta.nq), qvel: row.slice(1 + meta.nq) };
}

async function bytesOf(files: LiberoFiles, path: string): Promise<Uint8Array> {
  try {
    return await files.read(path);
  } catch (cause) {
    throw new RangeError(
      `Cannot open LIBERO: ${files.place} has no ${path}, must be there ("${PREPARE}" brings it)`,
      { cause },
    );
  }
}

async function textOf(files: LiberoFiles, path: string): Promise<string> {
  return new TextDecoder().decode(await bytesOf(files, path));
}

/** Of everything that the index says is there: two folders of one hash hold the same. */
function hashOf({ files }: LiberoIndex): Promise<string> {
  return sha256Hex(new TextEncoder().encode(fileListing(files)));
}
