import type { LiberoOptions } from "../../sim-bridge/sims/libero/index.ts";
import { QUALITY_LEVELS } from "../../sim-bridge/sims/libero/index.ts";
import { UsageError } from "./exit.ts";
import type { SimSettings } from "./sim-settings.ts";
import { wholeNumberSetting } from "./sim-settings.ts";

/** Settings of the LIBERO simulator, with what each means. */
export const LIBERO_SETTINGS = {
  data: "folder of the exported data (default: $EFFERENCE_LIBERO, else below the user's cache)",
  settle: "no-op steps after a reset, not counted (default 10, as published evaluations do)",
  quality: "fast (default), balanced or full: how faithfully the cameras draw",
  image_size: "side of both cameras' images, px (default 128); 0 = no cameras",
  controller: "held (default, as in the official evaluation) or fresh: what its first substep sees",
} as const;

/** @throws {UsageError} for a value that is none */
export function liberoSettings(settings: SimSettings): LiberoOptions & { readonly data?: string } {
  const { data, settle, controller, quality, image_size: imageSize } = settings;
  const wholeNumber = (key: string, text: string): number =>
    wholeNumberSetting({ simulator: "libero", key }, text);
  return {
    ...(data === undefined ? {} : { data }),
    ...(settle === undefined ? {} : { settleSteps: wholeNumber("settle", settle) }),
    ...(quality === undefined ? {} : { quality: oneOf("quality", quality, QUALITY_LEVELS) }),
    ...(imageSize === undefined ? {} : { imageSize: wholeNumber("image_size", imageSize) }),
    ...(controller === undefined
      ? {}
      : { firstSubstep: oneOf("controller", controller, ["held", "fresh"]) }),
  };
}

function oneOf<T extends string>(key: string, text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw new UsageError(
    `Cannot set ${key} of libero: it is "${text}", must be ${values.join(" or ")}`,
  );
}
