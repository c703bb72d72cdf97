/**
 * LIBERO's exported data as the simulator reads them, made in memory from recorded references:
 * `SUITE/TASK/{phys.xml, init.f64, meta.json}` and `assets/`.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LiberoFiles, LiberoIndex, LiberoSuite } from "../../sim-bridge/sims/libero/index.ts";
import { LIBERO_SUITES, officialLanguage } from "../../sim-bridge/sims/libero/index.ts";
import { prunedInit } from "./torch-zip.ts";

const dataRoot = fileURLToPath(new URL("../../../shared/libero", import.meta.url));
export const LIBERO_SCENES = join(dataRoot, "phys");
export const LIBERO_DEMOS = join(dataRoot, "demos");
export const LIBERO_ABSENT = existsSync(LIBERO_SCENES)
  ? undefined
  : `LIBERO's exported scenes are not at ${LIBERO_SCENES}`;

interface Meta {
  readonly language: string;
  readonly nq: number;
  readonly nv: number;
  readonly goal: readonly (readonly string[])[];
  readonly fixtures: Readonly<Record<string, { readonly cls: string }>>;
  readonly objects: Readonly<Record<string, { readonly cls: string }>>;
}

/** `SUITE/NAME`, as the simulator calls them. */
export function liberoTaskNames(): readonly string[] {
  return LIBERO_SUITES.flatMap((suite) =>
    readdirSync(join(LIBERO_SCENES, `libero_${suite}`)).map((name) => `${suite}/${name}`),
  );
}

/** What is recorded of a task, for instance `ref_act.f64`. */
export function liberoReference(task: string, file: string): string {
  return join(LIBERO_SCENES, `libero_${task}`, file);
}

export function readFloat64(path: string): Float64Array {
  return new Float64Array(new Uint8Array(readFileSync(path)).buffer);
}

/** The data of these tasks. Their index knows no hashes: nothing here is checked against it. */
export function liberoFiles(tasks: readonly string[] = liberoTaskNames()): LiberoFiles {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  return {
    place: LIBERO_SCENES,
    async read(path) {
      if (path === "libero.json") return encode(JSON.stringify(indexOf(tasks)));
      const [, task, file] = /^tasks\/(.+)\/([^/]+)$/.exec(path) ?? [];
      if (task === undefined || file === undefined) return readFile(join(LIBERO_SCENES, path));
      switch (file) {
        case "scene.xml":
          return readFile(liberoReference(task, "phys.xml"));
        case "task.bddl":
          return encode(problemText(readMeta(task)));
        case "init.pruned_init":
          return initStates(task);
        default:
          return readFile(liberoReference(task, file));
      }
    },
  };
}

/** A data folder on the disk whose index has all tasks, and which has the files of one. */
export async function writeLiberoFolder(folder: string, task: string): Promise<void> {
  const all = liberoFiles();
  const scene = Buffer.from(await all.read(`tasks/${task}/scene.xml`)).toString();
  const assets = [...scene.matchAll(/ file="([^"]+)"/g)].map((match) => match[1]!);
  const own = ["scene.xml", "task.bddl", "init.pruned_init", "meta.json"];
  const paths = ["libero.json", ...own.map((file) => `tasks/${task}/${file}`), ...assets];
  for (const path of new Set(paths)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), await all.read(path));
  }
}

function indexOf(tasks: readonly string[]): LiberoIndex {
  return {
    format: "efference_libero",
    format_version: 1,
    source: { package: "hf-libero", version: "0.1.4", robosuite: "1.4.0", mujoco: "3.14.0" },
    visual: null,
    files: {},
    tasks: tasks.map((task, index) => {
      const [suite, name = ""] = task.split("/");
      return {
        suite: suite as LiberoSuite,
        index,
        name,
        language: officialLanguage(name),
        folder: `tasks/${task}`,
        problem: "LIBERO",
      };
    }),
  };
}

function readMeta(task: string): Meta {
  return JSON.parse(readFileSync(liberoReference(task, "meta.json"), "utf8")) as Meta;
}

function initStates(task: string): Uint8Array {
  const { nq, nv } = readMeta(task);
  const rows = readFloat64(liberoReference(task, "init.f64"));
  return prunedInit(rows.length / (1 + nq + nv), 1 + nq + nv, rows);
}

/** The references hold no BDDL text, but what it says. */
function problemText(meta: Meta): string {
  const typed = (things: Meta["objects"]): string =>
    Object.entries(things)
      .map(([name, { cls }]) => `${name} - ${cls}`)
      .join(" ");
  const goal = meta.goal.map((atom) => `(${atom.join(" ")})`).join(" ");
  return `(define (problem LIBERO) (:domain robosuite) (:language ${meta.language})
    (:fixtures ${typed(meta.fixtures)}) (:objects ${typed(meta.objects)}) (:goal (And ${goal})))`;
}
