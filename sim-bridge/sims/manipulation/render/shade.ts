/* eslint-disable max-params -- hot loop: positional parameters instead of an object per pixel */
import { SAMPLE_UNIT, blueOf, greenOf, redOf, sampleLevel } from "./texture.ts";
import type { TextureImage, TextureLevel } from "./texture.ts";
import { PLANE_STRIDE } from "./triangles.ts";
import type { TriangleList } from "./triangles.ts";
import type { VertexLighting } from "./lighting.ts";
import type { RenderScene } from "./scene.ts";
import type { VertexBuffer } from "./vertices.ts";

/**
 * Numbers per triangle: red/w, green/w, blue/w, u/w, v/w as planes over the image (base, d column,
 * d row each).
 */
const ATTRIBUTE_STRIDE = 15;
/** The level of detail of a texture is computed once per this many pixels of a row. */
const LOD_BLOCK = 8;

const floatBits = new Float32Array(1);
const intBits = new Int32Array(floatBits.buffer);

/**
 * `128 log2(x)` as an integer, from the bits of the float: exponent plus mantissa taken as linear,
 * at most 0.09 levels too low before the factor 1/2, as graphics hardware does.
 */
function log2Times128(x: number): number {
  floatBits[0] = x;
  return (intBits[0]! - 0x3f800000) >> 16;
}

/** Colours of visible triangles at pixel centres. */
export interface Shader {
  /** Starts a frame whose triangles are in `triangles`. */
  begin(triangles: TriangleList): void;
  /** Makes room for triangles that were added since; those already shaded stay as they are. */
  ensure(): void;
  /** Colour of a triangle at the centre of pixel (column, row), packed 0x00BBGGRR. */
  shadePixel(triangle: number, column: number, row: number): number;
}

/**
 * The definition of all colours, in JavaScript.
 *
 * Attributes are interpolated with perspective: each, divided by w, is a plane over the image,
 *
 *     attribute(x, y) = (base + dx x + dy y) / (1/w)(x, y)
 *
 * The planes are made when a triangle is first asked for in a frame. A colour depends only on the
 * triangle and the pixel, never on its neighbours in the frame, so a cached background equals a fresh
 * one byte for byte.
 */
export class PlainShader implements Shader {
  readonly #scene: RenderScene;
  readonly #images: readonly TextureImage[];
  readonly #vertices: VertexBuffer;
  readonly #lighting: VertexLighting;
  /** Textures are filtered with the level of detail of each pixel, between two mip levels. */
  readonly #isExact: boolean;
  #triangles: TriangleList;
  #attributes = new Float64Array(0);
  /** Image of the triangle's texture, -1 = none. */
  #image = new Int32Array(0);
  /** Packed colour if it is the same at all corners and there is no texture, else -1. */
  #flat = new Int32Array(0);
  #preparedInFrame = new Int32Array(0);
  #frame = 0;

  constructor(
    scene: RenderScene,
    drawn: { vertices: VertexBuffer; triangles: TriangleList },
    quality: { lighting: VertexLighting; isExact: boolean },
  ) {
    this.#scene = scene;
    this.#images = scene.textures.images;
    this.#vertices = drawn.vertices;
    this.#triangles = drawn.triangles;
    this.#lighting = quality.lighting;
    this.#isExact = quality.isExact;
  }

  begin(triangles: TriangleList): void {
    this.#frame++;
    this.#triangles = triangles;
    this.ensure();
  }

