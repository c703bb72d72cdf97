/**
 * How near each quality level of our renderer must come to the original's pictures: images.test.ts holds it to these. A
 * level is absent as long as our simulator cannot draw LIBERO's scenes in it.
 */
export interface ImageLevel {
  readonly level: string;
  /** Largest mean absolute difference of a picture, over pixels and channels, of 255. */
  readonly meanDifference: number;
  /** Largest share of pixels of which some channel differs by more than 32 of 255. */
  readonly farPixels: number;
}

export const IMAGE_LEVELS: readonly ImageLevel[] = [];
