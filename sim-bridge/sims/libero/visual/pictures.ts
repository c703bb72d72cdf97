/** Which cameras a LIBERO world has, and what they draw. */
import type { ImageSpec } from "../../../../src/core/index.ts";
import { sha256Hex } from "../../../../src/core/index.ts";
import { RENDERER_VERSION } from "../../manipulation/render/types.ts";
import type { LiberoFiles, LiberoIndex } from "../data.ts";
import { PREPARE } from "../data.ts";
import type { QualityLevel } from "./levels.ts";
import { DEFAULT_LEVEL, readLevels } from "./levels.ts";
import { VisualReader } from "./read.ts";

export interface PicturesOptions {
  /** How faithfully the cameras draw. @default "fast" */
  readonly quality?: QualityLevel;
  /** Side of the square images of both cameras, px; 0 = no cameras. @default 128, without exported pictures 0 */
  readonly imageSize?: number;
}

export interface Pictures {
  readonly images: readonly ImageSpec[];
  /** For `EnvironmentIdentity`: results with other pictures do not compare. */
  readonly versions: Readonly<Record<string, string>>;
  /** Reads what is seen of a task; absent without exported pictures. */
  readonly reader: VisualReader | undefined;
}

/** robosuite's names of LIBERO's two cameras: over the table, and on the hand. */
export const CAMERAS = ["agentview", "robot0_eye_in_hand"] as const;
const DEFAULT_SIZE = 128;
const LARGEST_SIZE = 2048;

/**
 * @throws {RangeError} if cameras are wanted of data without pictures, or a level is not there, naming the command
 *   that brings it
 */
export async function openPictures(
  files: LiberoFiles,
  index: LiberoIndex,
  options: PicturesOptions,
): Promise<Pictures> {
  const { quality = DEFAULT_LEVEL, imageSize = index.visual === null ? 0 : DEFAULT_SIZE } = options;
  if (!Number.isInteger(imageSize) || imageSize < 0 || imageSize > LARGEST_SIZE) {
    throw new RangeError(
      `Cannot open LIBERO: imageSize is ${imageSize}, must be an integer from 0 to ${LARGEST_SIZE}`,
    );
  }
  if (index.visual === null) {
    if (imageSize === 0 && options.quality === undefined) {
      return { images: [], versions: {}, reader: undefined };
    }
    throw new RangeError(
      `Cannot open LIBERO with cameras: ${files.place} was made without pictures ("${PREPARE}" without --no-visuals brings them)`,
    );
  }
  const levels = await readLevels(files, index);
  const level = imageSize === 0 ? undefined : quality;
  const listed = new TextEncoder().encode(JSON.stringify(levels.files));
  return {
    reader: new VisualReader(files, levels, level),
    images: level === undefined ? [] : CAMERAS.map((name) => imageOf(name, imageSize)),
    versions:
      level === undefined
        ? {}
        : {
            renderer: RENDERER_VERSION,
            "libero-pictures": `${level} ${(await sha256Hex(listed)).slice(0, 16)}`,
          },
  };
}

function imageOf(name: string, side: number): ImageSpec {
  return { name, width: side, height: side, channels: 3 };
}
