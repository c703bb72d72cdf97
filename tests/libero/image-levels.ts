/** How near each quality level of our pictures must come to those of the original's own renderer. */
import type { QualityLevel } from "../../sim-bridge/sims/libero/index.ts";

export interface ImageLevel {
  readonly level: QualityLevel;
  /** Over whole episodes, of any picture: mean absolute difference over pixels and channels, of 255. */
  readonly meanDifference: number;
  /** The same: share of pixels of which some channel differs by more than 32 of 255. */
  readonly farPixels: number;
  /** Over the pictures of pictures.test.ts: means of peak signal-to-noise ratio (dB) and structural similarity. */
  readonly psnrDb: number;
  readonly ssim: number;
  /** Mean share of pixels that show the same shape. */
  readonly labels: number;
}

export const IMAGE_LEVELS: readonly ImageLevel[] = [
  { level: "full", meanDifference: 2, farPixels: 0.01, psnrDb: 41, ssim: 0.99, labels: 0.999 },
  { level: "balanced", meanDifference: 3, farPixels: 0.02, psnrDb: 36, ssim: 0.98, labels: 0.998 },
  { level: "fast", meanDifference: 4, farPixels: 0.04, psnrDb: 33, ssim: 0.96, labels: 0.995 },
];
