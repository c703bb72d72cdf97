import type { RayImage } from "./engine.ts";

export interface Agreement {
  /** Share of the pixels with the same label. */
  readonly equalShare: number;
  /** Depth errors where the labels are equal. */
  readonly depthP50M: number;
  readonly depthP99M: number;
}

/** Compares with rays; hits before the near plane do not count, for rays have none. */
export function compareWithRays(
  images: { segmentation: Uint16Array; depth: Float32Array },
  rays: RayImage,
  nearM: number,
): Agreement {
  let counted = 0;
  let equal = 0;
  const errors: number[] = [];
  rays.geomIds.forEach((geomId, pixel) => {
    if (geomId >= 0 && rays.depth[pixel]! <= nearM) return;
    counted++;
    if (images.segmentation[pixel] !== geomId + 1) return;
    equal++;
    if (geomId >= 0) errors.push(Math.abs(images.depth[pixel]! - rays.depth[pixel]!));
  });
  errors.sort((a, b) => a - b);
  return {
    equalShare: equal / counted,
    depthP50M: errors[Math.floor(errors.length * 0.5)]!,
    depthP99M: errors[Math.floor(errors.length * 0.99)]!,
  };
}
