import { TEXTURE_TYPE } from "./types.ts";
import type { RenderTexture } from "./types.ts";

/**
 * All images of a model with all their mip levels in one array, and how to read them.
 *
 * A 2d texture is one image, a cube or skybox is six (which may be the same one). Texels are packed
 * `0x00BBGGRR`, so that red and blue can be blended by one integer multiplication.
 */
export interface TextureAtlas {
  /** int32[sum of all levels]. */
  readonly texels: Int32Array;
  /** Per level: where it starts and its size. */
  readonly levelStart: Int32Array;
  readonly levelWidth: Int32Array;
  readonly levelHeight: Int32Array;
  /** Per image: its first level and how many it has. */
  readonly imageLevel: Int32Array;
  readonly imageLevels: Int32Array;
  /** Per image: 1 = coordinates are clamped at the border (cube faces), 0 = the image repeats. */
  readonly imageClamps: Uint8Array;
  /** Per texture: its first image; a cube has 6 consecutive entries in `faceImage`. */
  readonly textureImage: Int32Array;
}

interface Level {
  readonly width: number;
  readonly height: number;
  readonly rgb: Float32Array;
}

/** Cube faces in stored order: +x, -x, +y, -y, +z, -z of the OpenGL cube (right, left, up, down, front, back). */
export const CUBE_FACES = 6;

export function buildTextureAtlas(textures: readonly RenderTexture[]): TextureAtlas {
  const images: { levels: readonly Level[]; clamps: boolean }[] = [];
  const textureImage = new Int32Array(textures.length);
  textures.forEach((texture, id) => {
    textureImage[id] = images.length;
    const clamps = texture.type !== TEXTURE_TYPE.flat2d;
    const faces = decodeFaces(texture).map((face) => buildMipChain(face));
    const count = clamps ? CUBE_FACES : 1;
    for (let face = 0; face < count; face++) {
      images.push({ levels: faces[face % faces.length]!, clamps });
    }
  });
  return packImages(images, textureImage);
}

function packImages(
  images: readonly { levels: readonly Level[]; clamps: boolean }[],
  textureImage: Int32Array,
): TextureAtlas {
  const starts = new Map<Level, number>(); // equal faces share their texels
  let total = 0;
  for (const level of images.flatMap((image) => image.levels)) {
    if (starts.has(level)) continue;
    starts.set(level, total);
    total += level.width * level.height;
  }
  const texels = new Int32Array(total);
  for (const [level, start] of starts) {
    for (let texel = 0; texel < level.width * level.height; texel++) {
      const [r, g, b] = [0, 1, 2].map((channel) => Math.round(level.rgb[3 * texel + channel]!));
      texels[start + texel] = r! | (g! << 8) | (b! << 16);
    }
  }
  const levels = images.flatMap((image) => image.levels);
  let next = 0;
  return {
    texels,
    levelStart: Int32Array.from(levels, (level) => starts.get(level)!),
    levelWidth: Int32Array.from(levels, (level) => level.width),
    levelHeight: Int32Array.from(levels, (level) => level.height),
    imageLevel: Int32Array.from(
      images,
      (image) => (next += image.levels.length) - image.levels.length,
    ),
    imageLevels: Int32Array.from(images, (image) => image.levels.length),
    imageClamps: Uint8Array.from(images, (image) => Number(image.clamps)),
    textureImage,
  };
}

