/**
 * Quality levels of LIBERO's pictures. `full` is what the exporter wrote; the others are made of it once, by
 * `packLevels`, and listed in `levels.json`.
 */
import { z } from "zod";
import { sha256Hex } from "../../../../src/core/index.ts";
import type { CameraRendererOptions } from "../../manipulation/render/types.ts";
import type { LiberoFiles, LiberoIndex } from "../data.ts";
import { PREPARE, fileListing, parseJson } from "../data.ts";

/**
 * At most so many triangles of meshes in a scene, so many pixels along a texture's longer side, so many bytes of a scene's
 * meshes and textures, compressed. Over the last one textures are made smaller, see `fitTextures`.
 */
export const PACKED_LEVELS = {
  balanced: { triangles: 40_000, textureSide: 256, sceneBytes: 1_500_000 },
  fast: { triangles: 20_000, textureSide: 256, sceneBytes: 1_000_000 },
} as const;
export type PackedLevel = keyof typeof PACKED_LEVELS;
export type QualityLevel = "full" | PackedLevel;
export const QUALITY_LEVELS = ["full", "balanced", "fast"] as const;
export const DEFAULT_LEVEL: QualityLevel = "fast";

/** Poses are drawn on this grid (m, and entries of rotations): at most 0.003 px off at 256 px, 0.5 m away. */
const POSE_STEP = 2 ** -16;

/**
 * How the levels are drawn. The renderer's own short cuts cost up to 3 dB, so they suit levels that are reduced already;
 * so does its grid of poses, on which things that lie about stay where they are.
 */
export const DRAWN_WITH: Readonly<
  Record<QualityLevel, Pick<CameraRendererOptions, "fidelity" | "poseStep">>
> = {
  full: { fidelity: "exact" },
  balanced: { fidelity: "fast", poseStep: POSE_STEP },
  fast: { fidelity: "fast", poseStep: POSE_STEP },
};

export const LEVELS_FILE = "levels.json";
/** Changes whenever the same meshes and textures would be packed to others. */
export const PACK_VERSION = 2;

const packedSchema = z.object({
  triangles: z.int(),
  texture_side: z.int(),
  scene_bytes: z.int(),
  /** By the path of a texture as exported: that of its smaller copy. */
  textures: z.record(z.string(), z.string()),
  /** By task (`SUITE/NAME`): files of its meshes, row by row as in its `visual.json`; null where nothing is left. */
  tasks: z.record(
    z.string(),
    z.object({ triangles: z.int(), meshes: z.array(z.string().nullable()) }),
  ),
});
const levelsSchema = z.object({
  format: z.literal("efference_libero_levels"),
  format_version: z.literal(1),
  /** SHA-256 of what it was made of: see `sourceHash`. */
  made_from: z.string(),
  levels: z.record(z.enum(["balanced", "fast"]), packedSchema),
  /** By the path of a texture as exported: its mean colour, 0 to 255. */
  mean_colours: z.record(z.string(), z.array(z.number()).length(3)),
  files: z.record(z.string(), z.object({ bytes: z.int(), sha256: z.string() })),
});
export type Levels = z.infer<typeof levelsSchema>;
export type PackedScenes = z.infer<typeof packedSchema>;

/** Over what is drawn: of two folders of one hash the same levels would be made. */
export function sourceHash({ files }: LiberoIndex): Promise<string> {
  const drawn = Object.entries(files).filter(
    ([path]) => path.startsWith("visual/") || path.endsWith("/visual.json"),
  );
  const listing = fileListing(Object.fromEntries(drawn));
  return sha256Hex(new TextEncoder().encode(`${PACK_VERSION}\n${listing}`));
}

/**
 * Reads the list of packed levels.
 * @throws {RangeError} if there is none, or one of other data: an export that was not finished
 * @throws {SyntaxError} if it is damaged
 */
export async function readLevels(files: LiberoFiles, index: LiberoIndex): Promise<Levels> {
  const unfinished = (what: string, cause?: unknown): RangeError =>
    new RangeError(
      `Cannot draw LIBERO: ${files.place}/${LEVELS_FILE} ${what} (half an export: "${PREPARE}" finishes it)`,
      { cause },
    );
  let bytes: Uint8Array;
  try {
    bytes = await files.read(LEVELS_FILE);
  } catch (cause) {
    throw unfinished("is missing", cause);
  }
  const levels = parseLevels(bytes, `${files.place}/${LEVELS_FILE}`);
  const wanted = await sourceHash(index);
  if (levels.made_from !== wanted) {
    throw unfinished(`was made of other data: of ${levels.made_from}, must be of ${wanted}`);
  }
  return levels;
}

/** @throws {SyntaxError} naming what is wrong */
export function parseLevels(bytes: Uint8Array, name: string): Levels {
  return parseJson(levelsSchema, bytes, name);
}
