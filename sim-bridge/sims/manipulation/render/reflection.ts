import type { Extent } from "./raster.ts";
import type { SampleBuffer } from "./raster-memory.ts";
import { mean4 } from "./resolve.ts";
import { writePacked } from "./shade.ts";

/** What is drawn in a mirror's face; nothing where the face is not seen. */
export interface DrawnReflection {
  /** Nothing is outside. */
  readonly extent: Extent;
  /** uint8[height, width, 3]. */
  readonly rgb: Uint8Array;
  /** int32[height * samples, width]: packed colours, 0 = nothing. */
  readonly samples: Int32Array;
  /** float32[height * samples, width]: of the mirrored world where the face is seen, else Infinity. */
  readonly inverseDepth: Float32Array;
}

/**
 * The reflection of what never moves and of what rests in a face that does not move either, for a camera that never
 * moves. What is before the face in a frame takes samples of it away; the others keep their colours.
 */
export class KeptReflection {
  readonly extent: Extent;
  readonly #drawn: DrawnReflection;
  /** What is before the face in the baked picture: int32[height * samples, width], triangles. */
  readonly #seen: Int32Array;
  readonly #size: { readonly width: number; readonly samples: 1 | 4 };

  /** @param place.seen the baked picture that the reflection was drawn for */
  constructor(
    drawn: DrawnReflection,
    place: { seen: SampleBuffer; size: { readonly width: number; readonly samples: 1 | 4 } },
  ) {
    const { extent, rgb, samples, inverseDepth } = drawn;
    this.extent = { ...extent };
    this.#drawn = {
      extent: this.extent,
      rgb: rgb.slice(),
      samples: samples.slice(),
      inverseDepth: inverseDepth.slice(),
    };
    this.#seen = place.seen.triangle;
    this.#size = place.size;
  }

  /**
   * Brings it into another reflection's arrays, within its extent and as far as a frame leaves it to be seen.
   *
   * @param target the frame, drawn over the baked picture
   */
  copyTo(reflection: DrawnReflection, { triangle: ids }: SampleBuffer): void {
    const { width, samples } = this.#size;
    const { xMin, xMax, yMin, yMax } = this.extent;
    const seen = this.#seen;
    for (let row = yMin; row < yMax; row++) {
      for (let column = xMin; column < xMax; column++) {
        const first = row * samples * width + column;
        let isWhole = true;
        for (let k = 0; k < samples; k++) {
          const at = first + k * width;
          const isSeen = ids[at] === seen[at];
          isWhole &&= isSeen;
          reflection.samples[at] = isSeen ? this.#drawn.samples[at]! : 0;
          reflection.inverseDepth[at] = isSeen ? this.#drawn.inverseDepth[at]! : Infinity;
        }
        this.#copyPixel(reflection, { pixel: row * width + column, first, isWhole });
      }
    }
  }

  #copyPixel(
    reflection: DrawnReflection,
    { pixel, first, isWhole }: { pixel: number; first: number; isWhole: boolean },
  ): void {
    const { width, samples } = this.#size;
    const byte = 3 * pixel;
    if (isWhole) {
      for (let i = byte; i < byte + 3; i++) reflection.rgb[i] = this.#drawn.rgb[i]!;
      return;
    }
    const colour = (k: number): number => reflection.samples[first + k * width]!;
    const isOne = samples === 1;
    writePacked(
      reflection.rgb,
      byte,
      isOne ? colour(0) : mean4(colour(0), colour(1), colour(2), colour(3)),
    );
  }
}