/** One image of a 2d texture; of a cube one (shared by all faces) or six. */
function decodeFaces(texture: RenderTexture): Level[] {
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

/**
 * Halves an image until it is one texel.
 *
 * Each texel is a bilinear sample of the level above at its own centre. For even sizes that is the
 * mean of 2 x 2; for odd ones it does not lose the last row or column as the plain mean does.
 */
function buildMipChain(base: Level): Level[] {
  const chain = [base];
  for (let level = base; level.width > 1 || level.height > 1; chain.push(level))
    level = halve(level);
  return chain;
}

function halve(source: Level): Level {
  const width = Math.max(1, source.width >> 1);
  const height = Math.max(1, source.height >> 1);
  const rgb = new Float32Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const sourceY = ((y + 0.5) * source.height) / height - 0.5;
    const y0 = Math.max(0, Math.floor(sourceY));
    const y1 = Math.min(source.height - 1, y0 + 1);
    const fy = sourceY - y0;
    for (let x = 0; x < width; x++) {
      const sourceX = ((x + 0.5) * source.width) / width - 0.5;
      const x0 = Math.max(0, Math.floor(sourceX));
      const x1 = Math.min(source.width - 1, x0 + 1);
      const fx = sourceX - x0;
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

/** Red and blue of a packed colour; the gap between them holds the products of the blend. */
const RED_BLUE = 0xff00ff;

/**
 * Bilinear sample of one mip level at `(u, v)` in [0, 1), packed `0x00BBGGRR`.
 *
 * Weights have 8 bits, so the result is within 1/255 of the exact blend. `wrap` repeats the image,
 * otherwise the border is clamped.
 */
function sampleLevel(
  atlas: TextureAtlas,
  level: number,
  u: number,
  v: number,
  wrap: boolean,
): number {
  const { texels } = atlas;
  const width = atlas.levelWidth[level]!;
  const height = atlas.levelHeight[level]!;
  const start = atlas.levelStart[level]!;
  // Half a texel is added instead of subtracted, so that truncation rounds down; hence the -1 below.
  const x = u * width + 0.5;
  const y = v * height + 0.5;
  let right = x | 0;
  let below = y | 0;
  const fx = ((x - right) * 256) | 0;
  const fy = ((y - below) * 256) | 0;
  let left = right - 1;
  let above = below - 1;
  if (left < 0) left = wrap ? width - 1 : 0;
  if (right >= width) right = wrap ? 0 : width - 1;
  if (above < 0) above = wrap ? height - 1 : 0;
  if (below >= height) below = wrap ? 0 : height - 1;
  const rowAbove = start + above * width;
  const rowBelow = start + below * width;
  const c00 = texels[rowAbove + left]!;
  const c10 = texels[rowAbove + right]!;
  const c01 = texels[rowBelow + left]!;
  const c11 = texels[rowBelow + right]!;
  const w11 = (fx * fy) >> 8;
  const w10 = fx - w11;
  const w01 = fy - w11;
  const w00 = 256 - fx - fy + w11;
  const redBlue =
    Math.imul(c00 & RED_BLUE, w00) +
    Math.imul(c10 & RED_BLUE, w10) +
    Math.imul(c01 & RED_BLUE, w01) +
    Math.imul(c11 & RED_BLUE, w11);
  const green =
    ((c00 >> 8) & 255) * w00 +
    ((c10 >> 8) & 255) * w10 +
    ((c01 >> 8) & 255) * w01 +
    ((c11 >> 8) & 255) * w11;
  return ((redBlue >>> 8) & RED_BLUE) | (green & 0xff00);
}

/**
 * Trilinear sample of an image, packed `0x00BBGGRR` (`GL_LINEAR_MIPMAP_LINEAR`).
 *
 * @param lod256 level of detail in 1/256 levels: `256 log2(texels of level 0 per pixel)`; <= 0 magnifies
 */
export function sampleTexture(
  atlas: TextureAtlas,
  image: number,
  u: number,
  v: number, // four positional numbers: called per pixel, an options object would be allocated
  lod256: number,
): number {
  const wrap = atlas.imageClamps[image] === 0;
  if (wrap) {
    u -= Math.floor(u);
    v -= Math.floor(v);
  } else {
    u = u < 0 ? 0 : u > 1 ? 1 : u;
    v = v < 0 ? 0 : v > 1 ? 1 : v;
  }
  const first = atlas.imageLevel[image]!;
  const last = first + atlas.imageLevels[image]! - 1;
  if (lod256 <= 0) return sampleLevel(atlas, first, u, v, wrap);
  const level = first + (lod256 >> 8);
  if (level >= last) return sampleLevel(atlas, last, u, v, wrap);
  const near = sampleLevel(atlas, level, u, v, wrap);
  const weight = lod256 & 255;
  if (weight === 0) return near;
  const far = sampleLevel(atlas, level + 1, u, v, wrap);
  const redBlue = Math.imul(near & RED_BLUE, 256 - weight) + Math.imul(far & RED_BLUE, weight);
  const green = ((near >> 8) & 255) * (256 - weight) + ((far >> 8) & 255) * weight;
  return ((redBlue >>> 8) & RED_BLUE) | (green & 0xff00);
}
