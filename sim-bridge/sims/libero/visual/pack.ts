/** Makes the packed quality levels of a data folder. Node only. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import { writeWhole } from "../../../../src/files/index.ts";
import type { LiberoIndex } from "../data.ts";
import { readIndex } from "../data.ts";
import { liberoFolder } from "../node.ts";
import { taskName } from "../world.ts";
import type { SceneMesh } from "./decimate.ts";
import { Decimator, errorSteps } from "./decimate.ts";
import type { Visual } from "./description.ts";
import type { Levels, PackedLevel, PackedScenes } from "./levels.ts";
import { LEVELS_FILE, PACKED_LEVELS, parseLevels, sourceHash } from "./levels.ts";
import { MAX_MESH_BYTES, decodeMesh, encodeQuantisedMesh } from "./mesh-file.ts";
import type { SceneFiles } from "./pack-textures.ts";
import { TexturePacker, fitTextures } from "./pack-textures.ts";
import { parseVisual } from "./read.ts";

const ZLIB_LEVEL = 9;

export interface PackProgress {
  readonly done: number;
  readonly tasks: number;
  readonly task: string;
}

/**
 * Writes the packed meshes and textures of every task, and `levels.json` last. What was made of the same data and is
 * intact stays; killed at any moment, the next call begins again and writes the same.
 * @returns undefined if the data have no pictures
 * @throws {SyntaxError} if a file of the folder is damaged
 */
