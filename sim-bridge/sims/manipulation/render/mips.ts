import { TEXTURE_TYPE } from "./types.ts";
import type { RenderTexture } from "./types.ts";

/** An image as linear floats on the scale 0-255. */
export interface FloatImage {
  readonly width: number;
  readonly height: number;
  /** float32[height, width, 3]. */
  readonly rgb: Float32Array;
}

/** Faces of a cube or skybox. */
export const CUBE_FACES = 6;

/** The images of a texture: one of a 2d texture; of a cube one (for all its faces) or six. */
export function decodeImages(texture: RenderTexture): FloatImage[] {
  const { width, height, channels, data } = texture;
  const isCube = texture.type !== TEXTURE_TYPE.flat2d;
  const faces = isCube && height === CUBE_FACES * width ? CUBE_FACES : 1;
  const faceHeight = height / faces;
  return Array.from({ length: faces }, (_, face) => {
    const rgb = new Float32Array(3 * width * faceHeight);
    for (let texel = 0; texel < width * faceHeight; texel++) {
      const source = (face * width * faceHeight + texel) * channels;
      for (let channel = 0; channel < 3; channel++) {
        const value = data[source + (channels < 3 ? 0 : channel)]!;
        rgb[3 * texel + channel] = texture.srgb ? decodeSrgb(value) : value;
      }
    }
    return { width, height: faceHeight, rgb };
  });
}

/** IEC 61966-2-1 decoding of one 8-bit value, kept on the scale 0-255. MuJoCo never encodes back. */
function decodeSrgb(value: number): number {
  const c = value / 255;
  return 255 * (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
}

/** The image and its halvings down to a single texel. */
export function buildMipChain(base: FloatImage): readonly FloatImage[] {
  const chain = [base];
  for (let image = base; image.width > 1 || image.height > 1; chain.push(image)) {
    image = halve(image);
  }
  return chain;
}

/**
 * Half the size in each direction, at least one texel.
 *
 * Each texel is a bilinear sample of the larger image at its own centre. For even sizes that is the
 * mean of 2 x 2; for odd ones it does not lose the last row or column, as the plain mean does.
 */
function halve(source: FloatImage): FloatImage {
  const width = Math.max(1, source.width >> 1);
  const height = Math.max(1, source.height >> 1);
  return resample(source, { width, height, wraps: false });
}

/** Bilinear resampling at the centres of the new texels; borders are clamped or wrapped. */
export function resample(
  source: FloatImage,
  target: { width: number; height: number; wraps: boolean },
): FloatImage {
  const { width, height } = target;
  const rgb = new Float32Array(3 * width * height);
  const rows = { from: source.height, to: height, wraps: target.wraps };
  const columns = { from: source.width, to: width, wraps: target.wraps };
  for (let y = 0; y < height; y++) {
    const [y0, y1, fy] = neighbours(y, rows);
    for (let x = 0; x < width; x++) {
      const [x0, x1, fx] = neighbours(x, columns);
      for (let channel = 0; channel < 3; channel++) {
        const at = (row: number, column: number): number =>
          source.rgb[3 * (row * source.width + column) + channel]!;
        rgb[3 * (y * width + x) + channel] =
          (1 - fy) * ((1 - fx) * at(y0, x0) + fx * at(y0, x1)) +
          fy * ((1 - fx) * at(y1, x0) + fx * at(y1, x1));
      }
    }
  }
  return { width, height, rgb };
}

/** The two source texels around the centre of target texel `index`, and the weight of the second. */
function neighbours(
  index: number,
  { from, to, wraps }: { from: number; to: number; wraps: boolean },
): [number, number, number] {
  const position = ((index + 0.5) * from) / to - 0.5;
  const low = Math.floor(position);
  const fold = (i: number): number =>
    wraps ? (i + from) % from : Math.min(Math.max(i, 0), from - 1);
  return [fold(low), fold(low + 1), position - low];
}
