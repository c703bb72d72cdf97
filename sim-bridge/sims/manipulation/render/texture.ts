import { CUBE_FACES, buildMipChain, decodeImages, resample } from "./mips.ts";
import type { FloatImage } from "./mips.ts";
import { TEXTURE_TYPE } from "./types.ts";
import type { RenderTexture } from "./types.ts";

/** Steps between two mip levels for which a blend of the two is kept ready. */
const BLENDS_PER_LEVEL = 4;
/** Bits of the level of detail as `Texture.image.levelFor` takes it that make one such step. */
const LOD_STEP = 256 / BLENDS_PER_LEVEL;

/**
 * Texels are packed into one double each: red + green 2^17 + blue 2^34, integers of 8 bits. Weights of
 * 8 bits that sum to 256 turn each into 16 bits, so a bilinear blend of all three channels is exact in
 * one multiplication and addition per texel: 50 of the 53 bits of a double.
 */
const GREEN_UNIT = 2 ** 17;
const BLUE_UNIT = 2 ** 34;

/** One size of an image, ready for bilinear sampling. */
export class TextureLevel {
  readonly width: number;
  readonly height: number;
  readonly wraps: boolean;
  readonly texels: Float64Array;

  constructor(image: FloatImage, wraps: boolean) {
    this.width = image.width;
    this.height = image.height;
    this.wraps = wraps;
    this.texels = Float64Array.from({ length: image.width * image.height }, (_, texel) => {
      const [r, g, b] = [0, 1, 2].map((channel) => Math.round(image.rgb[3 * texel + channel]!));
      return r! + g! * GREEN_UNIT + b! * BLUE_UNIT;
    });
  }
}

/**
 * An image at every level of detail.
 *
 * Trilinear filtering (`GL_LINEAR_MIPMAP_LINEAR`) mixes two mip levels in each pixel, as `sampleBetween`
 * does. For `levelFor` the mix is made once per level of detail, rounded to quarters of a level: the coarser image is enlarged to the
 * size of the finer one and blended with it, when first needed. That halves the work per pixel; the
 * result differs from exact trilinear filtering by at most an eighth of the difference of the levels.
 */
export class TextureImage {
  readonly width: number;
  readonly height: number;
  /** Coordinates outside [0, 1) repeat the image; else they are clamped to its border. */
  readonly wraps: boolean;
  /** The last level's number, from 0: quarters of mip levels. */
  readonly lastStep: number;
  readonly #mips: readonly FloatImage[];
  readonly #levels: (TextureLevel | undefined)[] = [];