  ensure(): void {
    const needed = this.#triangles.count + 1;
    if (this.#image.length >= needed) return;
    const capacity = Math.max(1024, 2 * needed);
    const grown = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const array = new Int32Array(capacity);
      array.set(old);
      return array;
    };
    const attributes = new Float64Array(ATTRIBUTE_STRIDE * capacity);
    attributes.set(this.#attributes);
    this.#attributes = attributes;
    this.#image = grown(this.#image);
    this.#flat = grown(this.#flat);
    this.#preparedInFrame = grown(this.#preparedInFrame);
  }

  /** Number of the smooth surface a triangle belongs to, see `smoothSurfaces`. */
  surfaceOf(triangle: number): number {
    return this.#scene.vertexSurface[this.#vertices.sceneVertex(this.#triangles.a[triangle]!)]!;
  }

  shadePixel(triangle: number, column: number, row: number): number {
    if (this.#preparedInFrame[triangle] !== this.#frame) this.#prepare(triangle);
    const flat = this.#flat[triangle]!;
    if (flat >= 0) return flat;
    const { planes } = this.#triangles;
    const attributes = this.#attributes;
    const x = column + 0.5;
    const y = row + 0.5;
    const p = PLANE_STRIDE * triangle;
    const o = ATTRIBUTE_STRIDE * triangle;
    const w = 1 / (planes[p]! + planes[p + 1]! * x + planes[p + 2]! * y);
    const red = (attributes[o]! + attributes[o + 1]! * x + attributes[o + 2]! * y) * w;
    const green = (attributes[o + 3]! + attributes[o + 4]! * x + attributes[o + 5]! * y) * w;
    const blue = (attributes[o + 6]! + attributes[o + 7]! * x + attributes[o + 8]! * y) * w;
    const image = this.#image[triangle]!;
    if (image < 0) return pack(red, green, blue);
    const u = (attributes[o + 9]! + attributes[o + 10]! * x + attributes[o + 11]! * y) * w;
    const v = (attributes[o + 12]! + attributes[o + 13]! * x + attributes[o + 14]! * y) * w;
    const texel = this.#isExact
      ? this.#images[image]!.sampleBetween(this.#lodAt(triangle, image, x, y), u, v)
      : sampleLevel(this.#levelAt(triangle, image, column, y), u, v);
    const texelBlue = blueOf(texel);
    const texelGreen = greenOf(texel, texelBlue);
    const texelRed = redOf(texel, texelBlue, texelGreen);
    return (
      modulate(clamp(red), texelRed) |
      (modulate(clamp(green), texelGreen) << 8) |
      (modulate(clamp(blue), texelBlue) << 16)
    );
  }

  /**
   * Shades pixels [start, end) of a row that lie inside one triangle, into bytes of `rgb` from `byte`
   * on: the same numbers as `shadePixel`, with the constants of the row kept in registers. Inside the
   * triangle colours lie between those of its corners, so nothing is clamped.
   */
  shadeRun(
    triangle: number,
    row: number,
    start: number,
    end: number,
    rgb: Uint8Array,
    byte: number, // positional here and below: some thousand calls per frame
  ): void {
    if (this.#preparedInFrame[triangle] !== this.#frame) this.#prepare(triangle);
    if (this.#flat[triangle]! >= 0) {
      fillFlat(this.#flat[triangle]!, rgb, byte, byte + 3 * (end - start));
      return;
    }
    const { planes } = this.#triangles;
    const attributes = this.#attributes;
    const y = row + 0.5;
    const p = PLANE_STRIDE * triangle;
    const o = ATTRIBUTE_STRIDE * triangle;
    const image = this.#image[triangle]!;
    const w0 = planes[p]!;
    const wx = planes[p + 1]!;
    const wy = planes[p + 2]! * y;
    const red0 = attributes[o]!;
    const redX = attributes[o + 1]!;
    const redY = attributes[o + 2]! * y;
    const green0 = attributes[o + 3]!;
    const greenX = attributes[o + 4]!;
    const greenY = attributes[o + 5]! * y;
    const blue0 = attributes[o + 6]!;
    const blueX = attributes[o + 7]!;
    const blueY = attributes[o + 8]! * y;
    if (image < 0) {
      for (let column = start, at = byte; column < end; column++, at += 3) {
        const x = column + 0.5;
        const w = 1 / (w0 + wx * x + wy);
        rgb[at] = ((red0 + redX * x + redY) * w + 0.5) | 0;
        rgb[at + 1] = ((green0 + greenX * x + greenY) * w + 0.5) | 0;
        rgb[at + 2] = ((blue0 + blueX * x + blueY) * w + 0.5) | 0;
      }
      return;
    }
    if (this.#isExact) {
      for (let column = start, at = byte; column < end; column++, at += 3) {
        writePacked(rgb, at, this.shadePixel(triangle, column, row));
      }
      return;
    }
    const u0 = attributes[o + 9]!;
    const ux = attributes[o + 10]!;
    const uy = attributes[o + 11]! * y;
    const v0 = attributes[o + 12]!;
    const vx = attributes[o + 13]!;
    const vy = attributes[o + 14]! * y;
    let at = byte;
    for (let column = start; column < end;) {
      const level = this.#levelAt(triangle, image, column, y);
      const blockEnd = (column & -LOD_BLOCK) + LOD_BLOCK;
      const stop = blockEnd < end ? blockEnd : end;
      for (; column < stop; column++, at += 3) {
        const x = column + 0.5;
        const w = 1 / (w0 + wx * x + wy);
        const texel = sampleLevel(level, (u0 + ux * x + uy) * w, (v0 + vx * x + vy) * w);
        const blue = blueOf(texel);
        const green = greenOf(texel, blue);
        rgb[at] = modulate((red0 + redX * x + redY) * w, redOf(texel, blue, green));
        rgb[at + 1] = modulate((green0 + greenX * x + greenY) * w, green);
        rgb[at + 2] = modulate((blue0 + blueX * x + blueY) * w, blue);
      }
    }
  }

  /** The image at the level of detail of a block of LOD_BLOCK pixels, taken at the middle of the block. */
  #levelAt(triangle: number, image: number, column: number, y: number): TextureLevel {
    const middle = (column & -LOD_BLOCK) + LOD_BLOCK / 2;
    return this.#images[image]!.levelFor(this.#lodAt(triangle, image, middle, y));
  }

  /**
   * 256 times the level of detail at a point of the picture: log2 of the longer side of a pixel's footprint
   * in texels (OpenGL 4.6, equation 8.8), from the exact derivatives
   * `du/dx = (d(u/w)/dx - u d(1/w)/dx) w`.
   */
  #lodAt(triangle: number, image: number, x: number, y: number): number {
    const { planes } = this.#triangles;
    const attributes = this.#attributes;
    const p = PLANE_STRIDE * triangle;
    const o = ATTRIBUTE_STRIDE * triangle + 9;
    const wx = planes[p + 1]!;
    const wy = planes[p + 2]!;
    const w = 1 / (planes[p]! + wx * x + wy * y);
    const u = (attributes[o]! + attributes[o + 1]! * x + attributes[o + 2]! * y) * w;
    const v = (attributes[o + 3]! + attributes[o + 4]! * x + attributes[o + 5]! * y) * w;
    const texture = this.#images[image]!;
    const scaleU = texture.width * w;
    const scaleV = texture.height * w;
    const dudx = (attributes[o + 1]! - u * wx) * scaleU;
    const dvdx = (attributes[o + 4]! - v * wx) * scaleV;
    const dudy = (attributes[o + 2]! - u * wy) * scaleU;
    const dvdy = (attributes[o + 5]! - v * wy) * scaleV;
    const alongX = dudx * dudx + dvdx * dvdx;
    const alongY = dudy * dudy + dvdy * dvdy;
    return log2Times128(alongX > alongY ? alongX : alongY);
  }

  /** Lights the corners of a triangle and makes its attribute planes. */
  #prepare(triangle: number): void {
    this.#preparedInFrame[triangle] = this.#frame;
    const triangles = this.#triangles;
    const a = triangles.a[triangle]!;
    const b = triangles.b[triangle]!;
    const c = triangles.c[triangle]!;
    const lighting = this.#lighting;
    lighting.light(a);
    lighting.light(b);
    lighting.light(c);
    const { colours } = lighting;
    const vertices = this.#vertices;
    const image = this.#scene.vertexImage[vertices.sceneVertex(a)]!;
    this.#image[triangle] = image;
    if (image < 0 && this.#isFlat(a, b, c)) {
      this.#flat[triangle] = pack(colours[3 * a]!, colours[3 * a + 1]!, colours[3 * a + 2]!);
      return;
    }
    this.#flat[triangle] = -1;
    const { column, row, inverseW } = vertices;
    const ax = column[a]!;
    const ay = row[a]!;
    const bx = column[b]! - ax;
    const by = row[b]! - ay;
    const cx = column[c]! - ax;
    const cy = row[c]! - ay;
    const scale = 1 / (bx * cy - cx * by);
    const wa = inverseW[a]!;
    const wb = inverseW[b]!;
    const wc = inverseW[c]!;
    const attributes = this.#attributes;
    const count = image < 0 ? 3 : 5;
    let o = ATTRIBUTE_STRIDE * triangle;
    for (let attribute = 0; attribute < count; attribute++, o += 3) {
      const isColour = attribute < 3;
      const axis = attribute - 3;
      const va = (isColour ? colours[3 * a + attribute]! : vertices.texcoord(a, axis)) * wa;
      const vb = (isColour ? colours[3 * b + attribute]! : vertices.texcoord(b, axis)) * wb;
      const vc = (isColour ? colours[3 * c + attribute]! : vertices.texcoord(c, axis)) * wc;
      const dx = ((vb - va) * cy - (vc - va) * by) * scale;
      const dy = ((vc - va) * bx - (vb - va) * cx) * scale;
      attributes[o] = va - dx * ax - dy * ay;
      attributes[o + 1] = dx;
      attributes[o + 2] = dy;
    }
  }

  #isFlat(a: number, b: number, c: number): boolean {
    const { colours } = this.#lighting;
    for (let channel = 0; channel < 3; channel++) {
      const value = colours[3 * a + channel]!;
      if (value !== colours[3 * b + channel] || value !== colours[3 * c + channel]) return false;
    }
    return true;
  }
}

function clamp(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Colours on the scale 0-255, clamped and rounded: beyond an edge they are extrapolated. */
function pack(red: number, green: number, blue: number): number {
  return (
    (clamp(red) + 0.5) | 0 | (((clamp(green) + 0.5) | 0) << 8) | (((clamp(blue) + 0.5) | 0) << 16)
  );
}

/** One channel of a lit colour (0-255) times that of a texture sample. */
function modulate(lit: number, sample: number): number {
  return (lit * sample * (1 / SAMPLE_UNIT) + 0.5) | 0;
}

/** Writes the three channels of a packed colour. */
export function writePacked(rgb: Uint8Array, byte: number, colour: number): void {
  rgb[byte] = colour & 255;
  rgb[byte + 1] = (colour >> 8) & 255;
  rgb[byte + 2] = colour >> 16;
}

function fillFlat(colour: number, rgb: Uint8Array, start: number, end: number): void {
  const red = colour & 255;
  const green = (colour >> 8) & 255;
  const blue = colour >> 16;
  for (let at = start; at < end; at += 3) {
    rgb[at] = red;
    rgb[at + 1] = green;
    rgb[at + 2] = blue;
  }
}
