/** Textures of the packed levels: how large each may be, and its copies. */
import { decodePng, encodePng } from "../../../../src/episode/png.ts";
import { meanColour, shrinkTexture } from "./shrink.ts";

const ZLIB_LEVEL = 9;
/** Textures are not halved below this many pixels along their longer side. */
const SMALLEST_SIDE = 32;

/** What the files of a scene in a level are. */
export interface SceneFiles {
  /** Of its meshes, compressed. */
  readonly meshBytes: number;
  /** Paths as exported; each counts once. */
  readonly textures: readonly string[];
}

/** What a level allows. */
export interface TextureLimits {
  /** Pixels along a texture's longer side. */
  readonly textureSide: number;
  /** Of a scene's meshes and textures together, compressed. */
  readonly sceneBytes: number;
}

/**
 * Chooses the side of every texture: the level's, but where a scene is over its budget the texture that takes most bytes
 * there is halved, for all scenes, until it is not, or until none can be halved.
 *
 * @param scenes in a fixed order, on which the choice depends
 * @param bytesOf compressed size of a texture at a side
 * @returns by path
 */
export function fitTextures(
  scenes: readonly SceneFiles[],
  { textureSide, sceneBytes }: TextureLimits,
  bytesOf: (path: string, side: number) => number,
): ReadonlyMap<string, number> {
  const sides = new Map<string, number>();
  for (const { textures } of scenes) for (const path of textures) sides.set(path, textureSide);
  for (const { meshBytes, textures } of scenes) {
    for (;;) {
      const bySize = [...new Set(textures)]
        .map((path) => ({ path, bytes: bytesOf(path, sides.get(path)!) }))
        .sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1));
      const total = bySize.reduce((sum, { bytes }) => sum + bytes, meshBytes);
      const largest = bySize.find(({ path }) => sides.get(path)! >= 2 * SMALLEST_SIDE);
      if (total <= sceneBytes || largest === undefined) break;
      sides.set(largest.path, sides.get(largest.path)! / 2);
    }
  }
  return sides;
}

/** Smaller copies of textures, each made once. */
export class TexturePacker {
  readonly #sources = new Map<string, { readonly png: Uint8Array; readonly isCube: boolean }>();
  readonly #copies = new Map<string, Uint8Array>();
  /** By path: 0 to 255. */
  readonly meanColours: Record<string, number[]> = {};

  has(path: string): boolean {
    return this.#sources.has(path);
  }

  /** @throws {SyntaxError} if `png` is damaged */
  add(path: string, png: Uint8Array, isCube: boolean): void {
    this.#sources.set(path, { png, isCube });
    this.meanColours[path] = [...meanColour(decodePng(png))];
  }

  /** The PNG of an added texture with at most `side` pixels along its longer side; the source itself if it is that small. */
  copy(path: string, side: number): Uint8Array {
    const key = `${path} ${side}`;
    let copy = this.#copies.get(key);
    if (copy === undefined) {
      const { png, isCube } = this.#sources.get(path)!;
      const image = decodePng(png);
      const small = shrinkTexture(image, side, isCube);
      copy = small === image ? png : encodePng(small, { level: ZLIB_LEVEL });
      this.#copies.set(key, copy);
    }
    return copy;
  }

  /** Whether `copy` is the source. */
  isSource(path: string, copy: Uint8Array): boolean {
    return this.#sources.get(path)?.png === copy;
  }
}
