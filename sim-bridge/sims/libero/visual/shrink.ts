import type { RasterImage } from "../../../../src/episode/png.ts";

/** Faces of a cube texture stand one below the other. */
const CUBE_FACES = 6;

/**
 * The image with at most `side` texels along a face's longer side: means over areas. An image that is small enough is
 * returned as it is.
 * @param isCube six faces one below the other, which must not bleed into each other
 */
export function shrinkTexture(image: RasterImage, side: number, isCube: boolean): RasterImage {
  const { width, height, channels } = image;
  const faces = isCube && height === CUBE_FACES * width ? CUBE_FACES : 1;
  const faceHeight = height / faces;
  const scale = side / Math.max(width, faceHeight);
  if (scale >= 1) return image;
  const [newWidth, newHeight] = [width, faceHeight].map((n) => Math.max(1, Math.round(n * scale)));
  const columns = overlaps(width, newWidth!);
  const rows = overlaps(faceHeight, newHeight!);
  const data = new Uint8Array(newWidth! * newHeight! * faces * channels);
  let out = 0;
  for (let face = 0; face < faces; face++) {
    for (const down of rows) {
      for (const across of columns) {
        for (let channel = 0; channel < channels; channel++) {
          let sum = 0;
          for (const { at: y, share: tall } of down) {
            for (const { at: x, share: wide } of across) {
              const texel = (face * faceHeight + y) * width + x;
              sum += tall * wide * image.data[texel * channels + channel]!;
            }
          }
          data[out++] = Math.round(sum);
        }
      }
    }
  }
  return { width: newWidth!, height: newHeight! * faces, channels, data };
}

interface Overlap {
  readonly at: number;
  readonly share: number;
}

/** Which of `from` cells each of `to` cells covers, and with what share of itself. */
function overlaps(from: number, to: number): readonly (readonly Overlap[])[] {
  const size = from / to;
  return Array.from({ length: to }, (_, cell) => {
    const [start, end] = [cell * size, (cell + 1) * size];
    const covered: Overlap[] = [];
    for (let at = Math.floor(start); at < Math.min(from, Math.ceil(end)); at++) {
      const share = (Math.min(end, at + 1) - Math.max(start, at)) / size;
      if (share > 0) covered.push({ at, share });
    }
    return covered;
  });
}

/** Mean of each colour over all texels, rounded. */
export function meanColour({ data, channels }: RasterImage): readonly [number, number, number] {
  const sums = [0, 0, 0];
  for (let at = 0; at < data.length; at += channels) {
    for (let i = 0; i < 3; i++) sums[i]! += data[at + Math.min(i, channels - 1)]!;
  }
  const [r, g, b] = sums.map((sum) => Math.round((sum * channels) / data.length));
  return [r!, g!, b!];
}