export async function packLevels(
  folder: string,
  onProgress: (progress: PackProgress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<Levels | undefined> {
  const index = await readIndex(liberoFolder(folder));
  if (index.visual === null) return undefined;
  const made_from = await sourceHash(index);
  const before = await finishedBefore(folder, made_from);
  if (before !== undefined) return before;
  await Decimator.ready();
  const packer = new LevelPacker(folder);
  for (const [done, task] of index.tasks.entries()) {
    signal?.throwIfAborted();
    onProgress({ done, tasks: index.tasks.length, task: taskName(task) });
    await packer.add(task);
  }
  await packer.addTextures();
  const levels: Levels = {
    format: "efference_libero_levels",
    format_version: 1,
    made_from,
    levels: packer.levels,
    mean_colours: sortedByKey(packer.textures.meanColours),
    files: sortedByKey(packer.files),
  };
  await writeWhole(join(folder, LEVELS_FILE), `${JSON.stringify(levels)}\n`);
  return levels;
}

async function finishedBefore(folder: string, madeFrom: string): Promise<Levels | undefined> {
  const path = join(folder, LEVELS_FILE);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  let levels: Levels;
  try {
    levels = parseLevels(bytes, path);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // of another version, or damaged: made anew
    throw error;
  }
  if (levels.made_from !== madeFrom) return undefined;
  for (const [name, { sha256 }] of Object.entries(levels.files)) {
    const content = await readFile(join(folder, name)).catch(() => undefined);
    if (content === undefined || hashOf(content) !== sha256) return undefined;
  }
  return levels;
}

type MutableScenes = PackedScenes & { tasks: Record<string, PackedScenes["tasks"][string]> };

class LevelPacker {
  readonly #folder: string;
  readonly #decimator: Decimator;
  readonly #full = new Map<string, Uint8Array>();
  readonly levels: Record<PackedLevel, MutableScenes>;
  readonly textures = new TexturePacker();
  readonly #scenes: Record<PackedLevel, SceneFiles[]> = { balanced: [], fast: [] };
  readonly files: Record<string, { bytes: number; sha256: string }> = {};
  readonly #meshPaths = new Map<string, string | null>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#decimator = new Decimator((path) => decodeMesh(this.#full.get(path)!));
    const empty = (level: PackedLevel): MutableScenes => ({
      triangles: PACKED_LEVELS[level].triangles,
      texture_side: PACKED_LEVELS[level].textureSide,
      scene_bytes: PACKED_LEVELS[level].sceneBytes,
      textures: {},
      tasks: {},
    });
    this.levels = { balanced: empty("balanced"), fast: empty("fast") };
  }

  async add(task: LiberoIndex["tasks"][number]): Promise<void> {
    const path = `${task.folder}/visual.json`;
    const visual = parseVisual(await this.#read(path), path);
    for (const { path: name, type } of visual.textures) {
      if (!this.textures.has(name)) this.textures.add(name, await this.#read(name), type !== 0);
    }
    const meshes = sceneMeshes(visual);
    for (const { path: name } of meshes) {
      if (this.#full.has(name)) continue;
      const bytes = inflateSync(await this.#read(name), { maxOutputLength: MAX_MESH_BYTES });
      this.#full.set(name, bytes);
    }
    for (const level of ["balanced", "fast"] as const) {
      const { triangles, steps } = this.#decimator.fit(meshes, PACKED_LEVELS[level].triangles);
      const paths: (string | null)[] = visual.meshes.map(() => null);
      for (const [i, mesh] of meshes.entries()) {
        const made = await this.#addMesh(mesh.path, steps[i]!);
        visual.meshes.forEach((entry, row) => {
          if (entry.path === mesh.path) paths[row] = made;
        });
      }
      this.levels[level].tasks[taskName(task)] = { triangles, meshes: paths };
      const used = new Set(paths.filter((name) => name !== null));
      const meshBytes = [...used].reduce((sum, name) => sum + this.files[name]!.bytes, 0);
      this.#scenes[level].push({ meshBytes, textures: visual.textures.map((each) => each.path) });
    }
  }

  /** Writes the textures of all tasks that were added. */
  async addTextures(): Promise<void> {
    const { textures } = this;
    const bytesOf = (path: string, side: number): number => textures.copy(path, side).length;
    for (const level of ["balanced", "fast"] as const) {
      const sides = fitTextures(this.#scenes[level], PACKED_LEVELS[level], bytesOf);
      for (const [path, side] of sides) {
        const copy = textures.copy(path, side);
        this.levels[level].textures[path] = textures.isSource(path, copy)
          ? path
          : await this.#write(copy, "png");
      }
    }
  }

  async #addMesh(path: string, step: number): Promise<string | null> {
    const key = `${path} ${step}`;
    let made = this.#meshPaths.get(key);
    if (made === undefined) {
      const mesh = this.#decimator.mesh(path, step);
      made =
        mesh.indices.length === 0
          ? null
          : await this.#write(
              deflateSync(encodeQuantisedMesh(mesh), { level: ZLIB_LEVEL }),
              "mesh",
            );
      this.#meshPaths.set(key, made);
    }
    return made;
  }

  async #write(content: Uint8Array, suffix: string): Promise<string> {
    const sha256 = hashOf(content);
    const path = `visual/packed/${sha256.slice(0, 16)}.${suffix}`;
    // Its hash is in the list of the levels, which is forced to the disk.
    if (this.files[path] === undefined) {
      await writeWhole(join(this.#folder, path), content, { forced: false });
    }
    this.files[path] = { bytes: content.length, sha256 };
    return path;
  }

  #read(path: string): Promise<Buffer> {
    return readFile(join(this.#folder, path));
  }
}

/** Meshes that are drawn, each once, with the smallest allowed error of the shapes that show it. */
function sceneMeshes(visual: Visual): readonly SceneMesh[] {
  const meshes = new Map<string, { path: string; steps: number; uses: number }>();
  for (const { mesh: row, body, rgba } of visual.geoms) {
    if (row < 0 || rgba[3]! <= 0) continue;
    const { path } = visual.meshes[row]!;
    const known = meshes.get(path);
    if (known === undefined) meshes.set(path, { path, steps: errorSteps(body), uses: 1 });
    else {
      known.steps = Math.min(known.steps, errorSteps(body));
      known.uses++;
    }
  }
  return [...meshes.values()];
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function sortedByKey<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