  constructor(base: FloatImage, wraps: boolean) {
    this.width = base.width;
    this.height = base.height;
    this.wraps = wraps;
    this.#mips = buildMipChain(base);
    this.lastStep = (this.#mips.length - 1) * BLENDS_PER_LEVEL;
  }

  /** @param lod256 `256 log2(texels per pixel)`; <= 0 magnifies */
  levelFor(lod256: number): TextureLevel {
    const last = this.lastStep;
    const rounded = (lod256 + LOD_STEP / 2) / LOD_STEP;
    const step = rounded <= 0 ? 0 : rounded >= last ? last : rounded | 0;
    return this.#levels[step] ?? this.#makeLevel(step);
  }

  /**
   * Trilinear sample at (u, v), packed as that of `sampleLevel`: both mip levels are read.
   *
   * @param lod256 as `levelFor` takes it
   */
  sampleBetween(lod256: number, u: number, v: number): number {
    const last = 256 * (this.#mips.length - 1);
    const lod = lod256 <= 0 ? 0 : lod256 >= last ? last : lod256 | 0;
    const fine = sampleLevel(this.levelFor(lod & -256), u, v);
    const weight = lod & 255;
    if (weight === 0) return fine;
    const coarse = sampleLevel(this.levelFor((lod & -256) + 256), u, v);
    const mix = (a: number, b: number): number => (a * (256 - weight) + b * weight) >> 8;
    const [fineBlue, coarseBlue] = [blueOf(fine), blueOf(coarse)];
    const [fineGreen, coarseGreen] = [greenOf(fine, fineBlue), greenOf(coarse, coarseBlue)];
    return (
      mix(redOf(fine, fineBlue, fineGreen), redOf(coarse, coarseBlue, coarseGreen)) +
      mix(fineGreen, coarseGreen) * GREEN_UNIT +
      mix(fineBlue, coarseBlue) * BLUE_UNIT
    );
  }

  #makeLevel(step: number): TextureLevel {
    const image = this.imageAt(step);
    // Filled in order without holes, so that the array stays of the fast kind.
    while (this.#levels.length <= step) this.#levels.push(undefined);
    return (this.#levels[step] = new TextureLevel(image, this.wraps));
  }

  /** Size of a level, texels. */
  sizeAt(step: number): { width: number; height: number } {
    return sizeOf(this.#mips[Math.floor(step / BLENDS_PER_LEVEL)]!);
  }

  /** The image at a level, made anew. */
  imageAt(step: number): FloatImage {
    const fine = this.#mips[Math.floor(step / BLENDS_PER_LEVEL)]!;
    const weight = (step % BLENDS_PER_LEVEL) / BLENDS_PER_LEVEL;
    if (weight === 0) return fine;
    const coarse = this.#mips[Math.floor(step / BLENDS_PER_LEVEL) + 1]!;
    const enlarged = resample(coarse, { ...sizeOf(fine), wraps: this.wraps });
    const rgb = fine.rgb.map((value, i) => value + weight * (enlarged.rgb[i]! - value));
    return { ...sizeOf(fine), rgb };
  }
}

function sizeOf(image: FloatImage): { width: number; height: number } {
  return { width: image.width, height: image.height };
}

/** All images of a model, and the first of each texture (cubes and skyboxes have six in a row). */
export interface TextureSet {
  readonly images: readonly TextureImage[];
  readonly firstImage: Int32Array;
}

export function buildTextures(textures: readonly RenderTexture[]): TextureSet {
  const images: TextureImage[] = [];
  const firstImage = new Int32Array(textures.length);
  textures.forEach((texture, id) => {
    const isCube = texture.type !== TEXTURE_TYPE.flat2d;
    const own = decodeImages(texture).map((image) => new TextureImage(image, !isCube));
    firstImage[id] = images.length;
    for (let face = 0; face < (isCube ? CUBE_FACES : 1); face++) {
      images.push(own[face % own.length]!);
    }
  });
  return { images, firstImage };
}

/**
 * Bilinear sample at (u, v), as `red + green 2^17 + blue 2^34`, each channel 256 times its value
 * (0-255). Coordinates outside [0, 1) repeat the image, or are clamped to its border.
 */
export function sampleLevel(level: TextureLevel, u: number, v: number): number {
  const { texels, width, height, wraps } = level;
  if (wraps) {
    u -= Math.floor(u);
    v -= Math.floor(v);
  } else {
    u = u < 0 ? 0 : u > 1 ? 1 : u;
    v = v < 0 ? 0 : v > 1 ? 1 : v;
  }
  // Half a texel is added instead of subtracted, so that truncation rounds down; hence the -1 below.
  const x = u * width + 0.5;
  const y = v * height + 0.5;
  let right = x | 0;
  let below = y | 0;
  const fx = ((x - right) * 256) | 0;
  const fy = ((y - below) * 256) | 0;
  let left = right - 1;
  let above = below - 1;
  if (left < 0) left = wraps ? width - 1 : 0;
  if (right >= width) right = wraps ? 0 : width - 1;
  if (above < 0) above = wraps ? height - 1 : 0;
  if (below >= height) below = wraps ? 0 : height - 1;
  const rowAbove = above * width;
  const rowBelow = below * width;
  const w11 = (fx * fy) >> 8;
  const w10 = fx - w11;
  const w01 = fy - w11;
  const w00 = 256 - fx - w01;
  return (
    texels[rowAbove + left]! * w00 +
    texels[rowAbove + right]! * w10 +
    texels[rowBelow + left]! * w01 +
    texels[rowBelow + right]! * w11
  );
}

/** Channels of what `sampleLevel` returns, on the scale 0-65280 (255 * 256). */
export function blueOf(sample: number): number {
  return (sample * (1 / BLUE_UNIT)) | 0;
}

/** @param blue as `blueOf` gives it: what remains without it holds green and red */
export function greenOf(sample: number, blue: number): number {
  return ((sample - blue * BLUE_UNIT) * (1 / GREEN_UNIT)) | 0;
}

export function redOf(sample: number, blue: number, green: number): number {
  return sample - blue * BLUE_UNIT - green * GREEN_UNIT;
}

/** What a channel of a sample is divided by to be a factor in [0, 1]. */
export const SAMPLE_UNIT = 255 * 256;
