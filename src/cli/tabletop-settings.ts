import type { ImageSpec } from "../core/index.ts";
import type { SimSettings } from "./sim-settings.ts";
import { wholeNumberSetting } from "./sim-settings.ts";

/** Settings of the tabletop, with what each means. */
export const TABLETOP_SETTINGS = {
  image_size: "side of both cameras' images, px (default 128); 0 = no cameras",
} as const;

/**
 * The world's images, of the side that is asked for.
 * @throws {UsageError} for a value that is none
 */
export function tabletopImages(
  images: readonly ImageSpec[],
  { image_size: size }: SimSettings,
): readonly ImageSpec[] {
  if (size === undefined) return images;
  const side = wholeNumberSetting({ simulator: "tabletop", key: "image_size" }, size);
  return side === 0 ? [] : images.map((spec) => ({ ...spec, width: side, height: side }));
}
