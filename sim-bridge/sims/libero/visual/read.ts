/** Reads what is drawn of a task in a quality level. Knows no disk, runs in browsers. */
import { inflate, sha256Hex } from "../../../../src/core/index.ts";
import { decodePngPortably } from "../../../../src/episode/png-rows.ts";
import type { RenderTexture } from "../../manipulation/render/types.ts";
import type { LiberoFiles } from "../data.ts";
import { PREPARE, parseJson, remembered } from "../data.ts";
import type { SceneVisuals } from "../../manipulation/world.ts";
import type { Visual, VisualShape } from "./description.ts";
import { visualSchema } from "./description.ts";
import type { Levels, QualityLevel } from "./levels.ts";
import { DEFAULT_LEVEL } from "./levels.ts";
import type { IndexedMesh } from "./mesh-file.ts";
import { MAX_MESH_BYTES, decodeMesh } from "./mesh-file.ts";
import { renderModelOf } from "./render-model.ts";

export interface VisualTask {
  /** `SUITE/NAME`. */
  readonly name: string;
  readonly folder: string;
}

/** With the rows of `visual.json` that the model's shapes are. */
export interface LiberoVisuals extends SceneVisuals {
  readonly shapes: readonly VisualShape[];
}

const EMPTY_MESH: IndexedMesh = {
  positions: new Float32Array(0),
  normals: new Float32Array(0),
  texcoords: undefined,
  indices: new Uint32Array(0),
};

/** Reads tasks of one data folder; meshes and textures that several of them use are read once. */
export class VisualReader {
  readonly #files: LiberoFiles;
  readonly #levels: Levels;
  readonly #level: QualityLevel | undefined;
  readonly #meshes = new Map<string, Promise<IndexedMesh>>();
  readonly #textures = new Map<string, Promise<RenderTexture>>();

  /** @param level that of the cameras; undefined = nobody looks */
  constructor(files: LiberoFiles, levels: Levels, level: QualityLevel | undefined) {
    this.#files = files;
    this.#levels = levels;
    this.#level = level;
  }

  /**
   * @throws {RangeError} if a file is missing, naming the command that brings it
   * @throws {SyntaxError} if one is damaged
   */
  async read(task: VisualTask): Promise<LiberoVisuals> {
    const path = `${task.folder}/visual.json`;
    const bytes = await this.#bytes(path);
    const visual = parseVisual(bytes, `${this.#files.place}/${path}`);
    const level = this.#level;
    const [coarse, fine, textures] = await Promise.all([
      this.#meshesOf(visual, task.name, DEFAULT_LEVEL),
      level === undefined ? undefined : this.#meshesOf(visual, task.name, level),
      level === undefined ? undefined : this.#texturesOf(visual, level),
    ]);
    const means = visual.textures.map(({ path: name, type }) => this.#meanTexture(name, type));
    return {
      hash: `${level ?? "none"} ${await sha256Hex(bytes)}`,
      shapes: visual.geoms,
      described: (bodies) => renderModelOf(visual, { meshes: coarse, textures: means }, bodies),
      drawn:
        fine === undefined || textures === undefined
          ? undefined
          : (bodies) => renderModelOf(visual, { meshes: fine, textures }, bodies),
    };
  }

  #meshesOf(visual: Visual, name: string, level: QualityLevel): Promise<readonly IndexedMesh[]> {
    if (level === "full") return Promise.all(visual.meshes.map(({ path }) => this.#mesh(path)));
    const packed = this.#levels.levels[level]?.tasks[name];
    if (packed?.meshes.length !== visual.meshes.length) {
      throw new RangeError(
        `Cannot draw "${name}": ${this.#files.place} has no level "${level}" of it, must have ("${PREPARE}" makes it)`,
      );
    }
    return Promise.all(
      packed.meshes.map((path) => (path === null ? Promise.resolve(EMPTY_MESH) : this.#mesh(path))),
    );
  }

  #mesh(path: string): Promise<IndexedMesh> {
    return remembered(this.#meshes, path, async () => {
      const packed = await this.#bytes(path);
      return this.#decoded(path, async () =>
        decodeMesh(await inflate(packed, "deflate", MAX_MESH_BYTES)),
      );
    });
  }

  #texturesOf(visual: Visual, level: QualityLevel): Promise<readonly RenderTexture[]> {
    const copies = level === "full" ? {} : (this.#levels.levels[level]?.textures ?? {});
    return Promise.all(
      visual.textures.map(({ path, type, srgb }) => {
        const copy = copies[path] ?? path;
        return remembered(this.#textures, `${copy} ${type} ${srgb}`, async () => {
          const png = await this.#bytes(copy);
          const image = await this.#decoded(copy, () => decodePngPortably(png));
          return { type, srgb, ...image };
        });
      }),
    );
  }

  #meanTexture(path: string, type: number): RenderTexture {
    const mean = this.#levels.mean_colours[path] ?? [255, 255, 255];
    return { type, srgb: false, width: 1, height: 1, channels: 3, data: Uint8Array.from(mean) };
  }

  async #decoded<T>(path: string, decode: () => Promise<T>): Promise<T> {
    try {
      return await decode();
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new SyntaxError(
        `Cannot read ${this.#files.place}/${path}: ${what} ("${PREPARE}" brings it again)`,
        { cause },
      );
    }
  }

  async #bytes(path: string): Promise<Uint8Array> {
    try {
      return await this.#files.read(path);
    } catch (cause) {
      throw new RangeError(
        `Cannot draw LIBERO: ${this.#files.place} has no ${path}, must be there ("${PREPARE}" brings it)`,
        { cause },
      );
    }
  }
}

/** @throws {SyntaxError} naming what is wrong */
export function parseVisual(bytes: Uint8Array, name: string): Visual {
  return parseJson(visualSchema, bytes, name);
}
