import createModule from "@mujoco/mujoco";
import { namedParts, sha256OfParts } from "../../../src/core/index.ts";
import {
  CONTACT_GEOM1_INT,
  CONTACT_GEOM2_INT,
  CONTACT_STRIDE_INTS,
  type EngineData,
  type EngineModel,
  type MujocoModule,
} from "./mujoco-module.ts";

/** Where the engine lies: the package's WebAssembly with small functions inlined, see the README beside it. */
export const ENGINE_URL = new URL("./engine/mujoco.wasm", import.meta.url).href;

let loading: Promise<MujocoModule> | undefined;

/**
 * The engine, instantiated once per process (about 0.2 s and 50 MB).
 * @param options.wasmBinary its WebAssembly (of `ENGINE_URL`), where the caller has fetched it (a browser, with
 *   progress); at the first call only
 */
export function loadMujoco(
  options: { readonly wasmBinary?: ArrayBuffer } = {},
): Promise<MujocoModule> {
  loading ??= instantiate(options);
  return loading;
}

async function instantiate(options: { readonly wasmBinary?: ArrayBuffer }): Promise<MujocoModule> {
  // The package's own declarations have no element types; `MujocoModule` states those that are used.
  const files = { locateFile: () => ENGINE_URL };
  const mujoco = (await createModule({ ...files, ...options })) as unknown as MujocoModule;
  verifyContactLayout(mujoco);
  return mujoco;
}

/** Geom ids of the first `count` contacts in the arena: int32[count, 2]. */
export function readContactPairs(arena: Int32Array, count: number): Int32Array {
  const pairs = new Int32Array(2 * count);
  for (let i = 0; i < count; i++) {
    pairs[2 * i] = arena[i * CONTACT_STRIDE_INTS + CONTACT_GEOM1_INT]!;
    pairs[2 * i + 1] = arena[i * CONTACT_STRIDE_INTS + CONTACT_GEOM2_INT]!;
  }
  return pairs;
}

/** The folder for scenes that refer to these files, named by what they hold. */
export async function folderOf(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  return `/${await sha256OfParts(namedParts(files))}`;
}

/** MJCF text, and the files it refers to by the names it uses. */
export interface ModelSource {
  readonly xml: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/**
 * Writes the files where the engine can read them, compiles, and removes them again.
 *
 * The engine keeps what it made of a mesh (its hull, inertia and bounding volumes) by path and date, and takes it again
 * for the next scene: two thirds of the time of compiling a scene of LIBERO. So the folder is named by the contents of
 * the files, whose date is always the same.
 * @param root folder that stands for these files; the same for others would give the meshes of the first
 */
export function compileModel(
  mujoco: MujocoModule,
  { xml, files }: ModelSource,
  root: string,
): EngineModel {
  const folders = new Set([root]);
  const written: string[] = [];
  try {
    for (const [name, bytes] of [...Object.entries(files), ["scene.xml", xml] as const]) {
      const parts = name.split("/");
      if (parts.some((part) => part === "" || part === "." || part === "..")) {
        throw new RangeError(
          `Cannot compile the scene: file name "${name}" must be relative and stay inside`,
        );
      }
      parts
        .slice(0, -1)
        .forEach((_, i) => folders.add(`${root}/${parts.slice(0, i + 1).join("/")}`));
      mujoco.FS.mkdirTree(`${root}/${parts.slice(0, -1).join("/")}`);
      mujoco.FS.writeFile(`${root}/${name}`, bytes);
      written.push(`${root}/${name}`);
      mujoco.FS.utime(`${root}/${name}`, 0, 0);
    }
    return parseModel(mujoco, `${root}/scene.xml`);
  } finally {
    for (const path of written) mujoco.FS.unlink(path);
    if (written.length > 0) for (const path of [...folders].reverse()) mujoco.FS.rmdir(path);
  }
}

function parseModel(mujoco: MujocoModule, path: string): EngineModel {
  try {
    return mujoco.MjModel.from_xml_path(path);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(`Cannot compile the scene: ${message.trim()}`, { cause: error });
  }
}

/**
 * Reads two contacts both ways.
 * @throws {Error} if this build of the engine lays contacts out differently
 */
function verifyContactLayout(mujoco: MujocoModule): void {
  const box = (x: number): string =>
    `<body pos="${x} 0 .04"><freejoint/><geom type="box" size=".05 .05 .05"/></body>`;
  const model = mujoco.MjModel.from_xml_string(
    `<mujoco><size memory="256K"/><worldbody><geom type="plane" size="2 2 .1"/>${box(0)}${box(1)}</worldbody></mujoco>`,
  );
  const data = new mujoco.MjData(model);
  mujoco.mj_step1(model, data);
  const fast = readContactPairs(arenaInts(data), data.ncon);
  const contacts = data.contact;
  const slow: number[] = [];
  for (let i = 0; i < contacts.size(); i++) {
    const contact = contacts.get(i);
    slow.push(contact?.geom1 ?? NaN, contact?.geom2 ?? NaN);
    contact?.delete();
  }
  contacts.delete();
  data.delete();
  model.delete();
  if (slow.length === 0 || slow.join() !== [...fast].join()) {
    throw new Error(
      `Cannot use MuJoCo ${mujoco.mj_versionString()}: its contacts lie differently in memory, the package must be @mujoco/mujoco 3.14.0`,
    );
  }
}

/** The arena as integers; contacts lie at its start. */
export function arenaInts(data: EngineData): Int32Array {
  const { arena } = data;
  return new Int32Array(arena.buffer, arena.byteOffset, Math.floor(arena.byteLength / 4));
}
